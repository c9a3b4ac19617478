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
//! | `live`, `live=prefer`, `live=require` | while the service goes on; in process where that cannot be, or not at all |
//! | `comparable=once`, `comparable=each` | number objects for live captures: at the start, or before each |
//! | `nocomparable` | forget object ids afterwards, and give back what they cost |
//! | `compress=gzip`, `compress=zstd` | files are compressed while they are written |
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
    pub config: Config,
    pub unknown: Vec<String>,
}

/// Reads the variable's text.
pub fn parse(text: &str) -> Environment {
    let mut read = Environment {
        signal: Signal::On(choice::DEFAULT.to_owned()),
        config: Config::DEFAULT,
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
            ("dir", Some(path)) if !path.is_empty() => {
                read.config.directory = Some(PathBuf::from(path));
            }
            ("nogc", None) => read.config.gc = false,
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
            ("compress", Some("gzip")) => read.config.compression = Compression::Gzip,
            ("compress", Some("zstd")) => read.config.compression = Compression::Zstd,
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
        let cases: [Case; 17] = [
            ("", |_| {}),
            (" , ,", |_| {}),
            ("signal", |_| {}),
            ("nosignal", |e| e.signal = Signal::Off),
            ("nosignal,signal", |_| {}),
            ("signal , nosignal", |e| e.signal = Signal::Off),
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
            ("compress=gzip,compress=zstd,compress=brotli,compress", |e| {
                e.config.compression = Compression::Zstd;
                e.unknown = ["compress=brotli", "compress"].map(String::from).to_vec();
            }),
            ("threads=all", |e| e.config.cover = Cover::All),
            ("colour,dir=,threads=two,nogc=1", |e| {
                e.unknown = ["colour", "dir=", "threads=two", "nogc=1"].map(String::from).to_vec();
            }),
        ];
        for (text, expect) in cases {
            let mut expected = Environment {
                signal: Signal::On("SIGUSR2".into()),
                config: Config::DEFAULT,
                unknown: Vec::new(),
            };
            expect(&mut expected);
            assert_eq!(parse(text), expected, "{text:?}");
        }
    }
}
