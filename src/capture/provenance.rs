//! Which process, thread and moment a file shows, said in the file itself.
//!
//! V8 writes `{"snapshot":{"meta":…`; the object under the one key `rs_heapdump` goes in front of
//! `meta`, so that `head -c 600 FILE` answers the question. Readers ignore keys that they do not
//! know there. A beginning that is not V8's is passed on untouched.

use std::sync::OnceLock;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

use super::foreign::Source;
use super::ids::Ids;
use super::{Mode, Request, Trigger, memory};
use crate::v8::HeapStatistics;

const OPENING: &[u8] = br#"{"snapshot":{"#;
/// Where V8's header ends; its counts come before.
const HEADER_END: &[u8] = br#""nodes":["#;

/// What is the same for all captures of this process.
#[derive(Clone, Debug)]
pub struct Process {
    pub node_version: String,
    /// Its name in the network, where the platform tells.
    pub host: Option<String>,
    /// The script that Node was started with; empty where there is none.
    pub program: String,
    pub started: DateTime<Utc>,
}

static PROCESS: OnceLock<Process> = OnceLock::new();

/// Said once, by the thread that loads the addon first.
pub fn set_process(process: Process) {
    let _ = PROCESS.set(process);
}

/// What was said.
pub fn process() -> Option<&'static Process> {
    PROCESS.get()
}

#[derive(Serialize)]
struct Header<'a> {
    rs_heapdump: Provenance<'a>,
}

#[derive(Serialize)]
struct Provenance<'a> {
    version: &'static str,
    pid: u32,
    thread_id: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    host: Option<&'a str>,
    program: Option<&'a str>,
    process_start_time: Option<String>,
    node_version: Option<&'a str>,
    time: String,
    trigger: &'static str,
    mode: &'static str,
    memory: Memory,
    /// `comparable`: object ids compare with those of another file of the same process and thread …
    ids: &'static str,
    /// … if that has the same number here; it grows whenever V8 numbers the objects anew.
    ids_generation: u32,
    /// In a live capture only ids up to this one are the objects' own; larger ones mean nothing in
    /// another file.
    #[serde(skip_serializing_if = "Option::is_none")]
    ids_stable_up_to: Option<u32>,
    /// Why it is not live, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    fallback: Option<&'a str>,
}

#[derive(Serialize)]
struct Memory {
    rss_bytes: u64,
    heap_used_bytes: u64,
    heap_total_bytes: u64,
    external_bytes: u64,
}

/// The text that goes behind V8's opening: `"rs_heapdump":{…},`.
pub fn header(request: &Request, mode: Mode, time: DateTime<Utc>, heap: HeapStatistics, ids: Ids) -> Vec<u8> {
    let provenance = Provenance {
        version: env!("CARGO_PKG_VERSION"),
        pid: std::process::id(),
        thread_id: request.thread_id,
        host: process().and_then(|process| process.host.as_deref()),
        program: process().map(|process| process.program.as_str()),
        process_start_time: process().map(|process| iso(process.started)),
        node_version: process().map(|process| process.node_version.as_str()),
        time: iso(time),
        trigger: request.trigger.as_str(),
        mode: mode.as_str(),
        memory: Memory {
            rss_bytes: memory::rss_bytes(),
            heap_used_bytes: heap.used_bytes,
            heap_total_bytes: heap.total_bytes,
            external_bytes: heap.external_bytes,
        },
        ids: if mode == Mode::Live { "live" } else { "comparable" },
        ids_generation: ids.generation,
        ids_stable_up_to: (mode == Mode::Live).then_some(ids.stable_up_to),
        fallback: request.fallback.as_deref(),
    };
    provenance.into_header()
}

/// The same for a snapshot that another process handed over at `time`. Its ids compare with no other's: V8 forgets them
/// at the end of an inspector's session.
pub fn foreign_header(source: &Source, time: DateTime<Utc>) -> Vec<u8> {
    let provenance = Provenance {
        version: env!("CARGO_PKG_VERSION"),
        pid: source.pid,
        thread_id: source.thread_id,
        host: None,
        program: None,
        process_start_time: source.started.map(iso),
        node_version: source.node_version.as_deref(),
        time: iso(time),
        trigger: Trigger::Capture.as_str(),
        mode: Mode::Inspector.as_str(),
        memory: Memory {
            rss_bytes: source.rss_bytes,
            heap_used_bytes: source.heap.used_bytes,
            heap_total_bytes: source.heap.total_bytes,
            external_bytes: source.heap.external_bytes,
        },
        ids: "unstable",
        ids_generation: 0,
        ids_stable_up_to: None,
        fallback: None,
    };
    provenance.into_header()
}

fn iso(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

impl Provenance<'_> {
    fn into_header(self) -> Vec<u8> {
        let object = serde_json::to_vec(&Header { rs_heapdump: self }).expect("plain strings and numbers serialize");
        let mut text = object[1..object.len() - 1].to_vec();
        text.push(b',');
        text
    }
}

/// A snapshot's first chunk with `header` in it.
pub fn spliced(chunk: &[u8], header: &[u8]) -> Vec<u8> {
    match chunk.strip_prefix(OPENING) {
        Some(rest) => [OPENING, header, rest].concat(),
        None => chunk.to_vec(),
    }
}

/// Where the object begins that [`header`] made, in the beginning of a file's text.
pub fn object(text: &[u8]) -> Option<&[u8]> {
    text.strip_prefix(OPENING)?.strip_prefix(br#""rs_heapdump":"#)
}

/// Nodes and edges, as V8's header counts them.
pub fn counts(chunk: &[u8]) -> (u64, u64) {
    let end = find(chunk, HEADER_END).unwrap_or(chunk.len());
    let header = &chunk[..end];
    let count = |key: &[u8]| {
        let at = find(header, key)? + key.len();
        header[at..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .try_fold(0u64, |number, byte| {
                number.checked_mul(10)?.checked_add(u64::from(byte - b'0'))
            })
    };
    (
        count(br#""node_count":"#).unwrap_or(0),
        count(br#""edge_count":"#).unwrap_or(0),
    )
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_come_from_v8s_header() {
        let chunk = br#"{"snapshot":{"meta":{},"node_count":12,"edge_count":345,"x":0},"nodes":["node_count":9"#;
        assert_eq!(counts(chunk), (12, 345));
        assert_eq!(counts(b"{}"), (0, 0));
        assert_eq!(counts(br#""node_count":99999999999999999999999"#), (0, 0));
    }

    #[test]
    fn only_v8s_own_opening_gets_a_header() {
        assert_eq!(
            spliced(br#"{"snapshot":{"meta""#, b"HEADER,"),
            br#"{"snapshot":{HEADER,"meta""#
        );
        assert_eq!(spliced(b"{\"nodes\"", b"HEADER,"), b"{\"nodes\"");
    }
}
