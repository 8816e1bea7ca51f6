//! What a world consists of, and how much may go wrong in it.

use crate::variant::Variant;

/// Half a minute; 0 is a requestTime.
pub type Tick = i16;
/// How long a claim may be sent.
pub const SEND_WINDOW: Tick = 1;

/// A world's bounds. What is not named is as in [`Setup::new`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Setup {
    /// What is done wrong, if anything.
    pub variant: Option<Variant>,
    /// `S`: how wrong each replica's idea of Graph's clock is, in ticks; one replica an entry.
    pub clock_errors: Vec<Tick>,
    /// How far each machine's time of day, by which the leader lease is written, is ahead of its idea of Graph's; without an entry it is not.
    pub wall_errors: Vec<Tick>,
    /// `S` as the tenant says it.
    pub clock_error: Tick,
    /// `D`: how long after it was sent a request may still be carried out.
    pub send_grace: Tick,
    /// `L`: how long Intune may hide a new entry.
    pub ledger_lag: Tick,
    /// How far Intune's clock is ahead of Graph's.
    pub intune_error: Tick,
    /// `ledgerClockError` as the tenant says it.
    pub ledger_clock_error: Tick,
    /// The objects, each with its requestTime and expirationTime.
    pub objects: Vec<(Tick, Tick)>,
    /// `minInterval`.
    pub min_interval: Tick,
    /// `completionTimeout`.
    pub completion_timeout: Tick,
    /// Whether the tenant's record was seen to work.
    pub ledger_works: bool,
    /// The first and the last tick of what is explored; objects are driven to their ends beyond it.
    pub span: (Tick, Tick),
    /// Crashes of a replica, each of which loses all that it knows.
    pub crashes: u8,
    /// Answers that are lost or say nothing: Graph's, and the API server's to a write.
    pub losses: u8,
    /// Answers of Graph by which nothing was carried out: 429.
    pub throttles: u8,
    /// Answers by which Graph refuses: 400. What it refused may be carried out all the same.
    pub refusals: u8,
    /// Resets by hand, at any moment.
    pub by_hand: u8,
    /// Deletions of an object that is created again, as Git does it.
    pub recreations: u8,
    /// Reads that see the version before the present one.
    pub stale_reads: u8,
    /// Re-enrolments of the device.
    pub enrolments: u8,
    /// Whether the device lock is swept once it holds nobody back; the operator leaves it for an hour.
    pub sweeps: bool,
    /// How often the tenant is suspended here.
    pub suspensions: u8,
    /// How often the approval that a policy asks for is taken back; 0: there is no policy.
    pub revocations: u8,
    /// Whether another installation is active at the beginning, and this one suspended: it is resumed once the other one was suspended long
    /// enough ago.
    pub switched_over: bool,
    /// Passes that begin with the belief that the tenant is not suspended, whatever is stored: a cache that is behind.
    pub stale_tenants: u8,
    /// Whether the device of an object without an attempt has to be found in each pass: by the read that is the first look, too.
    pub looks_up: bool,
    /// Looks that show an empty record.
    pub empty_looks: u8,
    /// Whether the device lease remembers resets; the rest has to hold without that as long as Intune loses nothing.
    pub memory: bool,
    /// Entries that Intune loses, once a status or a device lease says that they were there.
    pub forgets: u8,
    /// Answers that come before the request is carried out.
    pub early_answers: u8,
    /// Whether a reset by hand was done long before the requestTime.
    pub reset_before: bool,
    /// Whether only a leader acts, by a lease, which the first replica holds at the beginning; else every replica does.
    pub leases: bool,
    /// Replicas that are stopped in an orderly way between two passes, and started again.
    pub stops: u8,
    /// Restores of etcd from the copy that was taken at the beginning.
    pub restores: u8,
    /// The least age of the copy that is restored.
    pub restored_after: Tick,
    /// Whether the API server is back before a leader stops acting; else nobody leads after a restore. What it takes back, everybody has
    /// seen a renewal of the leader lease in.
    pub restored_at_once: bool,
    /// Whether a replica's reads follow each other at once, with nothing in between: fewer orders, for larger worlds.
    pub strides: bool,
    /// Of so many states that are reached, one is driven to its end without further faults; 0: none.
    pub driven_to_end: u64,
}

impl Setup {
    /// One replica, one object asked for at tick 0, bounds of one tick, and nothing goes wrong.
    #[must_use]
    pub fn new() -> Self {
        Self {
            variant: None,
            clock_errors: vec![0],
            wall_errors: vec![],
            clock_error: 0,
            send_grace: 1,
            ledger_lag: 1,
            intune_error: 0,
            ledger_clock_error: 1,
            objects: vec![(0, 20)],
            min_interval: 0,
            completion_timeout: 30,
            ledger_works: true,
            span: (0, 8),
            crashes: 0,
            losses: 0,
            throttles: 0,
            refusals: 0,
            by_hand: 0,
            recreations: 0,
            stale_reads: 0,
            enrolments: 0,
            sweeps: false,
            suspensions: 0,
            revocations: 0,
            switched_over: false,
            stale_tenants: 0,
            looks_up: false,
            empty_looks: 0,
            memory: false,
            forgets: 0,
            early_answers: 0,
            reset_before: false,
            leases: false,
            stops: 0,
            restores: 0,
            restored_after: 0,
            restored_at_once: false,
            strides: false,
            driven_to_end: 0,
        }
    }

    /// How far the time of day of this machine is ahead of its idea of Graph's.
    #[must_use]
    pub fn wall_error(&self, r: usize) -> Tick {
        self.wall_errors.get(r).copied().unwrap_or(0)
    }

    /// How long after the other installation was suspended this one may be resumed: more than this.
    #[must_use]
    pub fn switch_over(&self) -> Tick {
        let (s, d, l) = (self.clock_error, self.send_grace, self.ledger_lag);
        let short = Tick::from(self.does(Variant::ResumedATickEarly));
        SEND_WINDOW + 2 * s + d + l - short
    }

    /// The settle window: derived, as the operator derives it, unless the variant says otherwise.
    #[must_use]
    pub fn settle_window(&self) -> Tick {
        let (s, d, l) = (self.clock_error, self.send_grace, self.ledger_lag);
        match self.variant {
            Some(Variant::NoSettleWindow) => 0,
            Some(Variant::SettleWindowOneTickShort) => 2 * s + d + l - 1,
            Some(Variant::SettleWindowWithClockErrorOnce) => s + d + l,
            _ => 2 * s + d + l,
        }
    }

    /// Whether this is what is done wrong.
    #[must_use]
    pub fn does(&self, variant: Variant) -> bool {
        self.variant == Some(variant)
    }
}

impl Default for Setup {
    fn default() -> Self {
        Self::new()
    }
}
