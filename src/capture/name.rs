//! The name of a file that nobody named: `heapdump-<sec>.<usec>.heapsnapshot`.
//!
//! Wall clock in UTC, microseconds padded to six digits, so that names sort by time. A worker's
//! carries its thread id, `heapdump-<sec>.<usec>-thread<id>.heapsnapshot`; a compressed one ends in
//! `.heapsnapshot.gz` or `.heapsnapshot.zst`.

use chrono::{DateTime, TimeDelta, Utc};

use super::encode::Compression;

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

/// The time whose name to try when that of `time` is taken.
pub fn next_microsecond(time: DateTime<Utc>) -> DateTime<Utc> {
    time + TimeDelta::microseconds(1)
}

#[cfg(test)]
mod tests {
    use super::*;

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
