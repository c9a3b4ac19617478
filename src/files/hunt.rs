//! The hunt for leaks through a series of files, for the command line and for JavaScript alike.
//!
//! Earlier files are read one after the other and boiled down; only the last one is kept whole. So the memory
//! needed is that of the largest file, and a little for each of the others.

use std::path::{Path, PathBuf};

use super::{Observer, Reading, frames};
use crate::analysis::Comparability;
use crate::analysis::leaks::{Census, Leaks};
use crate::error::{Code, Error};
use crate::graph::Heap;
use crate::report::{LeakReport, SnapshotFacts};
use crate::snapshot::{Provenance, Snapshot};

/// Which suspects are wanted.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// At most so many; `None` for all.
    pub top: Option<usize>,
    /// Only those with this text in their owner, cause, class or place, in either case.
    pub filter: Option<String>,
}

/// Looks for leaks in files of one process, or of runs of one program, the earliest one first.
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
    // What their headers say; where they say nothing, the objects themselves do, and all is done again.
    let mut limit = declared(files);
    loop {
        match search(earlier, last, reading, limit, observer)? {
            Search::Done(all_facts, heap, leaks) => {
                let mut report = LeakReport::build(all_facts, &heap, &leaks, wanted.top, wanted.filter.as_deref());
                if reading.redact.is_none() {
                    // A line of the source may hold anything.
                    frames::attach(&mut report, last);
                }
                if let Some((fact, hint)) = report.doubt() {
                    observer.warning(fact.to_owned(), hint);
                }
                return Ok(report);
            }
            Search::Fewer(ids) => limit = ids,
        }
    }
}

enum Search {
    Done(Vec<SnapshotFacts>, Box<Heap>, Leaks),
    /// Only ids up to this one compare.
    Fewer(u32),
}

/// One search, with objects told by their ids up to this one.
fn search(
    earlier: &[PathBuf],
    last: &Path,
    reading: Reading,
    limit: u32,
    observer: &dyn Observer,
) -> Result<Search, Error> {
    let mut censuses: Vec<Census> = Vec::new();
    let mut all_facts = Vec::new();
    for file in earlier.iter().map(PathBuf::as_path).chain([last]) {
        let snapshot = super::read(file, reading, observer)?;
        all_facts.push(SnapshotFacts::of_snapshot(&file.to_string_lossy(), &snapshot));
        let ids = censuses
            .iter()
            .map(|census| census.comparability(&snapshot).limit().unwrap_or(0));
        if let Some(ids) = ids.min().filter(|ids| *ids < limit) {
            return Ok(Search::Fewer(ids));
        }
        if all_facts.len() <= earlier.len() {
            observer.step("what there was");
            censuses.push(Census::build(snapshot, limit));
            continue;
        }
        observer.step("dominators and retained sizes");
        let heap = Heap::without_distances(snapshot);
        observer.step("what grows");
        let leaks = Leaks::find(&heap, &censuses);
        return Ok(Search::Done(all_facts, Box::new(heap), leaks));
    }
    Err(too_few())
}

/// Up to which id objects of all these files are the same, as far as their headers say.
fn declared(files: &[PathBuf]) -> u32 {
    let headers: Vec<Option<Provenance>> = files
        .iter()
        .map(|file| {
            // What is in a pipe can be read once only.
            let header = file.is_file().then(|| Snapshot::header(file).ok())?;
            header?.provenance
        })
        .collect();
    let pairs = headers
        .windows(2)
        .filter_map(|pair| Comparability::declared(pair[0].as_ref(), pair[1].as_ref()));
    pairs.map(|ids| ids.limit().unwrap_or(0)).min().unwrap_or(u32::MAX)
}

fn too_few() -> Error {
    Error::new(Code::Argument, "a search for leaks takes two files or more")
}
