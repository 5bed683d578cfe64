//! The record that Oomnitza has of a user from before any load.

use std::fmt::Write as _;

use super::{Population, Stream, push_text};

/// The fields of an Oomnitza user that every instance has, in the order in which they are written here.
pub(crate) const BUILT_IN: [&str; 19] = [
    "user_id",
    "uid",
    "username",
    "full_name",
    "first_name",
    "last_name",
    "email",
    "phone_number",
    "position",
    "address",
    "suspended",
    "role",
    "external_id",
    "email_subscription",
    "last_login_date",
    "creation_date",
    "created_by",
    "change_date",
    "changed_by",
];

/// The id of the person at a place of the list: ids ascend in the order in which people were made.
pub(crate) fn person_id(seed: u64, place: usize) -> String {
    let place = u64::try_from(place).expect("a place fits 64 bits");
    let mut rng = fastrand::Rng::with_seed(seed.rotate_left(17) ^ place);
    format!("{:08X}{:024X}", place + 1, rng.u128(..1 << 96))
}

impl Population {
    /// Writes the JSON of the person at a place, with these custom fields as null.
    pub(crate) fn write_person(
        &self,
        place: usize,
        number: u32,
        custom: &[String],
        out: &mut String,
    ) {
        let mut rng = self.rng(number, Stream::Stale);
        let name = self.name(number);
        let email = self.email(number).unwrap_or_default();
        // One in eight kept a family name that is no longer right; one in ten never got a first name.
        let last = if rng.u8(..) < 32 {
            "Maiden-Name"
        } else {
            name.last()
        };
        let first = if rng.u8(..) < 26 { "" } else { name.first() };

        out.push_str("{\"user_id\":\"");
        out.push_str(&person_id(self.seed, place));
        // Writing to a String cannot fail.
        let _ = write!(out, "\",\"uid\":{}", place + 1);
        out.push_str(",\"username\":");
        push_text(out, &email);
        out.push_str(",\"full_name\":\"");
        out.push_str(first);
        if !first.is_empty() && !last.is_empty() {
            out.push(' ');
        }
        out.push_str(last);
        out.push_str("\",\"first_name\":");
        push_optional(out, first);
        out.push_str(",\"last_name\":");
        push_optional(out, last);
        out.push_str(",\"email\":");
        push_text(out, &email);
        out.push_str(",\"phone_number\":");
        if rng.bool() {
            let _ = write!(out, "\"+353 1 555 {:04}\"", rng.u16(..10_000));
        } else {
            out.push_str("\"\"");
        }
        out.push_str(",\"position\":");
        out.push_str(["\"Engineer\"", "\"Analyst\"", "null", "\"\""][rng.usize(..4)]);
        out.push_str(",\"address\":null,\"suspended\":");
        out.push_str(if rng.u8(..) < 8 { "true" } else { "false" });
        out.push_str(",\"role\":");
        out.push_str(if rng.u8(..) < 12 { "23" } else { "25" });
        let created = 1_600_000_000 + rng.u32(..100_000_000);
        let _ = write!(
            out,
            ",\"external_id\":null,\"email_subscription\":true,\"last_login_date\":null,\"creation_date\":{created},\
             \"created_by\":\"csv.import\",\"change_date\":{created},\"changed_by\":\"csv.import\""
        );
        for field in custom {
            out.push_str(",\"");
            out.push_str(field);
            out.push_str("\":null");
        }
        out.push('}');
    }
}

fn push_optional(out: &mut String, text: &str) {
    if text.is_empty() {
        out.push_str("null");
    } else {
        push_text(out, text);
    }
}
