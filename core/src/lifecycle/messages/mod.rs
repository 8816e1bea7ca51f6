//! What people are told, in whole sentences: what happened, whether anything was sent, and what to do next.
//!
//! A message changes only when its facts change: a count-down in it would be a write a second.

mod admission;
mod device;
mod following;
mod permission;
mod sending;
mod tenant;
mod unknown;
mod verdicts;

pub(super) use self::{
    admission::*, device::*, following::*, permission::*, sending::*, tenant::*, unknown::*, verdicts::*,
};
use crate::api::Time;

pub(super) const UNDECIDED: &str = "Not decided yet.";

/// What was sent for an object before a sentence is written about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SoFar {
    /// Nothing.
    Nothing,
    /// A request that certainly was not carried out.
    NotExecuted,
    /// A request was sent, or may have been, and nobody knows what became of it.
    Unknown,
}

impl SoFar {
    /// For an object that waits.
    const fn waiting(self) -> &'static str {
        match self {
            Self::Nothing => "Nothing was sent.",
            Self::NotExecuted => "Nothing was carried out so far.",
            Self::Unknown => {
                "An earlier request for this object was sent, or may have been, and Intune's record does not show it."
            }
        }
    }

    /// For a verdict. Where an earlier request may have been carried out, the sentence around it says so.
    const fn ended(self) -> &'static str {
        match self {
            Self::Nothing => "Nothing was sent.",
            Self::NotExecuted => "Nothing was carried out.",
            Self::Unknown => "",
        }
    }
}

/// Sentences one after the other, without those that say nothing.
fn joined(sentences: &[&str]) -> String {
    let said: Vec<&str> = sentences.iter().copied().filter(|sentence| !sentence.is_empty()).collect();
    said.join(" ")
}

/// The text as a sentence that another can follow.
fn ended(sentence: &str) -> String {
    if sentence.ends_with(['.', '!', '?']) { sentence.to_owned() } else { format!("{sentence}.") }
}

/// A time as sentences show it: Intune's have ten-millionths of a second, with which nobody can do anything.
fn second(time: Time) -> Time {
    time.floor_to_second()
}

/// The next whole minute that is not before this time.
pub(super) fn up_to_the_minute(time: Time) -> Time {
    let second = time.0.as_second() + i64::from(time.0.subsec_nanosecond() > 0);
    let minute = second.div_euclid(60) * 60 + if second.rem_euclid(60) > 0 { 60 } else { 0 };
    Time(jiff::Timestamp::from_second(minute).unwrap_or(time.0))
}
