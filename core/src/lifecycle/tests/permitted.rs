//! What policies and people say of a request, and when they are asked.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1;
use serde_json::{Value, json};

use super::{
    devices::entry,
    facts::{Facts, SETTLED, message, t},
};
use crate::{
    api::{
        approval::PasscodeResetApproval,
        conditions::{self, kind},
        reset_status::{AttemptResult, Outcome},
    },
    lifecycle::{
        agreement::Approvals,
        step::{Fact, Step},
    },
    policy::{PastReset, Policy},
};

impl Facts {
    fn policy(mut self, name: &str, spec: Value) -> Self {
        let policy = Policy::compile(name, &serde_json::from_value(spec).unwrap());
        self.policies.get_or_insert_default().push(Box::leak(Box::new(policy)));
        self
    }

    fn rule(self, rule: Value) -> Self {
        self.policy("help-desk", json!({"rules": [rule]}))
    }

    fn approvals(mut self, items: Vec<PasscodeResetApproval>) -> Self {
        self.approvals = Some(Approvals { items, offset: SignedDuration::ZERO });
        self
    }

    #[track_caller]
    fn asks(&self) -> Fact {
        match self.decide().step {
            Step::Observe(fact) => fact,
            other => panic!("{other:?}: {}", message(&self.decide().status)),
        }
    }
}

fn deny() -> Value {
    json!({"name": "no", "decision": "Deny", "message": "Only the second line resets phones."})
}

fn ask_a_lead() -> Value {
    json!({"name": "leads", "decision": "RequireApproval", "approval": {"required": 1, "roles": [{"name": "lead"}]}})
}

/// Somebody of this role agrees, a minute before requestTime.
fn approval(decision: &str) -> PasscodeResetApproval {
    let object = Facts::new().object;
    let (name, uid) = (object.metadata.name.unwrap(), object.metadata.uid.unwrap());
    let mut approval = PasscodeResetApproval::new(
        "a",
        serde_json::from_value(json!({
            "request": {"kind": "PasscodeReset", "name": name, "uid": uid},
            "decision": decision, "role": "lead", "reason": "Known by voice.", "approver": "lead@example.com",
        }))
        .unwrap(),
    );
    approval.metadata.namespace = object.metadata.namespace;
    approval.metadata.creation_timestamp = Some(v1::Time(t(-60)));
    approval
}

/// A requester who is known: otherwise one approval more is asked for.
fn by_somebody() -> Facts {
    let mut facts = Facts::new();
    let name = ("passcode-operator.dev/requested-by".to_owned(), "desk@example.com".to_owned());
    facts.object.metadata.annotations = Some([name].into());
    facts
}

#[test]
fn without_policies_nothing_is_asked_and_that_is_said() {
    let facts = Facts { policies_are_live: false, ..Facts::new() };
    facts.takes_the_lock();
    let status = facts.decide().status;
    assert_eq!(conditions::get(&status.conditions, kind::PERMITTED).unwrap().reason, "NoPolicy");
    assert_eq!(status.permission, None);
}

#[test]
fn what_was_not_listed_yet_holds() {
    let facts = Facts { policies: None, ..Facts::new() };
    let (wait, message) = facts.waits("PolicyNotReady");
    assert!(message.contains("have not been read yet") && message.contains("Nothing was sent."), "{message}");
    assert_eq!(wait, Duration::from_secs(600));
}

#[test]
fn a_denial_is_read_live_before_it_is_a_verdict() {
    let facts = Facts { policies_are_live: false, ..Facts::new().rule(deny()) };
    assert_eq!(facts.asks(), Fact::Policies);
    let live = Facts { policies_are_live: true, ..facts };
    let message = live.rejected("PolicyDenied");
    assert!(
        message.contains("Only the second line resets phones") && message.contains("Nothing was sent."),
        "{message}"
    );
    let status = live.decide().status;
    let permitted = conditions::get(&status.conditions, kind::PERMITTED).unwrap();
    assert_eq!((permitted.status.as_str(), permitted.reason.as_str()), ("False", "PolicyDenied"));
    let report = &status.permission.unwrap().policies[0];
    assert_eq!(
        (report.name.as_str(), report.rule.as_deref(), report.verdict.as_str()),
        ("help-desk", Some("no"), "Denied")
    );
    live.clone().dry_run().rejected("PolicyDenied");
    live.at(-3600).rejected("PolicyDenied");
}

#[test]
fn a_replay_is_adopted_whatever_policies_say() {
    let facts = Facts::new().rule(deny()).sees(vec![entry("done", 5)]);
    assert!(!facts.ends(Outcome::Complete, "Adopted").is_empty());
}

#[test]
fn people_are_asked_and_who_agreed_is_read_live() {
    let facts = by_somebody().rule(ask_a_lead());
    assert_eq!(facts.asks(), Fact::Approvals);
    let nobody = facts.clone().approvals(vec![]);
    let (_, message) = nobody.waits("AwaitingApproval");
    for part in ["0 of 1", "still needed: lead", "kubectl pcr approve -n helpdesk", "--role lead", "Nothing was sent."]
    {
        assert!(message.contains(part), "{part}: {message}");
    }
    let status = nobody.decide().status;
    assert_eq!(status.reason.as_deref(), Some("AwaitingApproval"), "what people select by");
    facts.clone().approvals(vec![approval("Approved")]).takes_the_lock();
    let told = facts.clone().approvals(vec![approval("Denied")]).rejected("ApprovalDenied");
    assert!(told.contains("Known by voice"), "{told}");
    // Nothing proves who agreed.
    let unproved = Facts { identity_since: None, ..facts };
    unproved.approvals(vec![approval("Approved")]).waits("IdentityNotEnforced");
}

#[test]
fn under_the_lock_it_is_asked_again_before_the_look() {
    let held = || Facts { look: None, ..by_somebody().rule(ask_a_lead()).holding("attempt-1") };
    assert_eq!(held().asks(), Fact::Approvals, "what was read before the lock does not count");
    assert_eq!(held().approvals(vec![approval("Approved")]).asks(), Fact::Look);
    held().approvals(vec![]).waits("AwaitingApproval");
    Facts { look: None, ..held().rule(deny()) }.rejected("PolicyDenied");
    let agreed = by_somebody().rule(ask_a_lead()).holding("attempt-1").approvals(vec![approval("Approved")]);
    let decision = agreed.decide();
    assert!(matches!(decision.step, Step::Claim(_)), "{:?}", decision.step);
    let permitted = conditions::get(&decision.status.conditions, kind::PERMITTED).unwrap();
    assert_eq!((permitted.status.as_str(), permitted.reason.as_str()), ("True", "PermittedByPolicy"));
}

#[test]
fn an_approval_expires_by_the_api_servers_clock() {
    let mut facts = by_somebody().rule(ask_a_lead()).approvals(vec![approval("Approved")]);
    facts.takes_the_lock();
    facts.approvals.as_mut().unwrap().offset = SignedDuration::from_hours(9);
    let (_, message) = facts.waits("AwaitingApproval");
    assert!(message.contains("too long ago"), "{message}");
}

#[test]
fn what_is_scheduled_or_tried_says_what_it_will_wait_for() {
    let facts = by_somebody().rule(ask_a_lead()).approvals(vec![]).at(-3600);
    let (wait, message) = facts.waits("Scheduled");
    assert_eq!(wait, Duration::from_secs(3601));
    assert!(message.contains("at the earliest") && message.contains("still needed: lead"), "{message}");
    assert!(message.contains("give it at"), "{message}");
    let tried = by_somebody().rule(ask_a_lead()).approvals(vec![]).dry_run().rejected("DryRun");
    assert!(tried.contains("would not be sent now: it would wait") && tried.contains("still needed: lead"), "{tried}");
}

#[test]
fn another_attempt_is_asked_about_as_the_first_was() {
    let silent = || Facts::attempted(Some(AttemptResult::Unknown)).at(SETTLED + 1);
    silent().takes_the_lock();
    silent()
        .policy("hours", json!({"hours": [{"days": ["Mon"], "from": "07:00", "to": "08:00", "timeZone": "UTC"}]}))
        .approvals(vec![])
        .waits("OutsideHours");
    silent().rule(deny()).failed("OutcomeUnknown");
}

#[test]
fn hours_and_budgets_wait_no_longer_than_they_must() {
    // requestTime is a Sunday at 09:00.
    let open = json!([{"days": ["Sun"], "from": "09:05", "to": "19:00", "timeZone": "UTC"}]);
    let facts = Facts::new().policy("hours", json!({"hours": open})).approvals(vec![]);
    assert_eq!(facts.waits("OutsideHours").0, Duration::from_secs(301));
    facts.at(300).takes_the_lock();
    let budget = json!({"budgets": [{"name": "b", "max": 1, "per": "1h", "scope": "Namespace"}]});
    let mut spent = Facts::new().policy("budget", budget).approvals(vec![]);
    spent.past = vec![sent(-3500)];
    assert_eq!(spent.waits("LimitReached").0, Duration::from_secs(101));
    let own = spent.object.metadata.uid.clone().unwrap();
    spent.past[0].uid = own;
    spent.takes_the_lock();
}

fn sent(seconds: i64) -> PastReset {
    let namespace = Facts::new().object.metadata.namespace.unwrap();
    PastReset {
        time: t(seconds),
        uid: "another".to_owned(),
        namespace,
        tenant: "default".to_owned(),
        managed_device_id: "d".to_owned(),
        requester: None,
    }
}

#[test]
fn an_override_sets_it_aside_and_is_named() {
    let hours = json!({"hours": [{"days": ["Mon"], "from": "07:00", "to": "08:00", "timeZone": "UTC"}]});
    let facts = by_somebody().policy("hours", hours).approvals(vec![approval("Overridden")]);
    facts.takes_the_lock();
    let status = facts.decide().status;
    assert_eq!(conditions::get(&status.conditions, kind::PERMITTED).unwrap().reason, "Overridden");
    assert_eq!(status.permission.unwrap().overrides, ["a"]);
    facts.tenant(|tenant| tenant.suspend = true).waits("Suspended");
}

#[test]
fn what_only_warns_decides_nothing_and_is_reported() {
    let facts = Facts::new().policy("new", json!({"enforcement": "Audit", "rules": [deny()]}));
    facts.takes_the_lock();
    let status = facts.decide().status;
    assert_eq!(status.permission.unwrap().policies[0].verdict, "WouldDeny");
}

#[test]
fn a_policy_that_the_tenant_requires_and_that_is_missing_holds() {
    let requires = |facts: Facts| facts.tenant(|tenant| tenant.required_policies = vec!["help-desk".to_owned()]);
    let (_, message) = requires(Facts::new()).waits("PolicyNotReady");
    assert!(message.contains("there is no PasscodeResetPolicy \"help-desk\""), "{message}");
    let permit = json!({"name": "all", "decision": "Permit"});
    requires(Facts::new().rule(permit)).takes_the_lock();
}

#[test]
fn an_action_that_nobody_knows_permits_nothing() {
    let facts = Facts::attempted(Some(AttemptResult::Unknown)).at(SETTLED + 1).rule(deny());
    let unknown = facts.status(|status| status.support.as_mut().unwrap().action = Some("Vaporise".to_owned()));
    unknown.waits("PolicyNotReady");
}

#[test]
fn the_proof_of_who_asked_is_no_older_than_the_request() {
    let facts = by_somebody().rule(ask_a_lead()).approvals(vec![approval("Approved")]);
    let later = Facts { identity_since: Some(t(0) + SignedDuration::from_secs(1)), ..facts };
    // The approval is from before the proof, too.
    later.waits("AwaitingApproval");
    assert!(later.identity_since > Some(Timestamp::MIN));
}
