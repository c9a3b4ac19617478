//! The name of a file that nobody named: `heapdump-<sec>.<usec>.heapsnapshot`.
//!
//! Wall clock in UTC, microseconds padded to six digits, so that names sort by time. A worker's
//! carries its thread id, `heapdump-<sec>.<usec>-thread<id>.heapsnapshot`.

use chrono::{DateTime, TimeDelta, Utc};

/// The name for a snapshot of `thread_id` (0 is the main thread) taken at `time`.
pub fn default_name(time: DateTime<Utc>, thread_id: u32) -> String {
    let thread = if thread_id == 0 {
        String::new()
    } else {
        format!("-thread{thread_id}")
    };
    format!(
        "heapdump-{}.{:06}{thread}.heapsnapshot",
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
        assert_eq!(default_name(time, 0), "heapdump-1700000000.000042.heapsnapshot");
        assert_eq!(default_name(time, 7), "heapdump-1700000000.000042-thread7.heapsnapshot");
        let last = DateTime::from_timestamp(1_700_000_000, 999_999_000).unwrap();
        assert_eq!(
            default_name(next_microsecond(last), 0),
            "heapdump-1700000001.000000.heapsnapshot"
        );
    }
}
