//! How a figure went from snapshot to snapshot.
//!
//! A leak goes up at every step, and the more work a step does the more it goes up. Warm-up goes up, too, but
//! stops: a cache reaches its bound, a table is filled, a function is compiled.

/// What a series does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Trend {
    /// Goes nowhere, or back and forth.
    Flat,
    /// Went up in the only step there is.
    Once,
    /// Went up in the last step and most others.
    Mostly,
    /// Went up at every step.
    Steady,
}

impl Trend {
    /// Whether something grows, as far as the snapshots can tell.
    pub(super) fn is_growth(self) -> bool {
        self > Self::Flat
    }

    /// What it counts for in the ranking, in percent.
    pub(super) fn weight_percent(self) -> u64 {
        match self {
            Self::Flat => 0,
            Self::Mostly => 30,
            Self::Once | Self::Steady => 100,
        }
    }
}

/// A last step that is smaller than this part of the largest one, in percent, is the end of growth: something
/// fills up. Its bound is near where the load did not get less.
const LEAST_PART_OF_LARGEST_STEP_PERCENT: u64 = 60;

/// Classifies a series; a step of less than `least` is none.
pub(super) fn classify(series: &[u64], least: u64) -> Trend {
    let least = least.max(1);
    let deltas: Vec<u64> = series.windows(2).map(|step| step[1].saturating_sub(step[0])).collect();
    let Some(&latest) = deltas.last() else {
        return Trend::Flat;
    };
    let largest = deltas.iter().copied().max().unwrap_or(0);
    let up = deltas.iter().filter(|delta| **delta >= least).count();
    if latest < least || latest.saturating_mul(100) < largest.saturating_mul(LEAST_PART_OF_LARGEST_STEP_PERCENT) {
        return Trend::Flat;
    }
    match deltas.len() {
        1 => Trend::Once,
        steps if up == steps => Trend::Steady,
        steps if steps > 2 && up * 3 >= steps * 2 => Trend::Mostly,
        _ => Trend::Flat,
    }
}

/// From the first to the last.
pub(super) fn total(series: &[u64]) -> u64 {
    match series {
        [first, .., last] => last.saturating_sub(*first),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_are_told_apart() {
        for (series, least, expected) in [
            (&[][..], 1, Trend::Flat),
            (&[5], 1, Trend::Flat),
            (&[5, 5], 1, Trend::Flat),
            (&[5, 50], 1, Trend::Once),
            (&[5, 50], 100, Trend::Flat),
            (&[50, 5], 1, Trend::Flat),
            // A leak: so much a step, or more where there is more work.
            (&[100, 200, 300], 10, Trend::Steady),
            (&[100, 200, 500], 10, Trend::Steady),
            (&[0, 200, 500], 10, Trend::Steady),
            // A cache that reaches its bound, at once or in the end.
            (&[100, 500, 500], 10, Trend::Flat),
            (&[500, 500, 500], 10, Trend::Flat),
            (&[100, 5000, 5020], 10, Trend::Flat),
            // A pool that fills ever more slowly.
            (&[80, 160, 200], 10, Trend::Flat),
            // So much a step, more or less.
            (&[100, 210, 300], 10, Trend::Steady),
            // Churn.
            (&[100, 300, 200], 10, Trend::Flat),
            (&[100, 90, 400], 10, Trend::Flat),
            (&[100, 100, 400], 10, Trend::Flat),
            // Four snapshots forgive one quiet step, but not the last.
            (&[100, 200, 200, 300], 10, Trend::Mostly),
            (&[100, 200, 300, 300], 10, Trend::Flat),
            (&[100, 200, 300, 400], 10, Trend::Steady),
        ] {
            assert_eq!(classify(series, least), expected, "{series:?}");
        }
    }

    #[test]
    fn totals_never_wrap() {
        assert_eq!(total(&[1, 5, 9]), 8);
        assert_eq!(total(&[9, 5, 1]), 0);
        assert_eq!(total(&[9]), 0);
    }
}
