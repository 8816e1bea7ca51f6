//! Arbitrary facts: every combination that the driver could ever hand over, most of them close to some bound.

use jiff::SignedDuration;
use proptest::prelude::*;

use super::{
    devices::{self, entry_of},
    facts::{DEADLINE, EXPIRES, Facts, SETTLED, TIMEOUT, t},
    samples::{lock, unreadable},
};
use crate::{
    api::{
        Time,
        conditions::{self, Truth, kind, reason},
        matrix::MatrixAction,
        reset::RequestedAction::{self, *},
        reset_status::{Attempt, AttemptResult, DeviceAction, Outcome, PasscodeResetStatus},
        tenant::UnknownOutcome,
    },
    lifecycle::{
        observed::{Found, Look, Namespace, NotReady, Reading, Unconfirmed, UnconfirmedKind},
        step::Step,
    },
    platform::{ActionResult, ManagedDevice},
};

/// Seconds from requestTime, most of them next to something that they decide.
fn seconds() -> impl Strategy<Value = i64> {
    let bounds = vec![
        -TIMEOUT,
        -3600,
        -600,
        -125,
        -30,
        0,
        DEADLINE,
        60,
        SETTLED,
        SETTLED + DEADLINE,
        2 * SETTLED,
        3600,
        EXPIRES,
        TIMEOUT,
    ];
    (prop::sample::select(bounds), prop_oneof![4 => -2_i64..=2, 1 => -200_i64..=200])
        .prop_map(|(bound, off)| bound + off)
}

/// When things are read: after requestTime as a rule, since nothing much happens before it.
fn reading_time() -> impl Strategy<Value = i64> {
    prop_oneof![8 => seconds().prop_map(i64::abs), 1 => seconds()]
}

fn an_entry() -> impl Strategy<Value = ActionResult> {
    let name =
        prop::sample::select(vec!["resetPasscode", "resetPasscode", "RESETPASSCODE", "recoverPasscode", "remoteLock"]);
    let state = prop::sample::select(vec!["done", "pending", "active", "failed", "notSupported", "canceled", "later"]);
    (name, state, seconds(), prop::option::weighted(0.9, Just(())), any::<Option<i64>>()).prop_map(
        |(name, state, start, has_start, error_code)| ActionResult {
            start: has_start.map(|()| t(start)),
            error_code,
            ..entry_of(name, state, start)
        },
    )
}

fn a_device() -> impl Strategy<Value = ManagedDevice> {
    let devices: Vec<devices::Make> = vec![
        devices::iphone,
        devices::iphone,
        devices::fully_managed,
        devices::work_profile,
        devices::windows_phone,
        devices::mac,
        devices::unknown,
        devices::ipad_half_read,
    ];
    prop::sample::select(devices).prop_map(|device| device())
}

fn found() -> impl Strategy<Value = Option<Reading<Found>>> {
    let answer = |value| Some(Reading::Answer { value, at: t(0) });
    prop_oneof![
        1 => Just(None),
        12 => a_device().prop_map(move |device| answer(Found::One(Box::new(device)))),
        1 => Just(answer(Found::None)),
        1 => prop::collection::vec(a_device(), 2..4)
            .prop_map(move |candidates| answer(Found::Several { total: candidates.len(), candidates })),
        1 => could_not_tell().prop_map(|why| Some(Reading::CouldNotTell(why))),
    ]
}

fn look() -> impl Strategy<Value = Option<Reading<Look>>> {
    let answer = |value| Some(Reading::Answer { value, at: t(0) });
    let enrolled = prop_oneof![9 => Just(Some(t(-100_000))), 1 => Just(None), 1 => Just(Some(t(1)))];
    prop_oneof![
        1 => Just(None),
        12 => (prop::collection::vec(an_entry(), 0..3), enrolled, prop::option::of(seconds())).prop_map(
            move |(results, enrolled, sync)| answer(Look::Seen { results, enrolled, last_sync: sync.map(t) })
        ),
        1 => Just(answer(Look::Gone)),
        1 => could_not_tell().prop_map(|why| Some(Reading::CouldNotTell(why))),
    ]
}

fn could_not_tell() -> impl Strategy<Value = crate::lifecycle::observed::Unreadable> {
    any::<bool>().prop_map(|blamed| unreadable(blamed.then(not_ready)))
}

fn not_ready() -> NotReady {
    NotReady { reason: "TokenRefused".into(), message: "AADSTS7000222.".into() }
}

/// How far an object has come.
#[derive(Clone, Debug)]
struct Past {
    claimed: bool,
    result: Option<AttemptResult>,
    silent: i32,
    counted: bool,
    claim_time: i64,
    seen: Vec<i64>,
    followed: Option<(ActionResult, bool)>,
    outcome: Option<Outcome>,
}

fn past() -> impl Strategy<Value = Option<Past>> {
    use AttemptResult::{Accepted, NotExecuted, Refused, Unknown};
    let result = prop::sample::select(vec![
        None,
        None,
        Some(Unknown),
        Some(Unknown),
        Some(Accepted),
        Some(NotExecuted),
        Some(Refused),
    ]);
    let outcome =
        prop::sample::select(vec![Outcome::Complete, Outcome::Rejected, Outcome::Failed, Outcome::Unrecognised]);
    let followed = (an_entry(), any::<bool>()).prop_filter("has a start", |(entry, _)| entry.start.is_some());
    let past = (
        prop::bool::weighted(0.8),
        result,
        0_i32..=2,
        any::<bool>(),
        0_i64..=60,
        prop::collection::vec(seconds(), 0..3),
        prop::option::weighted(0.2, followed),
        prop::option::weighted(0.1, outcome),
    );
    let past = past.prop_map(|(claimed, result, silent, counted, claim_time, seen, followed, outcome)| Past {
        claimed,
        result,
        silent,
        counted,
        claim_time,
        seen,
        followed,
        outcome,
    });
    prop::option::weighted(0.7, past)
}

const ACTIONS: [MatrixAction; 4] = [
    MatrixAction::RemoveDevicePasscode,
    MatrixAction::ResetDevicePasscode,
    MatrixAction::ResetWorkProfilePasscode,
    MatrixAction::ResetDevicePin,
];

/// The status of an object with this past, as the operator itself would have written it.
fn status(facts: &Facts, past: &Past) -> PasscodeResetStatus {
    let before = Facts { look: None, lock: None, ..facts.clone() }.at(0);
    let mut status = Facts { not_ready: None, namespace: Namespace::Allowed, ..before }.gate_free_status();
    let generation = facts.object.metadata.generation;
    // What was claimed was supported and wanted; what is followed has a device and was wanted.
    let wanted = !facts.object.spec.dry_run && status.device.is_some();
    let offered = status.support.as_ref().and_then(|support| support.action.clone());
    let accepted = ACTIONS
        .iter()
        .any(|action| offered.as_deref() == Some(action.as_str()) && facts.object.spec.action.accepts(*action));
    let claimed = past.claimed && wanted && accepted;
    let work_profile = offered.as_deref() == Some(MatrixAction::ResetWorkProfilePasscode.as_str());
    let followed = past.followed.as_ref().filter(|_| wanted && (accepted || !work_profile));
    let mut set = |kind, truth, why, message| {
        conditions::set(&mut status.conditions, kind, truth, why, message, generation, t(0));
    };
    set(kind::READY, Truth::Unknown, reason::VERIFYING_OUTCOME, "Under way.");
    set(kind::RECONCILING, Truth::True, reason::VERIFYING_OUTCOME, "Under way.");
    for undecided in [kind::SUPPORTED, kind::PERMITTED, kind::ISSUED] {
        set(undecided, Truth::Unknown, "Undecided", "Not decided yet.");
    }
    let taken = claimed && past.result == Some(AttemptResult::Accepted);
    if taken || followed.is_some() {
        set(kind::ISSUED, Truth::True, "PasscodeRemoved", "Intune lists it.");
    }
    status.observed_generation = generation;
    conditions::sort(&mut status.conditions);
    let silent = if claimed { past.silent } else { 0 };
    status.silent_attempts = silent;
    status.attempt = claimed.then(|| Attempt {
        // The attempt that was counted as silent last is still the one that is shown.
        number: if past.counted && silent > 0 && past.result == Some(AttemptResult::Unknown) {
            silent
        } else {
            silent + 1
        },
        id: "attempt-1".into(),
        claim_time: Time(t(past.claim_time)),
        send_deadline: Time(t(past.claim_time + DEADLINE)),
        settle_window: "280s".parse().unwrap(),
        seen_start_times: past.seen.iter().map(|start| Time(t(*start))).collect(),
        result: past.result,
        request_id: None,
    });
    status.device_action = followed.map(|(entry, adopted)| DeviceAction {
        name: entry.name.clone(),
        state: "pending".into(),
        start_time: entry.start.map(Time),
        last_update_time: None,
        error_code: None,
        adopted: *adopted || !claimed,
        device_checked_in_since: false,
    });
    finish(&mut status, past.outcome, generation);
    status.reason = Some(status.reason().to_owned());
    status
}

fn finish(status: &mut PasscodeResetStatus, outcome: Option<Outcome>, generation: Option<i64>) {
    let Some(outcome) = outcome else { return };
    let (truth, kind) = match outcome {
        Outcome::Complete => (Truth::True, kind::COMPLETE),
        Outcome::Rejected => (Truth::False, kind::REJECTED),
        Outcome::Failed | Outcome::Unrecognised => (Truth::False, kind::FAILED),
    };
    for (kind, truth) in [(self::kind::READY, truth), (kind, Truth::True)] {
        conditions::set(&mut status.conditions, kind, truth, "TheEnd", "It ended.", generation, t(0));
    }
    conditions::remove(&mut status.conditions, self::kind::RECONCILING);
    status.outcome = Some(outcome);
    status.completion_time = Some(Time(t(0)));
}

impl Facts {
    /// What a first pass finds out: device, support, deadlines.
    fn gate_free_status(&self) -> PasscodeResetStatus {
        let mut fresh = self.clone();
        (fresh.object.status, fresh.quarantine) = (None, None);
        let mut status = crate::lifecycle::decide::decide(&fresh.observed(), fresh.now).status;
        (status.outcome, status.completion_time) = (None, None);
        status.candidates.clear();
        status.conditions.clear();
        status
    }

    /// This very pass took the lock at that time.
    fn with_lock_taken(mut self, when: i64) -> Self {
        let mut lock = lock("attempt-2", 0, "uid-1");
        lock.send_deadline = t(when) + SignedDuration::from_secs(DEADLINE);
        let expiration = self.object.spec.expiration_time.unwrap_or(Time(t(EXPIRES))).0;
        lock.send_deadline = lock.send_deadline.min(expiration);
        self.held = Some(true);
        self.lock = Some(Some(lock));
        self
    }
}

/// What the object asks for.
fn asked() -> impl Strategy<Value = (RequestedAction, bool, Option<i64>, Option<u64>, bool)> {
    let action = prop::sample::select(vec![
        UnlockDevice,
        UnlockDevice,
        UnlockDevice,
        RemoveDevicePasscode,
        ResetWorkProfilePasscode,
        ResetDevicePin,
    ]);
    let dry_run = prop::bool::weighted(0.1);
    (
        action,
        dry_run,
        prop::option::weighted(0.2, 60_i64..1000),
        prop::option::weighted(0.2, 60_u64..4000),
        prop::bool::weighted(0.03),
    )
}

/// The tenant's side.
fn tenant_side() -> impl Strategy<Value = (bool, bool, bool, bool, Option<bool>, u64, bool)> {
    let rarely = || prop::bool::weighted(0.05);
    let readable = prop::sample::select(vec![Some(true), Some(true), Some(false), None]);
    (rarely(), rarely(), rarely(), any::<bool>(), readable, prop::sample::select(vec![0, 310, 600]), rarely())
}

/// What holds things back: gate, quarantine, denied namespace, doubt.
fn holds() -> impl Strategy<Value = (bool, Option<(i64, i64)>, Namespace, Option<Unconfirmed>)> {
    let namespace = prop_oneof![
        18 => Just(Namespace::Allowed),
        1 => Just(Namespace::DeniedByCache),
        1 => seconds().prop_map(|at| Namespace::Denied { at: t(at) }),
    ];
    let kinds = [
        UnconfirmedKind::NamespaceNotAllowed,
        UnconfirmedKind::DeviceNotFound,
        UnconfirmedKind::AmbiguousDevice,
        UnconfirmedKind::CannotClassify,
        UnconfirmedKind::DeviceGone,
        UnconfirmedKind::DeviceGone,
    ];
    let unconfirmed = (prop::sample::select(kinds.to_vec()), seconds())
        .prop_map(|(kind, since)| Unconfirmed { kind, since: t(since) });
    (
        prop::bool::weighted(0.1),
        prop::option::weighted(0.2, (seconds(), 0_i64..2000)),
        namespace,
        prop::option::weighted(0.6, unconfirmed),
    )
}

/// The lock: not read, none, our attempt's, another's, or taken by this pass.
fn lock_side() -> impl Strategy<Value = (u8, i64)> {
    (0_u8..8, seconds())
}

/// Arbitrary facts.
pub(super) fn any_facts() -> impl Strategy<Value = Facts> {
    let read = (found(), look(), reading_time(), prop::option::weighted(0.95, 0_i64..3), -400_i64..400);
    (asked(), tenant_side(), holds(), lock_side(), read, past()).prop_map(
        |(asked, tenant_side, holds, (lock_kind, lock_time), (found, look, at, ahead, guess), past)| {
            let (action, dry_run, expires, timeout, deleted) = asked;
            let (missing, trouble_there, suspended, fail, works, min_interval, made_anew) = tenant_side;
            let mut facts = Facts { found, look, ledger_readable: works, ..Facts::new() }
                .action(action)
                .spec(|spec| {
                    spec.dry_run = dry_run;
                    spec.expiration_time = expires.map(|seconds| Time(t(seconds)));
                    spec.completion_timeout = timeout.map(crate::api::Duration::from_secs);
                })
                .tenant(|tenant| {
                    tenant.suspend = suspended;
                    tenant.min_interval = crate::api::Duration::from_secs(min_interval);
                    if fail {
                        tenant.unknown_outcome = UnknownOutcome::Fail;
                    }
                });
            if let Some(past) = &past {
                let status = status(&facts, past);
                facts = facts.status(|s| *s = status);
            }
            facts = facts.at(at);
            facts.now.graph = ahead.map(|ahead| t(at + ahead));
            facts.now.estimate = t(at + guess);
            facts = match lock_kind {
                0 => Facts { lock: None, ..facts },
                1..=3 => facts.no_lock(),
                4 => facts.locked_by_another(lock_time),
                5 => {
                    let claimed = past.as_ref().map_or(0, |past| past.claim_time);
                    Facts { lock: Some(Some(lock("attempt-1", claimed + DEADLINE, "uid-1"))), ..facts }
                }
                _ => facts.with_lock_taken(at - lock_time.rem_euclid(35)),
            };
            let (gate, quarantine, namespace, unconfirmed) = holds;
            facts = Facts { namespace, unconfirmed, ..facts };
            facts = if gate { facts.gate() } else { facts };
            facts =
                if let Some((begin, length)) = quarantine { facts.quarantine(begin, begin + length) } else { facts };
            facts = if deleted { facts.being_deleted() } else { facts };
            facts = if trouble_there { facts.not_ready() } else { facts };
            if made_anew {
                facts = facts.tenant(|tenant| tenant.tenant_id = "99999999-2222-3333-4444-555555555555".into());
            }
            match (missing, gate) {
                (true, true) => facts.no_tenant().swept(at + EXPIRES),
                (true, false) => facts.no_tenant(),
                _ => facts,
            }
        },
    )
}

/// The word for what was decided, to see that everything is reached.
pub(super) fn word(step: &Step, status: &PasscodeResetStatus) -> String {
    match step {
        Step::Wait(_) | Step::Finish => format!("{:?}/{}", status.outcome, status.reason()),
        Step::Observe(fact) => format!("Observe {fact:?}"),
        Step::TakeLock { .. } => "TakeLock".into(),
        Step::Claim(_) => "Claim".into(),
        Step::TryClaim => "TryClaim".into(),
        Step::ReleaseLock => "ReleaseLock".into(),
        Step::Stop => "Stop".into(),
    }
}
