//! Facts to decide on, with defaults that lead straight to the lock: whatever a test says is the one thing that is different.

use std::{fmt, sync::LazyLock, time::Duration};

use super::{
    devices::iphone,
    invariants,
    samples::{self, lock, unreadable},
};
use crate::{
    api::{
        conditions::{self, kind},
        reset::{PasscodeReset, PasscodeResetSpec, RequestedAction},
        reset_status::{AttemptResult, Outcome, PasscodeResetStatus},
        tenant::IntuneTenantSpec,
    },
    lifecycle::{
        admission::AttemptDenial,
        agreement::{Agreement, Approvals},
        decide::decide,
        lock::Lock,
        observed::{
            Admission, Closed, Found, Gate, LeaseView, Look, Namespace, NotReady, Now, Observed, Reading, Sweep,
            TenantView, Unconfirmed, UnconfirmedKind,
        },
        polling::Stretch,
        quarantine::Quarantine,
        step::{Decision, Step},
    },
    platform::{ActionResult, ManagedDevice, Matrix},
    policy::{PastReset, Policy},
};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1 as metav1;

/// Stands in every place whose content no status may show: users, device names, reasons, credentials.
pub(crate) const PLANTED: &str = "planted";
/// `sendDeadline` of the attempt that [`Facts::attempted`] has.
pub(crate) const DEADLINE: i64 = 30;
/// The last second at which that attempt may still show: `sendDeadline + settleWindow`.
pub(crate) const SETTLED: i64 = DEADLINE + 280;
/// The default `expirationTime`.
pub(crate) const EXPIRES: i64 = 86_400;
/// The default `completionTimeout`.
pub(crate) const TIMEOUT: i64 = 168 * 3600;

/// So many seconds after requestTime.
pub(crate) fn t(seconds: i64) -> Timestamp {
    let requested: Timestamp = "2026-11-22T09:00:00Z".parse().unwrap();
    requested + SignedDuration::from_secs(seconds)
}

static INTUNE: LazyLock<Matrix> = LazyLock::new(Matrix::builtin);
static INTUNE_2020_07: LazyLock<Matrix> = LazyLock::new(Matrix::builtin_2020_07);

/// The facts of one decision.
#[derive(Clone)]
pub(crate) struct Facts {
    pub object: PasscodeReset,
    pub tenant: Option<IntuneTenantSpec>,
    pub not_ready: Option<NotReady>,
    pub ledger_readable: Option<bool>,
    pub stretch: Stretch,
    pub matrix: &'static Matrix,
    pub namespace: Namespace,
    pub found: Option<Reading<Found>>,
    pub lock: Option<Option<Lock>>,
    pub unread_lock: Option<&'static str>,
    pub remembered: Option<Timestamp>,
    pub look: Option<Reading<Look>>,
    /// This pass holds the lock; whether authority was read since it was taken.
    pub held: Option<bool>,
    pub unconfirmed: Option<Unconfirmed>,
    pub gate: Option<Gate>,
    /// What admission control refused, and how many seconds it is until it is tried again.
    pub refused: Option<(AttemptDenial, u64)>,
    pub admitted: bool,
    pub closed: Option<Closed>,
    pub quarantine: Option<Quarantine>,
    pub lease_is_kept: bool,
    pub policies: Option<Vec<&'static Policy>>,
    pub policies_are_live: bool,
    pub approvals: Option<Approvals>,
    pub identity_since: Option<Timestamp>,
    pub past: Vec<PastReset>,
    pub swept: Option<Sweep>,
    pub now: Now,
}

impl Facts {
    /// Just created, at its requestTime, for an iPhone of which Intune's record is empty, and nothing is in the way.
    pub fn new() -> Self {
        Self {
            object: samples::object(),
            tenant: Some(samples::tenant()),
            not_ready: None,
            ledger_readable: Some(true),
            stretch: Stretch::default(),
            matrix: &INTUNE,
            namespace: Namespace::Allowed,
            found: Some(Reading::Answer { value: Found::One(Box::new(iphone())), at: t(0) }),
            lock: Some(None),
            unread_lock: None,
            remembered: None,
            look: None,
            held: None,
            unconfirmed: None,
            gate: None,
            refused: None,
            admitted: false,
            closed: None,
            quarantine: None,
            lease_is_kept: true,
            policies: Some(Vec::new()),
            policies_are_live: true,
            approvals: None,
            identity_since: Some(Timestamp::MIN),
            past: Vec::new(),
            swept: None,
            now: Now { wall: t(0), graph: None, estimate: t(0) },
        }
        .sees(vec![])
        .at(0)
    }

    /// The object as it is in flight: claimed at requestTime, with this answer, its lock still there.
    pub fn attempted(result: Option<AttemptResult>) -> Self {
        let claimed = Self::new().holding("attempt-1");
        let Step::Claim(_) = claimed.decide().step else { panic!("not claimed") };
        let status = claimed.decide().status;
        let mut facts = Self { held: None, found: None, ..claimed }.status(|s| *s = status);
        facts.object.status.as_mut().unwrap().attempt.as_mut().unwrap().result = result;
        facts.lock = Some(Some(lock("attempt-1", DEADLINE, "uid-1")));
        facts
    }

    /// The object as it follows an entry that was there before it.
    pub fn adopted(state: &str, start: i64) -> Self {
        let facts = Self::new().sees(vec![super::devices::entry(state, start)]);
        let status = facts.decide().status;
        Self { found: None, ..facts }.status(|s| *s = status)
    }

    // Time.

    /// Everything was read so many seconds after requestTime; Graph's clock is taken to be a second ahead of that.
    pub fn at(mut self, seconds: i64) -> Self {
        let at = t(seconds);
        self.now = Now { wall: at, graph: Some(t(seconds + 1)), estimate: at };
        if let Some(Reading::Answer { at: found, .. }) = self.found.as_mut() {
            *found = at;
        }
        if let Some(Reading::Answer { at: seen, .. }) = self.look.as_mut() {
            *seen = at;
        }
        self
    }

    /// No answer of Graph is younger than a minute.
    pub fn without_graph_time(mut self) -> Self {
        self.now.graph = None;
        self
    }

    pub fn graph_time(mut self, seconds: i64) -> Self {
        self.now.graph = Some(t(seconds));
        self
    }

    // The object.

    pub fn spec(mut self, change: impl FnOnce(&mut PasscodeResetSpec)) -> Self {
        change(&mut self.object.spec);
        self
    }

    pub fn status(mut self, change: impl FnOnce(&mut PasscodeResetStatus)) -> Self {
        change(self.object.status.get_or_insert_default());
        self
    }

    pub fn action(self, action: RequestedAction) -> Self {
        self.spec(|spec| spec.action = action)
    }

    pub fn dry_run(self) -> Self {
        self.spec(|spec| spec.dry_run = true)
    }

    pub fn created(mut self, seconds: i64) -> Self {
        self.object.metadata.creation_timestamp = Some(metav1::Time(t(seconds)));
        self
    }

    pub fn being_deleted(mut self) -> Self {
        self.object.metadata.deletion_timestamp = Some(metav1::Time(t(0)));
        self
    }

    /// So many attempts before the one that is there left no trace.
    pub fn silent_before(self, count: i32) -> Self {
        self.status(|status| {
            status.silent_attempts = count;
            status.attempt.as_mut().unwrap().number = count + 1;
        })
    }

    // The tenant.

    pub fn tenant(mut self, change: impl FnOnce(&mut IntuneTenantSpec)) -> Self {
        change(self.tenant.as_mut().unwrap());
        self
    }

    /// A sweep saw at this time that its tenant does not exist, by a machine whose clock is right.
    pub fn swept(mut self, at: i64) -> Self {
        self.swept = Some(Sweep { at: t(at), offset: SignedDuration::ZERO });
        self
    }

    pub fn no_tenant(mut self) -> Self {
        self.tenant = None;
        self
    }

    pub fn not_ready(mut self) -> Self {
        self.not_ready =
            Some(NotReady { reason: "TokenRefused".into(), message: "AADSTS7000222: the secret expired.".into() });
        self
    }

    pub fn matrix_of_2020(mut self) -> Self {
        self.matrix = &INTUNE_2020_07;
        self
    }

    // What was read.

    pub fn namespace(mut self, namespace: Namespace) -> Self {
        self.namespace = namespace;
        self
    }

    pub fn device(self, device: ManagedDevice) -> Self {
        self.found(Found::One(Box::new(device)))
    }

    pub fn found(mut self, value: Found) -> Self {
        self.found = Some(Reading::Answer { value, at: self.now.estimate });
        self
    }

    pub fn doubted(mut self, kind: UnconfirmedKind, since: i64) -> Self {
        self.unconfirmed = Some(Unconfirmed { kind, since: t(since) });
        self
    }

    /// The lock of another object's attempt that may be sent until so many seconds after requestTime.
    pub fn locked_by_another(mut self, send_deadline: i64) -> Self {
        self.lock = Some(Some(lock("another", send_deadline, "uid-2")));
        self
    }

    pub fn no_lock(mut self) -> Self {
        self.lock = Some(None);
        self
    }

    /// This pass took the lock.
    pub fn holding(mut self, id: &str) -> Self {
        let send_deadline = self.now.estimate + SignedDuration::from_secs(DEADLINE);
        self.lock = Some(Some(Lock { send_deadline, ..lock(id, 0, "uid-1") }));
        self.held = Some(true);
        self
    }

    pub fn sees(mut self, results: Vec<ActionResult>) -> Self {
        let value = Look::Seen { results, enrolled: Some(t(-100_000)), last_sync: Some(t(-60)) };
        self.look = Some(Reading::Answer { value, at: self.now.estimate });
        self
    }

    pub fn enrolled(mut self, seconds: i64) -> Self {
        let value = Look::Seen { results: vec![], enrolled: Some(t(seconds)), last_sync: None };
        self.look = Some(Reading::Answer { value, at: self.now.estimate });
        self
    }

    pub fn gone(mut self) -> Self {
        self.look = Some(Reading::Answer { value: Look::Gone, at: self.now.estimate });
        self
    }

    pub fn look_unreadable(mut self) -> Self {
        self.look = Some(Reading::CouldNotTell(unreadable(None)));
        self
    }

    // What holds back.

    pub fn gate(mut self) -> Self {
        let message = "The limit is reached.".into();
        self.gate = Some(Gate { message, slot_within: None, retry_after: Duration::from_secs(7) });
        self
    }

    /// The same for so long that it is told until when.
    pub fn gate_for(mut self, within: Duration) -> Self {
        self = self.gate();
        self.gate = self.gate.map(|gate| Gate { slot_within: Some(within), ..gate });
        self
    }

    pub fn quarantine(mut self, begin: i64, end: i64) -> Self {
        self.quarantine = Some(Quarantine { begin: t(begin), end: t(end) });
        self
    }

    /// Admission control refused the claim, or its lock, and is asked again after so many seconds.
    pub fn refused(mut self, refusal: AttemptDenial, again_after: u64) -> Self {
        self.refused = Some((refusal, again_after));
        self
    }

    fn admission(&self) -> Admission<'_> {
        match &self.refused {
            _ if self.admitted => Admission::Admitted,
            None => Admission::NotTried,
            Some((refusal, seconds)) => Admission::Refused { refusal, again_after: Duration::from_secs(*seconds) },
        }
    }

    fn device_lease(&self) -> LeaseView<'_> {
        let remembered = self.remembered;
        match (self.held_lock().zip(self.held), &self.lock, self.unread_lock) {
            (Some((lock, authority_is_read)), ..) => LeaseView::Held { lock, remembered, authority_is_read },
            (None, Some(lock), _) => LeaseView::Read { lock: lock.as_ref(), remembered },
            (None, None, Some(why)) => LeaseView::Unreadable(why),
            (None, None, None) => LeaseView::NotRead,
        }
    }

    /// The lock that this pass holds.
    pub fn held_lock(&self) -> Option<&Lock> {
        self.lock.as_ref()?.as_ref().filter(|_| self.held.is_some())
    }

    // The decision.

    pub fn observed(&self) -> Observed<'_> {
        let view = |spec| TenantView {
            spec,
            not_ready: self.not_ready.as_ref(),
            matrix: Some(self.matrix),
            stretch: self.stretch,
            ledger_readable: self.ledger_readable,
        };
        Observed {
            object: &self.object,
            tenant: self.tenant.as_ref().map(view),
            unread_tenant: self.not_ready.as_ref().filter(|_| self.tenant.is_none()),
            namespace: self.namespace,
            found: self.found.as_ref(),
            device_lease: self.device_lease(),
            look: self.look.as_ref(),
            unconfirmed: self.unconfirmed,
            gate: self.gate.as_ref(),
            admission: self.admission(),
            closed: self.closed.as_ref(),
            quarantine: self.quarantine,
            lease_is_kept: self.lease_is_kept,
            agreement: Agreement {
                policies: self.policies.as_deref(),
                policies_are_live: self.policies_are_live,
                approvals: self.approvals.as_ref(),
                namespace_labels: None,
                tenant_labels: None,
                requester_key: Some("key"),
                identity_since: self.identity_since,
                past: &self.past,
            },
            swept: self.swept,
        }
    }

    /// Decides, and checks what holds of every decision.
    #[track_caller]
    pub fn decide(&self) -> Decision {
        let decision = decide(&self.observed(), self.now);
        invariants::check(self, &decision);
        decision
    }

    /// It waits, with this word; answers how long and with which sentence.
    #[track_caller]
    pub fn waits(&self, reason: &str) -> (Duration, String) {
        let decision = self.decide();
        let Step::Wait(pause) = decision.step else { panic!("{:?}, not waiting for {reason}", decision.step) };
        assert_eq!(decision.status.outcome, None);
        assert_eq!(decision.status.reason(), reason, "{}", message(&decision.status));
        (pause, message(&decision.status))
    }

    /// It ends so; answers the sentence.
    #[track_caller]
    pub fn ends(&self, outcome: Outcome, reason: &str) -> String {
        let decision = self.decide();
        let got = (decision.step, decision.status.outcome, decision.status.reason().to_owned());
        assert_eq!(got, (Step::Finish, Some(outcome), reason.to_owned()), "{}", message(&decision.status));
        message(&decision.status)
    }

    #[track_caller]
    pub fn rejected(&self, reason: &str) -> String {
        self.ends(Outcome::Rejected, reason)
    }

    #[track_caller]
    pub fn failed(&self, reason: &str) -> String {
        self.ends(Outcome::Failed, reason)
    }

    /// Nothing stands against the reset: the lock is to be taken.
    #[track_caller]
    pub fn takes_the_lock(&self) {
        let decision = self.decide();
        assert!(matches!(decision.step, Step::TakeLock { .. }), "{:?} {}", decision.step, message(&decision.status));
    }
}

/// What a property that fails prints: what differs from one case to the next.
impl fmt::Debug for Facts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenant = self.tenant.as_ref().map(|spec| (spec.suspend, spec.min_interval, spec.unknown_outcome));
        f.debug_struct("Facts")
            .field("action", &self.object.spec.action)
            .field("dry_run", &self.object.spec.dry_run)
            .field("expiration", &self.object.spec.expiration_time)
            .field("completion_timeout", &self.object.spec.completion_timeout)
            .field("deleted", &self.object.metadata.deletion_timestamp)
            .field("attempt", &self.object.status.as_ref().map(|s| (&s.attempt, s.silent_attempts, &s.outcome)))
            .field("device", &self.object.status.as_ref().map(|s| (&s.device, &s.device_action)))
            .field("tenant", &(tenant, &self.not_ready, self.ledger_readable))
            .field("found", &self.found)
            .field("lock", &(&self.lock, self.unread_lock, &self.held, self.remembered))
            .field("look", &self.look)
            .field(
                "holds",
                &((self.namespace, self.unconfirmed, &self.gate, &self.closed), (self.quarantine, self.lease_is_kept)),
            )
            .field("now", &self.now)
            .finish_non_exhaustive()
    }
}

/// Ready's message.
pub(crate) fn message(status: &PasscodeResetStatus) -> String {
    conditions::get(&status.conditions, kind::READY).map_or_else(String::new, |ready| ready.message.clone())
}
