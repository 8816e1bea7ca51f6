//! Which device an object means: found once, and fixed from then on; what is known of it, read again when a scheduled time has come.

use std::{
    ops::ControlFlow::{self, Break, Continue},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};

use super::{
    draft::Draft,
    holds::{not_expired, supported, unreadable},
    messages,
    observed::{Found, Reading, UnconfirmedKind},
    step::{Fact, Step},
};
use crate::{
    api::{
        Time,
        conditions::reason,
        reset_status::{Candidate, DeviceStatus},
        tenant::Candidates,
        time::saturating_add,
    },
    platform::{Classification, ManagedDevice, Platform, classify, raw_values},
};

/// How much later than Graph's clock `Now::graph` can be: a second of rounding, and a minute of age.
const CLOCK_KNOWN_TO: SignedDuration = SignedDuration::from_secs(61);
/// How long before requestTime the facts of a device may have been read at the claim. What is asked for at this very moment is not read twice
/// for clocks that differ.
const RECENT_FACTS: SignedDuration = SignedDuration::from_mins(5);
/// When a device is read again that one read shows and another does not.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

pub(super) fn device_is_known(d: &mut Draft<'_>) -> ControlFlow<Step> {
    if d.status.device.is_some() {
        return Continue(());
    }
    let (found, at) = match d.o.found {
        None => return Break(Step::Observe(Fact::Device)),
        Some(Reading::CouldNotTell(why)) => {
            not_expired_in_doubt(d)?;
            return Break(unreadable(d, why));
        }
        Some(Reading::Answer { value, at }) => (value, *at),
    };
    match found {
        Found::One(device) => fix_device(d, device, at),
        Found::None => Break(match d.confirm(UnconfirmedKind::DeviceNotFound, at) {
            Some(wait) => d.hold(reason::LOOKING_UP, messages::DEVICE_NOT_FOUND_YET, wait),
            None => d.reject(reason::DEVICE_NOT_FOUND, &messages::device_not_found(&d.o.object.spec.device)),
        }),
        Found::Several { total, candidates } => {
            if let Some(wait) = d.confirm(UnconfirmedKind::AmbiguousDevice, at) {
                return Break(d.hold(reason::LOOKING_UP, messages::AMBIGUOUS_YET, wait));
            }
            let hidden = d.o.tenant.is_some_and(|tenant| tenant.spec.candidates == Candidates::Hide);
            d.status.candidates = candidates.iter().filter(|_| !hidden).map(candidate).collect();
            let message = if hidden {
                messages::ambiguous_and_hidden(*total)
            } else {
                messages::ambiguous(*total, &d.status.candidates)
            };
            Break(d.reject(reason::AMBIGUOUS_DEVICE, &message))
        }
    }
}

fn fix_device(d: &mut Draft<'_>, device: &ManagedDevice, at: Timestamp) -> ControlFlow<Step> {
    let platform = match classify(device) {
        Classification::Class(platform) => platform,
        Classification::CannotTellYet => match d.confirm(UnconfirmedKind::CannotClassify, at) {
            Some(wait) => return Break(d.hold(reason::LOOKING_UP, messages::CANNOT_CLASSIFY_YET, wait)),
            // Refused, never guessed: but by the matrix and after the ledger, as every other class is.
            None => Platform::Unknown,
        },
    };
    d.status.device = Some(facts(device, platform, at));
    d.status.candidates.clear();
    if platform == Platform::Unknown {
        d.unknown_device = Some(raw_values(device));
    }
    Continue(())
}

/// What the status tells of a device that was read at this time.
#[must_use]
pub fn facts(device: &ManagedDevice, platform: Platform, at: Timestamp) -> DeviceStatus {
    DeviceStatus {
        managed_device_id: device.id.clone(),
        platform: platform.as_str().to_owned(),
        operating_system: device.operating_system.clone(),
        os_version: device.os_version.clone(),
        ownership: device.owner_type.clone(),
        model: device.model.clone(),
        manufacturer: device.manufacturer.clone(),
        category: device.category.clone(),
        enrollment_profile: device.enrollment_profile.clone(),
        compliance_state: device.compliance_state.clone(),
        supervised: device.is_supervised,
        read_time: Some(Time(at).floor_to_second()),
        last_sync_time: device.last_sync.map(Time),
        enrolled_time: device.enrolled.map(Time),
    }
}

/// What was read long before requestTime may be another today: who owns the device, its version, its category. The id stays.
pub(super) fn facts_are_of_today(d: &mut Draft<'_>) -> ControlFlow<Step> {
    let requested = d.request_time();
    let is_recent =
        |device: &DeviceStatus| device.read_time.is_some_and(|read| read.0 >= saturating_add(requested, -RECENT_FACTS));
    let Some(known) = d.status.device.as_ref().filter(|device| !is_recent(device)) else { return Continue(()) };
    if d.status.attempt.is_some() {
        return Continue(());
    }
    let id = known.managed_device_id.clone();
    match d.o.found {
        None => Break(Step::Observe(Fact::Device)),
        Some(Reading::CouldNotTell(why)) => Break(unreadable(d, why)),
        Some(Reading::Answer { value: Found::One(device), at }) if device.id.eq_ignore_ascii_case(&id) => {
            fix_device(d, device, *at)?;
            d.judge_support();
            supported(d)
        }
        // The look has just seen it: until both say the same, nothing is sent.
        Some(Reading::Answer { .. }) => Break(d.hold(reason::LOOKING_UP, messages::DEVICE_GONE_YET, LOOK_AGAIN)),
    }
}

/// A device that cannot be told from Graph's answers is not looked up forever: Graph may be well and its answer of no use, or one that
/// refuses. Its time is then known to a minute, and nothing was ever sent for an object without a device, unless a restore took that back.
fn not_expired_in_doubt(d: &mut Draft<'_>) -> ControlFlow<Step> {
    let Some(now) = d.now.graph else { return Continue(()) };
    let at = saturating_add(now, -CLOCK_KNOWN_TO);
    if at > d.expiration().0 && d.may_have_lost_a_claim(at) {
        return Break(d.fail(reason::OUTCOME_UNKNOWN, &messages::outcome_unknown(None)));
    }
    not_expired(d, at)
}

fn candidate(device: &ManagedDevice) -> Candidate {
    Candidate {
        managed_device_id: device.id.clone(),
        platform: format!("{} {}", device.operating_system, device.os_version).trim().to_owned(),
        model: device.model.clone(),
        management_state: device.management_state.clone(),
        last_sync_time: device.last_sync.map(Time),
        enrolled_time: device.enrolled.map(Time),
    }
}
