//! What can be asked for.

mod attach;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::error::{Code, Error};
use crate::files::{self, Wanted, hunt};
use crate::report::{Selection, SortDiff, SortSummary, TreeOptions};
pub(super) use attach::{Capture, Run};

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

/// How results are shown; listed after what a command takes itself.
#[derive(Clone, Copy, Debug, Args)]
#[command(next_help_heading = "With every command")]
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
    /// A snapshot of a running process; without PID, lists the Node processes
    Capture(Capture),
    /// Starts Node with the addon loaded, in place of this process
    Run(Run),
    /// What works here, or for a process, and what to do where it does not
    Doctor {
        /// The process
        #[arg(value_parser = process_id)]
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
    /// What leaks and diff say, as one page of HTML: growth, suspects, owners, classes
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
        #[arg(value_name = "IN")]
        file: PathBuf,
        /// Where the redacted one goes: compressed if it ends in .gz or .zst; - is standard output
        #[arg(value_name = "OUT")]
        output: PathBuf,
        /// File with the key that tags are made with; made if it does not exist. Files of one key compare; keep it to yourself
        #[arg(long, value_name = "FILE")]
        key: Option<PathBuf>,
    },
    /// Why an object, or the objects of a class, are still there
    Retainers {
        /// The snapshot
        file: PathBuf,
        #[command(flatten)]
        target: Target,
        /// Paths at most; 0 for all that are found
        #[arg(long, value_name = "N", default_value_t = DEFAULT_PATHS, value_parser = how_many)]
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

/// Which rows of a table.
#[derive(Clone, Debug, Args)]
pub(super) struct Rows {
    /// Rows at most; 0 for all, which is the default of --json
    #[arg(long, value_name = "N", value_parser = how_many)]
    top: Option<usize>,
    /// Only classes with this text in their name or place, in either case
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
}

/// Which suspects.
#[derive(Clone, Debug, Args)]
pub(super) struct Suspects {
    /// Suspects at most; 0 for all, which is the default of --json
    #[arg(long, value_name = "N", value_parser = how_many)]
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
    pub(super) fn how(self) -> Result<files::Reading, Error> {
        files::Reading::new(self.salvage, self.redact)
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
    #[arg(long, value_name = "N", default_value_t = DEFAULT_TREE_ROWS, value_parser = how_many)]
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

fn how_many(text: &str) -> Result<usize, String> {
    text.parse().map_err(|_| "it is a whole number, such as 20".to_owned())
}

fn process_id(text: &str) -> Result<u32, String> {
    let wrong = "a process is named by its id, such as 4711; rs-heapdump capture lists those of Node";
    text.parse().map_err(|_| wrong.to_owned())
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
