//! A replica's rules: the operator's own, asked with what the model knows, and what a wrong operator would make of that.

use k8s_openapi::jiff::SignedDuration;
use passcode_core::{
    lifecycle::step::AfterAnswer,
    protocol::{Decision, Judgement, Known, Rules, Step},
};

use crate::{
    bridge::{self, Facts},
    driver::World,
    setup::Setup,
    state::{Answer, Finding, Object, Progress, Second, Status, TICK, Tick},
    terms::Small,
    variant::Variant,
};

/// The rules of one replica at one moment.
pub struct Mind<'a> {
    pub world: &'a World<'a>,
    pub r: usize,
}

impl Rules<Small> for Mind<'_> {
    fn decide(&mut self, known: &Known<Small>) -> Decision<Small> {
        let now = self.now();
        if let Some(attempt) = self.found_claim_to_send_again(known) {
            return Decision { status: known.object.status.clone(), step: Step::Claim(attempt), remember: None };
        }
        let mut facts = self.facts(known, now);
        self.misunderstand(&mut facts);
        let decided = bridge::decided(self.setup(), facts);
        let step = match decided.step {
            Step::TakeLock(_) if self.does(Variant::SendDeadlineBeyondExpiry) => Step::TakeLock(now + 2),
            step => step,
        };
        let remember = decided.remember.and_then(|latest| self.to_remember_of_an_entry(latest));
        Decision { status: decided.status, step, remember }
    }

    fn judge(&mut self, known: &Known<Small>, (answer, again): &(Answer, bool)) -> Judgement<Small> {
        let judged = bridge::judged(self.setup(), known.object.clone(), *answer, *again, self.now());
        let remember = judged.remember.and_then(|latest| self.to_remember_of_an_answer(&known.object, latest));
        let released = match answer {
            Answer::Accepted => self.does(Variant::LockReleasedOnAccepted),
            Answer::Unknown => self.does(Variant::LockReleasedOnUnknown),
            Answer::Refused => self.does(Variant::RefusalBelieved),
            Answer::NotExecuted => false,
        };
        let step = match judged.step {
            AfterAnswer::Record if released => AfterAnswer::RecordAndRelease,
            step => step,
        };
        Judgement { status: judged.status, step, remember }
    }

    fn altered(&mut self, _: &Object, _: &Status) -> Option<(Answer, bool)> {
        None
    }

    fn may_begin(&self) -> bool {
        self.world.state.replicas[self.r].acts(self.setup())
    }
}

impl Mind<'_> {
    fn setup(&self) -> &Setup {
        self.world.setup
    }

    fn does(&self, variant: Variant) -> bool {
        self.setup().does(variant)
    }

    /// Graph's clock, as the replica takes it.
    fn now(&self) -> Tick {
        self.world.clock(self.r)
    }

    fn facts(&self, known: &Known<Small>, now: Tick) -> Facts {
        let replica = &self.world.state.replicas[self.r];
        let lease = known.lock.clone();
        let keeps_an_early_look = match self.setup().variant {
            Some(Variant::LookBeforeTheRead) => true,
            Some(Variant::LookBeforeAuthority) => replica.asked,
            _ => known.held.is_some(),
        };
        let early = replica.early.clone().filter(|_| keeps_an_early_look);
        Facts {
            object: known.object.clone(),
            found: !self.setup().looks_up || replica.finding == Finding::Done,
            remembered: lease.iter().flatten().find_map(|lease| lease.remembered),
            lock: lease.map(|lease| lease.and_then(|lease| lease.lock)),
            look: early.or_else(|| known.look.clone()),
            held: known.held.as_ref().map(|held| held.authority_is_read || self.does(Variant::LookBeforeAuthority)),
            quarantine: replica.lead.election.leadership().quarantine.map(|quarantine| {
                let ahead = i64::from(Second::from(self.setup().wall_error(self.r)) * TICK);
                quarantine.shifted(SignedDuration::from_secs(-ahead))
            }),
            lease_is_kept: known.lease_is_kept
                || !self.world.asks_for_the_lease(Variant::RejectedWithoutALookAtTheLease),
            suspended: replica.suspended,
            approved: replica
                .approved
                .filter(|_| known.approvals_are_read || self.does(Variant::ApprovalsOfThePassBegin)),
            now,
        }
    }

    // What is done wrong.

    fn to_remember_of_an_entry(&self, latest: Second) -> Option<Second> {
        let setup = self.setup();
        let margin = Second::from(setup.clock_error + setup.ledger_clock_error) * TICK;
        match setup.variant {
            _ if !setup.memory => None,
            Some(Variant::NoMemory | Variant::MemoryOfAcceptedOnly) => None,
            Some(Variant::MemoryWithoutMargin) => Some(latest - margin),
            _ => Some(latest),
        }
    }

    fn to_remember_of_an_answer(&self, object: &Object, latest: Second) -> Option<Second> {
        let setup = self.setup();
        let of = |tick: Tick| Some(Second::from(tick) * TICK);
        match setup.variant {
            _ if !setup.memory => None,
            Some(Variant::NoMemory | Variant::MemoryAfterTheStatus) => None,
            Some(Variant::MemoryOfTheRequestTime) => of(object.requested),
            Some(Variant::MemoryOfTheClaimTime) => object.status.attempt.as_ref().and_then(|a| of(a.claimed)),
            Some(Variant::MemoryOfTheAnswer) => of(self.now() + setup.clock_error),
            _ => Some(latest),
        }
    }

    fn found_claim_to_send_again(&self, known: &Known<Small>) -> Option<u8> {
        let attempt = known.object.status.attempt.as_ref().filter(|attempt| attempt.result.is_none())?;
        (self.does(Variant::SentAgainWhenClaimIsFound) && known.lock.is_none()).then_some(attempt.id)
    }

    /// The facts as a wrong operator takes them.
    fn misunderstand(&self, facts: &mut Facts) {
        let Some(variant) = self.setup().variant else { return };
        let requested = i32::from(facts.object.requested) * TICK;
        let uid = facts.object.uid;
        match variant {
            Variant::AdoptsOnlyStrictlyAfter => {
                if let Some(view) = facts.look.as_mut() {
                    view.entries.retain(|(start, progress)| *progress == Progress::Pending || *start > requested);
                }
            }
            Variant::OnlyOwnResetsCounted => {
                let own = |start: i32| {
                    self.world.state.record.iter().any(|entry| entry.start == start && entry.uid == Some(uid))
                };
                if let Some(view) = facts.look.as_mut() {
                    view.entries.retain(|(start, _)| own(*start));
                }
            }
            Variant::LockOpenOnlyUntilSendDeadline => {
                if let Some(Some(lock)) = facts.lock.as_mut() {
                    lock.settle = 0;
                }
            }
            Variant::LockThatNeverEnds => {
                if let Some(Some(lock)) = facts.lock.as_mut() {
                    lock.settle = 10_000;
                }
            }
            Variant::ExpiredAtOnceWhileSuspended => {
                facts.suspended &= facts.look.as_ref().is_none_or(|view| view.at <= facts.object.expires);
            }
            Variant::ExpiredWhileOpen => {
                let expired = facts.look.as_ref().is_some_and(|view| view.at > facts.object.expires);
                if expired && facts.object.status.action.is_none() {
                    facts.object.status.attempt = None;
                    facts.lock = facts.lock.take().map(|lock| lock.filter(|_| facts.held.is_some()));
                }
            }
            Variant::RejectedAfterSilence => {
                let at = facts.look.as_ref().map(|view| view.at);
                if let Some(attempt) = facts.object.status.attempt.as_mut()
                    && matches!(attempt.result, None | Some(Answer::Unknown))
                    && at.is_some_and(|at| at > attempt.deadline + attempt.settle)
                {
                    attempt.result = Some(Answer::NotExecuted);
                    facts.lock = Some(facts.lock.take().flatten().filter(|_| facts.held.is_some()));
                }
            }
            Variant::RefusalBelieved => {
                let attempt = facts.object.status.attempt.as_mut();
                if let Some(attempt) = attempt.filter(|attempt| attempt.result == Some(Answer::Refused)) {
                    attempt.deadline = -1000;
                }
            }
            Variant::NoQuarantine => facts.quarantine = None,
            Variant::QuarantineOnlyWhenDeciding if facts.held.is_some() => facts.quarantine = None,
            _ => {}
        }
    }
}
