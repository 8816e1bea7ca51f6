//! What the status of an IntuneTenant says: a function of what is known of the tenant.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;

use super::health::Health;
use crate::{
    api::{
        conditions::{self, Truth, kind, reason},
        tenant::{IntuneTenantSpec, IntuneTenantStatus},
    },
    lifecycle::observed::NotReady,
};

/// A change of the measured clock offset that is worth a write.
const OFFSET_STEP: SignedDuration = SignedDuration::from_secs(5);
/// How long before its end a certificate is told of.
const CERTIFICATE_ENDS_SOON: SignedDuration = SignedDuration::from_hours(30 * 24);

/// What is known of a tenant.
#[derive(Clone, Copy)]
pub struct TenantFacts<'a> {
    /// Its spec.
    pub spec: &'a IntuneTenantSpec,
    /// `metadata.generation` of the object that has this spec.
    pub generation: Option<i64>,
    /// Why it cannot be used, found when it was set up or signed in.
    pub not_ready: Option<&'a NotReady>,
    /// Nobody knows yet whether it can sign in as its spec says.
    pub signing_in: bool,
    /// When the certificate ends that tokens are asked for with, if there is one.
    pub certificate_ends: Option<Timestamp>,
    /// The token of a sign-in that was made just now.
    pub token: Option<Token<'a>>,
    /// What showed in use.
    pub health: &'a Health,
    /// Whether it is proved who approves and who asks, as a condition says it; `None`: it is not needed.
    pub identity: Option<&'a (Truth, &'static str, String)>,
}

/// A token, as far as it can be read.
#[derive(Clone, Copy)]
pub struct Token<'a> {
    /// Its `roles`; `None`: it is opaque.
    pub roles: Option<&'a [String]>,
}

impl TenantFacts<'_> {
    /// The status that says so; `old` where there is nothing new, so that nothing need be written. `now` dates what changes.
    #[must_use]
    pub fn status(&self, old: &IntuneTenantStatus, now: Timestamp) -> IntuneTenantStatus {
        let mut new = old.clone();
        let fault = self.health.fault();
        let not_ready = self.not_ready.or(fault.as_ref());
        let generation = self.generation;
        let mut set = |kind: &str, truth: Truth, reason: &str, message: &str| {
            conditions::set(&mut new.conditions, kind, truth, reason, message, generation, now);
        };
        match not_ready {
            Some(not_ready) => set(kind::READY, Truth::False, &not_ready.reason, &not_ready.message),
            None if self.signing_in => set(kind::READY, Truth::Unknown, reason::SIGNING_IN, SIGNING_IN),
            None => {
                let message = signed_in_message(self.certificate_ends, now) + &namespaces_message(self.spec);
                set(kind::READY, Truth::True, reason::READY, &message);
            }
        }
        let (truth, why, message) = permissions(self.token);
        if self.token.is_some() {
            set(kind::PERMISSIONS_VERIFIED, truth, why, &message);
        }
        let (truth, why, message) = match self.health.ledger_readable {
            Some(true) => {
                (Truth::True, reason::ENTRY_SEEN, "Intune's record of actions shows actions: it can be relied on.")
            }
            Some(false) => (
                Truth::False,
                reason::ENTRY_MISSING,
                "Graph accepted a reset that Intune's record of the device did not show in time. Until the record shows an action again, a \
                 reset whose answer is lost is not sent a second time: it ends Failed/OutcomeUnknown.",
            ),
            None => (
                Truth::Unknown,
                reason::NO_ENTRY_SEEN,
                "No device of this tenant has shown an action yet. Until one does, a reset whose answer is lost is not sent a second time: it \
                 ends Failed/OutcomeUnknown.",
            ),
        };
        set(kind::LEDGER_READABLE, truth, why, message);
        match self.identity {
            Some((truth, why, message)) => set(kind::IDENTITY_ENFORCED, *truth, why, message),
            None => new.conditions.retain(|condition| condition.type_ != kind::IDENTITY_ENFORCED),
        }
        new.observed_generation = generation;
        new.settle_window = Some(self.spec.timing.settle_window());
        // When an entry was seen last moves with every look, and is worth a write only together with something else.
        if !same_measures(old, self.health) {
            new.ledger.clone_from(&self.health.ledger);
        }
        if let Some(offset) = self.health.clock_offset
            && old.clock_offset.as_deref().and_then(read_offset).is_none_or(|old| (old - offset).abs() >= OFFSET_STEP)
        {
            new.clock_offset = Some(format!("{}s", offset.as_secs()));
        }
        new
    }
}

/// Whoever wrote `{}`, or wrote nothing where labels belong and had `kubectl apply` take that out, is told what it means.
fn namespaces_message(spec: &IntuneTenantSpec) -> String {
    let nothing = LabelSelector::default();
    if spec.allowed_namespaces.as_ref() == Some(&nothing) {
        return " Every namespace may name this tenant (allowedNamespaces is {}).".to_owned();
    }
    String::new()
}

/// That it works, and whether somebody has to do something so that it goes on doing so.
fn signed_in_message(certificate_ends: Option<Timestamp>, now: Timestamp) -> String {
    match certificate_ends.filter(|ends| ends.duration_since(now) < CERTIFICATE_ENDS_SOON) {
        Some(ends) => format!(
            "Signed in. The certificate in tls.crt ends at {ends}: upload a new one to the app registration, and put it with its key into the Secret before that."
        ),
        None => "Signed in.".to_owned(),
    }
}

fn same_measures(old: &IntuneTenantStatus, health: &Health) -> bool {
    match (&old.ledger, &health.ledger) {
        (Some(old), Some(new)) => (old.samples, old.last_lag, old.max_lag) == (new.samples, new.last_lag, new.max_lag),
        (None, None) => true,
        _ => false,
    }
}

fn read_offset(text: &str) -> Option<SignedDuration> {
    text.strip_suffix('s')?.parse().ok().map(SignedDuration::from_secs)
}

const SIGNING_IN: &str = "The spec is in force, and the operator is signing in with it. Until it has, nothing is sent and nothing is followed; that \
     takes half a minute at most.";

const RESET: &str = "DeviceManagementManagedDevices.PrivilegedOperations.All";
const READ: [&str; 2] = ["DeviceManagementManagedDevices.Read.All", "DeviceManagementManagedDevices.ReadWrite.All"];

/// What the token's roles say, where they can be read: Graph's tokens are opaque, so this is advice and no verdict.
fn permissions(token: Option<Token<'_>>) -> (Truth, &'static str, String) {
    let Some(roles) = token.and_then(|token| token.roles) else {
        return (
            Truth::Unknown,
            reason::TOKEN_OPAQUE,
            "The token cannot be read; a missing permission shows with the first request.".to_owned(),
        );
    };
    let mut missing = Vec::new();
    if !roles.iter().any(|role| role == RESET) {
        missing.push(RESET);
    }
    if !roles.iter().any(|role| READ.contains(&role.as_str())) {
        missing.push(READ[0]);
    }
    if missing.is_empty() {
        return (Truth::True, reason::ROLES_PRESENT, "The token has the permissions that are needed.".to_owned());
    }
    let message = format!(
        "The token lacks {}. Grant it as an application permission, with admin consent; to a managed identity by an app role assignment.",
        missing.join(" and ")
    );
    (Truth::False, reason::PERMISSION_MISSING, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        lifecycle::{step::Lesson, tests::samples},
        protocol::health::Request,
    };
    use std::time::Duration;

    fn t(second: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + second).unwrap()
    }

    fn condition<'a>(status: &'a IntuneTenantStatus, kind: &str) -> (&'a str, &'a str, &'a str) {
        conditions::get(&status.conditions, kind)
            .map_or(("", "", ""), |c| (c.status.as_str(), c.reason.as_str(), c.message.as_str()))
    }

    fn not_ready(reason: &str) -> NotReady {
        NotReady { reason: reason.to_owned(), message: "Mend it.".to_owned() }
    }

    fn facts<'a>(spec: &'a IntuneTenantSpec, health: &'a Health) -> TenantFacts<'a> {
        TenantFacts {
            spec,
            generation: Some(3),
            not_ready: None,
            signing_in: false,
            certificate_ends: None,
            token: None,
            health,
            identity: None,
        }
    }

    #[test]
    fn ready_is_what_was_found_first_and_then_what_showed_in_use() {
        let (spec, old) = (samples::tenant(), IntuneTenantStatus::default());
        let mut health = Health::default();
        let ready = |facts: TenantFacts<'_>| {
            let status = facts.status(&old, t(0));
            let (truth, reason, _) = condition(&status, kind::READY);
            (truth.to_owned(), reason.to_owned())
        };
        let is = |truth: &str, reason: &str| (truth.to_owned(), reason.to_owned());
        assert_eq!(ready(facts(&spec, &health)), is("True", reason::READY));
        assert_eq!(ready(TenantFacts { signing_in: true, ..facts(&spec, &health) }), is("Unknown", reason::SIGNING_IN));
        health.failed(not_ready(reason::PERMISSION_MISSING), Request::Reset, Duration::ZERO);
        assert_eq!(ready(facts(&spec, &health)), is("False", reason::PERMISSION_MISSING));
        let found = not_ready(reason::TOKEN_REFUSED);
        let facts = TenantFacts { not_ready: Some(&found), ..facts(&spec, &health) };
        assert_eq!(ready(facts), is("False", reason::TOKEN_REFUSED));
    }

    #[test]
    fn a_certificate_that_ends_within_a_month_and_namespaces_that_are_all_are_told() {
        let (mut spec, old, health) = (samples::tenant(), IntuneTenantStatus::default(), Health::default());
        spec.allowed_namespaces = None;
        let month = 30 * 24 * 3600;
        for (ends, told) in [(Some(month - 1), true), (Some(month), false), (None, false)] {
            let facts = TenantFacts { certificate_ends: ends.map(t), ..facts(&spec, &health) };
            let status = facts.status(&old, t(0));
            assert_eq!(condition(&status, kind::READY).2.contains("tls.crt"), told, "{ends:?}");
            assert!(!condition(&status, kind::READY).2.contains("allowedNamespaces"));
        }
        spec.allowed_namespaces = Some(LabelSelector::default());
        let status = facts(&spec, &health).status(&old, t(0));
        assert!(condition(&status, kind::READY).2.contains("allowedNamespaces is {}"));
    }

    #[test]
    fn roles_are_advice_and_told_only_of_a_new_token() {
        let (spec, old, health) = (samples::tenant(), IntuneTenantStatus::default(), Health::default());
        let verified = |roles: Option<&[String]>| {
            let status = TenantFacts { token: Some(Token { roles }), ..facts(&spec, &health) }.status(&old, t(0));
            let (truth, _, message) = condition(&status, kind::PERMISSIONS_VERIFIED);
            (truth.to_owned(), message.to_owned())
        };
        let owned = |roles: &[&str]| roles.iter().map(|role| (*role).to_owned()).collect::<Vec<_>>();
        assert_eq!(verified(None).0, "Unknown");
        assert_eq!(verified(Some(&owned(&[RESET, READ[1]]))).0, "True");
        for (roles, lacks) in [(owned(&[RESET]), READ[0]), (owned(&[READ[0]]), RESET), (owned(&[]), RESET)] {
            let (truth, message) = verified(Some(&roles));
            assert!(truth == "False" && message.contains(lacks), "{message}");
        }
        assert_eq!(condition(&facts(&spec, &health).status(&old, t(0)), kind::PERMISSIONS_VERIFIED).0, "");
    }

    #[test]
    fn identity_is_told_only_where_it_is_needed() {
        let (spec, old, health) = (samples::tenant(), IntuneTenantStatus::default(), Health::default());
        let said = (Truth::False, reason::IDENTITY_NOT_ENFORCED, "Install them.".to_owned());
        let told = TenantFacts { identity: Some(&said), ..facts(&spec, &health) }.status(&old, t(0));
        let expected = ("False", reason::IDENTITY_NOT_ENFORCED, "Install them.");
        assert_eq!(condition(&told, kind::IDENTITY_ENFORCED), expected);
        let not_needed = facts(&spec, &health).status(&told, t(1));
        assert_eq!(condition(&not_needed, kind::IDENTITY_ENFORCED), ("", "", ""));
        assert_eq!(condition(&not_needed, kind::READY).0, "True");
    }

    #[test]
    fn what_moves_with_every_look_is_no_write() {
        let (spec, mut health) = (samples::tenant(), Health::default());
        health.entry_seen(t(0));
        health.clock_offset = Some(SignedDuration::from_secs(10));
        let first = facts(&spec, &health).status(&IntuneTenantStatus::default(), t(0));
        assert_eq!((condition(&first, kind::LEDGER_READABLE).0, first.clock_offset.as_deref()), ("True", Some("10s")));
        health.entry_seen(t(60));
        for (offset, same) in [(14, true), (6, true), (15, false), (5, false)] {
            health.clock_offset = Some(SignedDuration::from_secs(offset));
            assert_eq!(facts(&spec, &health).status(&first, t(60)) == first, same, "{offset}");
        }
        health.clock_offset = None;
        health.learn(Lesson::Lag(Duration::from_secs(2)));
        let later = facts(&spec, &health).status(&first, t(60));
        let ledger = later.ledger.unwrap();
        assert_eq!((ledger.samples, ledger.last_seen_time.map(|time| time.0)), (1, Some(t(60))));
        health.learn(Lesson::EntryMissing);
        assert_eq!(condition(&facts(&spec, &health).status(&first, t(60)), kind::LEDGER_READABLE).0, "False");
    }
}
