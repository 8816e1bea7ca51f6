//! What is recorded: answers, and every other status.

use super::{End, Event, Pass, RECORD_TRIES, Record, Stage, Then, Why, Write};
use crate::{
    lifecycle::step::AfterAnswer,
    protocol::terms::{Judgement, Rules, Terms},
};

impl<T: Terms> Pass<T> {
    /// Records an answer, stubbornly: without it the object waits for minutes to be verified.
    pub(super) fn record(&mut self, record: Record<T>, rules: &mut impl Rules<T>) {
        let Judgement { status, step, remember } = rules.judge(&self.known, &record.answer);
        if step == AfterAnswer::Nothing {
            // Another replica has followed its entry to the end meanwhile.
            return self.decide(rules);
        }
        let release = step == AfterAnswer::RecordAndRelease;
        self.write(status, remember, Then::Recorded { record, release }, rules);
    }

    pub(super) fn record_is_asked(&mut self, record: Record<T>, event: Event<T>, rules: &mut impl Rules<T>) {
        match event {
            Event::ObjectStored(object) => self.read_again(object),
            Event::NotStored(Why::Gone) => return self.end(End::Failed(Why::Gone)),
            // Tried on what is known.
            _ => {}
        }
        if self.waits_for_the_answer_to(&record.attempt) { self.record(record, rules) } else { self.decide(rules) }
    }

    /// Writes the status where it says something else than before. What the device lease has to remember is written first: a crash in between
    /// leaves more remembered than said, which sends nothing.
    pub(super) fn write(
        &mut self,
        status: T::Status,
        remember: Option<T::Time>,
        then: Then<T>,
        rules: &mut impl Rules<T>,
    ) {
        if T::says(&self.known.object, &status) {
            return self.after(then, rules);
        }
        let write = Write { status, then };
        self.stage = match remember {
            Some(latest) => Stage::Remember(latest, write),
            None => Stage::Write(write),
        };
    }

    pub(super) fn remembered(&mut self, write: Write<T>, event: Event<T>, rules: &mut impl Rules<T>) {
        match event {
            Event::LeaseStored(lease) => {
                // If another has taken the lock over meanwhile, what is held is not released by its new version.
                if let Some(held) = self.known.held.as_mut()
                    && T::locked_for(&lease).as_ref() == Some(&held.attempt)
                {
                    held.lease = lease.clone();
                }
                self.known.lock = Some(Some(lease));
                self.stage = Stage::Write(write);
            }
            Event::Done => self.stage = Stage::Write(write),
            event => {
                self.known.lock = None;
                self.written(write, event, rules);
            }
        }
    }

    pub(super) fn written(&mut self, Write { then, .. }: Write<T>, event: Event<T>, rules: &mut impl Rules<T>) {
        match (event, then) {
            (Event::ObjectStored(object), then) => {
                self.known.object = object;
                self.after(then, rules);
            }
            (Event::NotStored(why @ (Why::Conflict | Why::Unclear | Why::Denied)), Then::Recorded { record, .. }) => {
                let record = Record { tries: record.tries + 1, ..record };
                if record.tries < RECORD_TRIES {
                    self.stage = Stage::PauseRecord(record);
                } else {
                    let Record { attempt, answer, .. } = record;
                    self.end(End::Unrecorded(attempt, answer, why));
                }
            }
            (event, _) => self.fail(event),
        }
    }

    fn after(&mut self, then: Then<T>, rules: &mut impl Rules<T>) {
        match then {
            Then::End(end) => self.end(end),
            Then::ReleaseLock | Then::Recorded { release: true, .. } => {
                let lease = self.known.lock.take().flatten();
                self.release(lease, rules);
            }
            Then::Recorded { .. } => self.decide(rules),
        }
    }
}
