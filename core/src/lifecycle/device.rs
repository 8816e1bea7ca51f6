//! Which device an object means: found once, and fixed from then on.

use std::ops::ControlFlow::{self, Break, Continue};

use jiff::{SignedDuration, Timestamp};

use super::{
    draft::Draft,
    holds::{not_expired, unreadable},
    messages,
    observed::{Found, Reading, UnconfirmedKind},
    step::{Fact, Step},
};
use crate::{
    api::{
        Time,
        conditions::reason,
        reset_status::{Candidate, DeviceStatus},
        time::saturating_add,
    },
    platform::{Classification, ManagedDevice, Platform, classify, raw_values},
};

/// How much later than Graph's clock `Now::graph` can be: a second of rounding, and a minute of age.
const CLOCK_KNOWN_TO: SignedDuration = SignedDuration::from_secs(61);

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
            d.status.candidates = candidates.iter().map(candidate).collect();
            let message = messages::ambiguous(*total, &d.status.candidates);
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
    d.status.device = Some(DeviceStatus {
        managed_device_id: device.id.clone(),
        platform: platform.as_str().to_owned(),
        operating_system: device.operating_system.clone(),
        os_version: device.os_version.clone(),
        ownership: device.owner_type.clone(),
        model: device.model.clone(),
        last_sync_time: device.last_sync.map(Time),
        enrolled_time: device.enrolled.map(Time),
    });
    d.status.candidates.clear();
    if platform == Platform::Unknown {
        d.unknown_device = Some(raw_values(device));
    }
    Continue(())
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
