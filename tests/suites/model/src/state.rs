//! A state of the world: what is stored, what is on its way, what each replica knows.

pub use crate::setup::Tick;

use std::{sync::Arc, time::Duration};

use passcode_core::protocol::{
    election::{Election, Stored},
    pass::Pass,
};

use crate::{
    setup::Setup,
    terms::{DeviceLease, Small},
};

/// A point in time in seconds, for the starts of entries: two of one tick are not the same.
pub type Second = i32;
/// Seconds of a tick.
pub const TICK: Second = 30;

/// How an attempt was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Answer {
    Accepted,
    NotExecuted,
    Refused,
    Unknown,
}

/// How far an entry of Intune's record has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Progress {
    Pending,
    Done,
    Failed,
}

/// `status.attempt`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Attempt {
    pub id: u8,
    pub number: u8,
    pub claimed: Tick,
    pub deadline: Tick,
    pub settle: Tick,
    pub seen: Vec<Second>,
    pub result: Option<Answer>,
}

/// `status.deviceAction`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Followed {
    pub start: Second,
    pub progress: Progress,
    pub adopted: bool,
}

/// How an object ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum End {
    Complete,
    Rejected,
    Failed,
}

/// What of a status decides anything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Status {
    pub attempt: Option<Attempt>,
    pub silent: u8,
    pub action: Option<Followed>,
    /// `status.earlierReset`.
    pub earlier: Option<Second>,
    pub end: Option<(End, &'static str)>,
}

/// A PasscodeReset.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Object {
    pub slot: u8,
    pub uid: u8,
    pub requested: Tick,
    pub expires: Tick,
    pub status: Status,
    /// Its resourceVersion.
    pub version: u16,
}

/// The device lock.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Lock {
    pub attempt: u8,
    pub deadline: Tick,
    pub settle: Tick,
    pub owner: u8,
}

/// The leader lease: whose it is, and its version.
pub type Lease = Stored<u8, u16>;

/// All that is stored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Etcd {
    pub objects: Vec<Option<Object>>,
    pub lock: Option<Lock>,
    /// By when the latest reset was carried out that the device lease remembers.
    pub remembered: Option<Second>,
    /// The device lease's version; 0: there is none.
    pub device: u16,
    pub lease: Option<Lease>,
    /// `spec.suspend` of the tenant.
    pub suspended: bool,
    /// Whether the approval was taken back.
    pub revoked: bool,
    pub version: u16,
}

/// A request on its way to Graph.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Request {
    pub attempt: u8,
    pub slot: u8,
    pub uid: u8,
    pub requested: Tick,
    pub sent: Tick,
}

/// A reset that was carried out at the operator's request: the ground truth.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Executed {
    pub attempt: u8,
    pub slot: u8,
    pub uid: u8,
    pub at: Tick,
}

/// An entry of the device's record.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Entry {
    pub start: Second,
    pub at: Tick,
    pub progress: Progress,
    pub done_at: Option<Tick>,
    /// The object that it was carried out for; none by hand.
    pub uid: Option<u8>,
    /// Whether a status or a device lease says that it was there.
    pub told: bool,
    /// Whether Intune has lost it.
    pub lost: bool,
}

impl Entry {
    /// A reset by hand, done before anything that is explored.
    fn long_ago() -> Self {
        let at = -100;
        let start = Second::from(at) * TICK;
        Self { start, at, progress: Progress::Done, done_at: Some(at), uid: None, told: false, lost: false }
    }
}

/// What a look showed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct View {
    pub at: Tick,
    pub entries: Vec<(Second, Progress)>,
    pub enrolled: Option<Tick>,
}

/// How far the device of a pass is found.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Finding {
    /// Not at all.
    Nothing,
    /// Which device it is, and its lock; what it is to be read next.
    Lock(Option<DeviceLease>),
    /// It is known.
    Done,
}

/// A replica, and all that it knows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Replica {
    pub error: Tick,
    /// The pass that it is in.
    pub pass: Option<Box<Pass<Small>>>,
    /// Whether its request was sent and has no answer yet.
    pub awaits: bool,
    /// The attempt that it took the lock for, where it is not known whether it has it.
    pub wanted: Option<u8>,
    /// `spec.suspend` as it was last read in this pass.
    pub suspended: bool,
    /// Whether the approval was there as it was last read in this pass.
    pub approved: Option<bool>,
    /// How far the device is found, where it has to be.
    pub finding: Finding,
    /// A look that is used though it is too old, where that is done wrong.
    pub early: Option<View>,
    /// A look that was taken before it is judged, where that is done wrong.
    pub judging: Option<View>,
    /// Whether authority was asked for after the look, where that is done wrong.
    pub asked: bool,
    /// What is remembered after the status says so, where that is done wrong.
    pub late_memory: Option<Second>,
    pub lead: Lead,
}

/// A replica's part in the election.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Lead {
    /// The operator's own. States share it until it takes a turn, or each would be a kilobyte larger.
    pub election: Arc<Election<u8, u16>>,
    /// The time since its machine was booted, as far as it matters: while it renews and looks as it should, none of its times comes any
    /// nearer, so only what it waits for and how long it stands still is counted.
    pub boot: Duration,
    /// Whether it saw that etcd was restored, and begins nothing before its next turn.
    pub waits: bool,
    /// The locks that it took while it led.
    pub taken: Option<Lock>,
}

impl Replica {
    /// A process that was just started under this name.
    #[must_use]
    pub fn started(me: u8, setup: &Setup) -> Self {
        Self {
            error: setup.clock_errors[usize::from(me)],
            pass: None,
            awaits: false,
            wanted: None,
            suspended: false,
            approved: None,
            finding: Finding::Nothing,
            early: None,
            judging: None,
            asked: false,
            late_memory: None,
            lead: Lead::started(me, setup),
        }
    }

    /// Whether it acts as far as the election is concerned. A leader asks its clock each time.
    #[must_use]
    pub fn acts(&self, setup: &Setup) -> bool {
        !setup.leases || self.lead.acts()
    }

    /// Forgets what a pass found. What is to be remembered late is all that is left of it.
    pub fn end_pass(&mut self) {
        (self.pass, self.awaits, self.wanted, self.suspended) = (None, false, None, false);
        self.approved = None;
        (self.early, self.judging, self.asked) = (None, None, false);
        self.finding = Finding::Nothing;
    }

    /// Whether it is between two passes.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.pass.is_none() && self.late_memory.is_none()
    }
}

/// How much may still go wrong.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Left {
    pub crashes: u8,
    pub losses: u8,
    pub throttles: u8,
    pub refusals: u8,
    pub by_hand: u8,
    pub recreations: u8,
    pub stale_reads: u8,
    pub enrolments: u8,
    pub stops: u8,
    pub restores: u8,
    pub suspensions: u8,
    pub revocations: u8,
    pub empty_looks: u8,
    pub stale_tenants: u8,
    pub forgets: u8,
    pub early_answers: u8,
}

/// The other installation, as far as it matters here: it sends one request at most, for the first object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Other {
    pub sent: bool,
    pub suspended_at: Option<Tick>,
}

/// A write of a status whose caller gave up.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Late {
    pub read: Object,
    pub status: Status,
}

/// A state of the world.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    pub now: Tick,
    pub etcd: Etcd,
    /// By slot, the version before the present one, also one of an object that was deleted.
    pub before: Vec<Option<Object>>,
    pub copy: Option<(Tick, Box<Etcd>)>,
    pub replicas: Vec<Replica>,
    pub requests: Vec<Request>,
    pub record: Vec<Entry>,
    /// The first entry that is shown: an enrolment begins a new record.
    pub shown_from: usize,
    pub enrolled: Option<Tick>,
    pub executed: Vec<Executed>,
    /// Attempts whose claim was stored, each with its object's uid and deadline.
    pub claims: Vec<(u8, u8, Tick)>,
    /// When the lock of each attempt was taken.
    pub locked: Vec<(u8, Tick)>,
    /// Objects of which was said that nothing was carried out for them.
    pub rejected: Vec<u8>,
    /// Writes whose caller gave up and which the API server has not judged yet.
    pub late: Vec<Late>,
    pub next_attempt: u8,
    pub next_uid: u8,
    /// When the tenant was suspended here.
    pub suspended_at: Option<Tick>,
    /// When the approval was taken back.
    pub revoked_at: Option<Tick>,
    /// The other installation, where there is one.
    pub other: Option<Other>,
    pub left: Left,
    /// What does not hold. Such a state has no successors.
    pub broken: Option<&'static str>,
}

impl State {
    /// What there is before anybody leads.
    #[must_use]
    pub fn new(setup: &Setup) -> Self {
        let objects = setup.objects.iter().zip(0..).map(|((requested, expires), slot)| {
            Some(Object {
                slot,
                uid: slot,
                requested: *requested,
                expires: *expires,
                status: Status::default(),
                version: u16::from(slot) + 1,
            })
        });
        let objects: Vec<Option<Object>> = objects.collect();
        let count = u8::try_from(objects.len()).unwrap();
        let now = setup.span.0;
        let suspended = setup.switched_over;
        let etcd = Etcd { objects, suspended, version: u16::from(count), ..Etcd::default() };
        let replicas = (0..u8::try_from(setup.clock_errors.len()).unwrap()).map(|me| Replica::started(me, setup));
        Self {
            now,
            before: vec![None; etcd.objects.len()],
            copy: None,
            etcd,
            replicas: replicas.collect(),
            requests: Vec::new(),
            record: setup.reset_before.then(Entry::long_ago).into_iter().collect(),
            shown_from: 0,
            enrolled: None,
            executed: Vec::new(),
            claims: Vec::new(),
            locked: Vec::new(),
            rejected: Vec::new(),
            late: Vec::new(),
            next_attempt: 1,
            next_uid: count,
            left: Left {
                crashes: setup.crashes,
                losses: setup.losses,
                throttles: setup.throttles,
                refusals: setup.refusals,
                by_hand: setup.by_hand,
                recreations: setup.recreations,
                stale_reads: setup.stale_reads,
                enrolments: setup.enrolments,
                stops: setup.stops,
                restores: setup.restores,
                suspensions: setup.suspensions,
                revocations: setup.revocations,
                empty_looks: setup.empty_looks,
                stale_tenants: setup.stale_tenants,
                forgets: setup.forgets,
                early_answers: setup.early_answers,
            },
            suspended_at: None,
            revoked_at: None,
            other: setup.switched_over.then(Other::default),
            broken: None,
        }
    }

    /// Notes that something does not hold; the first is kept.
    pub fn break_with(&mut self, what: &'static str) {
        self.broken.get_or_insert(what);
    }
}
