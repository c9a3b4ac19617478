//! The name of a file that nobody named: `heapdump-<sec>.<usec>.heapsnapshot`.
//!
//! Wall clock in UTC, microseconds padded to six digits, so that names sort by time. A worker's
//! carries its thread id, `heapdump-<sec>.<usec>-thread<id>.heapsnapshot`; a compressed one ends in
//! `.heapsnapshot.gz` or `.heapsnapshot.zst`.

use chrono::{DateTime, TimeDelta, Utc};

use crate::compression::Compression;

/// How the names of `thread_id`'s snapshots (0 is the main thread) end.
pub fn ending(thread_id: u32, compression: Compression) -> String {
    let suffix = compression.suffix();
    if thread_id == 0 {
        format!(".heapsnapshot{suffix}")
    } else {
        format!("-thread{thread_id}.heapsnapshot{suffix}")
    }
}

/// The name for a snapshot taken at `time`.
pub fn default_name(time: DateTime<Utc>, ending: &str) -> String {
    format!(
        "heapdump-{}.{:06}{ending}",
        time.timestamp(),
        time.timestamp_subsec_micros() % 1_000_000
    )
}

/// The time in a default name, in seconds and microseconds; nothing of any other name.
pub fn time_of(name: &str) -> Option<(u64, u32)> {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (seconds, rest) = name.strip_prefix("heapdump-")?.split_once('.')?;
    let (micros, ending) = rest.split_at_checked(6)?;
    let (thread, ending) = ending.split_once('.')?;
    let of_thread = |text: &str| {
        text.strip_prefix("-thread")
            .is_some_and(|id| !id.is_empty() && digits(id))
    };
    let known = (thread.is_empty() || of_thread(thread))
        && matches!(ending, "heapsnapshot" | "heapsnapshot.gz" | "heapsnapshot.zst");
    // An empty number is none.
    (known && digits(seconds) && digits(micros)).then_some((seconds.parse().ok()?, micros.parse().ok()?))
}

/// The time whose name to try when that of `time` is taken.
pub fn next_microsecond(time: DateTime<Utc>) -> DateTime<Utc> {
    time + TimeDelta::microseconds(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_names_are_told_from_all_others() {
        for (thread_id, compression) in [(0, Compression::None), (7, Compression::Gzip), (0, Compression::Zstd)] {
            let time = DateTime::from_timestamp(1_700_000_000, 42_000).unwrap();
            let name = default_name(time, &ending(thread_id, compression));
            assert_eq!(time_of(&name), Some((1_700_000_000, 42)), "{name}");
        }
        for name in [
            "heapdump-1700000000.000042.heapsnapshot.bak",
            "heapdump-1700000000.000042.heapsnapshot.br",
            "heapdump-1700000000.00042.heapsnapshot",
            "heapdump-1700000000.0000042.heapsnapshot",
            "heapdump-170000000x.000042.heapsnapshot",
            "heapdump-1700000000.00004x.heapsnapshot",
            "heapdump-.000042.heapsnapshot",
            "heapdump-1700000000.000042-thread.heapsnapshot",
            "heapdump-1700000000.000042-thread-7.heapsnapshot",
            "heapdump-1700000000.000042-worker7.heapsnapshot",
            "heapdump-1700000000.000042",
            "my-heapdump-1700000000.000042.heapsnapshot",
            "heapdump-1700000000.00004é.heapsnapshot",
            "before.heapsnapshot",
            "",
        ] {
            assert_eq!(time_of(name), None, "{name}");
        }
    }

    #[test]
    fn names_are_padded_and_sort_by_time() {
        let time = DateTime::from_timestamp(1_700_000_000, 42_000).unwrap();
        let cases = [
            (0, Compression::None, "heapdump-1700000000.000042.heapsnapshot"),
            (7, Compression::None, "heapdump-1700000000.000042-thread7.heapsnapshot"),
            (0, Compression::Gzip, "heapdump-1700000000.000042.heapsnapshot.gz"),
            (
                7,
                Compression::Zstd,
                "heapdump-1700000000.000042-thread7.heapsnapshot.zst",
            ),
        ];
        for (thread_id, compression, expected) in cases {
            assert_eq!(default_name(time, &ending(thread_id, compression)), expected);
        }
        let last = DateTime::from_timestamp(1_700_000_000, 999_999_000).unwrap();
        assert_eq!(
            default_name(next_microsecond(last), ".heapsnapshot"),
            "heapdump-1700000001.000000.heapsnapshot"
        );
    }
}
