//! What could be done wrong: each of these reaches something that does not hold, or the exploration would not be worth much.

/// One thing that is done wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Variant {
    /// Nothing is written before the request is sent.
    NoClaim,
    /// The claim is written whatever is stored by now.
    ClaimWithoutPrecondition,
    /// A claim that is found is sent again.
    SentAgainWhenClaimIsFound,
    /// The claim is sent however late it is.
    NoSendDeadline,
    /// Nobody waits for what may still show.
    NoSettleWindow,
    /// Everybody waits a tick too short.
    SettleWindowOneTickShort,
    /// The clocks' error counts once: the sender's or the verifier's.
    SettleWindowWithClockErrorOnce,
    /// Whether the window is over is judged when the conclusion is written, not by the time of the look.
    SettleJudgedAtTheWrite,
    /// The look is older than what was read of the object and the lock, and there is no other.
    LookBeforeTheRead,
    /// A reset of the very time of the request does not answer it.
    AdoptsOnlyStrictlyAfter,
    /// Intune's clock is taken for Graph's.
    NoMarginAtRequestTime,
    /// Outcomes are written whatever is stored by now.
    OutcomeWithoutPrecondition,
    /// Nothing keeps two attempts at one device apart.
    NoDeviceLock,
    /// The device lock ends with the time to send.
    LockOpenOnlyUntilSendDeadline,
    /// The device lock is given back once Graph has accepted.
    LockReleasedOnAccepted,
    /// The device lock is given back without knowing what became of its attempt.
    LockReleasedOnUnknown,
    /// The device lock goes with its object.
    LockReleasedWithItsObject,
    /// What was seen before the lock was taken is claimed upon.
    NoLookUnderTheLock,
    /// An object is expired while an attempt at its device is open.
    ExpiredWhileOpen,
    /// A claim may be sent after the object has expired.
    SendDeadlineBeyondExpiry,
    /// The HTTP layer sends again what was not answered.
    RepeatedByHttp,
    /// A 5xx counts as "not carried out".
    ServerErrorTakenForNotExecuted,
    /// A refusal by Graph is believed at once: the lock is given back and the object rejected.
    RefusalBelieved,
    /// What something on the way answers in Graph's place counts as Graph's own "not carried out".
    AnothersAnswerBelieved,
    /// A claim whose answer was lost counts as stored.
    LostClaimTakenForSuccess,
    /// A claim that met another version counts as stored.
    ConflictingClaimTakenForSuccess,
    /// What others have reset does not count.
    OnlyOwnResetsCounted,
    /// What left no trace counts as never sent.
    RejectedAfterSilence,
    /// A restore of etcd goes unnoticed.
    NoQuarantine,
    /// The quarantine is looked at before the lock is taken and never again.
    QuarantineOnlyWhenDeciding,
    /// A quarantine that a leader with another clock wrote is taken over as it was written.
    QuarantineTakenOverAsWritten,
    /// A process that was not there takes the lease of a backup for that of a leader who has just died.
    UnwitnessedLeaseTrusted,
    /// A leader that stood still while another led goes on, if the lease is as it left it.
    StandstillVouchedFor,
    /// A replica that stood still while another led lets go of the lease, if that is as it left it.
    LetGoAfterAStandstill,
    /// What is stored under a lock that was taken is trusted, though etcd may have been restored under this leader.
    NoLookAtTheLease,
    /// What is stored of an object that is rejected is trusted, though etcd may have been restored under this leader.
    RejectedWithoutALookAtTheLease,
    /// A version number is enough to know an attempt by.
    AttemptIdNotCompared,
    /// Whether the tenant is suspended is judged by what was known when the pass began.
    AuthorityOfThePassBegin,
    /// What was read of approvals before the lock was taken counts under it.
    ApprovalsOfThePassBegin,
    /// Approvals are read from a cache that is behind.
    ApprovalsOfACache,
    /// Authority is asked for after the look under the lock.
    LookBeforeAuthority,
    /// The other installation is resumed a tick before everything that this one sent is sure to show.
    ResumedATickEarly,
    /// A suspended installation says Expired at once, though the active one may have sent it just before.
    ExpiredAtOnceWhileSuspended,
    /// The margin at requestTime is Intune's clock error alone.
    MarginWithoutOurClockError,
    /// Every entry that was not seen before an attempt is taken for its own, however old.
    AnyNewEntryIsOurs,
    /// The device lease remembers nothing.
    NoMemory,
    /// What was accepted is remembered after the status says so.
    MemoryAfterTheStatus,
    /// Only what was accepted is remembered, not what was found in Intune's record.
    MemoryOfAcceptedOnly,
    /// What is remembered is lost when the lock is taken again.
    MemoryNotCarriedOver,
    /// What is remembered is lost when the lock is given back.
    MemoryDroppedOnRelease,
    /// An accepted request is remembered as carried out by its requestTime.
    MemoryOfTheRequestTime,
    /// An accepted request is remembered as carried out by its claimTime.
    MemoryOfTheClaimTime,
    /// An accepted request is remembered as carried out by the time of the answer.
    MemoryOfTheAnswer,
    /// What was found is remembered as carried out when it seems to have started.
    MemoryWithoutMargin,
    /// A 429 counts as an attempt.
    ThrottlingCounted,
    /// A device lock ends only when somebody gives it back.
    LockThatNeverEnds,
}
