//! What it means that admission control (a policy or a webhook of the cluster) keeps a write of the operator's out.

use std::{fmt, time::Duration};

use crate::api::reset_status::PasscodeResetStatus;

/// Who changes what the operator writes: the API server does not tell.
pub const CHANGED_BY: &str = "a mutating admission webhook or policy";

/// How many held claims are tried in a second, over all objects.
pub const TRIES_PER_SECOND: u32 = 10;
/// How soon a held claim is tried again at first, and at the latest.
const TRY_AGAIN: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(600));
/// How soon a status that was denied is written again at first, and at the latest.
const WRITE_AGAIN: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(300));
/// With this word a policy asks to wait instead of refusing for good.
const HOLD: &str = "hold:";
/// What Kyverno puts before the message of a pattern.
const VALIDATION_ERROR: &str = "validation error: ";

/// A write that admission control kept out: nothing was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// Who denies it, as the API server names it.
    pub by: String,
    /// In which words: one line without control characters, 1,024 bytes at most.
    pub sentence: String,
    /// How it was denied.
    pub kind: DenialKind,
}

/// How a write was denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DenialKind {
    /// By a policy, for what the object is.
    Denied,
    /// With a code that asks to come back: 429 or 5xx.
    NotNow,
    /// By a policy that cannot be evaluated.
    PolicyBroken,
    /// No answer: a webhook is down, slow, or answers nonsense.
    Unavailable,
    /// It was stored, but not as it was written.
    Altered,
}

impl fmt::Display for Denial {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { by, sentence, kind } = self;
        match kind {
            DenialKind::Denied | DenialKind::NotNow => write!(out, "denied by {by}: {sentence}"),
            DenialKind::PolicyBroken => write!(out, "denied by {by}, which cannot be evaluated: {sentence}"),
            DenialKind::Unavailable => write!(out, "{by} could not be asked: {sentence}"),
            DenialKind::Altered => write!(out, "changed by {by}: {sentence}"),
        }
    }
}

impl Denial {
    /// Whether somebody has to mend the policy or the webhook, rather than wait.
    #[must_use]
    pub fn is_trouble(&self) -> bool {
        matches!(self.kind, DenialKind::PolicyBroken | DenialKind::Unavailable | DenialKind::Altered)
    }

    /// Whether the sentence, or a message that it quotes, begins with `hold:`.
    #[must_use]
    pub fn asks_to_hold(&self) -> bool {
        let begins = |text: &str| {
            let text = text.strip_prefix(VALIDATION_ERROR).unwrap_or(text).trim_start();
            text.get(..HOLD.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(HOLD))
        };
        let mut quoted = self.sentence.match_indices(['\'', '"']).map(|(at, quote)| &self.sentence[at + quote.len()..]);
        begins(&self.sentence) || quoted.any(begins)
    }
}

/// Which write of an attempt was denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeniedWrite {
    /// The claim: that is about the object.
    Claim,
    /// The device lock, which says nothing of the object.
    Lock,
}

/// The last denial of an attempt's write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptDenial {
    /// Who, and why.
    pub denial: Denial,
    /// Which write.
    pub of: DeniedWrite,
    /// How many in a row.
    pub times: u32,
}

impl AttemptDenial {
    /// Whether it is the end of the object.
    #[must_use]
    pub fn is_a_verdict(&self) -> bool {
        self.of == DeniedWrite::Claim && self.denial.kind == DenialKind::Denied && !self.denial.asks_to_hold()
    }

    /// How soon it is tried whether it would be admitted now.
    #[must_use]
    pub fn try_again(&self) -> Duration {
        doubled(TRY_AGAIN, self.times)
    }
}

/// How soon a status is written again that was denied so many times in a row.
#[must_use]
pub fn write_again(times: u32) -> Duration {
    doubled(WRITE_AGAIN, times)
}

fn doubled((first, longest): (Duration, Duration), times: u32) -> Duration {
    first.saturating_mul(1 << times.saturating_sub(1).min(16)).min(longest)
}

/// What became of a claim on its way to the store, if it is not as it was written.
#[must_use]
pub fn altered(stored: Option<&PasscodeResetStatus>, written: &PasscodeResetStatus) -> Option<Denial> {
    let stored = stored.and_then(|status| status.attempt.as_ref());
    (stored != written.attempt.as_ref()).then(|| Denial {
        by: CHANGED_BY.to_owned(),
        sentence: "status.attempt is stored as something else than the operator wrote".to_owned(),
        kind: DenialKind::Altered,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(sentence: &str, kind: DenialKind) -> AttemptDenial {
        let denial = Denial { by: "policy".to_owned(), sentence: sentence.to_owned(), kind };
        AttemptDenial { denial, of: DeniedWrite::Claim, times: 1 }
    }

    #[test]
    fn a_denial_is_a_verdict_unless_it_asks_to_wait() {
        for (sentence, verdict) in [
            ("only company phones", true),
            ("hold: the change window opens at 18:00", false),
            ("Hold: later", false),
            ("on hold: no", true),
            ("holding", true),
            ("office-hours: closed: 'hold: opens at 07:00'", false),
            (
                "office-hours: closed: 'validation error: hold: opens at 07:00. rule closed failed at path /status/'",
                false,
            ),
            ("the group \"hold\" is wrong", true),
            ("says \"hold: until Monday\"", false),
            ("", true),
            ("ü", true),
        ] {
            assert_eq!(refusal(sentence, DenialKind::Denied).is_a_verdict(), verdict, "{sentence}");
        }
        for kind in [DenialKind::NotNow, DenialKind::PolicyBroken, DenialKind::Unavailable, DenialKind::Altered] {
            assert!(!refusal("no", kind).is_a_verdict(), "{kind:?}");
        }
        let lock = AttemptDenial { of: DeniedWrite::Lock, ..refusal("no", DenialKind::Denied) };
        assert!(!lock.is_a_verdict(), "what is said of a Lease is no verdict on a reset");
    }

    #[test]
    fn each_kind_says_who_has_to_act() {
        for (kind, says, not_ready) in [
            (DenialKind::Denied, "denied by policy: no", false),
            (DenialKind::NotNow, "denied by policy: no", false),
            (DenialKind::PolicyBroken, "denied by policy, which cannot be evaluated: no", true),
            (DenialKind::Unavailable, "policy could not be asked: no", true),
            (DenialKind::Altered, "changed by policy: no", true),
        ] {
            let denial = refusal("no", kind).denial;
            assert_eq!((denial.to_string().as_str(), denial.is_trouble()), (says, not_ready));
        }
    }

    #[test]
    fn tried_and_written_again_more_and_more_rarely() {
        let seconds = |times| refusal("hold: x", DenialKind::Denied).with(times).try_again().as_secs();
        assert_eq!([1, 2, 3, 4, 5, 100].map(seconds), [60, 120, 240, 480, 600, 600]);
        assert_eq!([0, 1, 2, 6, 7, 100].map(|times| write_again(times).as_secs()), [5, 5, 10, 160, 300, 300]);
    }

    impl AttemptDenial {
        fn with(self, times: u32) -> Self {
            Self { times, ..self }
        }
    }
}
