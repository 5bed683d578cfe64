//! What `check` says: tried on whole files, since a fault is only as good as its place.

mod cases;
mod changes;
mod effective;
mod files;
mod kept;
mod notify;
mod properties;
mod secret_files;
mod unknown;

use std::path::Path;

use super::{Fault, Loaded, parse};

/// A file without faults; the cases change a line or two of it.
const SOUND: &str = r#"timezone: Europe/Dublin
variables:
  Console: https://acme.sentinelone.net
credentials:
  sentinelone:
    header: Authorization
    value: "ApiToken {{ secret }}"
    secret: { env: SENTINELONE_TOKEN }
  oomnitza:
    header: Authorization2
    secret: { systemd: oomnitza-token }
http:
  timeout: 60s
integrations:
  users:
    name: Users
    source:
      kind: sentinelone.users
      url: "{{ variables['Console'] }}"
      credential: sentinelone
      site_ids: [225494730938493804]
      where: not isSystem
    target:
      kind: oomnitza.users
      url: https://acme.oomnitza.com
      credential: oomnitza
      delivery: rest
    preference: update_only
    sync_keys: [email]
    mapping:
      email: email
      role: { from: lowestRole, table: { Admin: 23 }, otherwise: 25 }
    schedule:
      at: "02:00"
log:
  level: info
"#;

fn read(text: &str) -> Result<Loaded, Vec<Fault>> {
    parse(text, Path::new("rollcall.yaml"))
}

/// The faults of a text, a line each.
fn faults(text: &str) -> String {
    lines(&read(text).err().unwrap_or_default())
}

fn lines(faults: &[Fault]) -> String {
    let lines: Vec<String> = faults.iter().map(Fault::to_string).collect();
    lines.join("\n")
}

/// The sound file with each of some texts, which must be there, replaced by another.
fn with(changes: &[(&str, &str)]) -> String {
    changes
        .iter()
        .fold(SOUND.to_owned(), |text, (written, instead)| {
            assert!(text.contains(written), "the sound file has `{written}`");
            text.replacen(written, instead, 1)
        })
}
