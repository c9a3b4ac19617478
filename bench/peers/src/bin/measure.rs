//! Runs a program, and writes what it used: `measure REPORT.json PROGRAM [ARGUMENT…]`.
//!
//! The kernel's own account of the child (`getrusage`): CPU time of all its threads, and the most memory
//! that was resident at once, pages of mapped files included.

use std::process::{Command, ExitCode};
use std::time::Instant;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::{TimeVal, TimeValLike};

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let (Some(report), Some(program)) = (arguments.next(), arguments.next()) else {
        return Err("usage: measure REPORT.json PROGRAM [ARGUMENT...]".into());
    };
    let start = Instant::now();
    let status = Command::new(program).args(arguments).status()?;
    let wall = start.elapsed().as_secs_f64();
    let used = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let seconds = |time: TimeVal| time.num_microseconds() as f64 / 1e6;
    let text = format!(
        "{{\"wall\":{wall:.6},\"user\":{:.6},\"system\":{:.6},\"peakBytes\":{},\"majorFaults\":{}}}\n",
        seconds(used.user_time()),
        seconds(used.system_time()),
        used.max_rss() * 1024,
        used.major_page_faults(),
    );
    std::fs::write(report, text)?;
    Ok(status
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .map_or(ExitCode::FAILURE, ExitCode::from))
}
