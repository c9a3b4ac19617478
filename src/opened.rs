//! A snapshot that stays open for one question after another, as JavaScript asks them.
//!
//! ```no_run
//! use rs_heapdump::opened::Opened;
//! use rs_heapdump::report::{Selection, SortSummary};
//!
//! let snapshot = Opened::open("after.heapsnapshot".as_ref(), false)?;
//! let everything = Selection { sort: SortSummary::Retained, top: None, filter: None };
//! let summary = snapshot.summary(&everything);
//! # Ok::<(), rs_heapdump::error::Error>(())
//! ```
//!
//! Opening costs what `rs-heapdump summary` costs, in time and in memory; the answers come from what
//! was computed then. Only a comparison reads the files again: it needs less of each, one at a time.

use std::path::{Path, PathBuf};

use crate::analysis::{Classes, Digest, Interfaces};
use crate::error::{Code, Error};
use crate::graph::Heap;
use crate::report::{
    Diff, DiffBuilder, Objects, Retainers, Selection, SnapshotFacts, SortDiff, SortSummary, Summary, Target,
};
use crate::snapshot::{ObjectId, OpenOptions, Snapshot, SnapshotError};

/// A snapshot with everything that is computed once.
#[derive(Debug)]
pub struct Opened {
    file: PathBuf,
    salvage: bool,
    heap: Heap,
    classes: Classes,
}

/// Whose retainers are asked for.
#[derive(Clone, Debug)]
pub enum Wanted {
    Id(u32),
    Class(String),
}

impl Opened {
    /// Reads `file`; with `salvage` also one that ends inside its strings.
    pub fn open(file: &Path, salvage: bool) -> Result<Self, Error> {
        let snapshot = read(file, salvage)?;
        let interfaces = Interfaces::infer(&snapshot);
        let classes = Classes::build(&snapshot, &interfaces);
        Ok(Self {
            file: file.to_owned(),
            salvage,
            heap: Heap::build(snapshot),
            classes,
        })
    }

    /// Counts and sizes.
    pub fn facts(&self) -> SnapshotFacts {
        SnapshotFacts::of_heap(&self.name(), &self.heap)
    }

    /// Constructors.
    pub fn summary(&self, selection: &Selection<SortSummary>) -> Summary {
        Summary::build(&self.name(), &self.heap, &self.classes, selection)
    }

    /// What came and went from this snapshot to that in `later`.
    pub fn diff(&self, later: &Path, selection: &Selection<SortDiff>) -> Result<Diff, Error> {
        let snapshot = read(later, self.salvage)?;
        let interfaces = Interfaces::infer(&snapshot);
        let digest = |file: &Path, snapshot: Snapshot| {
            let facts = SnapshotFacts::of_snapshot(&file.to_string_lossy(), &snapshot);
            (facts, Digest::build(snapshot, &interfaces))
        };
        let (facts, last) = digest(later, snapshot);
        let mut builder = DiffBuilder::new(facts, last);
        let (facts, first) = digest(&self.file, read(&self.file, self.salvage)?);
        builder.first(facts, first);
        Ok(builder.build(selection))
    }

    /// The paths that keep an object, or the objects of a class; `top` paths at most.
    pub fn retainers(&self, wanted: &Wanted, top: usize) -> Result<Retainers, Error> {
        let objects = Objects::new(&self.heap);
        let target = match wanted {
            Wanted::Id(id) => self.heap.snapshot().find(ObjectId(*id)).map(Target::Object),
            Wanted::Class(name) => Target::class(&objects, &self.classes, name),
        };
        let target = target.ok_or_else(|| {
            let what = match wanted {
                Wanted::Id(id) => format!("object with id {id}"),
                Wanted::Class(name) => format!("object of class '{name}'"),
            };
            Error::new(Code::Argument, format!("no {what} in '{}'", self.file.display()))
        })?;
        Ok(Retainers::build(&self.name(), &objects, &self.classes, &target, top))
    }

    fn name(&self) -> String {
        self.file.to_string_lossy().into_owned()
    }
}

/// Reads a file, as JavaScript asked for it.
pub(crate) fn read(file: &Path, salvage: bool) -> Result<Snapshot, Error> {
    let options = OpenOptions {
        salvage,
        ..OpenOptions::default()
    };
    Snapshot::open(file, &options).map_err(|error| match &error {
        SnapshotError::Io { source, path, .. } => Error::io(source, "open", path),
        other => {
            let failure = Error::new(Code::Format, format!("'{}' {other}", file.display()));
            match error.hint() {
                Some(hint) => failure.with_hint(hint),
                None => failure,
            }
        }
    })
}
