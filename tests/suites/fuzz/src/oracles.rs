//! What holds of every answer.

use std::time::Duration;

use passcode_operator::graph::ReadError;

/// Longest text that people are shown: a sentence of 300 characters, a code, and our words around them.
const LONGEST: usize = 800;

/// A text that people read: one line, no address of Intune's insides, not endless.
#[track_caller]
pub fn is_for_people(text: &str) {
    assert!(!text.is_empty(), "nothing is said");
    assert!(!text.chars().any(char::is_control), "control characters: {text:?}");
    assert!(!text.contains("://"), "an address: {text:?}");
    assert!(text.chars().count() <= LONGEST, "too long: {text:?}");
}

/// A pause that Graph asked for: nothing is waited for longer than ten minutes.
#[track_caller]
pub fn is_a_pause(pause: Option<Duration>) {
    assert!(pause.is_none_or(|pause| pause <= Duration::from_secs(600)), "{pause:?}");
}

/// Why something could not be read.
#[track_caller]
pub fn is_an_error(error: &ReadError) {
    is_for_people(&error.to_string());
    is_a_pause(error.retry_after());
    if let Some(id) = error.request_id() {
        is_for_people(id);
    }
}
