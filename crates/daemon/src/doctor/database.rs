//! The database: whether it is one, of which version, and whether it is sound.

use std::path::Path;

use store::{Cause, Examination};
use tokio::time::{Instant, timeout_at};

use super::finding::{Finding, State};

const CHECK: &str = "database";

/// Looks through the database of a folder, for as long as there is time.
pub(super) async fn examine(state_dir: &Path, deadline: Instant) -> Finding {
    let path = state_dir.join("rollcall.db");
    let shown = path.display();
    match path.try_exists() {
        Ok(false) => {
            let message = format!("there is no `{shown}` yet, the first run makes it");
            return Finding::ok(CHECK, message);
        }
        Err(error) => {
            let message = format!("`{shown}` cannot be seen ({error})");
            let hint = "be root, or a member of the group that owns the folder";
            return Finding::fail(CHECK, message, hint);
        }
        Ok(true) => {}
    }
    match timeout_at(deadline, store::examine(&path)).await {
        Ok(Ok(found)) => judge(&path, &found),
        Ok(Err(error)) if error.cause() == Cause::Locked => Finding::warn(
            CHECK,
            load::chain(&error),
            "see whether a load goes on, and look again",
        ),
        Ok(Err(error)) => Finding::told(
            CHECK,
            State::Fail,
            &load::chain(&error),
            "see \"When something is wrong\" in operations.md",
        ),
        Err(_) => Finding::warn(
            CHECK,
            format!("`{shown}` is too large to be looked through in the time"),
            "the daemon looks through it at its start; `sqlite3 -readonly FILE 'PRAGMA quick_check'` does too",
        ),
    }
}

fn judge(path: &Path, found: &Examination) -> Finding {
    let shown = path.display();
    if !found.damage.is_empty() {
        let message = format!("`{shown}` is damaged ({})", found.damage.join(", "));
        let hint = "stop the daemon and put the latest backup in its place";
        return Finding::fail(CHECK, message, hint);
    }
    match found.version {
        Some(version) if version == found.newest => {
            let message = format!("`{shown}` is sound, its tables are of version {version}");
            Finding::ok(CHECK, message)
        }
        version => {
            let version = version.map_or("none".to_owned(), |version| version.to_string());
            let newest = found.newest;
            let message = format!("`{shown}` is sound, its tables are of version {version}");
            let hint = format!("the next start brings them to {newest}, after a copy");
            Finding::ok(CHECK, message).with_hint(&hint)
        }
    }
}
