//! Before the request leaves, and what its answer says: scheduled, held back, sent, verified.

use super::{SoFar, joined, second};
use crate::{
    api::Time,
    platform::{Family, Platform},
};

pub(in crate::lifecycle) const SENDING: &str = "Claimed; the request is being sent.";

/// `to_wait_for`: what policies will ask for then.
pub(in crate::lifecycle) fn scheduled(requested: Time, to_wait_for: Option<&str>) -> String {
    let sent = match to_wait_for {
        Some(_) => "it is sent at {} (requestTime) at the earliest.",
        None => "it is sent at {} (requestTime).",
    };
    joined(&[
        "Nothing was sent yet:",
        &sent.replace("{}", &second(requested).to_string()),
        to_wait_for.unwrap_or_default(),
        "Delete this object to cancel it. Locked out now? Create a new PasscodeReset with requestTime now.",
    ])
}

/// Begun by a restore, by a crash or by a long pause: which one it was is not known here.
pub(in crate::lifecycle) fn quarantine(until: Time) -> String {
    format!(
        "Nothing is sent until {} (quarantine). The operator was away for a while or was killed, or the cluster was restored from a backup, so a \
         request may be under way that is not recorded here, and a second one must not follow it. This goes on by itself.",
        second(until)
    )
}

/// `slot`: when the next reset may be sent, at the latest; `None`: soon, or nobody knows.
pub(in crate::lifecycle) fn limit_reached(why: &str, so_far: SoFar, slot: Option<Time>, expiration: Time) -> String {
    let next = match slot {
        Some(slot) => format!(
            "The next slot is free at about {slot} or earlier; others may wait for it, too. Urgent? Ask the platform team to raise the limit. \
             This goes on by itself"
        ),
        None => "This goes on by itself".to_owned(),
    };
    joined(&[why, so_far.waiting(), &format!("{next}; it is not sent after {}.", second(expiration))])
}

/// The time in a sentence that was said before, if the sentence is still true but for a time that moves from look to look: a later time is
/// no news, and each would be a write.
pub(in crate::lifecycle) fn time_already_named(
    said: &str,
    at: jiff::Timestamp,
    sentence: impl Fn(Time) -> String,
) -> Option<Time> {
    let words = said.split_whitespace().map(|word| word.trim_end_matches(['.', ',', ';', ':']));
    let mut times = words.filter_map(|word| word.parse::<Time>().ok());
    times.find(|time| time.0 >= at && sentence(*time) == said)
}

pub(in crate::lifecycle) fn device_busy(until: Time) -> String {
    format!(
        "Another reset of this device is under way, or was sent a few minutes ago. Nothing is sent until that one shows, at the latest until {}. \
         This goes on by itself.",
        second(until)
    )
}

pub(in crate::lifecycle) fn unreadable_lock(why: &str) -> String {
    format!(
        "Whether another reset of this device is under way cannot be told, because {why}. Somebody changed that Lease, or another version of \
         the operator wrote it. Nothing is sent for this device meanwhile. Ask the platform team: once the Lease is older than three hours it \
         can be deleted."
    )
}

pub(in crate::lifecycle) fn accepted_not_listed(request_id: Option<&str>) -> String {
    format!(
        "Graph accepted the reset (request id {}); Intune does not list it yet. It is not sent again.",
        request_id.unwrap_or("not given")
    )
}

/// An answer that did not decide, as it is kept.
pub(in crate::lifecycle) fn answer(sentence: &str, request_id: Option<&str>) -> String {
    let id = request_id.map_or_else(String::new, |id| format!(" (request id {id})"));
    format!("{}{id}.", sentence.trim_end_matches('.'))
}

pub(in crate::lifecycle) fn not_executed(sentence: &str) -> String {
    format!("Nothing was carried out: {}. It is tried again by itself.", sentence.trim_end_matches('.'))
}

pub(in crate::lifecycle) fn verifying(answer: Option<&str>, settled: Time) -> String {
    let what = match answer {
        Some(answer) => format!("The request was sent, and the answer does not say what became of it: {answer}"),
        None => "The request was sent, or may have been, and no answer is known.".to_owned(),
    };
    format!(
        "{what} Intune's record of the device is watched until {} before anything else is done; it is not sent again before that. Another \
         PasscodeReset would wait as well.",
        second(settled)
    )
}

/// Where what Graph said was not kept.
const REFUSED: &str = "Microsoft Graph refused the request.";

pub(in crate::lifecycle) fn refused_until(answer: Option<&str>, settled: Time, platform: Platform) -> String {
    joined(&[
        answer.unwrap_or(REFUSED),
        &format!(
            "Until {} Intune's record is watched in case it was carried out all the same; it is not sent again.",
            second(settled)
        ),
        cause_of_a_refusal(platform),
    ])
}

pub(in crate::lifecycle) fn refused(answer: Option<&str>, platform: Platform) -> String {
    joined(&[
        answer.unwrap_or(REFUSED),
        "Intune's record of the device shows no reset, so none was carried out.",
        cause_of_a_refusal(platform),
        "Then create a new PasscodeReset with requestTime now.",
    ])
}

pub(in crate::lifecycle) fn refused_in_doubt(answer: Option<&str>, why: &str) -> String {
    let answer = answer.unwrap_or(REFUSED);
    format!("{answer} Whether it was carried out all the same is not known: {why}. {}", super::ASK_THE_PERSON)
}

fn cause_of_a_refusal(platform: Platform) -> &'static str {
    match platform.family() {
        Family::WorkProfile => {
            "Check that a policy requires a work profile passcode and that the \"Secure your work profile\" prompt was accepted."
        }
        Family::Android => "Check that a device configuration policy requires a passcode.",
        Family::Apple | Family::WindowsPhone | Family::Other => "Look at the device in the Intune admin center.",
    }
}
