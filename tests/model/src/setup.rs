//! What a world consists of, and how much may go wrong in it.

use crate::variant::Variant;

/// Half a minute; 0 is a requestTime.
pub type Tick = i16;

/// A world's bounds. What is not named is as in [`Setup::new`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Setup {
    /// What is done wrong, if anything.
    pub variant: Option<Variant>,
    /// `S`: how wrong each replica's idea of Graph's clock is, in ticks; one replica an entry.
    pub clock_errors: Vec<Tick>,
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
    /// Answers by which Graph refuses for good: 400.
    pub refusals: u8,
    /// Resets by hand, at any moment.
    pub by_hand: u8,
    /// Deletions of an object that is created anew, as Git does it.
    pub recreations: u8,
    /// Reads that see the version before the present one.
    pub stale_reads: u8,
    /// Re-enrolments of the device.
    pub enrolments: u8,
    /// Whether the device lock is swept once it holds nobody back; the operator leaves it for an hour.
    pub sweeps: bool,
    /// Whether only a leader acts, by a lease, which the first replica holds at the beginning; else every replica does.
    pub leases: bool,
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
            leases: false,
            restores: 0,
            restored_after: 0,
            restored_at_once: false,
            strides: false,
            driven_to_end: 0,
        }
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
