//! What can be asked for.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::error::{Code, Error};
use crate::hunt;
use crate::opened::{self, Wanted};
use crate::protocol::{LiveChoice, ThreadChoice};
use crate::redacted;
use crate::report::{Selection, SortDiff, SortSummary, TreeOptions};

/// Rows of a table on a terminal, unless asked otherwise.
const DEFAULT_ROWS: usize = 20;
/// Rows of a tree.
const DEFAULT_TREE_ROWS: usize = 30;
/// Suspects.
const DEFAULT_SUSPECTS: usize = 5;
/// Paths of an object.
const DEFAULT_PATHS: usize = 3;
/// More levels than this are read with `--id`, not on one page.
const MAX_DEPTH: u64 = 100;

const EXAMPLES: &str = "\
Examples:
  rs-heapdump run --dir /var/dumps -- app.js         a service that can be captured in every way
  rs-heapdump capture 4711                           a snapshot of a process, whatever it has loaded
  rs-heapdump summary app.heapsnapshot               what holds the memory
  rs-heapdump diff before.heapsnapshot after.heapsnapshot
  rs-heapdump leaks before.heapsnapshot between.heapsnapshot after.heapsnapshot
  rs-heapdump retainers app.heapsnapshot --class Session

FILE is a .heapsnapshot, plain or compressed with gzip or zstd.
Exit status: 0 done, 1 found (leaks --fail-on-leak), 2 error, 130 interrupted.";

/// See what a Node process holds in memory, and why.
#[derive(Debug, Parser)]
#[command(name = "rs-heapdump", bin_name = "rs-heapdump", version, no_binary_name = true, after_help = EXAMPLES, max_term_width = 100)]
pub(super) struct Arguments {
    #[command(flatten)]
    pub shown: Shown,
    #[command(subcommand)]
    pub command: Command,
}

/// How results are shown.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct Shown {
    /// Print JSON (version 1), sizes in bytes
    #[arg(long, global = true)]
    pub json: bool,
    #[arg(
        help = "When to use colours; NO_COLOR is honoured",
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto"
    )]
    pub color: Color,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// A snapshot of a running process; without PID, the Node processes there are
    Capture(Capture),
    /// Starts Node with the addon loaded, in place of this process
    Run(Run),
    /// What works here, or for a process, and what to do where it does not
    Doctor {
        /// The process
        pid: Option<u32>,
    },
    /// What a file's header says: counts, who wrote it, memory that an analysis will need
    Info {
        /// The snapshot
        file: PathBuf,
    },
    /// Constructors by retained size
    Summary {
        /// The snapshot
        file: PathBuf,
        /// What to order by
        #[arg(long, value_name = "KEY", default_value = "retained")]
        sort: SummaryKey,
        #[command(flatten)]
        rows: Rows,
        #[command(flatten)]
        reading: Reading,
    },
    /// What came and went between snapshots of one process
    Diff {
        /// The snapshots, the earliest one first
        #[arg(num_args = 2.., required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// What to order by
        #[arg(long, value_name = "KEY", default_value = "delta-bytes")]
        sort: DiffKey,
        #[command(flatten)]
        rows: Rows,
        #[command(flatten)]
        reading: Reading,
    },
    /// What grows through snapshots of one process, who holds it, and on which line
    Leaks {
        /// The snapshots, the earliest one first; three tell a leak from warm-up
        #[arg(num_args = 2.., required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// End with status 1 if there is a suspect
        #[arg(long)]
        fail_on_leak: bool,
        #[command(flatten)]
        rows: Suspects,
        #[command(flatten)]
        reading: Reading,
    },
    /// The same as one page of HTML: growth, suspects, owners, classes
    Report {
        /// The snapshots, the earliest one first; three tell a leak from warm-up
        #[arg(num_args = 2.., required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// Where the page goes; - is standard output
        #[arg(long, short, value_name = "PAGE")]
        output: PathBuf,
        #[command(flatten)]
        reading: Reading,
    },
    /// The same graph without the contents of strings, to be passed on
    Redact {
        /// The snapshot
        file: PathBuf,
        /// Where the redacted one goes: compressed if it ends in .gz or .zst; - is standard output
        #[arg(value_name = "OUT")]
        output: PathBuf,
        /// What tags are made with: files of one key compare. Made if it does not exist; keep it to yourself
        #[arg(long, value_name = "KEY")]
        key: Option<PathBuf>,
    },
    /// Why an object, or the objects of a class, are still there
    Retainers {
        /// The snapshot
        file: PathBuf,
        #[command(flatten)]
        target: Target,
        /// Paths at most; 0 for all that are found
        #[arg(long, value_name = "N", default_value_t = DEFAULT_PATHS)]
        top: usize,
        #[command(flatten)]
        reading: Reading,
    },
    /// The dominator tree: what would be freed with what
    Dominators {
        /// The snapshot
        file: PathBuf,
        /// Begin at this object, not at the root
        #[arg(long, value_name = "N", value_parser = object_id)]
        id: Option<u32>,
        #[command(flatten)]
        tree: Tree,
        #[command(flatten)]
        reading: Reading,
    },
}

/// A snapshot of a running process: by the addon where it has loaded that, else by Node's inspector.
#[derive(Clone, Debug, Args)]
pub(super) struct Capture {
    /// The process
    pub pid: Option<u32>,
    /// The file; replaced if it is there
    #[arg(long, short, value_name = "FILE", requires = "pid")]
    pub output: Option<PathBuf>,
    /// Where the file goes under a name of its own: by default where the process is configured to put it, else its
    /// working directory; by the inspector, the one of this command
    #[arg(long, value_name = "DIR", requires = "pid", conflicts_with = "output")]
    pub dir: Option<PathBuf>,
    /// While the process goes on: where that is possible, or not at all (require)
    #[arg(long, value_name = "HOW", requires = "pid", num_args = 0..=1, require_equals = true, default_missing_value = "prefer")]
    pub live: Option<Live>,
    /// Compress the file while it is written
    #[arg(long, value_name = "HOW", requires = "pid", num_args = 0..=1, require_equals = true, default_missing_value = "zstd")]
    pub compress: Option<Compress>,
    /// Leave out what strings contain
    #[arg(long, requires = "pid")]
    pub redact: bool,
    /// A worker, by its threadId, or all threads
    #[arg(long, value_name = "N|all", requires = "pid", value_parser = thread)]
    pub thread: Option<ThreadChoice>,
    /// Do not collect garbage first
    #[arg(long, requires = "pid")]
    pub no_gc: bool,
    /// Try even where there seems to be too little memory
    #[arg(long, requires = "pid")]
    pub no_memory_guard: bool,
    /// Give up after so long
    #[arg(long, value_name = "SECONDS", requires = "pid", value_parser = seconds)]
    pub timeout: Option<f64>,
}

/// Node with the addon; what is not said here is as `NODE_HEAPDUMP_OPTIONS` has it.
#[derive(Clone, Debug, Args)]
pub(super) struct Run {
    /// Where the snapshots go
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Capture while the service goes on: where that is possible, or not at all (require)
    #[arg(long, value_name = "HOW", num_args = 0..=1, require_equals = true, default_missing_value = "prefer")]
    pub live: Option<Live>,
    /// Compress the files while they are written
    #[arg(long, value_name = "HOW", num_args = 0..=1, require_equals = true, default_missing_value = "zstd")]
    pub compress: Option<Compress>,
    /// Leave out what strings contain
    #[arg(long)]
    pub redact: bool,
    /// Capture when memory grows, and near the heap's limit: by how much of the heap, such as 50%:150%
    #[arg(long, value_name = "STEPS", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    pub watch: Option<String>,
    /// Capture before the process dies of too small a heap
    #[arg(long)]
    pub near_limit: bool,
    /// Whom a signal covers
    #[arg(long, value_name = "WHICH")]
    pub threads: Option<Threads>,
    /// Do not collect garbage first
    #[arg(long)]
    pub no_gc: bool,
    /// How many files of ours stay in the directory
    #[arg(long, value_name = "N")]
    pub keep: Option<u32>,
    /// The signal that takes a snapshot, instead of SIGUSR2
    #[arg(long, value_name = "NAME", conflicts_with = "no_signal")]
    pub signal: Option<String>,
    /// Take no snapshots on a signal
    #[arg(long)]
    pub no_signal: bool,
    /// No lines on stderr
    #[arg(long)]
    pub quiet: bool,
    /// The script and its arguments; options of Node's may come first
    #[arg(last = true, required = true, num_args = 1.., value_name = "APP")]
    pub command: Vec<OsString>,
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($word:ident = $text:literal),* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
        pub(super) enum $name { $($word),* }

        impl $name {
            /// As `NODE_HEAPDUMP_OPTIONS` has it.
            pub(super) fn as_str(self) -> &'static str {
                match self { $(Self::$word => $text),* }
            }
        }
    };
}

words! {
    /// How live.
    Live { Prefer = "prefer", Require = "require" }
}
words! {
    /// How files are stored.
    Compress { Zstd = "zstd", Gzip = "gzip", None = "none" }
}
words! {
    /// Which threads.
    Threads { Main = "main", All = "all" }
}

impl From<Live> for LiveChoice {
    fn from(live: Live) -> Self {
        match live {
            Live::Prefer => Self::Prefer,
            Live::Require => Self::Require,
        }
    }
}

fn thread(text: &str) -> Result<ThreadChoice, String> {
    match text {
        "all" => Ok(ThreadChoice::All),
        "main" => Ok(ThreadChoice::One(0)),
        number => number
            .parse()
            .map(ThreadChoice::One)
            .map_err(|_| "a thread is named by its threadId, such as 3, or `all`".to_owned()),
    }
}

fn seconds(text: &str) -> Result<f64, String> {
    let seconds = text.trim_end_matches('s').parse().ok();
    seconds
        .filter(|seconds: &f64| *seconds > 0.0 && seconds.is_finite())
        .ok_or_else(|| "a time is a number of seconds, such as 30 or 1.5".to_owned())
}

/// Which rows of a table.
#[derive(Clone, Debug, Args)]
pub(super) struct Rows {
    /// Rows at most; 0 for all, which is the default of --json
    #[arg(long, value_name = "N")]
    top: Option<usize>,
    /// Only classes with this text in their name or place, in either case
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
}

/// Which suspects.
#[derive(Clone, Debug, Args)]
pub(super) struct Suspects {
    /// Suspects at most; 0 for all, which is the default of --json
    #[arg(long, value_name = "N")]
    top: Option<usize>,
    /// Only suspects with this text in their owner, cause, class or place, in either case
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
}

impl Suspects {
    pub(super) fn want(&self, json: bool) -> hunt::Wanted {
        let top = match self.top {
            None if json => None,
            None => Some(DEFAULT_SUSPECTS),
            Some(top) => limit(top),
        };
        hunt::Wanted {
            top,
            filter: self.filter.clone(),
        }
    }
}

/// How a file is read.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct Reading {
    /// Read a file that is cut off after its graph; names may be missing
    #[arg(long)]
    pub salvage: bool,
    /// Leave out what strings contain, names that may be data, and lines of source
    #[arg(long, conflicts_with = "salvage")]
    pub redact: bool,
}

impl Reading {
    /// With a key that nobody keeps.
    pub(super) fn how(self) -> Result<opened::Reading, Error> {
        Ok(opened::Reading {
            salvage: self.salvage,
            redact: self.redact.then(redacted::fresh_key).transpose()?,
        })
    }
}

/// Whose retainers.
#[derive(Clone, Debug, Args)]
#[group(required = true, multiple = false)]
pub(super) struct Target {
    /// An object, by its id
    #[arg(long, value_name = "N", value_parser = object_id)]
    id: Option<u32>,
    /// The objects of a class, by its name in `summary` and `diff`
    #[arg(long, value_name = "NAME")]
    class: Option<String>,
}

impl Target {
    pub(super) fn wanted(self) -> Result<Wanted, Error> {
        match (self.id, self.class) {
            (Some(id), _) => Ok(Wanted::Id(id)),
            (None, Some(class)) => Ok(Wanted::Class(class)),
            (None, None) => Err(Error::new(Code::Argument, "neither an id nor a class was given")),
        }
    }
}

/// How much of the dominator tree.
#[derive(Clone, Debug, Args)]
pub(super) struct Tree {
    /// Levels at most
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=MAX_DEPTH))]
    depth: u64,
    /// What to order by, and to open first
    #[arg(long, value_name = "KEY", default_value = "retained")]
    sort: TreeKey,
    /// Rows at most; 0 for all
    #[arg(long, value_name = "N", default_value_t = DEFAULT_TREE_ROWS)]
    top: usize,
    /// Only branches that lead to this text in a name or place, among the rows there are
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
}

impl From<Tree> for TreeOptions {
    fn from(tree: Tree) -> Self {
        Self {
            top: limit(tree.top).unwrap_or(usize::MAX),
            depth: tree.depth as usize,
            filter: tree.filter,
            by_shallow: tree.sort == TreeKey::Shallow,
        }
    }
}

impl Rows {
    pub(super) fn select<K>(&self, sort: K, json: bool) -> Selection<K> {
        let top = match self.top {
            None if json => None,
            None => Some(DEFAULT_ROWS),
            Some(top) => limit(top),
        };
        Selection {
            sort,
            top,
            filter: self.filter.clone(),
        }
    }
}

/// 0 is no limit.
pub(super) fn limit(top: usize) -> Option<usize> {
    (top > 0).then_some(top)
}

/// `123` or `@123`, as reports show it.
fn object_id(text: &str) -> Result<u32, String> {
    let digits = text.strip_prefix('@').unwrap_or(text);
    digits
        .parse()
        .map_err(|_| "an object's id is a number, such as 1234 or @1234".to_owned())
}

macro_rules! keys {
    ($(#[$doc:meta])* $name:ident => $target:ident { $($key:ident),* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, ValueEnum)]
        pub(super) enum $name { $($key),* }

        impl From<$name> for $target {
            fn from(key: $name) -> Self {
                match key { $($name::$key => Self::$key),* }
            }
        }
    };
}

keys! {
    /// Names of [`SortSummary`] on the command line.
    SummaryKey => SortSummary { Retained, Shallow, Count, Distance, Name }
}
keys! {
    /// Names of [`SortDiff`] on the command line.
    DiffKey => SortDiff { DeltaBytes, Delta, Added, Removed, AddedBytes, RemovedBytes, Count, Name }
}

/// What the tree is ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum TreeKey {
    Retained,
    Shallow,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn ids_are_taken_as_reports_show_them() {
        assert_eq!(object_id("@123"), Ok(123));
        assert_eq!(object_id("123"), Ok(123));
        assert!(object_id("Map @123").is_err());
    }
}
