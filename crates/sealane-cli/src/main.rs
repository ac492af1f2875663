//! The `sealane` program; all of it lives in the library, where it can be tested.

use std::process::ExitCode;

fn main() -> ExitCode {
    sealane_cli::run(std::env::args_os())
}
