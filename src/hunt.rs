//! The hunt for leaks through a series of files, for the command line and for JavaScript alike.
//!
//! Earlier files are read one after the other and boiled down; only the last one is kept whole. So the memory
//! needed is that of the largest file, and a little for each of the others.

use std::path::{Path, PathBuf};

use crate::analysis::leaks::{Census, Leaks};
use crate::error::{Code, Error};
use crate::frames;
use crate::graph::Heap;
use crate::opened::{self, Observer, Reading};
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

/// Looks for leaks in files of one process, the earliest one first.
///
/// # Errors
/// If there are fewer than two files, or one cannot be read.
pub fn run(files: &[PathBuf], reading: Reading, wanted: &Wanted, observer: &dyn Observer) -> Result<LeakReport, Error> {
    let [earlier @ .., last] = files else {
        return Err(too_few());
    };
    if earlier.is_empty() {
        return Err(too_few());
    }
    let open = |file: &Path| -> Result<(SnapshotFacts, Snapshot), Error> {
        let snapshot = opened::read(file, reading, observer)?;
        Ok((SnapshotFacts::of_snapshot(&file.to_string_lossy(), &snapshot), snapshot))
    };
    let mut censuses = Vec::new();
    let mut all_facts = Vec::new();
    for file in earlier {
        let (facts, snapshot) = open(file)?;
        all_facts.push(facts);
        observer.step("what there was");
        censuses.push(Census::build(snapshot));
    }
    let (facts, snapshot) = open(last)?;
    all_facts.push(facts);
    observer.step("dominators and retained sizes");
    let heap = Heap::without_distances(snapshot);
    observer.step("what grows");
    let leaks = Leaks::find(&heap, &censuses);
    let mut report = LeakReport::build(all_facts, &heap, &leaks, wanted.top, wanted.filter.as_deref());
    if reading.redact.is_none() {
        // A line of the source may hold anything.
        frames::attach(&mut report, last);
    }
    if let Some((fact, hint)) = report.doubt() {
        observer.warning(fact.to_owned(), hint);
    }
    Ok(report)
}

fn too_few() -> Error {
    Error::new(Code::Argument, "a search for leaks takes two files or more")
}
