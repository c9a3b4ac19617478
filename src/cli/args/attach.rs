//! What can be asked of running processes, and of those that are started.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::compression::Compression;
use crate::protocol::{LiveChoice, ThreadChoice};

/// A snapshot of a running process: by the addon where it has loaded that, else by Node's inspector.
#[derive(Clone, Debug, Args)]
pub(in crate::cli) struct Capture {
    /// The process
    #[arg(value_parser = super::process_id)]
    pub pid: Option<u32>,
    /// The file; replaced if it is there
    #[arg(long, short, value_name = "FILE", requires = "pid")]
    pub output: Option<PathBuf>,
    /// Where the file goes under a name of its own: by default where the process is configured to put it, else its
    /// working directory; by the inspector, the one of this command
    #[arg(long, value_name = "DIR", requires = "pid", conflicts_with = "output")]
    pub dir: Option<PathBuf>,
    /// Let the process go on meanwhile; where that cannot be, capture in process (prefer) or fail (require)
    #[arg(long, value_name = "HOW", requires = "pid", num_args = 0..=1, require_equals = true, default_missing_value = "prefer")]
    pub live: Option<Live>,
    /// Compress the file while it is written
    #[arg(long, value_name = "HOW", requires = "pid", num_args = 0..=1, require_equals = true, default_missing_value = "zstd")]
    pub compress: Option<Compress>,
    /// Leave out what strings contain
    #[arg(long, requires = "pid")]
    pub redact: bool,
    /// A worker, by its threadId; the main thread; or all
    #[arg(long, value_name = "N|main|all", requires = "pid", value_parser = thread)]
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
pub(in crate::cli) struct Run {
    /// Where the snapshots go
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Capture while the service goes on; where that cannot be, in process (prefer) or not at all (require)
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
    /// Capture even where there seems to be too little memory
    #[arg(long)]
    pub no_memory_guard: bool,
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
        pub(in crate::cli) enum $name { $($word),* }

        impl $name {
            /// As `NODE_HEAPDUMP_OPTIONS` has it.
            pub(in crate::cli) fn as_str(self) -> &'static str {
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

impl From<Compress> for Compression {
    fn from(how: Compress) -> Self {
        match how {
            Compress::Zstd => Self::Zstd,
            Compress::Gzip => Self::Gzip,
            Compress::None => Self::None,
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
