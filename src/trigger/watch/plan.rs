//! What growth is watched for: `+50%`, `200MB`.

use std::fmt;
use std::time::Duration;

use super::policy::Metric;

/// How much something has grown over the baseline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Growth {
    Percent(u32),
    Bytes(u64),
}

impl Growth {
    /// Reads `50%`, `+50%`, `1048576` or `200MB` (of 1024 each); nothing where it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.strip_prefix('+').unwrap_or(text);
        let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (digits, unit) = text.split_at(end);
        let number: u64 = digits.parse().ok().filter(|&number| number > 0)?;
        let factor = match unit.to_ascii_lowercase().as_str() {
            "%" => return Some(Self::Percent(number.try_into().ok()?)),
            "" | "b" => 1,
            "k" | "kb" | "kib" => 1 << 10,
            "m" | "mb" | "mib" => 1 << 20,
            "g" | "gb" | "gib" => 1 << 30,
            _ => return None,
        };
        Some(Self::Bytes(number.checked_mul(factor)?))
    }

    /// Reads a list, `50%:150%`.
    pub fn parse_list(text: &str) -> Option<Vec<Self>> {
        text.split(':').map(Self::parse).collect()
    }

    /// What is reached when `baseline_bytes` have grown so much.
    pub fn over(self, baseline_bytes: u64) -> u64 {
        let growth = match self {
            Self::Percent(percent) => baseline_bytes / 100 * u64::from(percent),
            Self::Bytes(bytes) => bytes,
        };
        baseline_bytes.saturating_add(growth)
    }
}

impl fmt::Display for Growth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Percent(percent) => write!(f, "{percent}%"),
            Self::Bytes(bytes) => write!(f, "{bytes}"),
        }
    }
}

/// A growth that shall give a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    pub metric: Metric,
    pub growth: Growth,
}

/// What is watched for, and how patiently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    pub steps: Vec<Step>,
    /// A snapshot of the settled heap too, to compare the others with.
    pub baseline: bool,
    /// Between two measurements of which the second must agree with the first.
    pub settle: Duration,
    /// From the end of a snapshot to the next one.
    pub interval: Duration,
    /// One more before the heap's limit is reached.
    pub near_limit: bool,
}

impl Default for Plan {
    fn default() -> Self {
        let mut plan = Self::near_limit();
        plan.set(Metric::Heap, &Self::HEAP);
        plan
    }
}

impl Plan {
    /// How much the heap grows from one snapshot to the next, unless somebody knows better.
    pub const HEAP: [Growth; 2] = [Growth::Percent(50), Growth::Percent(150)];

    /// Nothing but the limit.
    pub fn near_limit() -> Self {
        Self {
            steps: Vec::new(),
            baseline: true,
            settle: Duration::from_secs(10),
            interval: Duration::from_secs(30),
            near_limit: true,
        }
    }

    /// Puts these steps in the place of the metric's own.
    pub fn set(&mut self, metric: Metric, growths: &[Growth]) {
        self.steps.retain(|step| step.metric != metric);
        self.steps.extend(growths.iter().map(|&growth| Step { metric, growth }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_is_read_in_percent_and_bytes() {
        let cases = [
            ("50%", Some(Growth::Percent(50))),
            ("+150%", Some(Growth::Percent(150))),
            ("1000", Some(Growth::Bytes(1000))),
            ("+64MB", Some(Growth::Bytes(64 << 20))),
            ("2GiB", Some(Growth::Bytes(2 << 30))),
            ("8k", Some(Growth::Bytes(8192))),
            ("", None),
            ("%", None),
            ("0%", None),
            ("-5%", None),
            ("5 %", None),
            ("1.5GB", None),
            ("50%%", None),
            ("99999999999999999999", None),
            ("18446744073709551615GB", None),
        ];
        for (text, expected) in cases {
            assert_eq!(Growth::parse(text), expected, "{text:?}");
        }
        assert_eq!(
            Growth::parse_list("50%:1M"),
            Some(vec![Growth::Percent(50), Growth::Bytes(1 << 20)])
        );
        assert_eq!(Growth::parse_list("50%:"), None);
    }

    #[test]
    fn growth_is_over_the_baseline() {
        assert_eq!(Growth::Percent(50).over(1000), 1500);
        assert_eq!(Growth::Percent(150).over(1000), 2500);
        assert_eq!(Growth::Bytes(7).over(1000), 1007);
        assert_eq!(Growth::Bytes(u64::MAX).over(1000), u64::MAX);
    }

    #[test]
    fn a_metrics_steps_are_replaced_and_the_others_stay() {
        let mut plan = Plan::default();
        plan.set(Metric::Rss, &[Growth::Percent(100)]);
        plan.set(Metric::Heap, &[]);
        assert_eq!(
            plan.steps,
            [Step {
                metric: Metric::Rss,
                growth: Growth::Percent(100)
            }]
        );
    }
}
