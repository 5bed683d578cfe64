//! The binary `rollcall`.

use std::process::ExitCode;

fn main() -> ExitCode {
    daemon::main()
}
