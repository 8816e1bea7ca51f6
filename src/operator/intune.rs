//! Questions to Graph, and what their answers mean to the state machine and to the tenant.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::tenant::Tenant;
use crate::graph::{
    self, Answer, Clock, NotExecuted, Priority, ReadError, Reservation, SignInError, SignInFailure, Timed,
};
use passcode_core::{
    api::{
        conditions::reason,
        reset::{DeviceSelector, PasscodeReset},
        reset_status::Attempt,
    },
    lifecycle::{
        answered::{Answered, Meaning},
        observed::{Closed, Found, Look, NotReady, Reading, Unreadable},
    },
    platform::{Platform, required_ledger_name},
    protocol::health::Request,
};

/// The longest time-out of the one request; the tenant's `sendGrace` may make it shorter.
const SEND_TIME_OUT: Duration = Duration::from_secs(20);
/// When to ask again after trouble that passes, where Graph does not say.
const SOON: Duration = Duration::from_secs(5);
/// When to ask again after trouble that somebody has to mend.
const LATER: Duration = Duration::from_secs(60);
/// The longest pause after a question that Graph refused for this object alone.
const LONGEST: Duration = Duration::from_secs(300);
/// The pause after a 424.
const DEPENDENCY_PAUSE: Duration = Duration::from_secs(10);

/// Looks a device up. `refused` counts how often in a row Graph refused that.
pub async fn find(
    tenant: &Tenant,
    clock: &dyn Clock,
    device: &DeviceSelector,
    urgency: Priority,
    refused: &mut u32,
) -> Reading<Found> {
    let Some(graph) = tenant.graph.as_ref() else { return no_client(tenant) };
    let Some(selector) = selector(device) else {
        return Reading::CouldNotTell(passing("The object names no device.".to_owned(), LATER));
    };
    let probing = match tenant.admit(Request::Device, clock.boot()) {
        Ok(probing) => probing,
        Err(closed) => return not_asked(closed),
    };
    let answer = graph.find(&selector, urgency).await;
    reading(tenant, clock, Asked { what: Request::Device, probing, refused }, answer)
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
    let Some(graph) = tenant.graph.as_ref() else { return no_client(tenant) };
    let probing = match tenant.admit(Request::Record, clock.boot()) {
        Ok(probing) => probing,
        Err(closed) => return not_asked(closed),
    };
    let answer = graph.look(managed_device_id, urgency).await;
    // By the device's id, but Graph may say what it knows of it.
    let answer = answer.map_err(|error| match selector(named) {
        Some(selector) => error.hiding(&selector),
        None => error,
    });
    if let Ok(Timed { value: Look::Seen { results, .. }, at, .. }) = &answer
        && !results.is_empty()
    {
        tenant.record.health().entry_seen(*at);
    }
    reading(tenant, clock, Asked { what: Request::Record, probing, refused }, answer)
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
        let meaning = Meaning::NotExecuted { again_after: None, not_ready: None };
        let message = "There is no way to ask Graph at the moment.".to_owned();
        return Posted { answered: Answered { meaning, request_id: None, message }, went_out: false };
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
    let now = clock.boot();
    let mut health = tenant.record.health();
    let meaning = match sent.answer {
        Answer::Accepted | Answer::Refused => {
            health.breaker.answered();
            health.succeeded(Request::Reset);
            if sent.answer == Answer::Accepted { Meaning::Accepted } else { Meaning::Refused }
        }
        Answer::Unknown => {
            health.breaker.unknown(now);
            Meaning::Unknown
        }
        Answer::NotExecuted(why) => {
            if sent.went_out {
                health.breaker.answered();
            }
            let remedy = remedy(why, &sent.message, first);
            if let Some(not_ready) = &remedy.not_ready {
                // Each probe is told another approval code. The first one stays, or each would be a write to all that wait.
                let waits = |known: &&NotReady| {
                    not_ready.reason == reason::MULTI_ADMIN_APPROVAL_REQUIRED && known.reason == not_ready.reason
                };
                let not_ready = health.fault_of(Request::Reset).filter(waits).unwrap_or(not_ready).clone();
                health.failed(not_ready, Request::Reset, now);
            }
            if let Some((pause, why)) = remedy.pause {
                health.pause(pause, why, now);
            }
            Meaning::NotExecuted { again_after: remedy.again_after, not_ready: remedy.not_ready }
        }
    };
    drop(health);
    if let (Meaning::NotExecuted { not_ready: Some(_), .. }, Some(graph)) = (&meaning, tenant.graph.as_ref()) {
        // Consent that was granted since shows in a new token only.
        graph.forget_token();
    }
    Answered { meaning, request_id: sent.request_id, message: sent.message }
}

/// What helps against an answer that certainly executed nothing.
#[derive(Default)]
struct Remedy {
    /// Asking again under the same claim, after this pause.
    again_after: Option<Duration>,
    /// Somebody has to mend the tenant.
    not_ready: Option<NotReady>,
    /// Leaving the tenant alone for a while, and why.
    pause: Option<(Duration, &'static str)>,
}

impl Remedy {
    fn wait(pause: Duration, why: &'static str) -> Self {
        Self { again_after: Some(pause), pause: Some((pause, why)), not_ready: None }
    }

    fn mend(reason: &str, message: &str) -> Self {
        Self { not_ready: Some(not_ready(reason, message)), ..Self::default() }
    }
}

fn remedy(why: NotExecuted, message: &str, first: bool) -> Remedy {
    match why {
        NotExecuted::Throttled { retry_after } => {
            Remedy::wait(retry_after.unwrap_or(SOON), "Graph asked to wait (429).")
        }
        NotExecuted::DependencyFailed => Remedy::wait(DEPENDENCY_PAUSE, "Graph asked to wait (424)."),
        NotExecuted::NotConnected => Remedy::wait(SOON, "Graph could not be reached."),
        NotExecuted::PastDeadline => Remedy::default(),
        NotExecuted::TokenRejected if first => Remedy { again_after: Some(Duration::ZERO), ..Remedy::default() },
        NotExecuted::TokenRejected => Remedy::mend(reason::TOKEN_NOT_ACCEPTED, &not_accepted(message)),
        NotExecuted::PermissionMissing => Remedy::mend(reason::PERMISSION_MISSING, &permission(message)),
        NotExecuted::ApprovalRequired { code } => {
            let code =
                code.map_or_else(String::new, |code| format!(" Intune has filed approval request {code} instead."));
            Remedy::mend(reason::MULTI_ADMIN_APPROVAL_REQUIRED, &format!("{APPROVAL}{code}"))
        }
        NotExecuted::WrongAddress => Remedy::mend(reason::WRONG_ADDRESS, &wrong_address(message)),
        NotExecuted::NoToken(error) => Remedy { not_ready: Some(sign_in_trouble(&error)), ..Remedy::default() },
    }
}

const APPROVAL: &str = "Intune's access policy asks for a second administrator's approval of this app's requests; exclude the app in \
     that policy (Tenant administration, Multi Admin Approval).";

fn permission(message: &str) -> String {
    format!("{} The {NEEDS}", ended(message))
}

const NEEDS: &str = "app needs the application permissions DeviceManagementManagedDevices.PrivilegedOperations.All and \
     DeviceManagementManagedDevices.Read.All, with admin consent (a managed identity gets them by app role assignments).";

fn no_intune(message: &str) -> String {
    format!(
        "{} Either this Entra tenant has no Intune or no licence for it: check tenantId, and the licences. Or Intune does not let the app \
         in: {NEEDS} What was granted minutes ago may not count yet.",
        ended(message)
    )
}

fn no_property(message: &str) -> String {
    format!(
        "{} Microsoft took away a property that this version of the operator ({}) asks for: install a newer version.",
        ended(message),
        env!("CARGO_PKG_VERSION")
    )
}

fn not_accepted(message: &str) -> String {
    format!(
        "{} Check cloud and endpoints: Graph takes tokens of its own cloud only. If they are right, see whether a Conditional \
         Access policy for workload identities withdraws the app's tokens.",
        ended(message)
    )
}

fn wrong_address(message: &str) -> String {
    format!("{} Check cloud and endpoints, and that no proxy answers in Graph's place.", ended(message))
}

/// The text as a sentence that another can follow.
fn ended(message: &str) -> String {
    format!("{}.", message.trim_end_matches('.'))
}

fn not_ready(reason: &str, message: &str) -> NotReady {
    NotReady { reason: reason.to_owned(), message: message.to_owned() }
}

/// What a failed sign-in means for the tenant.
#[must_use]
pub fn sign_in_trouble(error: &SignInError) -> NotReady {
    let reason = match error.kind {
        SignInFailure::Refused => reason::TOKEN_REFUSED,
        SignInFailure::Unreachable => reason::UNREACHABLE,
    };
    not_ready(reason, &error.to_string())
}

fn no_client<T>(tenant: &Tenant) -> Reading<T> {
    let why = tenant.not_ready.clone();
    let message = "The tenant cannot be used.".to_owned();
    Reading::CouldNotTell(Unreadable { tenant: why, message, retry_after: LATER })
}

/// Such reads were refused, and another one is the probe.
fn not_asked<T>(closed: Closed) -> Reading<T> {
    let Closed { not_ready, retry_after } = closed;
    Reading::CouldNotTell(Unreadable { message: not_ready.message.clone(), tenant: Some(not_ready), retry_after })
}

/// A read that was asked for.
struct Asked<'a> {
    what: Request,
    /// Whether it is to show that the tenant's trouble is over.
    probing: bool,
    /// How often in a row Graph refused it for this object.
    refused: &'a mut u32,
}

/// A read's answer, or why there is none; the tenant learns from both.
fn reading<T>(tenant: &Tenant, clock: &dyn Clock, asked: Asked<'_>, answer: Result<Timed<T>, ReadError>) -> Reading<T> {
    match answer {
        Ok(heard) => {
            let mut health = tenant.record.health();
            health.succeeded(asked.what);
            *asked.refused = 0;
            health.clock_offset = Some(offset(heard.date, heard.sent, clock));
            Reading::Answer { value: heard.value, at: heard.at }
        }
        Err(error) => Reading::CouldNotTell(unreadable(tenant, clock, asked, &error)),
    }
}

/// Graph's clock less this machine's, to the second.
fn offset(date: Timestamp, sent: Duration, clock: &dyn Clock) -> SignedDuration {
    let passed = SignedDuration::try_from(clock.boot().saturating_sub(sent)).unwrap_or_default();
    date.duration_since(clock.wall()) + passed
}

fn unreadable(tenant: &Tenant, clock: &dyn Clock, asked: Asked<'_>, error: &ReadError) -> Unreadable {
    let blamed = match error {
        ReadError::SignIn(error) => Some(sign_in_trouble(error)),
        ReadError::TokenRejected(_) => Some(not_ready(reason::TOKEN_NOT_ACCEPTED, &not_accepted(&error.to_string()))),
        ReadError::PermissionMissing(_) => Some(not_ready(reason::PERMISSION_MISSING, &permission(&error.to_string()))),
        ReadError::ApprovalRequired(_) => Some(not_ready(reason::MULTI_ADMIN_APPROVAL_REQUIRED, APPROVAL)),
        ReadError::WithoutIntune(_) => Some(not_ready(reason::INTUNE_NOT_AVAILABLE, &no_intune(&error.to_string()))),
        ReadError::UnknownProperty(_) => {
            Some(not_ready(reason::PROPERTY_NOT_AVAILABLE, &no_property(&error.to_string())))
        }
        ReadError::WrongAddress(_) => Some(not_ready(reason::WRONG_ADDRESS, &wrong_address(&error.to_string()))),
        _ => None,
    };
    let now = clock.boot();
    if let Some(blamed) = &blamed {
        tenant.record.health().failed(blamed.clone(), asked.what, now);
        return Unreadable { tenant: Some(blamed.clone()), message: error.to_string(), retry_after: LATER };
    }
    if asked.probing && matches!(error, ReadError::BadSelector(_) | ReadError::Waiting { .. }) {
        // Graph was not asked.
        tenant.record.health().probe_is_free(asked.what, now);
    }
    let pause = match error {
        ReadError::Refused(_) => {
            *asked.refused = asked.refused.saturating_add(1);
            // It is most likely refused again: later and later, up to minutes.
            LONGEST.min(SOON * 2_u32.saturating_pow(*asked.refused - 1))
        }
        _ => error.retry_after().unwrap_or(SOON),
    };
    passing(format!("{error}."), pause)
}

fn passing(message: String, retry_after: Duration) -> Unreadable {
    Unreadable { tenant: None, message, retry_after }
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
