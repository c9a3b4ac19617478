//! Snapshots of other processes of this machine, for whoever waits for them.
//!
//! A process is looked at first ([`process`]): whether it is there, is Node, is ours to ask. Then
//!
//! 1. where it has loaded the addon, that is asked ([`addon`]): live too, any thread, with the memory guard;
//! 2. else Node's inspector is ([`inspector`]), which is opened by SIGUSR1 where it is not open, and closed again.
//!
//! Nothing is sent to a process that is not known to be Node, nor a signal that it does not catch: the default action
//! of SIGUSR1 is death.
//!
//! # Containers
//!
//! Seen from the host, a process may have its own mounts, network and pids. It is reached within its network
//! namespace ([`reach`]), which takes root; a file that it makes itself is within its mounts, and is shown as seen
//! from here as well, below `/proc/PID/root`.
//!
//! # Interrupts
//!
//! [`interrupt`]: the first Ctrl-C ends a capture in good order, without a file and with the inspector closed; the
//! second ends us.

#[cfg(target_os = "linux")]
mod addon;
#[cfg(target_os = "linux")]
mod executable;
#[cfg(target_os = "linux")]
mod inspector;
#[cfg(target_os = "linux")]
mod interrupt;
#[cfg(target_os = "linux")]
mod process;
#[cfg(target_os = "linux")]
mod reach;

use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

use crate::compression::Compression;
use crate::error::Error;
use crate::protocol::{LiveChoice, Progress, Snapshot, Support, ThreadChoice};
use crate::trigger::config::Signal;

/// Snapshots that are wanted of a process.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    pub pid: u32,
    /// Absolute.
    pub output: Option<PathBuf>,
    /// Absolute; for a default name.
    pub directory: Option<PathBuf>,
    pub thread: Option<ThreadChoice>,
    pub live: Option<LiveChoice>,
    pub compress: Option<Compression>,
    /// Leave out what strings contain.
    pub redact: bool,
    /// Without it, as the process is configured.
    pub gc: Option<bool>,
    pub memory_guard: Option<bool>,
    pub timeout: Option<Duration>,
}

/// Told what is going on.
pub trait Observer {
    fn step(&self, what: &'static str);
    fn progress(&self, progress: &Progress);
    /// A share of the whole, from 0 to 1.
    fn share(&self, what: &'static str, share: f64);
}

/// By what a snapshot was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum By {
    Addon,
    Inspector,
}

/// A snapshot of another process.
#[derive(Clone, Debug, Serialize)]
pub struct Captured {
    /// As seen from here.
    pub pid: u32,
    pub by: By,
    #[serde(flatten)]
    pub snapshot: Snapshot,
    /// The path as seen from here, where the process has other mounts.
    pub seen_as: Option<String>,
}

/// A Node process of this machine.
#[derive(Clone, Debug, Serialize)]
pub struct NodeProcess {
    pub pid: u32,
    pub user: String,
    /// Such as `v24.21.0`, where its executable may be read.
    pub node_version: Option<String>,
    pub rss_bytes: u64,
    pub addon: Addon,
    /// What it runs.
    pub script: String,
    /// Its pid as it sees it itself, where that is another one.
    pub own_pid: Option<u32>,
}

/// Whether a process has loaded the addon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Addon {
    /// And listens.
    Listening,
    /// But does not listen: switched off, or another version.
    Loaded,
    Missing,
}

/// How a process can be captured, or why not.
#[derive(Clone, Debug, Serialize)]
pub struct Diagnosis {
    pub process: NodeProcess,
    /// What the addon says that it has loaded.
    pub addon: Option<Support>,
    /// Why the addon cannot be asked.
    pub addon_obstacle: Option<Obstacle>,
    /// Why the inspector cannot be.
    pub inspector_obstacle: Option<Obstacle>,
    /// Whether it is open already.
    pub inspector_open: bool,
}

/// Why something does not work.
#[derive(Clone, Debug, Serialize)]
pub struct Obstacle {
    pub code: &'static str,
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl From<Error> for Obstacle {
    fn from(error: Error) -> Self {
        Self {
            code: error.code().as_str(),
            message: error.to_string(),
            hint: error.hint().map(str::to_owned),
        }
    }
}

/// What works in this process, which has loaded the addon.
pub fn support() -> Support {
    crate::trigger::support::here()
}

/// Words for `NODE_HEAPDUMP_OPTIONS` that this version does not know.
pub fn unknown_words(text: &str) -> Vec<String> {
    crate::trigger::config::parse(text).unknown
}

/// Why the signal that these words choose cannot be had.
pub fn refused_signal(text: &str) -> Option<String> {
    match crate::trigger::config::parse(text).signal {
        Signal::Refused(why) => Some(why),
        Signal::On(_) | Signal::Off => None,
    }
}

/// Leaves what the caller of this process has handed to it open in the program that it becomes: Node lets go of
/// everything otherwise. That is what Node's and systemd's conventions name, and standard input and output.
pub fn hand_on_descriptors() {
    const FIRST_SOCKET: i32 = 3;
    const SOCKETS_MAX: i32 = 1024;
    let number = |name: &str| std::env::var(name).ok()?.parse::<i32>().ok();
    let ours = |name: &str| number(name) == i32::try_from(std::process::id()).ok();
    let sockets = number("LISTEN_FDS")
        .filter(|_| ours("LISTEN_PID"))
        .unwrap_or(0)
        .min(SOCKETS_MAX);
    (0..=2)
        .chain(FIRST_SOCKET..FIRST_SOCKET.saturating_add(sockets))
        .chain(number("NODE_CHANNEL_FD"))
        .for_each(crate::capture::keep_across_exec);
}

#[cfg(target_os = "linux")]
pub use interrupt::happened as interrupted;
#[cfg(target_os = "linux")]
pub use on_linux::{capture, diagnose, list};

#[cfg(target_os = "linux")]
mod on_linux {
    use super::process::{self, Target};
    use super::{
        Addon, Captured, Diagnosis, Error, NodeProcess, Observer, Obstacle, Wanted, addon, inspector, interrupt,
    };

    /// Captures it. Of several threads each has an outcome of its own.
    pub fn capture(wanted: &Wanted, observer: &dyn Observer) -> Result<Vec<Result<Captured, Error>>, Error> {
        interrupt::watch();
        let target = Target::find(wanted.pid)?;
        match addon::connect(&target)? {
            Some(talk) => addon::capture(&target, talk, wanted, observer),
            None => Ok(vec![inspector::capture(&target, wanted, observer)]),
        }
    }

    /// The Node processes of this machine but this one, as far as we may know of them.
    pub fn list() -> Result<Vec<NodeProcess>, Error> {
        process::list()
    }

    /// How a process can be captured.
    pub fn diagnose(pid: u32) -> Result<Diagnosis, Error> {
        let target = Target::find(pid)?;
        let mut diagnosis = Diagnosis {
            process: target.describe(),
            addon: None,
            addon_obstacle: None,
            inspector_obstacle: None,
            inspector_open: false,
        };
        match addon::connect(&target).and_then(|talk| talk.map(addon::support).transpose()) {
            Ok(support) => diagnosis.addon = support,
            Err(error) => diagnosis.addon_obstacle = Some(error.into()),
        }
        if diagnosis.addon.is_none() && diagnosis.addon_obstacle.is_none() {
            let error = addon::missing(diagnosis.process.addon == Addon::Loaded);
            diagnosis.addon_obstacle = Some(Obstacle::from(error));
        }
        match inspector::look(&target) {
            Ok(open) => diagnosis.inspector_open = open,
            Err(error) => diagnosis.inspector_obstacle = Some(error.into()),
        }
        Ok(diagnosis)
    }
}

#[cfg(not(target_os = "linux"))]
pub use elsewhere::{capture, diagnose, interrupted, list};

#[cfg(not(target_os = "linux"))]
mod elsewhere {
    use super::{Captured, Diagnosis, Error, NodeProcess, Observer, Wanted};
    use crate::error::Code;

    fn unsupported() -> Error {
        Error::new(
            Code::Unsupported,
            "other processes are looked at in /proc, which this platform has not",
        )
        .with_hint(if cfg!(unix) {
            "load the addon (node -r rs-heapdump app.js) and send SIGUSR2, or call writeSnapshot"
        } else {
            "let the process capture itself: writeSnapshot, watch"
        })
    }

    pub fn capture(_wanted: &Wanted, _observer: &dyn Observer) -> Result<Vec<Result<Captured, Error>>, Error> {
        Err(unsupported())
    }

    pub fn list() -> Result<Vec<NodeProcess>, Error> {
        Err(unsupported())
    }

    pub fn diagnose(_pid: u32) -> Result<Diagnosis, Error> {
        Err(unsupported())
    }

    pub fn interrupted() -> bool {
        false
    }
}
