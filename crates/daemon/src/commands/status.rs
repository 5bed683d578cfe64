//! `status`: how the daemon that runs is.

mod page;

use std::path::Path;

use jiff::tz::{TimeZone, TimeZoneDatabase};

use crate::arguments::Status;
use crate::exit::Exit;
use crate::output::{self, Screen};

pub(crate) async fn status(path: &Path, command: &Status) -> anyhow::Result<Exit> {
    let status = super::pause::daemon(path).await?.status().await?;
    if command.json {
        output::json(&status)?;
    } else {
        // A zone that only another version knows is no reason to show nothing.
        let zones = TimeZoneDatabase::bundled();
        let zone = zones.get(&status.config.timezone).unwrap_or(TimeZone::UTC);
        write!(Screen::stdout(), "{}", page::page(&status, &zone))?;
    }
    Ok(Exit::Done)
}
