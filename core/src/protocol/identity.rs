//! Whether the API server lets anybody write another's name: what the answers to the operator's own attempts show.
//!
//! The admission policies for identity are never assumed to hold: a binding that only audits, exempts, or is gone is visible in no other way. Each
//! probe is a creation with `dryRun=All` that has to be refused by one rule, whose message begins with the name that the API server would have
//! stored. "Refused" alone proves nothing: a rule that is left refuses for another that is missing.

/// The name that the probes write in the place of the operator's own. Nobody's: no rule but the one about names may refuse it.
pub const FALSE_NAME: &str = "identity-probe@passcode-operator.dev";
/// The role that the operator does not have.
pub const ROLE: &str = "identity-probe";

/// The rule about the name of an approver, as its message goes on after that name.
const NAME_RULE: &str = " is not who creates this approval";
/// The rule about roles, likewise.
const ROLE_RULE: &str = " may not approve in the role ";
/// The rule about overrides, likewise.
const OVERRIDE_RULE: &str = " may not override policies";
/// The rule that people approve, likewise. It is the last one: where it refuses, the rules before it let the creation through.
const PERSON_RULE: &str = " is no person";
/// The rule about who asked, as its message begins.
const REQUESTER_RULE: &str = "the annotation passcode-operator.dev/requested-by has to say who you are";

/// What is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Probe {
    /// An approval with [`FALSE_NAME`].
    Name,
    /// An approval with its own name and a role that it lacks.
    Role,
    /// An approval with its own name and the decision Overridden.
    Override,
    /// A reset that [`FALSE_NAME`] is said to have asked for.
    Requester,
}

impl Probe {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Name, Self::Role, Self::Override, Self::Requester];

    /// What would be possible if the rule were not in force.
    const fn danger(self) -> &'static str {
        match self {
            Self::Name => "an approval in somebody else's name",
            Self::Role => "an approval in a role that its author does not have",
            Self::Override => "an override by somebody without the right to it",
            Self::Requester => "a reset in somebody else's name",
        }
    }
}

/// What the API server answered to a probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It would have been stored with this name, or with none.
    Stored(Option<String>),
    /// Admission control denied it with this sentence.
    Denied(String),
    /// The operator lacks the right to try.
    Forbidden(String),
    /// It was refused for another reason, such as by the schema.
    Refused(String),
    /// No answer, or one that tells nothing: 429, 5xx, a webhook that is down.
    Unclear(String),
}

/// What all probes of one round show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nobody writes another's name, role or right.
    Enforced,
    /// Somebody may.
    NotEnforced {
        /// The first probe that shows it.
        probe: Probe,
        /// What it showed, in a sentence.
        why: String,
    },
    /// The operator may not try it: that is told apart because of what there is to do.
    NotAllowed {
        /// What the API server said.
        why: String,
    },
    /// Nobody can tell.
    CouldNotTell {
        /// Why not.
        why: String,
    },
}

/// What one answer shows; `Ok`: the rule is in force.
enum Shown {
    Wrong(String),
    Forbidden(String),
    Unclear(String),
}

/// What the answers of one round show, where `own` is the name by which the API server knows the operator. What is wrong outweighs what is not
/// known, and a probe that is missing is one that was not answered.
#[must_use]
pub fn judge(own: &str, answers: &[(Probe, Answer)]) -> Verdict {
    let unanswered = Answer::Unclear("it was not tried".to_owned());
    let answer = |probe| answers.iter().find(|(of, _)| *of == probe).map_or(&unanswered, |(_, answer)| answer);
    let (mut forbidden, mut unclear) = (None, None);
    for probe in Probe::ALL {
        match shown(own, probe, answer(probe)) {
            Ok(()) => {}
            Err(Shown::Wrong(why)) => return Verdict::NotEnforced { probe, why },
            Err(Shown::Forbidden(why)) => forbidden = forbidden.or(Some(why)),
            Err(Shown::Unclear(why)) => unclear = unclear.or(Some(why)),
        }
    }
    match (forbidden, unclear) {
        (Some(why), _) => Verdict::NotAllowed { why },
        (None, Some(why)) => Verdict::CouldNotTell { why },
        (None, None) => Verdict::Enforced,
    }
}

fn shown(own: &str, probe: Probe, answer: &Answer) -> Result<(), Shown> {
    match answer {
        Answer::Stored(name) => stored(own, probe, name.as_deref()),
        Answer::Denied(sentence) if proves(own, probe, sentence) => Ok(()),
        Answer::Denied(sentence) => {
            Err(Shown::Wrong(format!("{} was refused, but not by the rule against it: {sentence}", probe.danger())))
        }
        Answer::Refused(why) => Err(Shown::Wrong(format!("{} could not be tried: {why}", probe.danger()))),
        Answer::Forbidden(why) => Err(Shown::Forbidden(why.clone())),
        Answer::Unclear(why) => Err(Shown::Unclear(why.clone())),
    }
}

/// What is stored is right only if the API server wrote the true name into it. A role or a right that is not there is never stored.
fn stored(own: &str, probe: Probe, name: Option<&str>) -> Result<(), Shown> {
    let names = matches!(probe, Probe::Name | Probe::Requester);
    if names && name == Some(own) {
        return Ok(());
    }
    let or = if names {
        ""
    } else {
        ", by a rule that is missing or by rights of the operator that are too wide, such as cluster-admin's"
    };
    Err(Shown::Wrong(format!("{} was accepted{or}", probe.danger())))
}

/// Whether a denial is one that proves the rule.
fn proves(own: &str, probe: Probe, sentence: &str) -> bool {
    let by = |name: &str, rule: &str| sentence.strip_prefix(name).is_some_and(|rest| rest.starts_with(rule));
    match probe {
        // Where the API server writes the true name, the rule about names has nothing to refuse, and the last one shows that name.
        Probe::Name => by(FALSE_NAME, NAME_RULE) || by(own, PERSON_RULE),
        Probe::Role => by(own, ROLE_RULE),
        Probe::Override => by(own, OVERRIDE_RULE),
        Probe::Requester => sentence.starts_with(REQUESTER_RULE),
    }
}
