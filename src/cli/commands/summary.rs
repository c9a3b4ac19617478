//! `summary`: one file, all figures.

use std::path::Path;

use super::super::args::{Reading, Shown};
use super::super::failure::Failure;
use super::super::progress::Progress;
use super::{build, name, open, show};
use crate::analysis::{Classes, Interfaces};
use crate::report::{Selection, SortSummary, Summary};

pub(super) fn run(
    file: &Path,
    reading: Reading,
    selection: &Selection<SortSummary>,
    shown: Shown,
) -> Result<(), Failure> {
    let progress = Progress::new();
    let snapshot = open(file, reading, &progress)?;
    progress.step("classes");
    let interfaces = Interfaces::infer(&snapshot);
    let classes = Classes::build(&snapshot, &interfaces);
    let heap = build(snapshot, &progress);
    let summary = Summary::build(&name(file), &heap, &classes, selection);
    drop(progress);
    show(&summary, shown)
}
