//! Where the real binary is.

use std::env;
use std::path::PathBuf;

/// Finds `rollcall` in the folder above the test executable's, where cargo builds it.
///
/// # Panics
/// It was not built.
pub(crate) fn rollcall() -> PathBuf {
    let test = env::current_exe().expect("a running test has an executable");
    let built = test
        .ancestors()
        .nth(2)
        .map(|folder| folder.join("rollcall"));
    match built {
        Some(built) if built.is_file() => built,
        _ => panic!(
            "the binary `rollcall` is not beside the tests; run `cargo build -p daemon` first"
        ),
    }
}
