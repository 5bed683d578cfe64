//! `status`: how the daemon that runs is.

mod page;

use std::io::{self, Write as _};
use std::path::Path;

use jiff::tz::{TimeZone, TimeZoneDatabase};

use crate::arguments::Status;
use crate::exit::Exit;

pub(crate) async fn status(path: &Path, command: &Status) -> anyhow::Result<Exit> {
    let status = super::pause::daemon(path).await?.status().await?;
    let mut stdout = io::stdout().lock();
    if command.json {
        serde_json::to_writer_pretty(&mut stdout, &status)?;
        writeln!(stdout)?;
    } else {
        // A zone that only another version knows is no reason to show nothing.
        let zones = TimeZoneDatabase::bundled();
        let zone = zones.get(&status.config.timezone).unwrap_or(TimeZone::UTC);
        write!(stdout, "{}", page::page(&status, &zone))?;
    }
    Ok(Exit::Done)
}
