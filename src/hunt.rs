//! The hunt for leaks through a series of files, for the command line and for JavaScript alike.
//!
//! Earlier files are read one after the other and boiled down; only the last one is kept whole. So the memory
//! needed is that of the largest file, and a little for each of the others.

use std::path::{Path, PathBuf};

use crate::analysis::leaks::{Census, Leaks};
use crate::frames;
use crate::graph::Heap;
use crate::report::{LeakReport, SnapshotFacts};
use crate::snapshot::Snapshot;

/// Which suspects are wanted.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// At most so many; `None` for all.
    pub top: Option<usize>,
    /// Only those with this text in their owner, cause, class or place, in either case.
    pub filter: Option<String>,
}

/// Looks for leaks in files of one process, the earliest one first. `open` reads a file, `step` is told what is
/// being done.
///
/// # Errors
/// Those of `open`.
pub fn run<E>(
    files: &[PathBuf],
    wanted: &Wanted,
    mut open: impl FnMut(&Path) -> Result<Snapshot, E>,
    step: impl Fn(&'static str),
) -> Result<Option<LeakReport>, E> {
    let [earlier @ .., last] = files else {
        return Ok(None);
    };
    let mut censuses = Vec::new();
    let mut facts = Vec::new();
    for file in earlier {
        let snapshot = open(file)?;
        facts.push(SnapshotFacts::of_snapshot(&file.to_string_lossy(), &snapshot));
        step("what there was");
        censuses.push(Census::build(snapshot));
    }
    let snapshot = open(last)?;
    facts.push(SnapshotFacts::of_snapshot(&last.to_string_lossy(), &snapshot));
    step("dominators and retained sizes");
    let heap = Heap::without_distances(snapshot);
    step("what grows");
    let leaks = Leaks::find(&heap, &censuses);
    let mut report = LeakReport::build(facts, &heap, &leaks, wanted.top, wanted.filter.as_deref());
    frames::attach(&mut report, last);
    Ok(Some(report))
}
