//! What works in this process, and what to do where something does not: `support()` and `doctor`.

use super::config::Cover;
use super::{listening, threads};
use crate::capture::{self, Mode, live, memory};
use crate::protocol::{CAPTURES_OTHERS, Capability, Support};
use crate::v8;

const NO_SYMBOLS: &str = "this process does not export the functions of V8 that are needed";
/// V8 of later versions caches the line ends of scripts itself.
const LAST_WITHOUT_LINE_ENDS: u32 = 20;

/// What works here.
pub fn here() -> Support {
    let can = v8::capabilities();
    let listening = listening();
    let signal = listening.signal.as_ref().map(drop).map_err(Clone::clone);
    let node = capture::process().map(|process| process.node_version.clone());
    let major = node.as_deref().and_then(major).unwrap_or(0);
    let mode = if can.snapshots { Mode::InProcess } else { Mode::Portable };

    let capabilities = vec![
        Finding::new("inProcess", "V8's HeapProfiler")
            .unless(!can.snapshots, &format!("{NO_SYMBOLS}; node:v8 writes the snapshots"))
            .otherwise(if cfg!(unix) {
                "use a node executable that is not stripped of its dynamic symbols, such as nodejs.org's"
            } else {
                "nothing is to be done: it is so with every node executable of this platform"
            }),
        Finding::new("live", "a forked child captures while the process goes on")
            .unless_failed(live::support().map_err(str::to_owned))
            .otherwise("captures stop the thread meanwhile: take the instance out of the load balancer first"),
        Finding::new(
            "gc",
            &if can.garbage_collection {
                "V8's LowMemoryNotification".to_owned()
            } else {
                format!("a gc function of node:vm; {NO_SYMBOLS}")
            },
        ),
        Finding::new("signal", listening.signal.as_deref().unwrap_or_default())
            .unless_failed(signal.clone())
            .otherwise(if CAPTURES_OTHERS {
                "rs-heapdump capture PID does not need the signal"
            } else {
                "writeSnapshot and watch do not need it"
            }),
        Finding::new("blockedLoop", "V8's RequestInterrupt")
            .unless(!can.interrupts, NO_SYMBOLS)
            .unless_failed(signal)
            .otherwise(if CAPTURES_OTHERS {
                "rs-heapdump capture PID reaches a loop that never returns, too"
            } else {
                "let watch capture before memory runs out"
            }),
        Finding::new("capture", "rs-heapdump capture PID")
            .unless_failed(listening.capture)
            .otherwise(if CAPTURES_OTHERS {
                "rs-heapdump capture PID goes by Node's inspector then"
            } else {
                "let the process capture itself: writeSnapshot, watch"
            }),
        Finding::new(
            "memoryGuard",
            "objects are counted before memory is taken; cgroup, rlimits and MemAvailable are read",
        )
        .unless(
            memory::headroom().is_none(),
            "this platform does not tell how much memory is left",
        )
        .unless(!can.snapshots, NO_SYMBOLS)
        .otherwise("see to it that there is memory for ten times the heap before capturing"),
        Finding::new("memoryReturn", "malloc_trim").unless(
            !cfg!(all(target_os = "linux", target_env = "gnu")),
            "the C library of this platform has no malloc_trim",
        ),
        Finding::new(
            "lineEnds",
            if can.line_ends {
                "made known before each capture"
            } else {
                "not needed: this V8 caches them itself"
            },
        )
        .unless(
            !can.line_ends && can.snapshots && major <= LAST_WITHOUT_LINE_ENDS,
            "captures of large scripts can take minutes on this version of Node",
        )
        .otherwise("use the latest release of this version of Node, or a newer one"),
    ];
    Support {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        node,
        mode: mode.as_str().to_owned(),
        threads: threads::ids(Cover::All),
        capabilities: capabilities.into_iter().map(|finding| finding.0).collect(),
    }
}

/// `24` of `v24.21.0`.
fn major(version: &str) -> Option<u32> {
    version.strip_prefix('v')?.split('.').next()?.parse().ok()
}

struct Finding(Capability);

impl Finding {
    /// Works, and how.
    fn new(name: &str, how: &str) -> Self {
        Self(Capability {
            name: name.to_owned(),
            available: true,
            detail: how.to_owned(),
            hint: None,
        })
    }

    fn unless(self, obstacle: bool, why: &str) -> Self {
        self.unless_failed(if obstacle { Err(why.to_owned()) } else { Ok(()) })
    }

    fn unless_failed(mut self, outcome: Result<(), String>) -> Self {
        if let Err(why) = outcome {
            self.0.available = false;
            self.0.detail = why;
        }
        self
    }

    /// What to do where it does not work.
    fn otherwise(mut self, hint: &str) -> Self {
        if !self.0.available {
            self.0.hint = Some(hint.to_owned());
        }
        self
    }
}
