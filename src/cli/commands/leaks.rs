//! `leaks`: what grows through the snapshots of a process and will not stop.

use std::path::PathBuf;

use super::super::ExitStatus;
use super::super::args::{Reading, Shown};
use super::super::failure::{Failure, warn};
use super::super::progress::Progress;
use super::{open, show};
use crate::hunt::{self, Wanted};

pub(super) fn run(
    files: &[PathBuf],
    reading: Reading,
    wanted: &Wanted,
    fail_on_leak: bool,
    how: Shown,
) -> Result<ExitStatus, Failure> {
    let progress = Progress::new();
    let report = hunt::run(
        files,
        wanted,
        |file| open(file, reading, &progress),
        |what| progress.step(what),
    )?;
    let report = report.ok_or_else(|| Failure::argument("a search for leaks takes two files or more"))?;
    drop(progress);
    if let Some((fact, hint)) = report.doubt() {
        warn(fact, hint);
    }
    let found = fail_on_leak && !report.suspects.is_empty();
    show(&report, how)?;
    Ok(if found { ExitStatus::FOUND } else { ExitStatus::DONE })
}
