//! The arithmetic of the figures.

use std::time::Duration;

use graph_simulator::Timestamp;

/// The span of Graph's limits.
pub const SPAN: Duration = Duration::from_secs(20);

/// Median, least and most of some figures.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// Of an even number, the mean of the two in the middle.
    pub median: f64,
    /// The least.
    pub least: f64,
    /// The most.
    pub most: f64,
}

impl Spread {
    /// `None` for no figures.
    #[must_use]
    pub fn of(figures: &[f64]) -> Option<Self> {
        let mut sorted = figures.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (least, most) = (*sorted.first()?, *sorted.last()?);
        let middle = sorted.len() / 2;
        let median = match sorted.len() % 2 {
            0 => f64::midpoint(*sorted.get(middle - 1)?, *sorted.get(middle)?),
            _ => *sorted.get(middle)?,
        };
        Some(Self { median, least, most })
    }
}

/// The least figure that so many percent of all do not exceed (nearest rank); `None` for no figures.
#[must_use]
pub fn percentile(figures: &[f64], percent: usize) -> Option<f64> {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get((sorted.len() * percent).div_ceil(100).max(1) - 1).copied()
}

/// How long after the first of `times`, which ascend, each of them is.
#[must_use]
pub fn since_first(times: &[Timestamp]) -> Vec<Duration> {
    let Some(first) = times.first() else { return Vec::new() };
    times.iter().map(|time| between(*first, *time)).collect()
}

/// From one time to a later one; nothing if it is earlier.
#[must_use]
pub fn between(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or_default()
}

/// The most of `times`, which ascend, that any span of this length holds, its end excluded.
#[must_use]
pub fn fullest(times: &[Duration], span: Duration) -> usize {
    let mut begin = 0;
    let mut most = 0;
    for (end, time) in times.iter().enumerate() {
        while times.get(begin).is_some_and(|first| *first + span <= *time) {
            begin += 1;
        }
        most = most.max(end + 1 - begin);
    }
    most
}

/// The soonest that so many requests can be sent, from the first to the last, with at most `limit` in any 20 s.
#[must_use]
pub fn floor(requests: usize, limit: usize) -> Duration {
    let spans = requests.saturating_sub(1) / limit.max(1);
    SPAN * u32::try_from(spans).unwrap_or(u32::MAX)
}

/// The longest gap in `times`, which ascend, that the limit does not explain: from the request before, or from when the limit left room
/// again, to the next one. Answers when it began and how long it was.
#[must_use]
pub fn longest_idle(times: &[Duration], limit: usize) -> (Duration, Duration) {
    let gaps = times.windows(2).enumerate().map(|(index, pair)| {
        let room = (index + 1).checked_sub(limit).and_then(|full| times.get(full)).map(|time| *time + SPAN);
        let begin = room.map_or(pair[0], |room| room.max(pair[0]));
        (begin, pair[1].saturating_sub(begin))
    });
    gaps.max_by_key(|(_, gap)| *gap).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn seconds(all: &[u64]) -> Vec<Duration> {
        all.iter().map(|second| Duration::from_secs(*second)).collect()
    }

    #[test]
    fn medians_and_ranges() {
        assert_eq!(Spread::of(&[]), None);
        assert_eq!(Spread::of(&[3.0, 1.0, 2.0]), Some(Spread { median: 2.0, least: 1.0, most: 3.0 }));
        assert_eq!(Spread::of(&[4.0, 1.0, 2.0, 10.0]), Some(Spread { median: 3.0, least: 1.0, most: 10.0 }));
    }

    #[test]
    fn percentiles_by_nearest_rank() {
        let figures: Vec<f64> = (1..=200).map(f64::from).collect();
        assert_eq!(percentile(&figures, 50), Some(100.0));
        assert_eq!(percentile(&figures, 99), Some(198.0));
        assert_eq!(percentile(&figures, 100), Some(200.0));
        assert_eq!(percentile(&[7.0], 1), Some(7.0));
        assert_eq!(percentile(&[], 50), None);
    }

    #[test]
    fn the_fullest_window_excludes_its_end() {
        assert_eq!(fullest(&[], SPAN), 0);
        assert_eq!(fullest(&seconds(&[0, 1, 20]), SPAN), 2);
        assert_eq!(fullest(&seconds(&[0, 1, 19]), SPAN), 3);
        assert_eq!(fullest(&seconds(&[0, 30, 31, 32, 60]), SPAN), 3);
    }

    #[test]
    fn the_floor_is_what_the_limit_permits() {
        assert_eq!(floor(2000, 200), Duration::from_secs(180));
        assert_eq!(floor(200, 200), Duration::ZERO);
        assert_eq!(floor(201, 200), SPAN);
        assert_eq!(floor(0, 200), Duration::ZERO);
    }

    #[test]
    fn idle_is_what_the_limit_does_not_explain() {
        // Two in any 20 s: the third may go at 20, and goes at 23; the fourth may go at 21.
        assert_eq!(longest_idle(&seconds(&[0, 1, 23, 24]), 2), (Duration::from_secs(20), Duration::from_secs(3)));
        assert_eq!(longest_idle(&seconds(&[0, 5, 6]), 10), (Duration::ZERO, Duration::from_secs(5)));
        assert_eq!(longest_idle(&seconds(&[0]), 10), (Duration::ZERO, Duration::ZERO));
    }

    #[test]
    fn times_count_from_the_first() {
        let time = |second| Timestamp::from_second(second).unwrap();
        assert_eq!(since_first(&[time(5), time(7)]), seconds(&[0, 2]));
        assert_eq!(between(time(7), time(5)), Duration::ZERO);
    }
}
