//! `Retry-After`: how long Graph asks for a pause.

use std::time::Duration;

use http::HeaderMap;
use jiff::Timestamp;

/// The longest pause that is honoured; a device's owner is waiting.
const MAX: Duration = Duration::from_secs(600);

/// The time to wait, at most ten minutes; `None` where the header is missing or nonsense.
///
/// Graph's own documentation shows a fraction (`2.128`), so an integer is not enough, and Intune may leave the header
/// out. An HTTP date is taken relative to the answer's own `Date`, not to this machine's clock.
pub(in crate::graph) fn retry_after(headers: &HeaderMap, date: Option<Timestamp>) -> Option<Duration> {
    let value = headers.get(http::header::RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = seconds(value).or_else(|| until(value, date?))?;
    Some(wait.min(MAX))
}

fn seconds(value: &str) -> Option<Duration> {
    let numeric = value.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    if !numeric {
        return None;
    }
    let seconds: f64 = value.parse().ok()?;
    // Beyond MAX the number may be too large for a Duration.
    Some(Duration::try_from_secs_f64(seconds).unwrap_or(MAX))
}

fn until(value: &str, date: Timestamp) -> Option<Duration> {
    let end = http_date(value)?;
    Some(Duration::try_from(end.duration_since(date)).unwrap_or(Duration::ZERO))
}

/// The value of a header such as `Date`.
pub(in crate::graph) fn http_date(value: &str) -> Option<Timestamp> {
    Timestamp::try_from(httpdate::parse_http_date(value).ok()?).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    const DATE: &str = "Sun, 22 Nov 2026 09:00:00 GMT";

    fn parse(value: &str) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert("retry-after", value.parse().unwrap());
        retry_after(&headers, http_date(DATE))
    }

    #[test]
    fn seconds_fractions_and_dates() {
        assert_eq!(parse("10"), Some(Duration::from_secs(10)));
        assert_eq!(parse(" 10 "), Some(Duration::from_secs(10)));
        assert_eq!(parse("2.128"), Some(Duration::from_millis(2128)));
        assert_eq!(parse("0"), Some(Duration::ZERO));
        assert_eq!(parse("Sun, 22 Nov 2026 09:00:30 GMT"), Some(Duration::from_secs(30)));
        assert_eq!(parse("Sun, 22 Nov 2026 08:59:30 GMT"), Some(Duration::ZERO));
    }

    #[test]
    fn no_more_than_ten_minutes() {
        assert_eq!(parse("601"), Some(MAX));
        assert_eq!(parse("99999999999999999999999999999999"), Some(MAX));
        assert_eq!(parse("Mon, 23 Nov 2026 09:00:00 GMT"), Some(MAX));
    }

    #[test]
    fn missing_or_nonsense_is_none() {
        for nonsense in ["", ".", "1.2.3", "-5", "inf", "NaN", "1e3", "soon", "10s"] {
            assert_eq!(parse(nonsense), None, "{nonsense}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), None), None);
        let mut headers = HeaderMap::new();
        headers.insert("retry-after", DATE.parse().unwrap());
        assert_eq!(retry_after(&headers, None), None);
    }

    proptest! {
        #[test]
        fn never_panics_and_never_exceeds_the_bound(value in "[ -~]{0,40}") {
            prop_assert!(parse(&value).is_none_or(|wait| wait <= MAX));
        }

        #[test]
        fn every_number_is_understood(value in "[0-9]{1,60}(\\.[0-9]{1,10})?") {
            prop_assert!(parse(&value).is_some());
        }
    }
}
