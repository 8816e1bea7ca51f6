//! What the answers to the probes show, combination by combination, and how long a proof is kept.

use std::time::Duration;

use jiff::Timestamp;

use crate::{
    api::conditions::{Truth, reason},
    protocol::{
        identity::{Answer, FALSE_NAME, Probe, ROLE, Verdict, judge},
        identity_proof::{Identity, Proof},
    },
};

const OWN: &str = "system:serviceaccount:passcode-operator:passcode-operator";

/// The rules that are in force, and whether the API server stamps names.
#[derive(Clone, Copy, Debug)]
struct Cluster {
    name: bool,
    role: bool,
    overrides: bool,
    person: bool,
    requester: bool,
    stamp: bool,
}

impl Cluster {
    /// Every combination.
    fn all() -> impl Iterator<Item = Self> {
        (0..64_u8).map(|bits| {
            let bit = |index: u8| bits & (1 << index) != 0;
            Self { name: bit(0), role: bit(1), overrides: bit(2), person: bit(3), requester: bit(4), stamp: bit(5) }
        })
    }

    /// What such an API server answers: only the first rule that fails is reported.
    fn answer(self, probe: Probe) -> Answer {
        if probe == Probe::Requester {
            return if self.stamp {
                Answer::Stored(Some(OWN.to_owned()))
            } else if self.requester {
                let sentence = "the annotation passcode-operator.dev/requested-by has to say who you are: write";
                Answer::Denied(format!("{sentence} {OWN}, or leave it out"))
            } else {
                Answer::Stored(Some(FALSE_NAME.to_owned()))
            };
        }
        let name = if probe == Probe::Name && !self.stamp { FALSE_NAME } else { OWN };
        let failing = [
            (
                self.name && name != OWN,
                format!("is not who creates this approval: write your own name in spec.approver, {OWN}"),
            ),
            (self.role && probe == Probe::Role, format!("may not approve in the role {ROLE} in namespace x: it takes")),
            (self.overrides && probe == Probe::Override, "may not override policies: it takes the verb".to_owned()),
            (self.person, "is no person: service accounts and other parts of the cluster do not approve".to_owned()),
        ];
        match failing.into_iter().find(|(fails, _)| *fails) {
            Some((_, sentence)) => Answer::Denied(format!("{name} {sentence}")),
            None => Answer::Stored(Some(name.to_owned())),
        }
    }

    fn verdict(self) -> Verdict {
        judge(OWN, &Probe::ALL.map(|probe| (probe, self.answer(probe))))
    }
}

#[test]
fn identity_is_enforced_exactly_where_every_name_role_and_right_is() {
    for cluster in Cluster::all() {
        let Cluster { name, role, overrides, requester, stamp, .. } = cluster;
        let enforced = (name || stamp) && role && overrides && (requester || stamp);
        let verdict = cluster.verdict();
        assert_eq!(verdict == Verdict::Enforced, enforced, "{cluster:?}: {verdict:?}");
        let first = [(name || stamp, Probe::Name), (role, Probe::Role), (overrides, Probe::Override)];
        let first = first.into_iter().find(|(holds, _)| !holds).map_or(Probe::Requester, |(_, probe)| probe);
        match verdict {
            Verdict::Enforced => {}
            Verdict::NotEnforced { probe, .. } => assert_eq!(probe, first, "{cluster:?}"),
            other => panic!("{cluster:?}: {other:?}"),
        }
    }
}

#[test]
fn one_answer_of_each_kind_among_proving_ones() {
    let whole = Cluster { name: true, role: true, overrides: true, person: true, requester: true, stamp: false };
    let denied = |sentence: &str| Answer::Denied(sentence.to_owned());
    let words = "is what it says";
    let cases = [
        (Answer::Unclear(words.to_owned()), "could not tell"),
        (Answer::Forbidden(words.to_owned()), "not allowed"),
        (Answer::Refused(words.to_owned()), "not enforced"),
        (Answer::Stored(None), "not enforced"),
        (denied("nobody creates anything here"), "not enforced"),
        (denied("expression 'x' resulted in error: no such key"), "not enforced"),
        (denied(""), "not enforced"),
        // Rules that show another's name were asked about another's.
        (denied("somebody is not who creates this approval"), "not enforced"),
        (denied("somebody may not approve in the role x"), "not enforced"),
        (denied("somebody may not override policies"), "not enforced"),
        (denied(&format!("{FALSE_NAME} is no person")), "not enforced"),
    ];
    for (answer, expected) in cases {
        for odd in Probe::ALL {
            let answers =
                Probe::ALL.map(|probe| (probe, if probe == odd { answer.clone() } else { whole.answer(probe) }));
            let verdict = judge(OWN, &answers);
            let shown = match &verdict {
                Verdict::Enforced => "enforced",
                Verdict::NotEnforced { probe, .. } if *probe == odd => "not enforced",
                Verdict::NotAllowed { why } if why == words => "not allowed",
                Verdict::CouldNotTell { why } if why == words => "could not tell",
                _ => "something else",
            };
            assert_eq!(shown, expected, "{odd:?} {answer:?}: {verdict:?}");
        }
    }
    // What is wrong outweighs what is not known, and what was not tried is not known.
    let wrong = [(Probe::Role, Answer::Stored(Some(OWN.to_owned()))), (Probe::Name, Answer::Unclear(String::new()))];
    assert!(matches!(judge(OWN, &wrong), Verdict::NotEnforced { probe: Probe::Role, .. }));
    assert!(matches!(judge(OWN, &[]), Verdict::CouldNotTell { .. }));
}

fn t(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

const fn boot(second: u64) -> Duration {
    Duration::from_secs(second)
}

fn unclear() -> Verdict {
    Verdict::CouldNotTell { why: "429".to_owned() }
}

fn wrong() -> Verdict {
    Verdict::NotEnforced { probe: Probe::Name, why: "an approval in somebody else's name was accepted".to_owned() }
}

#[test]
fn a_proof_begins_after_the_second_of_its_round_and_is_kept_by_every_further_one() {
    let mut identity = Identity::new(None);
    assert_eq!((identity.since(boot(0)), identity.proof()), (None, None));
    for second in [0, 300, 1200] {
        let at = boot(u64::try_from(second).unwrap());
        identity.tried(Verdict::Enforced, Some(t(second)), at);
        assert_eq!(identity.since(at), Some(t(1)));
        assert_eq!(identity.proof(), Some(Proof { since: t(1), confirmed: t(second) }));
    }
}

#[test]
fn what_could_not_be_told_ends_a_proof_after_a_quarter_of_an_hour() {
    let mut identity = Identity::new(None);
    identity.tried(Verdict::Enforced, Some(t(0)), boot(0));
    identity.tried(unclear(), None, boot(890));
    assert_eq!((identity.since(boot(900)), identity.since(boot(901))), (Some(t(1)), None));
    // Tried again in time it goes on; later, nobody knows what happened between.
    let mut late = identity.clone();
    identity.tried(Verdict::Enforced, Some(t(900)), boot(900));
    assert_eq!(identity.since(boot(900)), Some(t(1)));
    late.tried(Verdict::Enforced, Some(t(901)), boot(901));
    assert_eq!(late.since(boot(901)), Some(t(902)));
}

#[test]
fn what_is_wrong_ends_a_proof_at_once_and_the_next_one_is_new() {
    for end in [wrong(), Verdict::NotAllowed { why: "forbidden".to_owned() }] {
        let mut identity = Identity::new(None);
        identity.tried(Verdict::Enforced, Some(t(0)), boot(0));
        identity.tried(end, Some(t(10)), boot(10));
        assert_eq!((identity.since(boot(10)), identity.proof()), (None, None));
        identity.tried(Verdict::Enforced, Some(t(20)), boot(20));
        assert_eq!(identity.since(boot(20)), Some(t(21)));
    }
}

#[test]
fn a_term_goes_on_with_what_the_lease_keeps_once_it_is_shown_again() {
    let kept = Proof { since: t(-5000), confirmed: t(0) };
    for (date, since) in [(5, t(-5000)), (900, t(-5000)), (901, t(902)), (-900, t(-5000)), (-901, t(-900))] {
        let mut identity = Identity::new(Some(kept));
        assert_eq!(identity.since(boot(0)), None, "not before it is tried");
        identity.tried(unclear(), None, boot(1));
        assert_eq!((identity.since(boot(1)), identity.proof()), (None, Some(kept)));
        identity.tried(Verdict::Enforced, Some(t(date)), boot(2));
        assert_eq!(identity.since(boot(2)), Some(since), "{date}");
    }
    let mut identity = Identity::new(Some(kept));
    identity.tried(Verdict::Enforced, None, boot(1));
    assert_eq!(identity.since(boot(1)), None, "an answer without a Date proves nothing");
    identity.tried(wrong(), None, boot(2));
    assert_eq!(identity.proof(), None);
}

#[test]
fn it_is_tried_soon_after_a_change_and_then_now_and_then() {
    let mut identity = Identity::new(None);
    let mut pauses = |verdict: fn() -> Verdict| {
        identity.changed();
        let mut pauses = Vec::new();
        for _ in 0..5 {
            pauses.push(identity.pause().as_secs());
            identity.tried(verdict(), Some(t(0)), boot(0));
        }
        pauses
    };
    assert_eq!(pauses(|| Verdict::Enforced), [1, 9, 20, 300, 300]);
    assert_eq!(pauses(wrong), [1, 9, 20, 30, 30]);
}

#[test]
fn the_condition_says_what_to_do() {
    let told = |verdicts: &[Verdict], differing: &[String]| {
        let mut identity = Identity::new(None);
        for verdict in verdicts {
            identity.tried(verdict.clone(), Some(t(0)), boot(0));
        }
        identity.condition(boot(0), differing)
    };
    let (truth, why, message) = told(&[Verdict::Enforced, unclear()], &[]);
    assert_eq!((truth, why), (Truth::True, reason::IDENTITY_PROVED));
    assert!(message.contains("since 2027-01-15T08:00:01Z") && !message.contains("shipped"), "{message}");
    let (_, _, message) = told(&[Verdict::Enforced], &["ValidatingAdmissionPolicy x".to_owned()]);
    assert!(message.ends_with("Not as it is shipped: ValidatingAdmissionPolicy x."), "{message}");
    let (truth, why, message) = told(&[wrong()], &[]);
    assert_eq!((truth, why), (Truth::False, reason::IDENTITY_NOT_ENFORCED));
    assert!(message.contains("an approval in somebody else's name was accepted. Install them"), "{message}");
    let (truth, why, message) = told(&[Verdict::NotAllowed { why: "no right".to_owned() }], &[]);
    assert_eq!((truth, why), (Truth::False, reason::PROBE_FORBIDDEN));
    assert!(message.contains("no right. No approval counts until it has the rights"), "{message}");
    for verdicts in [&[][..], &[unclear()]] {
        let (truth, why, message) = told(verdicts, &[]);
        assert_eq!((truth, why), (Truth::Unknown, reason::IDENTITY_NOT_PROVED));
        assert!(message.starts_with("No approval counts"), "{message}");
    }
}
