//! What signal-made snapshots are like: set by `NODE_HEAPDUMP_OPTIONS`, changed by `configure`.
//!
//! The variable is a list of words, separated by commas; the later of two that disagree wins.
//!
//! | word | meaning |
//! |---|---|
//! | `signal`, `nosignal` | whether a signal, SIGUSR2, takes a snapshot (it does) |
//! | `signal=NAME` | another one does ([`choice`]) |
//! | `dir=PATH` | where the files go |
//! | `nogc` | no garbage collection beforehand |
//! | `nomemoryguard` | try even where there seems to be too little memory |
//! | `live`, `live=prefer`, `live=require` | while the service goes on; in process where that cannot be, or not at all |
//! | `comparable=once`, `comparable=each` | number objects for live captures: at the start, or before each |
//! | `nocomparable` | forget object ids afterwards, and give back what they cost |
//! | `compress` (zstd), `compress=gzip`, `compress=none` | files are compressed while they are written |
//! | `watch`, `watch=50%:150%` | snapshots of the main thread when its heap grows so much, and near its limit |
//! | `watch-rss=…`, `watch-external=…` | … when RSS, or memory outside the heap, does |
//! | `nearlimit`, `nonearlimit` | whether there is a snapshot near the limit (with `watch` there is) |
//! | `capture`, `nocapture` | whether `rs-heapdump capture PID` is listened to (it is) |
//! | `redact` | what strings contain is left out |
//! | `keep=N` | the latest N files of ours stay |
//! | `quiet` | no lines on stderr |
//! | `threads=main`, `threads=all` | whom a signal covers |
//!
//! An unknown word is reported and ignored. A signal that cannot be had is reported, and then there is none: whoever
//! chose it would otherwise find snapshots, or the end of the process, on the one that they wanted to be free.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::choice;
use super::watch::plan::{Growth, Plan};
use super::watch::policy::Metric;
use crate::capture::{Compression, Live, Prime};

/// Whom a signal covers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cover {
    /// The main thread, or the workers where only they have loaded the addon.
    #[default]
    Main,
    /// Every thread that has loaded the addon.
    All,
}

/// The defaults of signal-made snapshots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Where the files go; the working directory where there is none.
    pub directory: Option<PathBuf>,
    pub gc: bool,
    pub memory_guard: bool,
    pub comparable: bool,
    pub prime: Prime,
    pub live: Live,
    pub compression: Compression,
    pub redact: bool,
    /// How many files of ours may be there.
    pub keep: Option<NonZeroU32>,
    pub timeout: Option<Duration>,
    pub quiet: bool,
    pub cover: Cover,
}

impl Config {
    const DEFAULT: Self = Self {
        directory: None,
        gc: true,
        memory_guard: true,
        comparable: true,
        prime: Prime::Never,
        live: Live::Off,
        compression: Compression::None,
        redact: false,
        keep: None,
        timeout: None,
        quiet: false,
        cover: Cover::Main,
    };
}

static CONFIG: Mutex<Config> = Mutex::new(Config::DEFAULT);

/// The defaults as they stand.
pub fn current() -> Config {
    CONFIG.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Changes them.
pub fn change(change: impl FnOnce(&mut Config)) {
    change(&mut CONFIG.lock().unwrap_or_else(PoisonError::into_inner));
}

/// What asks for snapshots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signal {
    /// The one of that name.
    On(String),
    Off,
    /// None, as the one that was chosen cannot be had.
    Refused(String),
}

/// What `NODE_HEAPDUMP_OPTIONS` says.
#[derive(Debug, PartialEq, Eq)]
pub struct Environment {
    pub signal: Signal,
    /// Whether to listen to who wants a snapshot and waits for it.
    pub capture: bool,
    pub config: Config,
    /// What of the main thread is watched.
    pub watch: Option<Plan>,
    pub unknown: Vec<String>,
}

impl Environment {
    /// What is watched; nothing but the limit so far, where there is nothing else yet.
    fn plan(&mut self) -> &mut Plan {
        self.watch.get_or_insert_with(Plan::near_limit)
    }
}

/// Reads the variable's text.
pub fn parse(text: &str) -> Environment {
    let mut read = Environment {
        signal: Signal::On(choice::DEFAULT.to_owned()),
        capture: true,
        config: Config::DEFAULT,
        watch: None,
        unknown: Vec::new(),
    };
    for word in text.split(',').map(str::trim).filter(|word| !word.is_empty()) {
        let (key, value) = match word.split_once('=') {
            Some((key, value)) => (key.trim(), Some(value.trim())),
            None => (word, None),
        };
        match (key, value) {
            ("signal", None) => read.signal = Signal::On(choice::DEFAULT.to_owned()),
            ("signal", Some(name)) => read.signal = choice::choose(name).map_or_else(Signal::Refused, Signal::On),
            ("nosignal", None) => read.signal = Signal::Off,
            ("capture", None) => read.capture = true,
            ("nocapture", None) => read.capture = false,
            ("dir", Some(path)) if !path.is_empty() => {
                read.config.directory = Some(PathBuf::from(path));
            }
            ("nogc", None) => read.config.gc = false,
            ("nomemoryguard", None) => read.config.memory_guard = false,
            ("nocomparable", None) => {
                read.config.comparable = false;
                read.config.prime = Prime::Never;
            }
            ("comparable", Some("once")) => {
                read.config.comparable = true;
                read.config.prime = Prime::Once;
            }
            ("comparable", Some("each")) => {
                read.config.comparable = true;
                read.config.prime = Prime::Each;
            }
            ("live", None | Some("prefer")) => read.config.live = Live::Prefer,
            ("live", Some("require")) => read.config.live = Live::Require,
            ("compress", how) => match Compression::named(how.unwrap_or("zstd")) {
                Some(compression) => read.config.compression = compression,
                None => read.unknown.push(word.to_owned()),
            },
            ("watch", None) => read.plan().set(Metric::Heap, &Plan::HEAP),
            ("nearlimit", None) => read.plan().near_limit = true,
            ("nonearlimit", None) => read.plan().near_limit = false,
            ("watch" | "watch-rss" | "watch-external", Some(list)) => match Growth::parse_list(list) {
                Some(growths) => {
                    let metric = match key {
                        "watch-rss" => Metric::Rss,
                        "watch-external" => Metric::External,
                        _ => Metric::Heap,
                    };
                    read.plan().set(metric, &growths);
                }
                None => read.unknown.push(word.to_owned()),
            },
            ("redact", None) => read.config.redact = true,
            ("keep", Some(count)) if count.parse::<NonZeroU32>().is_ok() => read.config.keep = count.parse().ok(),
            ("quiet", None) => read.config.quiet = true,
            ("threads", Some("main")) => read.config.cover = Cover::Main,
            ("threads", Some("all")) => read.config.cover = Cover::All,
            _ => read.unknown.push(word.to_owned()),
        }
    }
    read
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_one_by_one() {
        type Case = (&'static str, fn(&mut Environment));
        let cases: [Case; 25] = [
            ("", |_| {}),
            (" , ,", |_| {}),
            ("signal", |_| {}),
            ("nosignal", |e| e.signal = Signal::Off),
            ("nosignal,signal", |_| {}),
            ("signal , nosignal", |e| e.signal = Signal::Off),
            ("capture,nocapture", |e| e.capture = false),
            ("nosignal,signal=hup", |e| e.signal = Signal::On("SIGHUP".into())),
            ("signal=HUP,signal", |_| {}),
            ("signal=TERM", |e| {
                let why = "SIGTERM cannot ask for snapshots: terminals and process managers end processes with it";
                e.signal = Signal::Refused(why.into());
            }),
            ("keep=3,keep=0,keep=-1,keep=,keep", |e| {
                e.config.keep = NonZeroU32::new(3);
                e.unknown = ["keep=0", "keep=-1", "keep=", "keep"].map(String::from).to_vec();
            }),
            ("dir=/var/dumps, nogc,quiet", |e| {
                e.config.directory = Some("/var/dumps".into());
                e.config.gc = false;
                e.config.quiet = true;
            }),
            ("live", |e| e.config.live = Live::Prefer),
            ("live=prefer,live=require,comparable=each", |e| {
                e.config.live = Live::Require;
                e.config.prime = Prime::Each;
            }),
            ("live=maybe,comparable,comparable=once,nocomparable", |e| {
                e.config.comparable = false;
                e.unknown = ["live=maybe", "comparable"].map(String::from).to_vec();
            }),
            ("compress=zstd,compress=gzip,compress=brotli", |e| {
                e.config.compression = Compression::Gzip;
                e.unknown = vec!["compress=brotli".into()];
            }),
            ("compress", |e| e.config.compression = Compression::Zstd),
            ("compress,compress=none", |_| {}),
            ("nomemoryguard", |e| e.config.memory_guard = false),
            ("watch", |e| e.watch = Some(Plan::default())),
            ("nearlimit", |e| e.watch = Some(Plan::near_limit())),
            ("watch,watch=1M:20%,watch-rss=100%,nonearlimit,watch=much", |e| {
                let mut plan = Plan::default();
                plan.set(Metric::Heap, &[Growth::Bytes(1 << 20), Growth::Percent(20)]);
                plan.set(Metric::Rss, &[Growth::Percent(100)]);
                plan.near_limit = false;
                e.watch = Some(plan);
                e.unknown = vec!["watch=much".into()];
            }),
            ("redact", |e| e.config.redact = true),
            ("threads=all", |e| e.config.cover = Cover::All),
            ("colour,dir=,threads=two,nogc=1", |e| {
                e.unknown = ["colour", "dir=", "threads=two", "nogc=1"].map(String::from).to_vec();
            }),
        ];
        for (text, expect) in cases {
            let mut expected = Environment {
                signal: Signal::On("SIGUSR2".into()),
                capture: true,
                config: Config::DEFAULT,
                watch: None,
                unknown: Vec::new(),
            };
            expect(&mut expected);
            assert_eq!(parse(text), expected, "{text:?}");
        }
    }
}
