//! Between JavaScript's objects and ours.

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use napi_derive::napi;

use crate::capture::{Captured, Compression, Encoding, Info, Limits, Live, Outcome, Prime, Request, Target, Trigger};
use crate::error::Error;
use crate::protocol::Support;
use crate::trigger::Event;
use crate::trigger::config::{Config, Cover};
use crate::v8;

/// Numbers that JavaScript holds exactly up to 2^53.
#[expect(clippy::cast_precision_loss, reason = "sizes and counts stay below 2^53")]
pub fn number(value: u64) -> f64 {
    value as f64
}

fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}

fn timeout(milliseconds: Option<f64>) -> Option<Duration> {
    Duration::try_from_secs_f64(milliseconds? / 1e3).ok()
}

pub fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// A capture as `index.js` asks for it; it has checked types and filled in defaults.
#[napi(object)]
pub struct JsRequest {
    pub filename: Option<String>,
    pub directory: Option<String>,
    pub gc: bool,
    pub memory_guard: bool,
    pub comparable: bool,
    /// `once` or `each`.
    pub prime: Option<String>,
    /// `prefer` or `require`.
    pub live: Option<String>,
    /// `none`, `gzip` or `zstd`.
    pub compress: Option<String>,
    pub redact: bool,
    pub keep: Option<u32>,
    pub timeout_ms: Option<f64>,
    pub thread_id: u32,
}

fn prime(text: Option<&str>) -> Prime {
    match text {
        Some("once") => Prime::Once,
        Some("each") => Prime::Each,
        _ => Prime::Never,
    }
}

fn liveness(text: Option<&str>) -> Live {
    match text {
        Some("prefer") => Live::Prefer,
        Some("require") => Live::Require,
        _ => Live::Off,
    }
}

impl JsRequest {
    pub fn into_request(self, trigger: Trigger) -> Request {
        let directory = self.directory.map(PathBuf::from);
        let chosen = self.compress.as_deref().and_then(Compression::named);
        let target = match self.filename {
            Some(name) => Target::Named(match directory {
                Some(directory) if !name.is_empty() => directory.join(name),
                _ => PathBuf::from(name),
            }),
            None => Target::Default {
                directory: directory.unwrap_or_else(|| PathBuf::from(".")),
                thread_id: self.thread_id,
                compression: chosen.unwrap_or_default(),
                keep: self.keep.and_then(NonZeroU32::new),
            },
        };
        Request {
            encoding: Encoding {
                compression: chosen.unwrap_or_else(|| target.compression()),
                redact: self.redact,
            },
            target,
            gc: self.gc,
            memory_guard: self.memory_guard,
            comparable: self.comparable,
            prime: prime(self.prime.as_deref()),
            live: liveness(self.live.as_deref()),
            fallback: None,
            limits: Limits::start(timeout(self.timeout_ms)),
            trigger,
            thread_id: self.thread_id,
            observer: None,
        }
    }
}

#[napi(object)]
#[derive(Clone)]
pub struct JsInfo {
    pub path: String,
    pub bytes: f64,
    pub nodes: f64,
    pub edges: f64,
    pub pause_ms: f64,
    pub duration_ms: f64,
    pub mode: String,
    pub trigger: String,
    pub pid: u32,
    pub thread_id: u32,
    pub fallback: Option<String>,
}

impl From<Info> for JsInfo {
    fn from(info: Info) -> Self {
        Self {
            path: text(&info.path),
            bytes: number(info.bytes),
            nodes: number(info.nodes),
            edges: number(info.edges),
            pause_ms: milliseconds(info.pause),
            duration_ms: milliseconds(info.duration),
            mode: info.mode.as_str().to_owned(),
            trigger: info.trigger.as_str().to_owned(),
            pid: info.pid,
            thread_id: info.thread_id,
            fallback: info.fallback,
        }
    }
}

#[napi(object)]
#[derive(Clone)]
pub struct JsFailure {
    pub code: String,
    pub message: String,
    pub errno: Option<String>,
    pub syscall: Option<String>,
    pub path: Option<String>,
    pub needed_bytes: Option<f64>,
    pub available_bytes: Option<f64>,
    pub limit: Option<String>,
    pub hint: Option<String>,
}

impl From<&Error> for JsFailure {
    fn from(error: &Error) -> Self {
        let shortage = error.shortage();
        Self {
            code: error.code().as_str().to_owned(),
            message: error.to_string(),
            errno: error.errno().map(str::to_owned),
            syscall: error.syscall().map(str::to_owned),
            path: error.path().map(text),
            needed_bytes: shortage.map(|shortage| number(shortage.needed_bytes)),
            available_bytes: shortage.map(|shortage| number(shortage.available_bytes)),
            limit: shortage.map(|shortage| shortage.limit.to_owned()),
            hint: error.hint().map(str::to_owned),
        }
    }
}

/// Either of the two.
#[napi(object)]
#[derive(Clone)]
pub struct JsOutcome {
    pub info: Option<JsInfo>,
    pub failure: Option<JsFailure>,
}

impl From<Outcome> for JsOutcome {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Ok(info) => Self {
                info: Some(info.into()),
                failure: None,
            },
            Err(error) => Self {
                info: None,
                failure: Some((&error).into()),
            },
        }
    }
}

/// A wish that no snapshot of its own follows.
#[napi(object)]
pub struct JsSkipped {
    pub reason: String,
    pub trigger: String,
    pub thread_id: u32,
    pub failure: Option<JsFailure>,
}

/// What happened: either of the two.
#[napi(object)]
pub struct JsEvent {
    pub outcome: Option<JsOutcome>,
    pub skipped: Option<JsSkipped>,
}

impl From<Event> for JsEvent {
    fn from(event: Event) -> Self {
        let outcome = match event {
            Event::Skipped { skipped, thread_id } => {
                return Self {
                    outcome: None,
                    skipped: Some(JsSkipped {
                        reason: skipped.reason.to_owned(),
                        trigger: skipped.trigger.as_str().to_owned(),
                        thread_id,
                        failure: skipped.error.as_ref().map(JsFailure::from),
                    }),
                };
            }
            Event::Snapshot(info) => Ok(info),
            Event::Failed(error) => Err(error),
        };
        Self {
            outcome: Some(outcome.into()),
            skipped: None,
        }
    }
}

#[napi(object)]
pub struct JsCaptured {
    pub nodes: f64,
    pub bytes: f64,
}

impl From<Captured> for JsCaptured {
    fn from(captured: Captured) -> Self {
        Self {
            nodes: number(captured.nodes),
            bytes: number(captured.bytes),
        }
    }
}

/// `v8.getHeapStatistics()`, in part.
#[napi(object)]
pub struct JsHeap {
    pub total_bytes: f64,
    pub used_bytes: f64,
    pub external_bytes: f64,
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "sizes are whole and positive; the cast saturates"
)]
impl From<JsHeap> for v8::HeapStatistics {
    fn from(heap: JsHeap) -> Self {
        Self {
            total_bytes: heap.total_bytes as u64,
            used_bytes: heap.used_bytes as u64,
            external_bytes: heap.external_bytes as u64,
            ..Self::default()
        }
    }
}

/// Changes; what is not there stays.
#[napi(object)]
#[derive(Clone)]
pub struct JsConfig {
    pub directory: Option<String>,
    pub gc: Option<bool>,
    pub memory_guard: Option<bool>,
    pub comparable: Option<bool>,
    /// Goes with `comparable`.
    pub prime: Option<String>,
    /// `off`, `prefer` or `require`.
    pub live: Option<String>,
    /// `none`, `gzip` or `zstd`.
    pub compress: Option<String>,
    pub redact: Option<bool>,
    /// 0 is no limit.
    pub keep: Option<u32>,
    pub timeout_ms: Option<f64>,
    pub quiet: Option<bool>,
    pub all_threads: Option<bool>,
}

impl JsConfig {
    pub fn apply(self, config: &mut Config) {
        if let Some(directory) = self.directory {
            config.directory = Some(PathBuf::from(directory));
        }
        config.gc = self.gc.unwrap_or(config.gc);
        config.memory_guard = self.memory_guard.unwrap_or(config.memory_guard);
        if let Some(comparable) = self.comparable {
            config.comparable = comparable;
            config.prime = prime(self.prime.as_deref());
        }
        if let Some(text) = &self.live {
            config.live = liveness(Some(text));
        }
        if let Some(redact) = self.redact {
            config.redact = redact;
        }
        if let Some(compression) = self.compress.as_deref().and_then(Compression::named) {
            config.compression = compression;
        }
        if let Some(keep) = self.keep {
            config.keep = NonZeroU32::new(keep);
        }
        config.timeout = timeout(self.timeout_ms).or(config.timeout);
        config.quiet = self.quiet.unwrap_or(config.quiet);
        config.cover = match self.all_threads {
            Some(true) => Cover::All,
            Some(false) => Cover::Main,
            None => config.cover,
        };
    }
}

/// What works here.
#[napi(object)]
pub struct JsSupport {
    pub version: String,
    pub mode: String,
    pub capabilities: Vec<JsCapability>,
}

#[napi(object)]
pub struct JsCapability {
    pub name: String,
    pub available: bool,
    /// How, or why not.
    pub detail: String,
    pub hint: Option<String>,
}

impl From<Support> for JsSupport {
    fn from(support: Support) -> Self {
        let capabilities = support.capabilities.into_iter().map(|capability| JsCapability {
            name: capability.name,
            available: capability.available,
            detail: capability.detail,
            hint: capability.hint,
        });
        Self {
            version: support.version,
            mode: support.mode,
            capabilities: capabilities.collect(),
        }
    }
}
