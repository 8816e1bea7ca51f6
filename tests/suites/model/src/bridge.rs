//! The operator's own decisions, asked with the model's facts. Decisions are pure, so each is made once.

use std::{cell::RefCell, collections::HashMap, sync::LazyLock, time::Duration};

use k8s_openapi::{
    apimachinery::pkg::apis::meta::v1 as metav1,
    jiff::{SignedDuration, Timestamp},
};
use passcode_core::{
    api::{
        Duration as Length, Time,
        approval::PasscodeResetApproval,
        conditions::reason,
        matrix::MatrixAction,
        reset::PasscodeReset,
        reset_status::{
            self, AttemptResult, DeviceAction, DeviceStatus, EarlierReset, Effective, Outcome, PasscodeResetStatus,
            SupportStatus,
        },
        tenant::{IntuneTenantSpec, Timing, UnknownOutcome},
    },
    lifecycle::{
        agreement::{Agreement, Approvals},
        answered::{Answered, Meaning, answered},
        decide::decide,
        lock::Lock as DeviceLock,
        observed::{Admission, Found, LeaseView, Look, Namespace, Now, Observed, Reading, TenantView},
        polling::Stretch,
        quarantine::Quarantine,
        step::{Decision, Step},
    },
    platform::{ActionResult, ManagedDevice, Matrix, Platform},
    policy::Policy,
    protocol::{self, Judgement},
};
use serde_json::json;

use crate::{
    setup::Setup,
    state::{Answer, Attempt, End, Followed, Lock, Object, Progress, Second, Status, TICK, Tick, View},
    terms::Small,
    variant::Variant,
};

/// What a decision rests on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Facts {
    pub object: Object,
    /// Whether its device is known.
    pub found: bool,
    pub lock: Option<Option<Lock>>,
    pub remembered: Option<Second>,
    pub look: Option<View>,
    /// This pass holds the lock; whether authority was read since it was taken.
    pub held: Option<bool>,
    pub quarantine: Option<Quarantine>,
    pub lease_is_kept: bool,
    pub suspended: bool,
    /// Whether the approval is there, where that was read.
    pub approved: Option<bool>,
    /// Graph's clock, as the replica takes it.
    pub now: Tick,
}

static BASE: LazyLock<Timestamp> = LazyLock::new(|| "2026-11-22T09:00:00Z".parse().unwrap());
static POLICY: LazyLock<Policy> = LazyLock::new(|| {
    let rule = json!({"name": "ask", "decision": "RequireApproval", "approval": {"required": 1, "validFor": "168h"}});
    Policy::compile("ask", &serde_json::from_value(json!({"rules": [rule]})).unwrap())
});
static POLICIES: LazyLock<[&'static Policy; 1]> = LazyLock::new(|| [&*POLICY]);
static MATRIX: LazyLock<Matrix> = LazyLock::new(Matrix::builtin);

/// Longer than any answer: what was asked with one set-up is asked with it again.
type Memory<K, V> = RefCell<(Option<Setup>, HashMap<K, V>)>;

thread_local! {
    static DECIDED: Memory<Facts, protocol::Decision<Small>> = RefCell::default();
    static ANSWERED: Memory<(Object, Answer, bool, Tick), Judgement<Small>> = RefCell::default();
}

fn once<K: std::hash::Hash + Eq + Clone, V: Clone>(
    memory: &Memory<K, V>,
    setup: &Setup,
    key: K,
    decide: impl FnOnce(&K) -> V,
) -> V {
    let mut memory = memory.borrow_mut();
    if memory.0.as_ref() != Some(setup) {
        *memory = (Some(setup.clone()), HashMap::new());
    }
    if let Some(decided) = memory.1.get(&key) {
        return decided.clone();
    }
    let decided = decide(&key);
    memory.1.insert(key, decided.clone());
    decided
}

/// What the operator decides.
#[must_use]
pub fn decided(setup: &Setup, facts: Facts) -> protocol::Decision<Small> {
    DECIDED.with(|memory| {
        once(memory, setup, facts, |facts| {
            let mut world = Real::of(setup, &facts.object, facts.now);
            world.tenant.suspend = facts.suspended;
            if setup.looks_up && facts.object.status == Status::default() {
                world.is_to_be_found();
            }
            let seen = facts.look.as_ref().map_or(facts.now, |look| look.at);
            let found = Reading::Answer { value: Found::One(Box::new(phone())), at: time(seen) };
            let look = facts.look.as_ref().map(look);
            let lock = facts.lock.as_ref().map(|lock| lock.as_ref().map(device_lock));
            let remembered = facts.remembered.map(at_second);
            let device_lease = match (facts.held, &lock) {
                (Some(authority_is_read), Some(Some(lock))) => LeaseView::Held { lock, remembered, authority_is_read },
                (_, Some(lock)) => LeaseView::Read { lock: lock.as_ref(), remembered },
                (_, None) => LeaseView::NotRead,
            };
            let approvals = facts.approved.map(|approved| approvals(&world.object, approved));
            let observed = Observed {
                agreement: agreement(setup, approvals.as_ref()),
                found: Some(&found).filter(|_| facts.found),
                device_lease,
                look: look.as_ref(),
                quarantine: facts.quarantine,
                lease_is_kept: facts.lease_is_kept,
                ..world.observed(setup)
            };
            let Decision { status, step, remember, .. } = decide(&observed, world.now);
            told(&status, understood(step), remember)
        })
    })
}

/// What a policy asks for, where there is one.
fn agreement<'a>(setup: &Setup, approvals: Option<&'a Approvals>) -> Agreement<'a> {
    if setup.revocations == 0 {
        return Agreement::WITHOUT_POLICIES;
    }
    Agreement {
        policies: Some(&*POLICIES),
        policies_are_live: true,
        approvals,
        identity_since: Some(Timestamp::MIN),
        ..Agreement::WITHOUT_POLICIES
    }
}

/// Two people agree, or one of them has taken that back: nobody knows who asked, so it takes one more than the policy says.
fn approvals(object: &PasscodeReset, approved: bool) -> Approvals {
    let approval = |approver: &str| {
        let spec = json!({
            "request": {"kind": "PasscodeReset", "name": object.metadata.name, "uid": object.metadata.uid},
            "decision": "Approved", "approver": approver,
        });
        let mut approval = PasscodeResetApproval::new(approver, serde_json::from_value(spec).unwrap());
        approval.metadata.namespace.clone_from(&object.metadata.namespace);
        approval.metadata.creation_timestamp = Some(metav1::Time(*BASE));
        approval
    };
    let people: &[&str] = if approved { &["ann", "bob"] } else { &["ann"] };
    Approvals { items: people.iter().map(|name| approval(name)).collect(), offset: SignedDuration::ZERO }
}

/// What the operator makes of an answer to its request; `again` is whether asking again can help.
#[must_use]
pub fn judged(setup: &Setup, object: Object, answer: Answer, again: bool, now: Tick) -> Judgement<Small> {
    ANSWERED.with(|memory| {
        once(memory, setup, (object, answer, again, now), |(object, answer, again, now)| {
            let world = Real::of(setup, object, *now);
            let meaning = match answer {
                Answer::Accepted => Meaning::Accepted,
                Answer::NotExecuted => {
                    Meaning::NotExecuted { again_after: again.then_some(Duration::ZERO), not_ready: None }
                }
                Answer::Refused => Meaning::Refused,
                Answer::Unknown => Meaning::Unknown,
            };
            let answer = Answered { meaning, request_id: None, message: "Graph said so.".to_owned() };
            let Decision { status, step, remember, .. } = answered(&world.observed(setup), &answer, world.now);
            told(&status, step, remember)
        })
    })
}

/// The operator's own types for what the model says.
struct Real {
    object: PasscodeReset,
    tenant: IntuneTenantSpec,
    now: Now,
}

impl Real {
    fn of(setup: &Setup, object: &Object, now: Tick) -> Self {
        let now = time(now);
        Self {
            object: real_object(setup, object),
            tenant: tenant(setup),
            now: Now { wall: now, graph: Some(now), estimate: now },
        }
    }

    /// Nobody knows yet which device it means.
    fn is_to_be_found(&mut self) {
        if let Some(status) = self.object.status.as_mut() {
            status.device = None;
        }
    }

    fn observed<'a>(&'a self, setup: &Setup) -> Observed<'a> {
        Observed {
            object: &self.object,
            tenant: Some(TenantView {
                spec: &self.tenant,
                not_ready: None,
                matrix: Some(&MATRIX),
                stretch: Stretch::default(),
                ledger_readable: setup.ledger_works.then_some(true),
            }),
            unread_tenant: None,
            namespace: Namespace::Allowed,
            found: None,
            device_lease: LeaseView::NotRead,
            look: None,
            unconfirmed: None,
            gate: None,
            admission: Admission::NotTried,
            closed: None,
            quarantine: None,
            lease_is_kept: true,
            agreement: Agreement::WITHOUT_POLICIES,
            swept: None,
        }
    }
}

/// The time of a tick.
#[must_use]
pub fn time(tick: Tick) -> Timestamp {
    at_second(Second::from(tick) * TICK)
}

fn at_second(second: Second) -> Timestamp {
    *BASE + SignedDuration::from_secs(i64::from(second))
}

fn second(time: Timestamp) -> Second {
    Second::try_from(time.duration_since(*BASE).as_secs()).unwrap()
}

/// The tick of a time that lies on one.
#[must_use]
pub fn tick(time: Timestamp) -> Tick {
    let second = second(time);
    assert_eq!(second % TICK, 0, "{time} is on no tick");
    Tick::try_from(second / TICK).unwrap()
}

fn length(ticks: Tick) -> Length {
    Length::from(Duration::from_secs(u64::try_from(Second::from(ticks) * TICK).unwrap()))
}

fn tenant(setup: &Setup) -> IntuneTenantSpec {
    let mut tenant: IntuneTenantSpec = serde_json::from_value(json!({
        "tenantId": TENANT, "clientId": "c", "auth": {"clientSecretRef": {"name": "s", "key": "k"}}, "allowedNamespaces": {},
    }))
    .unwrap();
    let (clock_error, send_grace, ledger_lag) = (setup.clock_error, setup.send_grace, setup.ledger_lag);
    // A window that is wrong is no sum of the bounds any more; the margin, which is one as well, stays as it is.
    let wrong = setup.settle_window() != 2 * clock_error + send_grace + ledger_lag;
    let margin = clock_error + setup.ledger_clock_error;
    let without = if setup.does(Variant::MarginWithoutOurClockError) { clock_error } else { 0 };
    let [clock_error, send_grace, ledger_lag] =
        if wrong { [0, setup.settle_window(), 0] } else { [clock_error, send_grace, ledger_lag] };
    let ledger_clock_error = margin - clock_error - without;
    let [clock_error, send_grace, ledger_lag, ledger_clock_error] =
        [clock_error, send_grace, ledger_lag, ledger_clock_error].map(length);
    tenant.timing = Timing { clock_error, send_grace, ledger_lag, ledger_clock_error };
    tenant.min_interval = length(setup.min_interval);
    tenant.unknown_outcome = UnknownOutcome::Look;
    tenant
}

const TENANT: &str = "11111111-2222-3333-4444-555555555555";
const RESET: &str = "resetPasscode";
const PHONE: &str = "0c6a4ab5-6a6c-4f2c-8a6e-3d2b7d3f1a11";

fn phone() -> ManagedDevice {
    ManagedDevice {
        id: PHONE.to_owned(),
        operating_system: "iOS".to_owned(),
        os_version: "18.2".to_owned(),
        enrollment_type: "appleBulkWithUser".to_owned(),
        device_type: "iPhone".to_owned(),
        management_agent: "mdm".to_owned(),
        management_state: "managed".to_owned(),
        owner_type: "company".to_owned(),
        is_shared_device: Some(false),
        ..ManagedDevice::default()
    }
}

fn real_object(setup: &Setup, object: &Object) -> PasscodeReset {
    let spec = json!({
        "device": {"serialNumber": "S1"},
        "requestTime": Time(time(object.requested)).to_string(),
        "expirationTime": Time(time(object.expires)).to_string(),
    });
    let mut real = PasscodeReset::new("r", serde_json::from_value(spec).unwrap());
    real.metadata.namespace = Some("helpdesk".to_owned());
    real.metadata.uid = Some(format!("uid-{}", object.uid));
    real.metadata.generation = Some(1);
    real.metadata.creation_timestamp = Some(metav1::Time(time(object.requested)));
    real.status = Some(real_status(setup, object));
    real
}

fn real_status(setup: &Setup, object: &Object) -> PasscodeResetStatus {
    let Status { attempt, silent, action, earlier, end } = &object.status;
    PasscodeResetStatus {
        observed_generation: Some(1),
        outcome: end.map(|(end, _)| match end {
            End::Complete => Outcome::Complete,
            End::Rejected => Outcome::Rejected,
            End::Failed => Outcome::Failed,
        }),
        effective: Some(Effective {
            tenant_id: TENANT.to_owned(),
            expiration_time: Time(time(object.expires)),
            completion_timeout: length(setup.completion_timeout),
        }),
        device: Some(DeviceStatus {
            managed_device_id: PHONE.to_owned(),
            platform: Platform::IosDeviceEnrollment.as_str().to_owned(),
            operating_system: "iOS".to_owned(),
            os_version: "18.2".to_owned(),
            ownership: "company".to_owned(),
            read_time: Some(Time(time(object.requested))),
            ..DeviceStatus::default()
        }),
        support: Some(SupportStatus {
            supported: true,
            action: Some(MatrixAction::RemoveDevicePasscode.as_str().to_owned()),
            ..SupportStatus::default()
        }),
        attempt: attempt.as_ref().map(|attempt| {
            let mut real = real_attempt(attempt);
            if setup.does(Variant::AnyNewEntryIsOurs) {
                real.claim_time = Time(time(attempt.claimed - 1000));
            }
            real
        }),
        silent_attempts: i32::from(*silent),
        earlier_reset: earlier.map(|latest| EarlierReset { latest_time: Time(at_second(latest)) }),
        device_action: action.as_ref().map(|action| DeviceAction {
            name: RESET.to_owned(),
            state: state(action.progress).to_owned(),
            start_time: Some(Time(at_second(action.start))),
            last_update_time: None,
            error_code: None,
            adopted: action.adopted,
            device_checked_in_since: false,
        }),
        ..PasscodeResetStatus::default()
    }
}

fn real_attempt(attempt: &Attempt) -> reset_status::Attempt {
    reset_status::Attempt {
        number: i32::from(attempt.number),
        id: attempt.id.to_string(),
        claim_time: Time(time(attempt.claimed)),
        send_deadline: Time(time(attempt.deadline)),
        settle_window: length(attempt.settle),
        seen_start_times: attempt.seen.iter().map(|start| Time(at_second(*start))).collect(),
        result: attempt.result.map(|result| match result {
            Answer::Accepted => AttemptResult::Accepted,
            Answer::NotExecuted => AttemptResult::NotExecuted,
            Answer::Refused => AttemptResult::Refused,
            Answer::Unknown => AttemptResult::Unknown,
        }),
        request_id: None,
    }
}

const fn state(progress: Progress) -> &'static str {
    match progress {
        Progress::Pending => "pending",
        Progress::Done => "done",
        Progress::Failed => "failed",
    }
}

fn device_lock(lock: &Lock) -> DeviceLock {
    DeviceLock {
        attempt_id: lock.attempt.to_string(),
        send_deadline: time(lock.deadline),
        settle_window: length(lock.settle),
        owner_uid: format!("uid-{}", lock.owner),
    }
}

fn look(view: &View) -> Reading<Look> {
    let results = view.entries.iter().map(|(start, progress)| ActionResult {
        name: RESET.to_owned(),
        state: state(*progress).to_owned(),
        start: Some(at_second(*start)),
        last_updated: None,
        error_code: None,
    });
    let value = Look::Seen { results: results.collect(), enrolled: view.enrolled.map(time), last_sync: None };
    Reading::Answer { value, at: time(view.at) }
}

fn told<S>(status: &PasscodeResetStatus, step: S, remember: Option<Timestamp>) -> protocol::Decision<Small, S> {
    protocol::Decision { status: model_status(status), step, remember: remember.map(second) }
}

fn understood(step: Step) -> protocol::Step<Small> {
    match step {
        Step::Observe(fact) => protocol::Step::Observe(fact),
        Step::TakeLock { send_deadline, .. } => protocol::Step::TakeLock(tick(send_deadline)),
        Step::TryClaim => protocol::Step::TryClaim,
        Step::ReleaseLock => protocol::Step::ReleaseLock,
        Step::Claim(attempt) => protocol::Step::Claim(model_attempt(&attempt).id),
        Step::Wait(pause) => protocol::Step::Wait(pause),
        Step::Finish => protocol::Step::Finish,
        Step::Stop => protocol::Step::Stop,
    }
}

fn model_status(status: &PasscodeResetStatus) -> Status {
    let end = status.outcome.map(|outcome| match outcome {
        Outcome::Complete => End::Complete,
        Outcome::Rejected => End::Rejected,
        Outcome::Failed | Outcome::Unrecognised => End::Failed,
    });
    Status {
        attempt: status.attempt.as_ref().map(model_attempt),
        silent: u8::try_from(status.silent_attempts).unwrap(),
        action: status.device_action.as_ref().map(|action| Followed {
            start: second(action.start_time.unwrap().0),
            progress: progress(&action.state),
            adopted: action.adopted,
        }),
        earlier: status.earlier_reset.map(|earlier| second(earlier.latest_time.0)),
        end: end.map(|end| (end, word(status.reason()))),
    }
}

fn model_attempt(attempt: &reset_status::Attempt) -> Attempt {
    let settle = attempt.settle_window.as_std().as_secs() / u64::try_from(TICK).unwrap();
    Attempt {
        id: attempt.id.parse().unwrap(),
        number: u8::try_from(attempt.number).unwrap(),
        claimed: tick(attempt.claim_time.0),
        deadline: tick(attempt.send_deadline.0),
        settle: Tick::try_from(settle).unwrap(),
        seen: attempt.seen_start_times.iter().map(|start| second(start.0)).collect(),
        result: attempt.result.map(|result| match result {
            AttemptResult::Accepted => Answer::Accepted,
            AttemptResult::NotExecuted => Answer::NotExecuted,
            AttemptResult::Refused => Answer::Refused,
            AttemptResult::Unknown => Answer::Unknown,
        }),
    }
}

fn progress(state: &str) -> Progress {
    match state {
        "done" => Progress::Done,
        "failed" => Progress::Failed,
        _ => Progress::Pending,
    }
}

/// The reasons with which objects of the model end.
const WORDS: [&str; 9] = [
    reason::ADOPTED,
    reason::RECENTLY_RESET,
    reason::ENROLLED_AFTER_REQUEST,
    reason::EXPIRED,
    reason::REFUSED_BY_INTUNE,
    reason::DEVICE_REFUSED,
    reason::DEADLINE_EXCEEDED,
    reason::OUTCOME_UNKNOWN,
    "PasscodeRemoved",
];

fn word(reason: &str) -> &'static str {
    // A status that was read back has lost its words.
    WORDS.iter().find(|word| **word == reason).copied().unwrap_or("")
}
