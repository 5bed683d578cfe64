//! A console user as the console writes it.

use fastrand::Rng;
use serde_json::{Value, json};

use super::{Population, Slot, Stream, push_text};

/// A predefined role of the console: its id and name.
const ROLES: [(&str, &str); 6] = [
    ("225494730938493804", "Admin"),
    ("225494730938493915", "Viewer"),
    ("397458823410954671", "C-Level"),
    ("397458823410954672", "IR Team"),
    ("397458823410954673", "IT"),
    ("397458823410954674", "SOC"),
];

/// Roles that the company made: users carry the id with a name that says nothing.
const CUSTOM_ROLES: [(&str, &str); 3] = [
    ("1203456789012345601", "SOC L2, nights"),
    ("1203456789012345602", "Auditor (read only)"),
    ("1203456789012345603", "Helpdesk Baile Átha Cliath"),
];

/// The company's accounts.
const ACCOUNTS: [(&str, &str); 2] = [
    ("617755838952421242", "ACME Corporation"),
    ("617755838952421243", "ACME Labs"),
];

/// Its sites, each with the place of its account.
const SITES: [(&str, &str, usize); 5] = [
    ("617755838952421301", "Default site", 0),
    ("617755838952421302", "Dublin", 0),
    ("617755838952421303", "Hà Nội", 0),
    ("617755838952421304", "São Paulo", 0),
    ("617755838952421305", "Research \"West\"", 1),
];

/// The predefined roles as `/rbac/roles` lists them.
pub(crate) fn roles() -> Vec<Value> {
    ROLES.iter().map(|role| listed(role, true)).collect()
}

/// The custom roles as `/rbac/roles` lists them.
pub(crate) fn custom_roles() -> Vec<Value> {
    CUSTOM_ROLES
        .iter()
        .map(|role| listed(role, false))
        .collect()
}

fn listed((id, name): &(&str, &str), predefined: bool) -> Value {
    json!({
        "id": id, "name": name, "scope": "account", "scopeId": ACCOUNTS[0].0, "accountName": ACCOUNTS[0].1,
        "siteName": null, "predefinedRole": predefined, "usersInRoles": 1,
        "createdAt": "2021-03-04T09:12:55.120000Z", "updatedAt": "2021-03-04T09:12:55.120000Z",
        "creator": null, "creatorId": null, "updatedBy": null, "updatedById": null,
    })
}

/// The sites and the accounts, each with its id and name, and a site with its account's id and name.
pub(crate) fn sites() -> (Vec<Value>, Vec<Value>) {
    let sites = SITES.iter().map(|(id, name, account)| {
        let (account_id, account_name) = ACCOUNTS[*account];
        json!({
            "id": id, "name": name, "accountId": account_id, "accountName": account_name, "state": "active",
            "siteType": "Paid", "isDefault": *name == "Default site", "createdAt": "2020-01-02T03:04:05.678901Z",
        })
    });
    let accounts = ACCOUNTS.iter().map(|(id, name)| {
        let sites = SITES.iter().filter(|site| ACCOUNTS[site.2].0 == *id).count();
        json!({
            "id": id, "name": name, "state": "active", "accountType": "Paid", "numberOfSites": sites,
            "createdAt": "2020-01-02T03:04:05.678901Z",
        })
    });
    (sites.collect(), accounts.collect())
}

/// A moment of the past years, as parts.
struct Moment {
    year: u16,
    month: u8,
    day: u8,
    seconds: u32,
    micros: u32,
}

/// The spellings of time that the console uses.
#[derive(Clone, Copy)]
enum Spelling {
    Micros,
    Seconds,
    NoZone,
}

impl Population {
    /// Writes the user's JSON, about 1.3 kB.
    pub(crate) fn write_user(&self, number: u32, out: &mut String) {
        let mut rng = self.rng(number, Stream::User);
        let mut odd = self.rng(number, Stream::Odd);
        let system = self.slot(number) == Slot::System;
        let lean = self.oddities && odd.f64() < 0.08;

        out.push_str("{\"id\":\"");
        push_number(out, self.user_id(number), 1);
        out.push_str("\",\"email\":");
        match self.email(number) {
            Some(email) => push_text(out, &email),
            None => out.push_str("null"),
        }
        out.push_str(",\"fullName\":");
        if system {
            out.push_str("\"SentinelOne System\"");
        } else if self.oddities && odd.f64() < 0.012 {
            out.push_str("null");
        } else {
            let start = out.len();
            out.push('"');
            self.name(number).write_full(out);
            out.push('"');
            debug_assert!(!out[start + 1..out.len() - 1].contains(['"', '\\']));
        }
        self.write_scope(&mut rng, &mut odd, system, lean, out);
        self.write_source(&mut rng, &mut odd, system, out);
        write_times(&mut rng, &mut odd, self.oddities, lean, out);
        write_two_fa(&mut rng, lean, out);
        out.push_str(",\"isSystem\":");
        push_bool(out, system);
        if !lean {
            write_rest(&mut rng, out);
        }
        out.push('}');
    }

    fn write_scope(
        &self,
        rng: &mut Rng,
        odd: &mut Rng,
        system: bool,
        lean: bool,
        out: &mut String,
    ) {
        let scope = match rng.u8(..100) {
            _ if system => "tenant",
            0..3 => "tenant",
            3..25 => "account",
            _ => "site",
        };
        out.push_str(",\"scope\":\"");
        out.push_str(scope);
        out.push_str("\",\"scopeRoles\":[");
        let several = if self.oddities && odd.f64() < 0.07 {
            3
        } else {
            1
        };
        let first_site = rng.usize(..SITES.len());
        let mut lowest = "";
        let mut roles = String::new();
        for place in 0..several {
            let custom = self.oddities && odd.f64() < 0.05;
            let (role_id, role_name) = if custom {
                (CUSTOM_ROLES[odd.usize(..CUSTOM_ROLES.len())].0, "Custom")
            } else {
                // Most people may only look.
                let role = if rng.u8(..100) < 60 {
                    1
                } else {
                    rng.usize(..ROLES.len())
                };
                ROLES[role]
            };
            lowest = role_name;
            let site = SITES[(first_site + place) % SITES.len()];
            let (id, name, account) = match scope {
                "tenant" => ("", "Global", ""),
                "account" => {
                    let account = ACCOUNTS[(first_site + place) % ACCOUNTS.len()];
                    (account.0, account.1, account.1)
                }
                _ => (site.0, site.1, ACCOUNTS[site.2].1),
            };
            if place > 0 {
                roles.push(',');
            }
            roles.push_str("{\"id\":");
            if id.is_empty() {
                roles.push_str("null");
            } else {
                push_text(&mut roles, id);
            }
            roles.push_str(",\"name\":");
            push_text(&mut roles, name);
            roles.push_str(",\"accountName\":");
            push_text(&mut roles, account);
            roles.push_str(",\"roleId\":\"");
            roles.push_str(role_id);
            roles.push_str("\",\"roleName\":\"");
            roles.push_str(role_name);
            roles.push_str("\",\"roles\":[\"");
            roles.push_str(role_name);
            roles.push_str("\"]}");
        }
        out.push_str(&roles);
        out.push(']');
        if !lean {
            out.push_str(",\"siteRoles\":[");
            if scope == "site" {
                out.push_str(&roles);
            }
            out.push_str("],\"tenantRoles\":[");
            if scope == "tenant" {
                out.push('"');
                out.push_str(lowest);
                out.push('"');
            }
            out.push_str("],\"lowestRole\":\"");
            out.push_str(lowest);
            out.push('"');
        }
    }

    fn write_source(&self, rng: &mut Rng, odd: &mut Rng, system: bool, out: &mut String) {
        let source = match rng.u8(..100) {
            _ if system => "global",
            _ if self.oddities && odd.f64() < 0.015 => "google_oidc",
            0..45 => "mgmt",
            45..90 => "sso_saml",
            _ => "active_directory",
        };
        out.push_str(",\"source\":\"");
        out.push_str(source);
        out.push('"');
    }
}

fn write_times(rng: &mut Rng, odd: &mut Rng, oddities: bool, lean: bool, out: &mut String) {
    let spelling = match odd.u8(..100) {
        _ if !oddities => Spelling::Micros,
        0..70 => Spelling::Micros,
        70..85 => Spelling::Seconds,
        _ => Spelling::NoZone,
    };
    let joined = Moment::in_year(rng, 2022);
    let never_logged_in = oddities && odd.f64() < 0.06;
    for (name, year) in [("firstLogin", 2023), ("lastLogin", 2025)] {
        let moment = Moment::in_year(rng, year);
        if never_logged_in {
            if !lean {
                out.push_str(",\"");
                out.push_str(name);
                out.push_str("\":null");
            }
            continue;
        }
        out.push_str(",\"");
        out.push_str(name);
        out.push_str("\":\"");
        moment.write(spelling, out);
        out.push('"');
    }
    out.push_str(",\"dateJoined\":\"");
    joined.write(spelling, out);
    out.push_str("\",\"apiToken\":");
    if rng.u8(..100) < 80 {
        out.push_str("null");
    } else {
        out.push_str("{\"createdAt\":\"");
        Moment::in_year(rng, 2025).write(spelling, out);
        out.push_str("\",\"expiresAt\":\"");
        Moment::in_year(rng, 2027).write(spelling, out);
        out.push_str("\"}");
    }
}

fn write_two_fa(rng: &mut Rng, lean: bool, out: &mut String) {
    let enabled = rng.u8(..100) < 85;
    let configured = enabled && rng.u8(..100) < 90;
    out.push_str(",\"twoFaEnabled\":");
    push_bool(out, enabled);
    if lean {
        return;
    }
    out.push_str(",\"twoFaEnabledReadOnly\":");
    push_bool(out, rng.u8(..100) < 30);
    out.push_str(",\"twoFaConfigured\":");
    push_bool(out, configured);
    let status = match (configured, rng.u8(..100)) {
        (true, _) => "configured",
        (false, 0..60) => "not_configured",
        (false, 60..80) => "enrolled",
        (false, _) => "enrollment_expired",
    };
    out.push_str(",\"twoFaStatus\":\"");
    out.push_str(status);
    out.push_str("\",\"primaryTwoFaMethod\":");
    out.push_str(match (configured, rng.u8(..100)) {
        (true, 0..70) => "\"application\"",
        (true, 70..80) => "\"sms\"",
        _ => "null",
    });
}

fn write_rest(rng: &mut Rng, out: &mut String) {
    let bits = rng.u16(..);
    for (place, name) in [
        "emailReadOnly",
        "fullNameReadOnly",
        "groupsReadOnly",
        "canGenerateApiToken",
        "agreedEula",
        "allowRemoteShell",
        "emailVerified",
    ]
    .into_iter()
    .enumerate()
    {
        out.push_str(",\"");
        out.push_str(name);
        out.push_str("\":");
        push_bool(out, bits >> place & 1 == 1);
    }
    out.push_str(",\"agreementUrl\":null,\"globalUserId\":");
    if rng.u8(..100) < 50 {
        out.push_str("null");
    } else {
        out.push('"');
        push_number(
            out,
            rng.u64(1_000_000_000_000_000_000..2_000_000_000_000_000_000),
            1,
        );
        out.push('"');
    }
    out.push_str(",\"globalOrganizationId\":null");
}

impl Moment {
    fn in_year(rng: &mut Rng, year: u16) -> Self {
        Self {
            year,
            month: rng.u8(1..=12),
            day: rng.u8(1..=28),
            seconds: rng.u32(..86_400),
            micros: rng.u32(1..1_000_000),
        }
    }

    fn write(&self, spelling: Spelling, out: &mut String) {
        push_number(out, u64::from(self.year), 4);
        out.push('-');
        push_number(out, u64::from(self.month), 2);
        out.push('-');
        push_number(out, u64::from(self.day), 2);
        out.push('T');
        push_number(out, u64::from(self.seconds / 3_600), 2);
        out.push(':');
        push_number(out, u64::from(self.seconds / 60 % 60), 2);
        out.push(':');
        push_number(out, u64::from(self.seconds % 60), 2);
        match spelling {
            Spelling::Micros => {
                out.push('.');
                push_number(out, u64::from(self.micros), 6);
                out.push('Z');
            }
            Spelling::Seconds => out.push('Z'),
            Spelling::NoZone => {}
        }
    }
}

fn push_bool(out: &mut String, value: bool) {
    out.push_str(if value { "true" } else { "false" });
}

/// The number with at least so many digits.
fn push_number(out: &mut String, mut number: u64, digits: usize) {
    let mut buffer = [b'0'; 20];
    let mut start = buffer.len();
    while number > 0 || buffer.len() - start < digits {
        start -= 1;
        buffer[start] = b'0' + u8::try_from(number % 10).expect("a digit");
        number /= 10;
    }
    out.push_str(std::str::from_utf8(&buffer[start..]).expect("digits are ASCII"));
}
