//! The hours in which resets are sent.
//!
//! Whether a window is open is asked by turning the instant into the time on the wall and comparing, never the reverse: an hour that the clocks skip
//! never opens, one that they repeat opens twice, and no time of day has to be found that does not exist.

use jiff::{
    SignedDuration, Timestamp,
    civil::{DateTime, Weekday},
    tz::TimeZone,
};

use crate::api::time::saturating_add;

/// Minutes of a day.
pub(super) const DAY: u16 = 24 * 60;
/// How far ahead an opening is looked for. Windows come back every week; what several policies have in common may take longer, since clocks change.
const HORIZON: SignedDuration = SignedDuration::from_hours(24 * 35);

/// The windows of one policy: it is open while any of them is.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Hours {
    pub(super) windows: Vec<Window>,
}

/// A window of the week.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Window {
    /// On which days it opens, from Monday on.
    pub(super) days: [bool; 7],
    /// When it opens, in minutes of the day.
    pub(super) from: u16,
    /// When it closes, in minutes of the day; not after `from`: on the next day.
    pub(super) to: u16,
    pub(super) zone: TimeZone,
}

impl Hours {
    pub(super) fn are_open(&self, at: Timestamp) -> bool {
        self.windows.iter().any(|window| window.is_open(at))
    }

    /// The first time from `at` on, and before `limit`, at which a window is open, and that window.
    pub(super) fn opening(&self, at: Timestamp, limit: Timestamp) -> Option<(Timestamp, &Window)> {
        let openings = self.windows.iter().filter_map(|window| Some((window.opening(at, limit)?, window)));
        openings.min_by_key(|(opening, _)| *opening)
    }
}

/// The first time from `at` on, and before `limit`, at which all of these are open.
pub(super) fn common_opening(all: &[&Hours], at: Timestamp, limit: Timestamp) -> Option<Timestamp> {
    let limit = limit.min(saturating_add(at, HORIZON));
    let mut candidate = at;
    loop {
        let mut later = candidate;
        for hours in all {
            later = hours.opening(later, limit)?.0;
        }
        if later == candidate {
            return Some(candidate);
        }
        candidate = later;
    }
}

impl Window {
    fn is_open(&self, at: Timestamp) -> bool {
        self.has(self.zone.to_datetime(at))
    }

    /// Whether the window is open while the clock on the wall shows this.
    fn has(&self, wall: DateTime) -> bool {
        let minute = minute_of_day(wall);
        let opens = |day: Weekday| self.days[usize::from(day.to_monday_zero_offset().unsigned_abs())];
        if self.from < self.to {
            return opens(wall.weekday()) && (self.from..self.to).contains(&minute);
        }
        (opens(wall.weekday()) && minute >= self.from) || (opens(wall.weekday().previous()) && minute < self.to)
    }

    /// The first time from `at` on, and before `limit`, at which it is open. Between two changes of the zone's offset the clock on the wall runs
    /// evenly; at a change it jumps, perhaps into the window.
    fn opening(&self, at: Timestamp, limit: Timestamp) -> Option<Timestamp> {
        let mut begin = at;
        while begin < limit {
            if self.is_open(begin) {
                return Some(begin);
            }
            let change = self.zone.following(begin).next().map(|change| change.timestamp());
            let end = change.filter(|change| *change > begin).unwrap_or(limit).min(limit);
            if let Some(opening) = self.opening_while_even(begin, end) {
                return Some(opening);
            }
            begin = end;
        }
        None
    }

    /// The first time after `begin` and before `end` at which the clock shows `from` on a day of the window, where the offset does not change in
    /// between.
    fn opening_while_even(&self, begin: Timestamp, end: Timestamp) -> Option<Timestamp> {
        let offset = self.zone.to_offset(begin);
        let mut date = offset.to_datetime(begin).date();
        // The same day of the next week too: today its hour may be over.
        for _ in 0..=7 {
            if self.days[usize::from(date.weekday().to_monday_zero_offset().unsigned_abs())] {
                let (hour, minute) = (i8::try_from(self.from / 60).ok()?, i8::try_from(self.from % 60).ok()?);
                let opening = offset.to_timestamp(date.at(hour, minute, 0, 0)).ok()?;
                if opening >= end {
                    return None;
                }
                if opening > begin {
                    return Some(opening);
                }
            }
            date = date.tomorrow().ok()?;
        }
        None
    }

    /// Whether both are open at some time of some week; asked of windows of one zone.
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        let spans = |window: &Self| {
            let days = (0..7_u32).filter(|day| window.days[*day as usize]).collect::<Vec<_>>();
            let length = (u32::from(window.to) + if window.from < window.to { 0 } else { u32::from(DAY) })
                .saturating_sub(u32::from(window.from));
            let from = u32::from(window.from);
            days.into_iter().map(move |day| (day * u32::from(DAY) + from, length)).collect::<Vec<_>>()
        };
        const WEEK: u32 = 7 * DAY as u32;
        let meets = |(a, length): (u32, u32), (b, _): (u32, u32)| (b + WEEK - a) % WEEK < length;
        let (own, others) = (spans(self), spans(other));
        own.iter().any(|a| others.iter().any(|b| meets(*a, *b) || meets(*b, *a)))
    }
}

fn minute_of_day(wall: DateTime) -> u16 {
    u16::from(wall.hour().unsigned_abs()) * 60 + u16::from(wall.minute().unsigned_abs())
}

/// `HH:MM` in minutes of the day; `24:00` is its end.
pub(super) fn minutes(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let number = |text: &str| {
        (text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse::<u16>().ok()).flatten()
    };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    let all = hours * 60 + minutes;
    (minutes < 60 && all <= DAY).then_some(all)
}
