//! What holds of every question.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
use serde_json::{Value, json};

use super::support::{Case, approval, past, policy, time};
use crate::{
    api::policy::{ApprovalDemand, Budget, PasscodeResetPolicySpec, PolicyAction, Window},
    platform::Platform,
    policy::{PastReset, Policy, PolicyVerdict},
};

const FLUX: &str = "system:serviceaccount:flux-system:flux";

fn any_match() -> impl Strategy<Value = Value> {
    prop::sample::select(vec![
        json!({}),
        json!({"platforms": ["MacOS"]}),
        json!({"platforms": ["AndroidFullyManaged", "MacOS"]}),
        json!({"osVersion": ">=14.0"}),
        json!({"osVersion": "<14.0", "ownership": ["company"]}),
        json!({"ownership": ["personal", "unknown"]}),
        json!({"actions": ["ResetDevicePasscode"]}),
        json!({"requesters": {"serviceAccounts": ["flux-system/flux"]}}),
    ])
}

fn any_decision() -> impl Strategy<Value = Value> {
    prop::sample::select(vec![
        json!({"decision": "Permit"}),
        json!({"decision": "Deny", "message": "No."}),
        json!({"decision": "Deny", "message": "No.", "overridable": true}),
        json!({"decision": "RequireApproval", "approval": {}}),
        json!({"decision": "RequireApproval", "approval": {"required": 2, "roles": [{"name": "lead"}], "validFor": "1h"}}),
        json!({"decision": "RequireApproval", "approval": {"required": 1}, "overridable": false}),
    ])
}

fn any_rules() -> impl Strategy<Value = Value> {
    prop::collection::vec((any_match(), any_decision()), 0..4).prop_map(|rules| {
        let named = rules.into_iter().enumerate().map(|(index, (matches, mut rule))| {
            rule["name"] = json!(format!("r{index}"));
            rule["match"] = matches;
            rule
        });
        named.collect()
    })
}

fn any_spec() -> impl Strategy<Value = Value> {
    let hours = prop_oneof![
        6 => Just(json!([])),
        6 => Just(json!([{"days": ["Mon", "Tue"], "from": "08:00", "to": "18:00", "timeZone": "UTC"}])),
        2 => Just(json!([{"days": ["Mon"], "from": "22:00", "to": "06:00", "timeZone": "Asia/Tokyo"}])),
        1 => Just(json!([{"days": ["Mon"], "from": "22:00", "to": "22:00", "timeZone": "Asia/Tokyo"}])),
    ];
    let budget = (1..3, prop::sample::select(vec!["Namespace", "Tenant", "Device", "Requester"]));
    let budgets = prop::collection::vec(budget, 0..2).prop_map(|budgets| {
        let named = budgets
            .into_iter()
            .enumerate()
            .map(|(index, (max, scope))| json!({"name": format!("b{index}"), "max": max, "per": "1h", "scope": scope}));
        named.collect::<Value>()
    });
    let selector = prop_oneof![4 => Just(json!({})), 1 => Just(json!({"matchLabels": {"desk": "second-line"}}))];
    let enforcement = prop::sample::select(vec!["Enforce", "Enforce", "Enforce", "Warn", "Audit"]);
    (any_rules(), hours, budgets, selector, enforcement).prop_map(|(rules, hours, budgets, selector, enforcement)| {
        json!({
            "rules": rules, "hours": hours, "budgets": budgets, "namespaceSelector": selector, "enforcement": enforcement,
        })
    })
}

fn any_approval() -> impl Strategy<Value = (&'static str, Value)> {
    let who = prop::sample::select(vec!["jane", "joe", "Joe", "desk@example.com", FLUX]);
    let decision = prop::sample::select(vec!["Approved", "Approved", "Denied", "Overridden"]);
    let role = prop::sample::select(vec![json!(null), json!("lead"), json!("other")]);
    let at = prop::sample::select(vec!["2026-11-23T08:56:00Z", "2026-11-23T07:30:00Z", "2025-01-01T00:00:00Z"]);
    (who, decision, role, at, prop::bool::weighted(0.1)).prop_map(|(who, decision, role, at, deleted)| {
        let mut change = json!({"decision": decision, "role": role, "reason": "Because.", "at": at});
        if deleted {
            change["deleted"] = json!(true);
        }
        (who, change)
    })
}

fn any_past() -> impl Strategy<Value = PastReset> {
    let requester = prop::sample::select(vec![None, Some("desk@example.com"), Some(FLUX)]);
    (0_i64..90, prop::sample::select(vec!["helpdesk", "other"]), requester).prop_map(
        |(minutes, namespace, requester)| {
            past(time(super::support::NOW) - SignedDuration::from_mins(minutes), "other", namespace, requester)
        },
    )
}

fn any_case() -> impl Strategy<Value = Case> {
    let request = (
        prop::sample::select(vec![None, Some("desk@example.com"), Some(FLUX)]),
        prop::sample::select(vec![Platform::MacOS, Platform::AndroidFullyManaged, Platform::Unknown]),
        prop::sample::select(vec!["", "13.1", "14.0"]),
        prop::sample::select(vec!["company", "personal", ""]),
        prop::sample::select(&PolicyAction::RESETS[..]),
    );
    let identity = prop::sample::select(vec![None, Some("2026-01-01T00:00:00Z"), Some("2026-01-01T00:00:00Z")]);
    let required = prop_oneof![8 => Just(vec![]), 1 => Just(vec!["p0"]), 1 => Just(vec!["p1", "p0"])];
    let policies = prop::collection::vec(any_spec(), 1..4);
    let approvals = prop::collection::vec(any_approval(), 0..5);
    let past = prop::collection::vec(any_past(), 0..4);
    (policies, approvals, past, request, (identity, required, 0_i64..60 * 24 * 7)).prop_map(
        |(policies, approvals, past, request, (identity, required, minute))| {
            let (requester, platform, os_version, ownership, action) = request;
            let at = if minute % 2 == 0 { time(super::support::NOW) } else { later(minute) };
            let mut case = Case {
                at,
                past,
                platform,
                action,
                os_version: os_version.to_owned(),
                ownership: ownership.to_owned(),
                requester: requester.map(str::to_owned),
                identity_since: identity.map(time),
                required: required.into_iter().map(str::to_owned).collect(),
                ..Case::new()
            };
            for (index, spec) in policies.into_iter().enumerate() {
                case = case.with(&format!("p{index}"), spec);
            }
            approvals.into_iter().fold(case, |case, (who, change)| case.approved_by(who, change))
        },
    )
}

fn later(minutes: i64) -> Timestamp {
    time(super::support::NOW) + SignedDuration::from_mins(minutes)
}

/// The properties are worth something only where the questions are of all kinds.
#[test]
fn questions_are_of_all_kinds() {
    let mut runner = TestRunner::deterministic();
    let mut reasons = BTreeMap::new();
    for _ in 0..2000 {
        let case = any_case().new_tree(&mut runner).unwrap().current();
        *reasons.entry(case.reason()).or_insert(0) += 1;
    }
    let most = reasons.values().max().unwrap();
    assert!(reasons.len() == 10 && reasons.values().all(|count| *count >= 10) && *most < 900, "{reasons:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn the_order_of_what_is_given_does_not_matter(case in any_case()) {
        let mut other = case.clone();
        other.policies.reverse();
        other.approvals.reverse();
        other.past.reverse();
        other.required.reverse();
        prop_assert_eq!(other.ask(), case.ask());
    }

    /// One that the tenant requires is another matter: without it everything is held.
    #[test]
    fn one_policy_more_never_permits_more(case in any_case(), spec in any_spec()) {
        let more = case.clone().with("one-more", spec);
        prop_assert!(case.is_permitted() || !more.is_permitted());
    }

    #[test]
    fn a_policy_that_only_reports_changes_nothing(case in any_case(), spec in any_spec(), warn: bool) {
        let mut spec = spec;
        spec["enforcement"] = json!(if warn { "Warn" } else { "Audit" });
        let more = case.clone().with("one-more", spec).ask();
        let alone = case.ask();
        prop_assert_eq!(more.answer.reason(), alone.answer.reason());
        prop_assert_eq!(more.overrides, alone.overrides);
    }

    /// One requirement among others is another matter: its policy may be the one that is about the request.
    #[test]
    fn requirements_never_permit_more_than_none(case in any_case()) {
        let free = Case { required: Vec::new(), ..case.clone() };
        prop_assert!(free.is_permitted() || !case.is_permitted());
    }

    #[test]
    fn one_yes_less_or_one_no_more_never_permits_more(case in any_case(), place: prop::sample::Index, who in any_approval()) {
        if !case.approvals.is_empty() {
            let mut less = case.clone();
            let taken = less.approvals.remove(place.index(case.approvals.len()));
            let denial = taken.spec.decision == crate::api::approval::ApprovalDecision::Denied;
            prop_assert!(denial || case.is_permitted() || !less.is_permitted());
        }
        let (name, mut change) = who;
        change["decision"] = json!("Denied");
        let mut more = case.clone();
        more.approvals.push(approval("no", name, change));
        prop_assert!(case.is_permitted() || !more.is_permitted());
    }

    #[test]
    fn one_reset_more_in_the_past_never_permits_more(case in any_case(), reset in any_past()) {
        let mut more = case.clone();
        more.past.push(reset);
        prop_assert!(case.is_permitted() || !more.is_permitted());
    }

    #[test]
    fn a_version_that_nobody_can_read_permits_no_more_than_any(case in any_case()) {
        let unknown = Case { os_version: "unknown".to_owned(), ..case.clone() };
        for version in ["1.0", "13.9", "14.0", "99"] {
            let known = Case { os_version: version.to_owned(), ..case.clone() };
            prop_assert!(known.is_permitted() || !unknown.is_permitted(), "{version}");
        }
    }

    /// As far as rules are concerned; a budget of one's own is another one than that of everybody whom nobody knows.
    #[test]
    fn a_requester_that_nobody_knows_permits_no_more_than_any(case in any_case(), rules in any_rules()) {
        let mut case = Case { policies: Vec::new(), required: Vec::new(), approvals: Vec::new(), ..case };
        case.policies.push(policy("p", json!({"rules": rules})));
        let unknown = Case { requester: None, ..case.clone() };
        for name in ["desk@example.com", FLUX] {
            let known = Case { requester: Some(name.to_owned()), ..case.clone() };
            prop_assert!(known.is_permitted() || !unknown.is_permitted(), "{name}");
        }
    }

    /// Nothing that enforces and is not ready, or that has something against it, is passed over.
    #[test]
    fn permitted_means_that_every_policy_which_enforces_permits(case in any_case()) {
        let permission = case.ask();
        let mut enforcing = permission.reports.iter().filter(|report| report.enforcement == crate::api::policy::Enforcement::Enforce);
        if permission.answer.is_permitted() {
            prop_assert!(enforcing.all(|report| report.verdict == PolicyVerdict::Permitted));
        }
    }

    /// Where it says when to ask again, that is not in the past, and asking a moment before gives the same answer.
    #[test]
    fn until_is_when_the_answer_changes(case in any_case()) {
        if let Some(until) = case.until() {
            prop_assert!(until >= case.at);
            let just_before = Case { at: (until - SignedDuration::from_secs(1)).max(case.at), ..case.clone() };
            prop_assert_eq!(just_before.reason(), case.reason());
        }
    }

    #[test]
    fn no_policy_makes_it_panic(name: String, text: String, numbers: [i32; 3], length: u64, zone in "[A-Z][a-z]{1,8}/?[A-Z]?[a-z]{0,8}") {
        let mut spec: PasscodeResetPolicySpec = serde_json::from_value(json!({
            "rules": [
                {"name": name, "decision": "RequireApproval", "match": {"platforms": [text], "ownership": [text], "osVersion": text,
                 "requesters": {"serviceAccounts": [text]}}},
                {"name": "x", "decision": "RequireApproval", "message": text},
            ],
        })).unwrap();
        spec.rules[1].approval = Some(ApprovalDemand {
            required: numbers[0],
            roles: vec![crate::api::policy::RoleDemand { name: text.clone(), count: numbers[1] }],
            valid_for: crate::api::Duration::from_secs(length),
        });
        spec.budgets.push(Budget {
            name: name.clone(), max: numbers[2], per: crate::api::Duration::from_secs(length), scope: crate::api::policy::BudgetScope::Device,
        });
        spec.hours.push(Window { days: Vec::new(), from: text.clone(), to: text.clone(), time_zone: zone });
        let mut case = Case::new().with_rule(json!({"name": "r", "decision": "Permit"}));
        case.policies.push(Policy::compile(&name, &spec));
        prop_assert!(!case.policies[1].ready().2.is_empty());
        prop_assert_eq!(case.reason(), "PolicyNotReady");
    }

    #[test]
    fn no_time_makes_it_panic(mut case in any_case(), seconds in any::<[i64; 3]>()) {
        let at = |seconds: i64| Timestamp::from_second(seconds % 377_705_116_800).unwrap_or(Timestamp::MIN);
        case.at = at(seconds[0]);
        case.expiration = at(seconds[1]);
        case.past.push(past(at(seconds[2]), "x", "helpdesk", None));
        case.early = true;
        prop_assert!(!case.ask().answer.message().is_empty());
    }
}
