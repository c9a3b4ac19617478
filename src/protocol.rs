//! What is said between a process that has loaded the addon and whoever wants a snapshot of it.
//!
//! The process listens on a Unix-domain stream socket of the abstract namespace, so that nothing is left when it
//! ends, named [`PREFIX`]`PID/UNIQUE` with its pid as it sees it itself. Who connects says one [`Ask`] and hears
//! [`Word`]s, a line of JSON each, until the process closes. Who closes first breaks off what was asked for.
//!
//! The version of the protocol is in the name. Within a version fields may be added to what is heard; an ask that
//! has a field which the process does not know is refused, because a wish that is ignored is not fulfilled.
//!
//! A name can be taken by anybody. Both sides look at who the kernel says is at the other end, and go by nothing else.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::capture::Info;
use crate::compression::Compression;
use crate::error::{Code, Error};

/// Whether `rs-heapdump capture PID` works on this platform, by this protocol or by the inspector.
pub const CAPTURES_OTHERS: bool = cfg!(target_os = "linux");
/// How the names of our sockets begin.
pub const PREFIX: &str = "rs-heapdump/1/";
/// Longer lines are not listened to.
pub const LINE_BYTES_MAX: u64 = 64 << 10;

/// What is wanted.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(tag = "ask", rename_all = "kebab-case")]
pub enum Ask {
    /// What works in that process.
    Support {},
    /// Snapshots of it.
    Capture(Capture),
}

/// Snapshots that are wanted; what is not said is as the process is configured for signals.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Capture {
    /// Absolute, in the process's own mount namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filename: Option<PathBuf>,
    /// Likewise; for a default name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub directory: Option<PathBuf>,
    /// `N` or `all`; the main thread where nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thread: Option<ThreadChoice>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gc: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_guard: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub live: Option<LiveChoice>,
    /// `none`, `gzip` or `zstd`; where nothing is said and there is a file name, as that ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compress: Option<Compression>,
    /// Leave out what strings contain; with false it is as the process is configured.
    #[serde(skip_serializing_if = "is_false")]
    pub redact: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands it over like this")]
fn is_false(value: &bool) -> bool {
    !value
}

/// Which threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ThreadChoice {
    All,
    One(u32),
}

/// Whether the process is to go on meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LiveChoice {
    Off,
    Prefer,
    Require,
}

/// What is heard.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum Word {
    Support(Support),
    Progress(Progress),
    Snapshot(Snapshot),
    /// There is no snapshot of that thread, or of none where no thread is named.
    Failed {
        thread_id: Option<u32>,
        failure: Failure,
    },
    /// That was all.
    End,
}

/// How far a capture is.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Progress {
    pub thread_id: u32,
    pub nodes: u64,
    /// Written so far; 0 while V8 builds its graph.
    pub bytes: u64,
    /// How long the thread will stand still in all, where that is known.
    pub pause_ms: Option<f64>,
}

/// A snapshot that is whole and has its name.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Snapshot {
    pub path: String,
    pub bytes: u64,
    pub nodes: u64,
    pub edges: u64,
    pub pause_ms: f64,
    pub duration_ms: f64,
    pub mode: String,
    pub thread_id: u32,
    /// Why it is not live, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fallback: Option<String>,
}

/// Why there is none.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Failure {
    pub code: String,
    pub message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// What works in a process.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Support {
    /// Of the addon.
    pub version: String,
    /// Such as `v24.21.0`.
    pub node: Option<String>,
    /// `in-process` or `portable`.
    pub mode: String,
    /// Threads that have loaded the addon, in Node's numbering.
    pub threads: Vec<u32>,
    pub capabilities: Vec<Capability>,
}

/// One thing that works, or does not.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Capability {
    /// As in `support()`.
    pub name: String,
    pub available: bool,
    /// How, or why not.
    pub detail: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl From<&Error> for Failure {
    fn from(error: &Error) -> Self {
        Self {
            code: error.code().as_str().to_owned(),
            message: error.to_string(),
            hint: error.hint().map(str::to_owned),
        }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        let code = Code::named(&failure.code).unwrap_or(Code::Aborted);
        let error = Self::new(code, failure.message);
        match failure.hint {
            Some(hint) => error.with_hint(hint),
            None => error,
        }
    }
}

impl From<&Info> for Snapshot {
    fn from(info: &Info) -> Self {
        Self {
            path: info.path.to_string_lossy().into_owned(),
            bytes: info.bytes,
            nodes: info.nodes,
            edges: info.edges,
            pause_ms: info.pause.as_secs_f64() * 1e3,
            duration_ms: info.duration.as_secs_f64() * 1e3,
            mode: info.mode.as_str().to_owned(),
            thread_id: info.thread_id,
            fallback: info.fallback.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ask_with_a_wish_that_is_not_known_is_refused() {
        let heard = |line: &str| serde_json::from_str::<Ask>(line);
        assert!(matches!(heard(r#"{"ask":"support"}"#), Ok(Ask::Support {})));
        let Ok(Ask::Capture(capture)) = heard(r#"{"ask":"capture","thread":{"one":3},"live":"prefer"}"#) else {
            panic!("a capture of thread 3");
        };
        assert_eq!(capture.thread, Some(ThreadChoice::One(3)));
        assert_eq!(capture.live, Some(LiveChoice::Prefer));
        assert!(heard(r#"{"ask":"capture","paint":true}"#).is_err());
        assert!(heard(r#"{"ask":"capture","compress":"gzip"}"#).is_ok());
        assert!(heard(r#"{"ask":"capture","compress":"brotli"}"#).is_err());
        assert!(heard(r#"{"ask":"dance"}"#).is_err());
    }

    #[test]
    fn an_error_crosses_over_with_code_and_hint() {
        let error = Error::new(Code::Memory, "needs 5 GB, has 3 GB").with_hint("later");
        let line = serde_json::to_string(&Failure::from(&error)).unwrap();
        let heard = Error::from(serde_json::from_str::<Failure>(&line).unwrap());
        assert_eq!(heard.code(), Code::Memory);
        assert_eq!(heard.to_string(), "needs 5 GB, has 3 GB");
        assert_eq!(heard.hint(), Some("later"));
    }
}
