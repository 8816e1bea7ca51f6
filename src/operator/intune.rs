//! Questions to Graph. What their answers mean to the state machine and to the tenant is for `passcode_core::protocol::answers` to say.

use std::{
    ops::ControlFlow::{self, Break, Continue},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};

use super::tenant::Tenant;
use crate::graph::{
    self, Answer, Candidate, Clock, Priority, ReadError, Reservation, SignInError, SignInFailure, Timed,
};
use passcode_core::{
    api::{
        reset::{DeviceSelector, PasscodeReset},
        reset_status::Attempt,
    },
    lifecycle::{
        answered::Answered,
        observed::{Found, Look, NotReady, Reading},
    },
    platform::{Platform, required_ledger_name},
    protocol::{
        answers::{NotExecuted, Read, ReadFailure, ResetAnswer, no_client, no_device_named, no_way_to_send, not_asked},
        health::Request,
        trouble::Trouble,
    },
};

/// The longest time-out of the one request; the tenant's `sendGrace` may make it shorter.
const SEND_TIME_OUT: Duration = Duration::from_secs(20);

/// Looks a device up. `refused` counts how often in a row Graph refused that.
pub async fn find(
    tenant: &Tenant,
    clock: &dyn Clock,
    device: &DeviceSelector,
    urgency: Priority,
    refused: &mut u32,
) -> Reading<Found> {
    let Some(graph) = tenant.graph.as_ref() else {
        return Reading::CouldNotTell(no_client(tenant.not_ready.clone()));
    };
    let Some(selector) = selector(device) else { return Reading::CouldNotTell(no_device_named()) };
    let probing = match tenant.admit(Request::Device, clock.boot()) {
        Ok(probing) => probing,
        Err(closed) => return Reading::CouldNotTell(not_asked(closed)),
    };
    let answer = graph.find(&selector, urgency).await;
    reading(tenant, clock, Read { request: Request::Device, probing, refused }, answer)
}

/// A device that is identified, and yet to be read on its own.
pub struct Identified {
    candidate: Candidate,
    selector: graph::Selector,
    probing: bool,
}

impl Identified {
    /// Its managedDeviceId.
    pub fn id(&self) -> &str {
        self.candidate.id()
    }
}

/// Which device is meant, where it is one; else the answer to that. `refused` counts how often in a row Graph refused to tell.
pub async fn identify(
    tenant: &Tenant,
    clock: &dyn Clock,
    device: &DeviceSelector,
    urgency: Priority,
    refused: &mut u32,
) -> ControlFlow<Reading<Found>, Identified> {
    let Some(graph) = tenant.graph.as_ref() else {
        return Break(Reading::CouldNotTell(no_client(tenant.not_ready.clone())));
    };
    let Some(selector) = selector(device) else { return Break(Reading::CouldNotTell(no_device_named())) };
    let probing = match tenant.admit(Request::Device, clock.boot()) {
        Ok(probing) => probing,
        Err(closed) => return Break(Reading::CouldNotTell(not_asked(closed))),
    };
    let answer = match graph.identify(&selector, urgency).await {
        Ok(graph::Identified::One(candidate)) => return Continue(Identified { candidate, selector, probing }),
        Ok(graph::Identified::NotOne(found)) => Ok(found),
        Err(error) => Err(error),
    };
    Break(reading(tenant, clock, Read { request: Request::Device, probing, refused }, answer))
}

/// Reads the device on its own, which is a look at Intune's record, too, unless that is refused to others.
pub async fn classify(
    tenant: &Tenant,
    clock: &dyn Clock,
    identified: Identified,
    refused: &mut u32,
) -> (Reading<Found>, Option<Reading<Look>>) {
    let Identified { candidate, selector, probing } = identified;
    let Some(graph) = tenant.graph.as_ref() else {
        return (Reading::CouldNotTell(no_client(tenant.not_ready.clone())), None);
    };
    let answer = graph.device(&candidate, &selector).await;
    let refused_to_others = tenant.record.health().fault_of(Request::Record).is_some();
    let (answer, look) = match answer {
        Ok((found, look)) => {
            let at = found.at;
            (Ok(found), look.filter(|_| !refused_to_others).map(|value| (value, at)))
        }
        Err(error) => (Err(error), None),
    };
    let look = look.map(|(value, at)| {
        note_entries(tenant, &value, at);
        Reading::Answer { value, at }
    });
    (reading(tenant, clock, Read { request: Request::Device, probing, refused }, answer), look)
}

/// Looks at Intune's record of the device that `named` names. `refused` counts how often in a row Graph refused that.
pub async fn look(
    tenant: &Tenant,
    clock: &dyn Clock,
    managed_device_id: &str,
    named: &DeviceSelector,
    urgency: Priority,
    refused: &mut u32,
) -> Reading<Look> {
    let Some(graph) = tenant.graph.as_ref() else {
        return Reading::CouldNotTell(no_client(tenant.not_ready.clone()));
    };
    let probing = match tenant.admit(Request::Record, clock.boot()) {
        Ok(probing) => probing,
        Err(closed) => return Reading::CouldNotTell(not_asked(closed)),
    };
    let answer = graph.look(managed_device_id, urgency).await;
    // By the device's id, but Graph may say what it knows of it.
    let answer = answer.map_err(|error| match selector(named) {
        Some(selector) => error.hiding(&selector),
        None => error,
    });
    if let Ok(Timed { value: look, at, .. }) = &answer {
        note_entries(tenant, look, *at);
    }
    reading(tenant, clock, Read { request: Request::Record, probing, refused }, answer)
}

/// A record that shows anything shows that it can be relied on.
fn note_entries(tenant: &Tenant, look: &Look, at: Timestamp) {
    if let Look::Seen { results, .. } = look
        && !results.is_empty()
    {
        tenant.record.health().entry_seen(at);
    }
}

/// What became of the one request.
pub struct Posted {
    /// What it changes.
    pub answered: Answered,
    /// Whether a request left at all.
    pub went_out: bool,
}

/// Sends the one request, unless its deadline has passed. `capacity` was reserved for the claim's first, the only one that a new token can
/// help; capacity for a repetition is found here.
pub async fn send(
    tenant: &Tenant,
    clock: &dyn Clock,
    object: &PasscodeReset,
    attempt: &Attempt,
    capacity: Option<Reservation>,
) -> Posted {
    let device = object.status.as_ref().and_then(|status| status.device.as_ref());
    let (Some(graph), Some(device)) = (tenant.graph.as_ref(), device) else {
        return Posted { answered: no_way_to_send(), went_out: false };
    };
    let platform = device.platform.parse().unwrap_or(Platform::Unknown);
    // The entry that will be looked for decides what is sent, so that the two can never differ.
    let action = match required_ledger_name(platform) {
        "recoverPasscode" => graph::Action::RecoverPasscode,
        _ => graph::Action::ResetPasscode,
    };
    let time_out = SEND_TIME_OUT.min(tenant.spec().timing.send_grace.as_std());
    let first = capacity.is_some();
    let capacity = match capacity {
        Some(capacity) => capacity,
        None => graph.reserve_again().await,
    };
    let deadline = attempt.send_deadline.0;
    let mut sent = graph.send(action, &device.managed_device_id, &attempt.id, deadline, time_out, capacity).await;
    if let Some(selector) = selector(&object.spec.device) {
        sent.message = selector.hide(&sent.message);
    }
    tracing::info!(
        object = object.full_name(),
        attempt = attempt.id,
        device = device.managed_device_id,
        request_id = sent.request_id,
        answer = answer_name(&sent.answer),
        "{}",
        if sent.went_out { "reset sent" } else { "reset not sent" }
    );
    let went_out = sent.went_out;
    Posted { answered: meant(tenant, clock, sent, first), went_out }
}

fn answer_name(answer: &Answer) -> &'static str {
    match answer {
        Answer::Accepted => "accepted",
        Answer::NotExecuted(_) => "not executed",
        Answer::Refused => "refused",
        Answer::Unknown => "unknown",
    }
}

/// What an answer means, and what it teaches of the tenant.
fn meant(tenant: &Tenant, clock: &dyn Clock, sent: graph::Sent, first: bool) -> Answered {
    let answer = match sent.answer {
        Answer::Accepted => ResetAnswer::Accepted,
        Answer::Refused => ResetAnswer::Refused,
        Answer::Unknown => ResetAnswer::Unknown,
        Answer::NotExecuted(why) => ResetAnswer::NotExecuted { why: not_executed(why), went_out: sent.went_out },
    };
    let meant = tenant.record.health().reset_answered(answer, &sent.message, first, clock.boot());
    if let (true, Some(graph)) = (meant.forget_token, tenant.graph.as_ref()) {
        graph.forget_token();
    }
    Answered { meaning: meant.meaning, request_id: sent.request_id, message: sent.message }
}

fn not_executed(why: graph::NotExecuted) -> NotExecuted {
    use graph::NotExecuted as Graph;
    match why {
        Graph::Throttled { retry_after } => NotExecuted::Throttled { retry_after },
        Graph::DependencyFailed => NotExecuted::DependencyFailed,
        Graph::NotConnected => NotExecuted::NotConnected,
        Graph::PastDeadline => NotExecuted::PastDeadline,
        Graph::TokenRejected => NotExecuted::TokenRejected,
        Graph::PermissionMissing => NotExecuted::Trouble(Trouble::PermissionMissing),
        Graph::ApprovalRequired { code } => NotExecuted::Trouble(Trouble::ApprovalRequired { code }),
        Graph::WrongAddress => NotExecuted::Trouble(Trouble::WrongAddress),
        Graph::NoToken(error) => NotExecuted::Trouble(of_sign_in(&error)),
    }
}

/// What a failed sign-in means for the tenant.
#[must_use]
pub fn sign_in_trouble(error: &SignInError) -> NotReady {
    of_sign_in(error).not_ready(&error.to_string())
}

fn of_sign_in(error: &SignInError) -> Trouble {
    match error.kind {
        SignInFailure::Refused => Trouble::SignInRefused,
        SignInFailure::Unreachable => Trouble::SignInUnreachable,
    }
}

/// A read's answer, or why there is none; the tenant learns from both.
fn reading<T>(tenant: &Tenant, clock: &dyn Clock, read: Read<'_>, answer: Result<Timed<T>, ReadError>) -> Reading<T> {
    let mut health = tenant.record.health();
    match answer {
        Ok(heard) => {
            health.read_answered(read, offset(heard.date, heard.sent, clock));
            Reading::Answer { value: heard.value, at: heard.at }
        }
        Err(error) => {
            Reading::CouldNotTell(health.read_failed(read, &failure(&error), &error.to_string(), clock.boot()))
        }
    }
}

/// Graph's clock less this machine's, to the second.
fn offset(date: Timestamp, sent: Duration, clock: &dyn Clock) -> SignedDuration {
    let passed = SignedDuration::try_from(clock.boot().saturating_sub(sent)).unwrap_or_default();
    date.duration_since(clock.wall()) + passed
}

fn failure(error: &ReadError) -> ReadFailure {
    let retry_after = error.retry_after();
    ReadFailure::Trouble(match error {
        ReadError::SignIn(error) => of_sign_in(error),
        ReadError::TokenRejected(_) => Trouble::TokenNotAccepted,
        ReadError::PermissionMissing(_) => Trouble::PermissionMissing,
        ReadError::ApprovalRequired(_) => Trouble::ApprovalRequired { code: None },
        ReadError::WithoutIntune(_) => Trouble::IntuneNotAvailable,
        ReadError::UnknownProperty(_) => Trouble::PropertyNotAvailable,
        ReadError::WrongAddress(_) => Trouble::WrongAddress,
        ReadError::Refused(_) => return ReadFailure::Refused,
        ReadError::BadSelector(_) | ReadError::Waiting { .. } => return ReadFailure::NotAsked { retry_after },
        ReadError::Throttled { .. }
        | ReadError::Unavailable { .. }
        | ReadError::Unreachable(_)
        | ReadError::Unreadable { .. }
        | ReadError::TooManyPages { .. } => return ReadFailure::Passing { retry_after },
    })
}

fn selector(device: &DeviceSelector) -> Option<graph::Selector> {
    use graph::Selector;
    if let Some(serial) = &device.serial_number {
        return Some(Selector::SerialNumber(serial.clone()));
    }
    if let Some(imei) = &device.imei {
        return Some(Selector::Imei(imei.clone()));
    }
    if let Some(id) = &device.managed_device_id {
        return Some(Selector::ManagedDeviceId(id.clone()));
    }
    if let Some(id) = &device.azure_ad_device_id {
        return Some(Selector::AzureAdDeviceId(id.clone()));
    }
    device.user_principal_name.as_ref().map(|user| Selector::User {
        principal_name: user.clone(),
        device_name: device.device_name.clone(),
        operating_system: device.operating_system.clone(),
    })
}
