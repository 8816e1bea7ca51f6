//! The worlds that are explored: the right protocol in several, and for each thing done wrong the one in which that shows.

use crate::{
    setup::{Setup, Tick},
    variant::Variant,
};

/// A world with its name.
pub type Named = (&'static str, Setup);

/// Worlds in which the right protocol is explored to the last state, within seconds each.
#[must_use]
pub fn small() -> Vec<Named> {
    let strides = || Setup { strides: true, driven_to_end: 64, ..Setup::new() };
    let two = || Setup { clock_errors: vec![0, 0], ..strides() };
    let quick = || Setup { send_grace: 0, ledger_lag: 0, ..strides() };
    let restored = || Setup { leases: true, restores: 1, restored_after: 1, objects: vec![(1, 20)], ..strides() };
    vec![
        ("a replica alone, read by read", Setup { strides: false, span: (0, 4), ..strides() }),
        ("an answer is lost", Setup { losses: 1, span: (0, 4), ..strides() }),
        ("a crash", Setup { crashes: 1, span: (0, 5), ..strides() }),
        ("a crash and a loss", Setup { crashes: 1, losses: 1, span: (0, 3), ..quick() }),
        (
            "a loss where the record was never seen to work",
            Setup { losses: 1, ledger_works: false, span: (0, 4), ..strides() },
        ),
        ("found by a look", Setup { looks_up: true, losses: 1, crashes: 1, span: (0, 3), ..quick() }),
        ("found by a look, of two replicas", Setup { looks_up: true, send_grace: 0, span: (0, 2), ..two() }),
        (
            "found by a look, two objects of one device",
            Setup { looks_up: true, objects: vec![(0, 20), (0, 20)], span: (0, 2), ..quick() },
        ),
        ("two replicas", Setup { span: (0, 2), send_grace: 0, ..two() }),
        ("two replicas, read by read", Setup { strides: false, span: (0, 1), send_grace: 0, ledger_lag: 0, ..two() }),
        (
            "two replicas, one of which sees the past",
            Setup { stale_reads: 1, span: (0, 1), send_grace: 0, ledger_lag: 0, ..two() },
        ),
        (
            "two replicas and an object that expires",
            Setup { objects: vec![(0, 1)], span: (0, 3), strides: false, send_grace: 0, ..two() },
        ),
        ("two objects of one device", Setup { objects: vec![(0, 20), (1, 20)], span: (0, 3), ..strides() }),
        ("two objects and a loss", Setup { objects: vec![(0, 20), (0, 20)], losses: 1, span: (0, 2), ..quick() }),
        ("deleted and declared again", Setup { recreations: 1, crashes: 1, span: (0, 3), ..quick() }),
        (
            "deleted and declared again, with a memory",
            Setup { recreations: 1, crashes: 1, span: (0, 3), memory: true, ..quick() },
        ),
        ("reset by hand", Setup { by_hand: 1, min_interval: 3, span: (-1, 3), ..quick() }),
        (
            "enrolled again, Intune's clock behind",
            Setup { enrolments: 1, losses: 1, intune_error: -1, span: (0, 4), ..quick() },
        ),
        ("429 and 400", Setup { throttles: 2, refusals: 1, span: (0, 4), ..strides() }),
        (
            "400 to one of two objects",
            Setup { objects: vec![(0, 20), (0, 20)], refusals: 1, span: (0, 3), ..strides() },
        ),
        (
            "400, and enrolled again, Intune's clock behind",
            Setup { refusals: 1, enrolments: 1, intune_error: -1, span: (0, 3), ..quick() },
        ),
        ("a restore and a crash", Setup { crashes: 1, send_grace: 0, span: (0, 3), ..restored() }),
        (
            "a restore under two replicas",
            Setup { clock_errors: vec![0, 0], send_grace: 0, ledger_lag: 0, span: (0, 2), ..restored() },
        ),
        ("a restore at once, under two leaders in turn", Setup { driven_to_end: 64, ..at_once() }),
        (
            "a restore at once, of what looks reset before",
            Setup { clock_errors: vec![0], driven_to_end: 64, ..looks_reset_before() },
        ),
        ("a restore around a leader that stood still", Setup { driven_to_end: 64, ..around_a_standstill() }),
        ("a restore, and leaders that let go", Setup { driven_to_end: 64, ..letting_go() }),
        ("suspended", Setup { suspensions: 1, strides: false, losses: 1, span: (0, 4), ..quick() }),
        ("approved, and taken back", Setup { revocations: 1, strides: false, losses: 1, span: (0, 4), ..quick() }),
        ("switched over", switched_over()),
        ("switched over, with a cache that is behind", Setup { stale_tenants: 1, ..switched_over() }),
        ("switched over, and it expires", Setup { objects: vec![(0, 1)], span: (0, 6), ..switched_over() }),
        ("clocks apart, deleted and declared again", ahead()),
        ("clocks apart, deleted and declared again, with a memory", Setup { memory: true, ..ahead() }),
        ("reset long before, and an empty look", reset_before()),
        ("an entry that is lost", Setup { crashes: 1, ..forgetful() }),
        ("an entry that is lost, found after no answer", Setup { losses: 1, ..forgetful() }),
        ("an entry that is lost, of one object or the other", Setup { recreations: 0, ..forgetful_of_two() }),
    ]
}

/// Two leaders in turn, and a restore of etcd that takes no time.
fn at_once() -> Setup {
    Setup {
        clock_errors: vec![0, 0],
        send_grace: 0,
        objects: vec![(0, 20)],
        span: (0, 1),
        leases: true,
        restores: 1,
        restored_after: 1,
        restored_at_once: true,
        strides: true,
        ..Setup::new()
    }
}

/// The same, and the first leader's time of day is behind: it begins a quarantine that the second keeps.
fn clocks_apart() -> Setup {
    Setup { objects: vec![(1, 20)], ledger_lag: 2, span: (0, 2), wall_errors: vec![-1, 0], ..at_once() }
}

/// Two leaders in turn, a restore of etcd that takes no time, and a reset by hand that its device takes too late for it to answer.
fn looks_reset_before() -> Setup {
    Setup { objects: vec![(1, 20)], by_hand: 1, completion_timeout: 1, min_interval: 4, span: (-1, 1), ..at_once() }
}

/// Two leaders in turn, and a restore of etcd to before the second.
fn around_a_standstill() -> Setup {
    Setup { objects: vec![(1, 20)], restored_at_once: false, ..at_once() }
}

/// The same, and a leader that lets go.
fn letting_go() -> Setup {
    Setup { stops: 1, ..around_a_standstill() }
}

/// Another installation is active, until it is suspended and this one resumed.
fn switched_over() -> Setup {
    Setup { switched_over: true, send_grace: 0, ledger_lag: 1, span: (0, 5), driven_to_end: 64, ..Setup::new() }
}

/// A replica whose clock is ahead, and Intune's that is behind, by as much as is allowed.
fn ahead() -> Setup {
    Setup {
        clock_error: 1,
        clock_errors: vec![1],
        intune_error: -1,
        min_interval: 6,
        recreations: 1,
        objects: vec![(0, 20)],
        span: (-1, 4),
        send_grace: 0,
        ledger_lag: 0,
        strides: true,
        driven_to_end: 64,
        ..Setup::new()
    }
}

/// A reset by hand that was done long before, a record that is shown empty once, and an answer that is lost.
fn reset_before() -> Setup {
    Setup {
        reset_before: true,
        empty_looks: 1,
        losses: 1,
        span: (0, 4),
        send_grace: 0,
        ledger_lag: 0,
        driven_to_end: 64,
        ..Setup::new()
    }
}

/// Intune loses an entry, and the object is deleted and declared again.
fn forgetful() -> Setup {
    Setup {
        memory: true,
        forgets: 1,
        recreations: 1,
        send_grace: 0,
        ledger_lag: 0,
        ledger_clock_error: 0,
        span: (0, 3),
        strides: true,
        driven_to_end: 64,
        ..Setup::new()
    }
}

/// The same with a second object, which was asked for so late that nothing remembered answers it.
fn and_another() -> Setup {
    Setup { objects: vec![(0, 20), (2, 20)], span: (0, 4), ..forgetful() }
}

/// The same with a second object that was asked for later, an answer that comes before the reset, and a 429.
fn forgetful_of_two() -> Setup {
    Setup { objects: vec![(0, 20), (1, 20)], early_answers: 1, send_grace: 1, span: (0, 4), ..forgetful() }
}

/// Worlds that take minutes, and a bound for each.
#[must_use]
pub fn large() -> Vec<Named> {
    let strides = || Setup { strides: true, driven_to_end: 256, ..Setup::new() };
    let two = || Setup { clock_errors: vec![0, 0], ..strides() };
    let apart = || Setup { clock_error: 1, clock_errors: vec![-1, 1], ..strides() };
    let restored = || Setup { leases: true, restores: 1, restored_after: 1, objects: vec![(1, 20)], ..strides() };
    vec![
        ("crashes and losses, to a third attempt", Setup { crashes: 1, losses: 3, span: (0, 14), ..strides() }),
        (
            "two replicas with clocks apart, a crash and a loss",
            Setup { crashes: 1, losses: 1, span: (-1, 8), ..apart() },
        ),
        ("three replicas", Setup { clock_errors: vec![0, 0, 0], crashes: 1, span: (0, 4), ..strides() }),
        (
            "two replicas, read by read, which see the past",
            Setup { strides: false, stale_reads: 2, span: (0, 5), ..two() },
        ),
        (
            "two objects, two replicas, a loss",
            Setup { objects: vec![(0, 20), (1, 20)], losses: 1, span: (0, 5), ..two() },
        ),
        (
            "two objects that expire, a crash",
            Setup { objects: vec![(0, 3), (1, 3)], crashes: 1, span: (0, 8), ..two() },
        ),
        (
            "declared again twice, a crash and a loss",
            Setup { recreations: 2, crashes: 1, losses: 1, span: (0, 6), ..strides() },
        ),
        ("by hand, clocks apart", Setup { by_hand: 1, losses: 1, min_interval: 4, span: (-2, 6), ..apart() }),
        ("enrolled again, two replicas", Setup { enrolments: 1, losses: 1, intune_error: -1, span: (0, 6), ..two() }),
        (
            "a restore, two replicas, a crash and a loss",
            Setup { clock_errors: vec![0, 0], crashes: 1, losses: 1, span: (0, 7), ..restored() },
        ),
        ("a restore at once, under leaders whose clocks are apart", clocks_apart()),
        (
            "a restore at once, under two leaders in turn, a crash and a loss",
            Setup { crashes: 1, losses: 1, send_grace: 1, span: (0, 4), driven_to_end: 256, ..at_once() },
        ),
        (
            "a restore at once, of what looks reset before, under two leaders in turn",
            Setup { driven_to_end: 256, ..looks_reset_before() },
        ),
        (
            "an entry that is lost, under two replicas, a crash and a loss",
            Setup {
                clock_errors: vec![0, 0],
                crashes: 1,
                losses: 1,
                recreations: 2,
                ledger_lag: 1,
                span: (0, 5),
                ..forgetful()
            },
        ),
        (
            "an entry that is lost, of two objects, clocks apart",
            Setup {
                clock_error: 1,
                clock_errors: vec![-1, 1],
                losses: 1,
                throttles: 1,
                span: (-1, 6),
                ..forgetful_of_two()
            },
        ),
        (
            "a restore, two replicas, with a memory",
            Setup {
                clock_errors: vec![0, 0],
                memory: true,
                recreations: 1,
                send_grace: 0,
                ledger_lag: 0,
                span: (0, 4),
                ..restored()
            },
        ),
        (
            "two restores, two objects",
            Setup {
                clock_errors: vec![0, 0],
                restores: 2,
                objects: vec![(1, 20), (1, 20)],
                span: (0, 6),
                ..restored()
            },
        ),
    ]
}

/// The world in which a settle window of these bounds is met at its edge: the sender's clock is behind, the verifier's ahead.
#[must_use]
pub fn edge(clock_error: Tick, send_grace: Tick, ledger_lag: Tick) -> Setup {
    Setup {
        clock_error,
        send_grace,
        ledger_lag,
        clock_errors: if clock_error == 0 { vec![0, 0] } else { vec![-clock_error, clock_error] },
        objects: vec![(-2 * clock_error, 20)],
        span: (0, 1 + send_grace + ledger_lag),
        strides: true,
        ..Setup::new()
    }
}

/// Each of the variants with a world in which it shows.
#[must_use]
pub fn wrong() -> Vec<(Variant, Setup)> {
    use Variant as V;
    let new = Setup::new;
    let two = || Setup { clock_errors: vec![0, 0], ..new() };
    let instant = || Setup { send_grace: 0, ledger_lag: 0, ..new() };
    let twice = || Setup { objects: vec![(0, 20), (0, 20)], span: (0, 2), ..new() };
    let again = || Setup { recreations: 1, span: (0, 3), strides: true, ..instant() };
    let lost = || Setup { losses: 1, span: (0, 2), ..new() };
    let expiring = || Setup { objects: vec![(0, 1)], span: (0, 4), ..two() };
    // Scheduled, so that little happens between the copy and what it lacks.
    let restored = || Setup {
        leases: true,
        restores: 1,
        restored_after: 3,
        objects: vec![(3, 20)],
        span: (0, 4),
        strides: true,
        ..new()
    };
    let of = |variant, setup: Setup| (variant, Setup { variant: Some(variant), ..setup });
    vec![
        of(V::NoClaim, Setup { span: (0, 1), ..new() }),
        of(V::ClaimWithoutPrecondition, expiring()),
        of(V::SentAgainWhenClaimIsFound, Setup { crashes: 1, span: (0, 2), ..new() }),
        of(V::NoSendDeadline, Setup { span: (0, 3), ..new() }),
        of(V::NoSettleWindow, Setup { losses: 1, span: (0, 4), ..new() }),
        of(V::SettleWindowOneTickShort, Setup { losses: 1, span: (0, 5), strides: true, ..new() }),
        // The sender's clock is behind, the verifier's ahead.
        of(
            V::SettleWindowWithClockErrorOnce,
            Setup {
                clock_error: 1,
                clock_errors: vec![-1, 1],
                objects: vec![(-2, 20)],
                span: (0, 2),
                strides: true,
                ..instant()
            },
        ),
        of(V::SettleJudgedAtTheWrite, Setup { losses: 1, ledger_works: false, span: (0, 4), strides: true, ..new() }),
        of(
            V::LookBeforeTheRead,
            Setup { sweeps: true, clock_errors: vec![0, 0], send_grace: 0, ledger_lag: 0, strides: true, ..twice() },
        ),
        of(V::AdoptsOnlyStrictlyAfter, Setup { ledger_clock_error: 0, ..again() }),
        of(V::NoMarginAtRequestTime, Setup { ledger_clock_error: 0, intune_error: -1, ..again() }),
        of(V::OutcomeWithoutPrecondition, expiring()),
        of(V::NoDeviceLock, Setup { clock_errors: vec![0, 0], ..twice() }),
        of(V::LockOpenOnlyUntilSendDeadline, Setup { losses: 1, span: (0, 3), ..twice() }),
        of(V::LockReleasedOnAccepted, twice()),
        of(V::LockReleasedOnUnknown, Setup { losses: 1, ..twice() }),
        of(V::LockReleasedWithItsObject, Setup { crashes: 1, ..again() }),
        of(V::NoLookUnderTheLock, Setup { looks_up: true, by_hand: 1, span: (0, 2), ..instant() }),
        of(V::NoLookUnderTheLock, Setup { by_hand: 1, span: (0, 2), ..instant() }),
        of(V::ExpiredWhileOpen, expiring()),
        of(V::SendDeadlineBeyondExpiry, expiring()),
        of(V::RepeatedByHttp, lost()),
        of(V::ServerErrorTakenForNotExecuted, lost()),
        of(V::RefusalBelieved, Setup { refusals: 1, span: (0, 2), ..new() }),
        of(V::AnothersAnswerBelieved, lost()),
        of(V::LostClaimTakenForSuccess, lost()),
        of(V::ConflictingClaimTakenForSuccess, Setup { span: (0, 1), ..again() }),
        of(V::OnlyOwnResetsCounted, again()),
        of(V::RejectedAfterSilence, Setup { losses: 1, enrolments: 1, span: (0, 6), strides: true, ..new() }),
        of(V::NoQuarantine, Setup { crashes: 1, send_grace: 0, ..restored() }),
        of(
            V::QuarantineOnlyWhenDeciding,
            Setup {
                clock_errors: vec![0, 0],
                send_grace: 0,
                objects: vec![(1, 20)],
                restored_after: 2,
                span: (0, 2),
                ..restored()
            },
        ),
        of(V::QuarantineTakenOverAsWritten, clocks_apart()),
        of(
            V::AttemptIdNotCompared,
            Setup {
                clock_errors: vec![0, 0],
                restored_after: 1,
                objects: vec![(1, 20)],
                send_grace: 0,
                ledger_lag: 0,
                span: (0, 3),
                ..restored()
            },
        ),
        of(V::NoLookAtTheLease, at_once()),
        of(V::RejectedWithoutALookAtTheLease, looks_reset_before()),
        of(V::StandstillVouchedFor, around_a_standstill()),
        of(V::LetGoAfterAStandstill, letting_go()),
        of(
            V::UnwitnessedLeaseTrusted,
            Setup { crashes: 1, send_grace: 0, restored_after: 1, objects: vec![(1, 20)], span: (0, 2), ..restored() },
        ),
        of(V::AuthorityOfThePassBegin, Setup { suspensions: 1, span: (0, 3), ..instant() }),
        of(V::ApprovalsOfThePassBegin, Setup { revocations: 1, span: (0, 3), ..instant() }),
        of(V::ApprovalsOfACache, Setup { revocations: 1, span: (0, 3), ..instant() }),
        of(V::LookBeforeAuthority, Setup { stale_tenants: 1, ledger_lag: 0, ..switched_over() }),
        of(V::ResumedATickEarly, switched_over()),
        of(V::ExpiredAtOnceWhileSuspended, Setup { objects: vec![(0, 1)], span: (0, 6), ..switched_over() }),
        of(V::MarginWithoutOurClockError, ahead()),
        of(V::AnyNewEntryIsOurs, reset_before()),
        of(V::NoMemory, forgetful()),
        of(V::MemoryAfterTheStatus, Setup { crashes: 1, ..forgetful() }),
        of(V::MemoryOfAcceptedOnly, Setup { losses: 1, ..forgetful() }),
        of(V::MemoryNotCarriedOver, Setup { throttles: 1, ..and_another() }),
        of(V::MemoryDroppedOnRelease, Setup { throttles: 1, ..and_another() }),
        of(V::MemoryOfTheRequestTime, forgetful_of_two()),
        of(V::MemoryOfTheClaimTime, forgetful_of_two()),
        of(V::MemoryOfTheAnswer, forgetful_of_two()),
        of(V::MemoryWithoutMargin, Setup { memory: true, forgets: 1, losses: 1, min_interval: 0, ..ahead() }),
        of(V::ThrottlingCounted, Setup { throttles: 1, span: (0, 5), strides: true, ..new() }),
        of(V::LockThatNeverEnds, Setup { crashes: 1, driven_to_end: 4, ..twice() }),
    ]
}
