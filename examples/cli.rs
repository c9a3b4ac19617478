//! The command line without Node: `cli summary FILE`.

use std::process::ExitCode;

fn main() -> ExitCode {
    let status = rs_heapdump::cli::run(std::env::args_os().skip(1), ".".as_ref());
    ExitCode::from(status.0)
}
