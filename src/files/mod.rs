//! From files to reports: what the command line and JavaScript have in common.
//!
//! ```no_run
//! use rs_heapdump::files::{Nobody, Opened, Reading};
//! use rs_heapdump::report::{Selection, SortSummary};
//!
//! let snapshot = Opened::open("after.heapsnapshot".as_ref(), Reading::default(), &Nobody)?;
//! let everything = Selection { sort: SortSummary::Retained, top: None, filter: None };
//! let summary = snapshot.summary(&everything);
//! # Ok::<(), rs_heapdump::error::Error>(())
//! ```
//!
//! An [`Opened`] stays open for one question after another; the answers come from what was computed
//! once. [`compare`] reads its files one at a time, and needs less of each. Whoever waits is told through
//! an [`Observer`].
//!
//! | module | what |
//! |---|---|
//! | [`hunt`] | leaks, through a series of files |
//! | [`frames`] | lines of source for them, and source maps |
//! | [`siblings`] | which function uses what another one keeps |
//! | [`redacted`] | from a file to a redacted one |

mod frames;
pub mod hunt;
pub mod redacted;
mod siblings;

use std::path::{Path, PathBuf};

use crate::analysis::{ClassIndex, Classes, Comparability, Digest, Interfaces};
use crate::error::{Code, Error};
use crate::graph::Heap;
use crate::redact::Key;
use crate::report::{
    self, Diff, DiffBuilder, Objects, Retainers, Selection, SnapshotFacts, SortDiff, SortSummary, Summary, Target,
};
use crate::snapshot::{NodeIndex, ObjectId, OpenOptions, Snapshot};

/// Is told what is going on.
pub trait Observer: Sync {
    /// A file is read: bytes done, and bytes in all, 0 where not known.
    fn reading(&self, _file: &Path, _done: u64, _total: u64) {}
    /// Something begins that may take a while.
    fn step(&self, _what: &'static str) {}
    /// What does not stop the work but bears on its result; and what to do.
    fn warning(&self, _fact: String, _hint: &'static str) {}
}

/// Does not want to know.
#[derive(Clone, Copy, Debug)]
pub struct Nobody;

impl Observer for Nobody {}

/// How files are read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reading {
    /// Also what is cut off after its graph.
    pub salvage: bool,
    /// Without the contents of strings, which the answers would show. A redacted copy is read, a file without a name in
    /// the system's directory for such.
    pub redact: Option<Key>,
}

impl Reading {
    /// What is redacted is so with a key that nobody keeps; only a whole file can be.
    pub fn new(salvage: bool, redact: bool) -> Result<Self, Error> {
        if salvage && redact {
            return Err(Error::new(
                Code::Argument,
                "`salvage` and `redact` exclude each other: what a string can be is known at the end of a file only",
            ));
        }
        Ok(Self {
            salvage,
            redact: redact.then(redacted::fresh_key).transpose()?,
        })
    }
}

/// Whose retainers are asked for.
#[derive(Clone, Debug)]
pub enum Wanted {
    /// An object, by its id.
    Id(u32),
    /// The objects of a class, by its name in `summary` and `diff`.
    Class(String),
}

/// A snapshot with everything that is computed once.
#[derive(Debug)]
pub struct Opened {
    file: PathBuf,
    reading: Reading,
    heap: Heap,
    classes: Classes,
}

impl Opened {
    /// Reads `file`.
    pub fn open(file: &Path, reading: Reading, observer: &dyn Observer) -> Result<Self, Error> {
        let snapshot = read(file, reading, observer)?;
        observer.step("classes");
        let interfaces = Interfaces::infer(&snapshot);
        let classes = Classes::build(&snapshot, &interfaces);
        Ok(Self {
            file: file.to_owned(),
            reading,
            heap: build(snapshot, observer),
            classes,
        })
    }

    /// Counts and sizes.
    pub fn facts(&self) -> SnapshotFacts {
        SnapshotFacts::of_heap(&name(&self.file), &self.heap)
    }

    /// Constructors.
    pub fn summary(&self, selection: &Selection<SortSummary>) -> Summary {
        Summary::build(&name(&self.file), &self.heap, &self.classes, selection)
    }

    /// What came and went from this snapshot to that in `later`. Reads both files again.
    pub fn diff(&self, later: &Path, selection: &Selection<SortDiff>) -> Result<Diff, Error> {
        compare(&self.file, &[], later, self.reading, selection, &Nobody)
    }

    /// The paths that keep an object, or the objects of a class; `top` paths at most.
    pub fn retainers(&self, wanted: &Wanted, top: usize) -> Result<Retainers, Error> {
        let objects = Objects::new(&self.heap);
        let target = match wanted {
            Wanted::Id(id) => Target::Object(find(self.heap.snapshot(), &self.file, *id)?),
            Wanted::Class(class) => {
                Target::class(&objects, &self.classes, class).ok_or_else(|| self.no_class(class))?
            }
        };
        let file = name(&self.file);
        Ok(Retainers::build(&file, &objects, &self.classes, &target, top))
    }

    /// There is no such class: which one may have been meant?
    fn no_class(&self, class: &str) -> Error {
        let file = name(&self.file);
        let wanted = class.to_lowercase();
        let names = (0..self.classes.len() as u32).map(|index| self.classes.key(ClassIndex(index)).name());
        let alike = names
            .filter(|name| name.to_lowercase().contains(&wanted))
            .min_by_key(String::len);
        let hint = match alike.and_then(|name| report::shell_word(&name)) {
            Some(name) => format!("there is --class {name}"),
            None => format!("rs-heapdump summary {file} lists classes"),
        };
        Error::new(Code::Argument, format!("no objects of class '{class}' in '{file}'")).with_hint(hint)
    }
}

/// Reads a snapshot.
pub fn read(file: &Path, reading: Reading, observer: &dyn Observer) -> Result<Snapshot, Error> {
    let progress = |done, total| observer.reading(file, done, total);
    let options = OpenOptions {
        salvage: reading.salvage,
        progress: Some(&progress),
        ..OpenOptions::default()
    };
    let snapshot = match reading.redact {
        None => Snapshot::open(file, &options),
        Some(key) => Snapshot::open_copy(redacted::copy(file, key, observer)?, file, &options),
    };
    let snapshot = snapshot.map_err(|error| error.of(file))?;
    if let Some(error) = snapshot.salvaged() {
        let hint = "its graph is whole, but names and places are missing: take the snapshot again if you can";
        observer.warning(format!("'{}' {error}", file.display()), hint);
    }
    Ok(snapshot)
}

/// Computes what all nodes need.
pub fn build(snapshot: Snapshot, observer: &dyn Observer) -> Heap {
    observer.step("dominators and retained sizes");
    Heap::build(snapshot)
}

/// The node with this id.
pub fn find(snapshot: &Snapshot, file: &Path, id: u32) -> Result<NodeIndex, Error> {
    snapshot.find(ObjectId(id)).ok_or_else(|| {
        let hint = "ids are shown by dominators, and by retainers with --class; another process has others";
        Error::new(
            Code::Argument,
            format!("no object with id @{id} in '{}'", file.display()),
        )
        .with_hint(hint)
    })
}

/// What came and went from `first` to `last`, with counts of those `between`. The last file is read first,
/// as its interfaces count for all; then the others, one in memory at a time.
pub fn compare(
    first: &Path,
    between: &[PathBuf],
    last: &Path,
    reading: Reading,
    selection: &Selection<SortDiff>,
    observer: &dyn Observer,
) -> Result<Diff, Error> {
    let snapshot = read(last, reading, observer)?;
    let interfaces = Interfaces::infer(&snapshot);
    let boil_down = |file: &Path, snapshot: Snapshot| {
        observer.step("classes");
        let facts = SnapshotFacts::of_snapshot(&name(file), &snapshot);
        (facts, Digest::build(snapshot, &interfaces))
    };
    let (facts, digest) = boil_down(last, snapshot);
    let mut builder = DiffBuilder::new(facts, digest);

    let (facts, digest) = boil_down(first, read(first, reading, observer)?);
    warn_of_ids(builder.first(facts, digest), first, last, observer);
    for file in between {
        let (facts, digest) = boil_down(file, read(file, reading, observer)?);
        warn_of_ids(builder.between(facts, &digest), file, last, observer);
    }
    let diff = builder.build(selection);
    if let Some((fact, hint)) = diff.order_doubt() {
        observer.warning(fact, hint);
    }
    Ok(diff)
}

/// What is to be said where ids cannot be compared.
fn warn_of_ids(ids: Comparability, file: &Path, last: &Path, observer: &dyn Observer) {
    let (file, last) = (file.display(), last.display());
    match ids {
        Comparability::Comparable => {}
        Comparability::UpTo(limit) => observer.warning(
            format!(
                "'{file}' and '{last}' were captured live: objects with ids above {limit} are compared by counts, not one by one"
            ),
            "with comparable: 'each' all objects of a live capture have ids that compare",
        ),
        Comparability::DifferentProcess => observer.warning(
            format!("'{file}' and '{last}' are of different processes: compared by counts, not object by object"),
            "take the snapshots from one process, without a restart between them",
        ),
        Comparability::Unstable => observer.warning(
            format!("object ids of '{file}' and '{last}' do not compare: compared by counts, not object by object"),
            "take live snapshots with comparable: 'once' or 'each', or take them in process, without numbering objects anew between them",
        ),
    }
}

/// A file's name as it was given.
fn name(file: &Path) -> String {
    file.to_string_lossy().into_owned()
}
