//! `Retry-After`: its value in the first line, the answer's `Date` in the second.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode};

use passcode_operator::graph::Priority;

use super::DEVICE;
use crate::{desk::ask, message::first_line, oracles::is_an_error};

/// The target.
pub fn run(data: &[u8]) {
    let (value, rest) = first_line(data);
    let (date, _) = first_line(rest);
    let Ok(header) = HeaderValue::from_bytes(value.trim().as_bytes()) else { return };
    let mut answer = Response::new(Bytes::new());
    *answer.status_mut() = StatusCode::TOO_MANY_REQUESTS;
    answer.headers_mut().insert("retry-after", header);
    if let Ok(date) = HeaderValue::from_str(date.trim()) {
        answer.headers_mut().insert("date", date);
    }
    let asked = ask(vec![answer], async |graph| graph.look(DEVICE, Priority::LookUp).await);
    let error = asked.answer.expect_err("429 is no answer");
    is_an_error(&error);
    is_right(value.trim(), error.retry_after());
}

/// Whole seconds are taken as they are, up to ten minutes; what begins with neither a digit, a day nor a point is nothing.
fn is_right(value: &str, pause: Option<Duration>) {
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        let seconds = value.parse::<u64>().unwrap_or(u64::MAX).min(600);
        assert_eq!(pause, Some(Duration::from_secs(seconds)), "{value}");
    }
    if !value.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '.') {
        assert_eq!(pause, None, "{value}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "700")]
    fn a_pause_that_is_not_cut_is_noticed() {
        is_right("700", Some(Duration::from_secs(700)));
    }
}
