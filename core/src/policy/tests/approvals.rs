//! Who agreed, who counts, who is still needed.

use serde_json::{Value, json};

use super::support::{Case, approval, time};
use crate::{
    api::approval::RequestKind,
    policy::{Answer, NotCounted, Policy, standing},
};

fn requiring(demand: Value) -> Case {
    Case::new().with_rule(json!({"name": "leads", "decision": "RequireApproval", "approval": demand}))
}

#[test]
fn one_person_agrees() {
    let case = requiring(json!({}));
    let (reason, message) = case.says();
    assert_eq!(reason, "AwaitingApproval");
    assert_eq!(
        message,
        "Waiting for approval: 0 of 1; still needed: one more person (rule \"leads\" of PasscodeResetPolicy \"help-desk\"; an approval holds for \
         8h). To approve it: kubectl pcr approve -n helpdesk inc1. It is not sent after 2026-11-24T09:00:00Z."
    );
    let approved = case.approved_by("jane", json!({}));
    assert_eq!(
        approved.says(),
        ("PermittedByPolicy", "Permitted by PasscodeResetPolicy \"help-desk\" (rule \"leads\").".to_owned())
    );
}

#[test]
fn the_roles_that_are_missing_are_named() {
    let case = requiring(json!({"required": 3, "roles": [{"name": "lead"}, {"name": "security"}]}));
    for (given, progress, needed, role) in [
        (&[][..], "0 of 3", "lead, security, one person of any role", " --role lead"),
        (&[("jane", json!({}))], "1 of 3", "lead, security", " --role lead"),
        (&[("jane", json!({"role": "lead"}))], "1 of 3", "security, one person of any role", " --role security"),
        (&[("jane", json!({"role": "lead"})), ("joe", json!({"role": "security"}))], "2 of 3", "one more person", ""),
        (
            &[("jane", json!({"role": "other"})), ("joe", json!({})), ("jim", json!({}))],
            "1 of 3",
            "lead, security",
            " --role lead",
        ),
    ] {
        let case = given.iter().fold(case.clone(), |case, (who, what)| case.approved_by(who, what.clone()));
        let (reason, message) = case.says();
        let expected = format!("Waiting for approval: {progress}; still needed: {needed} (");
        assert!(reason == "AwaitingApproval" && message.starts_with(&expected), "{message}");
        assert!(message.contains(&format!("kubectl pcr approve -n helpdesk inc1{role}. ")), "{message}");
    }
}

#[test]
fn one_person_fills_one_place() {
    let case = requiring(json!({"required": 2, "roles": [{"name": "lead"}, {"name": "security"}]}));
    let both = case.approved_by("jane", json!({"role": "lead"})).approved_by("jane", json!({"role": "security"}));
    let (reason, message) = both.says();
    assert!(reason == "AwaitingApproval" && message.contains("1 of 2; still needed: security"), "{message}");
    assert!(both.ask().not_counted.is_empty(), "a second role is no mistake");
    assert!(
        both.approved_by("joe", json!({"role": "lead"})).is_permitted(),
        "joe leads, so jane can stand for security"
    );
}

#[test]
fn each_approval_that_does_not_count_has_its_sentence() {
    let case = requiring(json!({}));
    for (approver, change, sentence) in [
        ("jane", json!({"uid": "5c1e0000-0000-4000-8000-000000000002"}), "it names the uid of another request"),
        ("jane", json!({"name": "inc2"}), "its uid is this request's, but it names another kind or name"),
        ("jane", json!({"kind": "PasscodeReveal"}), "its uid is this request's, but it names another kind or name"),
        ("jane", json!({"managedDeviceId": "705c034c-034c-705c-4c03-000000000000"}), "it was given for another device"),
        ("jane", json!({"deleted": true}), "it is being deleted, which takes it back"),
        ("system:serviceaccount:ci:bot", json!({}), "service accounts and other parts of the cluster do not approve"),
        ("system:anonymous", json!({}), "service accounts and other parts of the cluster do not approve"),
        ("", json!({}), "service accounts and other parts of the cluster do not approve"),
        ("jane", json!({"at": "2025-12-31T23:59:59Z"}), "it is older than the proof of who gives approvals"),
        ("desk@example.com", json!({}), "whoever asked for the reset cannot approve it"),
        ("Desk@Example.com", json!({}), "whoever asked for the reset cannot approve it"),
        ("jane", json!({"at": "2026-11-23T00:59:59Z"}), "it was given too long ago"),
    ] {
        let case = case.clone().approved_by(approver, change.clone());
        let permission = case.ask();
        assert_eq!(permission.answer.reason(), "AwaitingApproval", "{approver} {change}");
        assert!(permission.not_counted[0].1.starts_with(sentence), "{:?}", permission.not_counted);
        let message = permission.answer.message();
        assert!(message.contains(&format!(" Does not count: \"a0\": {sentence}")), "{message}");
    }
}

#[test]
fn what_counts_although_it_looks_odd() {
    for change in [
        json!({"uid": "5C1E0000-0000-4000-8000-000000000001"}),
        json!({"managedDeviceId": "705C034C-034C-705C-4C03-5C704C035C70"}),
        json!({"at": "2026-11-23T01:00:00Z"}),
        // Another API server's clock is ahead.
        json!({"at": "2026-11-23T09:00:02Z"}),
        json!({"role": "whatever"}),
    ] {
        assert!(requiring(json!({})).approved_by("jane", change.clone()).is_permitted(), "{change}");
    }
}

#[test]
fn twice_by_one_person_is_once() {
    let case = requiring(json!({"required": 2})).approved_by("jane", json!({})).approved_by("JANE", json!({}));
    let permission = case.ask();
    assert!(permission.answer.message().contains("1 of 2; still needed: one more person"));
    assert_eq!(permission.not_counted, [("a1".to_owned(), NotCounted::OncePerPerson.to_string())]);
    // The one that expired is not the one that counts.
    let late = requiring(json!({"validFor": "1h"})).approved_by("jane", json!({"at": "2026-11-23T07:00:00Z"}));
    let again = late.approved_by("jane", json!({}));
    assert!(again.is_permitted());
    assert_eq!(again.ask().not_counted, [("a0".to_owned(), NotCounted::Expired.to_string())]);
}

#[test]
fn approvals_of_other_requests_are_passed_over() {
    let other = json!({"name": "inc2", "uid": "5c1e0000-0000-4000-8000-000000000002"});
    assert!(requiring(json!({})).approved_by("jane", other).ask().not_counted.is_empty());
    let mut elsewhere = requiring(json!({})).approved_by("jane", json!({}));
    elsewhere.approvals[0].metadata.namespace = Some("other".to_owned());
    assert!(!elsewhere.is_permitted() && elsewhere.ask().not_counted.is_empty());
}

#[test]
fn an_approval_of_a_finished_request_has_its_sentence() {
    let case = Case::new();
    let policies: Vec<&Policy> = Vec::new();
    let late = approval("late", "jane", json!({}));
    assert_eq!(standing(&late, &case.question(&policies), true), Some(Err(NotCounted::Finished)));
    assert_eq!(standing(&late, &case.question(&policies), false), Some(Ok(())));
    let other = approval("other", "jane", json!({"name": "inc2", "uid": "5c1e0000-0000-4000-8000-000000000002"}));
    assert_eq!(standing(&other, &case.question(&policies), true), None);
    assert!(NotCounted::Finished.to_string().contains("nothing is left to approve"));
}

#[test]
fn a_requester_who_is_no_person_or_not_known_costs_one_more() {
    let flux = Some("system:serviceaccount:flux-system:kustomize-controller".to_owned());
    let named = json!({"serviceAccounts": ["flux-system/kustomize-controller"]});
    for (requester, requesters, needed) in
        [(None, None, 2), (flux.clone(), None, 2), (flux, Some(named), 1), (Some("desk".to_owned()), None, 1)]
    {
        let matches = requesters.map_or_else(|| json!({}), |requesters| json!({"requesters": requesters}));
        let rule = json!({"name": "r", "match": matches, "decision": "RequireApproval", "approval": {}});
        let mut case = Case { requester: requester.clone(), ..Case::new() }.with_rule(rule);
        for number in 0..needed {
            assert_eq!(case.reason(), "AwaitingApproval", "{requester:?}");
            let told = case.says().1.contains("one more than it says, since no person is known to have asked for it");
            assert_eq!(told, needed == 2, "{requester:?}");
            case = case.approved_by(&format!("person{number}"), json!({}));
        }
        assert!(case.is_permitted(), "{requester:?}");
    }
}

#[test]
fn a_denial_ends_it_where_approval_is_asked_for() {
    let denied = json!({"decision": "Denied", "reason": "The caller could not\nsay who they are."});
    let (reason, message) =
        requiring(json!({})).approved_by("jane", json!({})).approved_by("joe", denied.clone()).says();
    assert_eq!(reason, "ApprovalDenied");
    assert_eq!(
        message,
        "Refused by somebody whose approval is asked for: The caller could not say who they are (PasscodeResetApproval \"a1\"). Still needed? \
         Settle that with them, then create a new PasscodeReset with requestTime now."
    );
    assert!(Case::new().approved_by("joe", denied.clone()).is_permitted(), "nobody was asked");
    let budgets = json!({"budgets": [{"name": "b", "max": 1, "per": "1h", "scope": "Device"}]});
    assert!(Case::new().with("p", budgets).approved_by("joe", denied.clone()).is_permitted(), "nobody was asked");

    let leads = requiring(json!({"required": 1, "roles": [{"name": "lead"}]}));
    assert_eq!(leads.clone().approved_by("joe", denied.clone()).reason(), "AwaitingApproval");
    let as_lead = json!({"decision": "Denied", "reason": "No.", "role": "lead"});
    assert_eq!(leads.clone().approved_by("joe", as_lead.clone()).reason(), "ApprovalDenied");
    // To call it off, the requester deletes it.
    assert_eq!(leads.approved_by("desk@example.com", as_lead).reason(), "AwaitingApproval");
}

#[test]
fn an_override_sets_aside_what_it_may() {
    let urgent = || json!({"decision": "Overridden", "reason": "The CEO is at the airport."});
    let closed = json!([{"days": ["Sun"], "from": "07:00", "to": "19:00", "timeZone": "UTC"}]);
    let budget = json!([{"name": "b", "max": 1, "per": "1h", "scope": "Device"}]);
    let rule = |extra: Value| {
        let mut rule = json!({"name": "r", "decision": "RequireApproval", "approval": {"required": 5}});
        extra.as_object().unwrap().iter().for_each(|(field, value)| rule[field] = value.clone());
        json!({"rules": [rule]})
    };
    let deny = |overridable: bool| json!({"rules": [{"name": "r", "decision": "Deny", "message": "No.", "overridable": overridable}]});
    for (spec, before, after) in [
        (rule(json!({})), "AwaitingApproval", "Overridden"),
        (rule(json!({"overridable": false})), "AwaitingApproval", "AwaitingApproval"),
        (json!({"hours": closed}), "OutsideHours", "Overridden"),
        (json!({"budgets": budget}), "LimitReached", "Overridden"),
        (deny(true), "AwaitingApproval", "Overridden"),
        (deny(false), "PolicyDenied", "PolicyDenied"),
    ] {
        let mut case = Case::new().with("help-desk", spec.clone());
        case.past.push(super::support::past(time("2026-11-23T08:30:00Z"), "other", "helpdesk", None));
        assert_eq!(case.reason(), before, "{spec}");
        // The requester may do it, too.
        let case = case.approved_by("desk@example.com", urgent());
        let permission = case.ask();
        assert_eq!(permission.answer.reason(), after, "{spec}");
        assert_eq!(permission.overrides.len(), usize::from(after == "Overridden"), "{spec}");
    }
    let permission = Case::new().with("help-desk", rule(json!({}))).approved_by("jane", urgent()).ask();
    assert_eq!(
        permission.answer.message(),
        "What PasscodeResetPolicy \"help-desk\" has against it is set aside by PasscodeResetApproval \"a0\"."
    );
    let not_needed = Case::new().with("p", json!({"rules": [{"name": "r", "decision": "Permit"}]}));
    let permission = not_needed.approved_by("jane", urgent()).ask();
    assert_eq!((permission.answer.reason(), permission.overrides.len()), ("PermittedByPolicy", 0));
}

#[test]
fn a_denial_outweighs_an_override() {
    let case = requiring(json!({})).approved_by("jane", json!({"decision": "Overridden", "reason": "Urgent."}));
    assert!(case.is_permitted());
    assert_eq!(case.approved_by("joe", json!({"decision": "Denied", "reason": "No."})).reason(), "ApprovalDenied");
}

#[test]
fn a_denial_that_can_be_overridden_waits_for_that() {
    let rule = json!({"name": "r", "decision": "Deny", "message": "Not on Sundays.", "overridable": true});
    let (reason, message) = Case::new().with_rule(rule).says();
    assert_eq!(reason, "AwaitingApproval");
    let part = "rule \"r\" of PasscodeResetPolicy \"help-desk\" denies it: Not on Sundays, unless somebody with the right to do so overrides it.";
    assert!(message.contains(part), "{message}");
}

#[test]
fn an_override_holds_as_long_as_an_approval() {
    let at = |at: &str| json!({"decision": "Overridden", "reason": "Urgent.", "at": at});
    let case = requiring(json!({"validFor": "1h"}));
    assert!(case.clone().approved_by("jane", at("2026-11-23T08:00:00Z")).is_permitted());
    assert!(!case.approved_by("jane", at("2026-11-23T07:59:59Z")).is_permitted());
    let closed = json!([{"days": ["Sun"], "from": "07:00", "to": "19:00", "timeZone": "UTC"}]);
    let case = Case::new().with("p", json!({"hours": closed}));
    assert!(case.clone().approved_by("jane", at("2026-11-23T01:00:00Z")).is_permitted());
    let late = case.approved_by("jane", at("2026-11-23T00:59:59Z"));
    assert!(!late.is_permitted());
    assert_eq!(late.ask().not_counted, [("a0".to_owned(), NotCounted::Expired.to_string())]);
}

#[test]
fn without_proof_no_answer_of_a_person_counts() {
    let case = Case { identity_since: None, ..requiring(json!({})) };
    for change in [
        json!({}),
        json!({"decision": "Denied", "reason": "No."}),
        json!({"decision": "Overridden", "reason": "Urgent."}),
    ] {
        let (reason, message) = case.clone().approved_by("jane", change).says();
        assert_eq!(reason, "IdentityNotEnforced");
        assert!(message.contains("(rule \"leads\" of PasscodeResetPolicy \"help-desk\")"), "{message}");
        assert!(message.contains("Ask the platform team."), "{message}");
    }
    let no_people = Case { identity_since: None, ..Case::new() };
    assert!(
        no_people.with_rule(json!({"name": "r", "decision": "Permit"})).is_permitted(),
        "nobody has to be known for that"
    );
}

#[test]
fn the_first_expiry_is_when_to_ask_again() {
    let case =
        requiring(json!({"required": 2, "validFor": "1h"})).approved_by("jane", json!({"at": "2026-11-23T08:30:00Z"}));
    assert_eq!(case.until(), Some(time("2026-11-23T09:30:00Z")));
    assert_eq!(requiring(json!({})).until(), None);
    let at = |at: &str| Case { at: time(at), ..requiring(json!({"validFor": "1h"})).approved_by("jane", json!({})) };
    assert!(at("2026-11-23T09:56:00Z").is_permitted(), "as long as it holds");
    assert!(!at("2026-11-23T09:56:01Z").is_permitted(), "and not longer, at the claim too");
}

#[test]
fn asked_early_it_says_from_when_an_approval_holds() {
    let case = Case { at: time("2026-11-23T20:00:00Z"), early: true, ..requiring(json!({})) };
    let message = case.says().1;
    assert!(message.contains("an approval holds for 8h, so give it at 2026-11-23T12:00:00Z or later)"), "{message}");
}

#[test]
fn each_policy_is_judged_on_the_same_approvals() {
    let rule = |role: &str| {
        let approval = json!({"required": 1, "roles": [{"name": role}]});
        json!({"rules": [{"name": "r", "decision": "RequireApproval", "approval": approval, "message": "Ask them."}]})
    };
    let case =
        Case::new().with("a", rule("lead")).with("b", rule("security")).approved_by("jane", json!({"role": "lead"}));
    let message = case.says().1;
    assert!(message.contains("0 of 1; still needed: security (rule \"r\" of PasscodeResetPolicy \"b\"; an approval holds for 8h): Ask them."), "{message}");
    assert!(case.approved_by("jane", json!({"role": "security"})).is_permitted(), "one person may stand in both");
}

#[test]
fn a_reveal_has_approvals_of_its_own() {
    let rule =
        json!({"name": "r", "match": {"actions": ["RevealPasscode"]}, "decision": "RequireApproval", "approval": {}});
    let action = crate::api::policy::PolicyAction::RevealPasscode;
    let case = Case { kind: RequestKind::PasscodeReveal, action, ..Case::new() }.with_rule(rule);
    let message = case.clone().approved_by("jane", json!({})).says().1;
    assert!(message.contains("It is approved by a PasscodeResetApproval of this namespace."), "{message}");
    assert!(case.approved_by("jane", json!({"kind": "PasscodeReveal"})).is_permitted());
}

/// Names of people are in the approvals; a status is read by more people than those.
#[test]
fn nobody_is_named() {
    let case = requiring(json!({"required": 2, "roles": [{"name": "lead"}]}));
    let case = case.approved_by("jane.doe", json!({})).approved_by("desk@example.com", json!({}));
    let denied = case.clone().approved_by("jim.doe", json!({"decision": "Denied", "reason": "No.", "role": "lead"}));
    for permission in [case.ask(), denied.ask()] {
        assert!(!matches!(permission.answer, Answer::Permitted { .. }));
        let all = format!("{permission:?}");
        assert!(!all.contains("doe") && !all.contains("desk@example.com"), "{all}");
    }
}

#[test]
fn an_override_holds_no_longer_for_a_version_that_nobody_can_read() {
    let rules = json!({"rules": [
        {"name": "new", "match": {"osVersion": ">=14"}, "decision": "RequireApproval", "approval": {"validFor": "8h"}},
        {"name": "old", "decision": "RequireApproval", "approval": {"validFor": "1h"}},
    ]});
    // An hour and a half ago.
    let overridden = Case::new()
        .with("p", rules)
        .approved_by("jane", json!({"decision": "Overridden", "reason": "x", "at": "2026-11-23T07:30:00Z"}));
    let of = |version: &str| Case { os_version: version.to_owned(), ..overridden.clone() }.is_permitted();
    assert_eq!([of("14.0"), of("13.0"), of("?")], [true, false, false]);
}
