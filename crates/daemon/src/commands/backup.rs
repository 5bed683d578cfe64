//! `backup`: a consistent copy of the database, while whoever wants writes to it.

use std::fs;
use std::path::Path;

use crate::exit::Exit;
use crate::output;
use crate::{app, config};

/// Copies the database of the configuration at `path`, which may have faults, to a new file.
pub(crate) async fn backup(path: &Path, to: &Path) -> anyhow::Result<Exit> {
    let store = app::read_store_in(&config::state_dir(path)).await?;
    store.backup(to).await?;
    let bytes = fs::metadata(to)?.len();
    output::say!(
        "`{}`: {}, a copy of the whole database",
        to.display(),
        size(bytes)
    )?;
    Ok(Exit::Done)
}

/// A number of bytes for a person.
fn size(bytes: u64) -> String {
    const MEGABYTE: u64 = 1_000_000;
    // Rounded up, so that nothing is never said of something.
    let tenths = bytes.div_ceil(MEGABYTE / 10);
    format!("{}.{} MB", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_are_rounded_up_to_a_tenth_of_a_megabyte() {
        let sizes = [4_096, 1_000_000, 1_000_001, 12_340_000].map(size);
        assert_eq!(sizes, ["0.1 MB", "1.0 MB", "1.1 MB", "12.4 MB"]);
    }
}
