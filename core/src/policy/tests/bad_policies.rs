//! Policies that somebody wrote: bad ones with the place and what to write, odd ones with a warning.

use serde_json::{Value, json};

use super::support::policy;
use crate::policy::Problem;

fn problems(spec: Value) -> Vec<String> {
    policy("p", spec).problems().iter().map(Problem::to_string).collect()
}

fn warnings(spec: Value) -> Vec<String> {
    let policy = policy("p", spec);
    assert_eq!(policy.problems(), [], "odd, not bad");
    policy.warnings().iter().map(Problem::to_string).collect()
}

#[test]
fn every_mistake_has_its_place_and_its_sentence() {
    let rule = |change: Value| {
        let mut rule = json!({"name": "r", "decision": "Permit"});
        change.as_object().unwrap().iter().for_each(|(field, value)| rule[field] = value.clone());
        json!({"rules": [rule]})
    };
    let approval = |approval: Value| rule(json!({"decision": "RequireApproval", "approval": approval}));
    let budget = |change: Value| {
        let mut budget = json!({"name": "b", "max": 1, "per": "1h", "scope": "Device"});
        change.as_object().unwrap().iter().for_each(|(field, value)| budget[field] = value.clone());
        json!({"budgets": [budget]})
    };
    let hours = |change: Value| {
        let mut window = json!({"days": ["Mon"], "from": "07:00", "to": "19:00", "timeZone": "UTC"});
        change.as_object().unwrap().iter().for_each(|(field, value)| window[field] = value.clone());
        json!({"hours": [window]})
    };
    for (spec, problem) in [
        (json!({}), "spec: the policy restricts nothing: write at least one of rules, budgets or hours"),
        (
            rule(json!({"match": {"platforms": ["ios"]}})),
            "spec.rules[0].match.platforms[0]: rule \"r\" names the platform \"ios\", which does not exist: write IosDeviceEnrollment",
        ),
        (
            rule(json!({"match": {"osVersion": "0"}})),
            "spec.rules[0].match.osVersion: rule \"r\" has a bad osVersion: \"0\" is no bound on a version: write >= or < and a version other than \
             0, such as \">=8.0\" or \"<7.0\"",
        ),
        (
            rule(json!({"match": {"ownership": ["corporate"]}})),
            "spec.rules[0].match.ownership[0]: rule \"r\" names the owner \"corporate\": write company, personal or unknown",
        ),
        (
            rule(json!({"match": {"requesters": {"serviceAccounts": []}}})),
            "spec.rules[0].match.requesters.serviceAccounts: rule \"r\" names no service account: write one, or leave requesters out",
        ),
        (
            rule(json!({"match": {"requesters": {"serviceAccounts": ["flux"]}}})),
            "spec.rules[0].match.requesters.serviceAccounts[0]: rule \"r\" names \"flux\": write NAMESPACE/NAME, such as \
             flux-system/kustomize-controller",
        ),
        (
            rule(json!({"decision": "Deny"})),
            "spec.rules[0].message: rule \"r\" denies without a word: write in message why, and what to do instead",
        ),
        (
            rule(json!({"decision": "RequireApproval"})),
            "spec.rules[0].approval: rule \"r\" requires approval and does not say whose: write approval: {required: 1}",
        ),
        (
            rule(json!({"approval": {}})),
            "spec.rules[0].approval: rule \"r\" requires no approval: leave approval out, or write decision: RequireApproval",
        ),
        (
            rule(json!({"overridable": true})),
            "spec.rules[0].overridable: rule \"r\" permits, and has nothing to override: leave overridable out",
        ),
        (
            approval(json!({"required": 0})),
            "spec.rules[0].approval.required: rule \"r\" asks for 0 people: write 1 to 5",
        ),
        (
            approval(json!({"required": 6})),
            "spec.rules[0].approval.required: rule \"r\" asks for 6 people: write 1 to 5",
        ),
        (
            approval(json!({"roles": [{"name": "lead", "count": 2}]})),
            "spec.rules[0].approval.required: rule \"r\" asks for 1 people, of whom 2 are to have a role: raise required, or lower the counts",
        ),
        (
            approval(json!({"roles": [{"name": "lead", "count": -1}]})),
            "spec.rules[0].approval.roles[0].count: rule \"r\" asks for -1 people of the role \"lead\": write 1 to 5",
        ),
        (
            approval(json!({"required": 2, "roles": [{"name": "lead"}, {"name": "lead"}]})),
            "spec.rules[0].approval.roles[1].name: role \"lead\" is there more than once: give every role a name of its own",
        ),
        (
            approval(json!({"validFor": "0s"})),
            "spec.rules[0].approval.validFor: write a length of time from 1m to 168h",
        ),
        (
            budget(json!({"max": 0})),
            "spec.budgets[0].max: budget \"b\" never has room for a reset: write 1 or more, or a rule with decision: Deny to refuse resets",
        ),
        (budget(json!({"per": "25h"})), "spec.budgets[0].per: write a length of time from 1m to 24h"),
        (
            hours(json!({"timeZone": "Europe/Amsterdm"})),
            "spec.hours[0].timeZone: there is no time zone \"Europe/Amsterdm\" in the IANA time zone database of this version: write \
             Europe/Amsterdam",
        ),
        (
            hours(json!({"from": "24:00"})),
            "spec.hours[0].from: \"24:00\" is no time of day: write \"00:00\" to \"23:59\"",
        ),
        (hours(json!({"to": "7pm"})), "spec.hours[0].to: \"7pm\" is no time of day: write \"00:00\" to \"24:00\""),
        (
            hours(json!({"to": "07:00"})),
            "spec.hours[0]: from and to are the same: write from: \"00:00\" and to: \"24:00\" for a whole day",
        ),
        (hours(json!({"days": []})), "spec.hours[0].days: it opens on no day: write at least one, such as Mon"),
    ] {
        assert_eq!(problems(spec), [problem]);
    }
}

#[test]
fn no_mistake_hides_another() {
    let rule = json!({"name": "r", "match": {"platforms": ["x", "MacOS", "y"]}, "decision": "Deny"});
    let budget = json!({"name": "b", "max": 0, "per": "1s", "scope": "Device"});
    let found = problems(json!({"rules": [rule, rule], "budgets": [budget]}));
    let places: Vec<&str> = found.iter().map(|problem| problem.split(": ").next().unwrap()).collect();
    assert_eq!(
        places,
        [
            "spec.rules[1].name",
            "spec.rules[0].match.platforms[0]",
            "spec.rules[0].match.platforms[2]",
            "spec.rules[0].message",
            "spec.rules[1].match.platforms[0]",
            "spec.rules[1].match.platforms[2]",
            "spec.rules[1].message",
            "spec.budgets[0].max",
            "spec.budgets[0].per",
        ]
    );
}

#[test]
fn a_rule_that_never_decides_is_told() {
    let rules = |matches: &[Value]| {
        let rules: Vec<Value> = matches
            .iter()
            .enumerate()
            .map(|(index, matches)| json!({"name": format!("r{index}"), "match": matches, "decision": "Permit"}))
            .collect();
        warnings(json!({"rules": rules}))
    };
    let flux = json!({"requesters": {"serviceAccounts": ["flux-system/flux"]}});
    for (matches, never) in [
        (vec![json!({}), json!({"platforms": ["MacOS"]})], Some(1)),
        (vec![json!({"platforms": ["MacOS"]}), json!({})], None),
        (vec![json!({"osVersion": ">=8.0"}), json!({"osVersion": "<8.0"}), json!({"platforms": ["MacOS"]})], Some(2)),
        (vec![json!({"osVersion": ">=8.0"}), json!({"osVersion": "<8.1"})], None),
        (vec![json!({"ownership": ["company"]}), json!({"ownership": ["personal", "unknown"]}), json!({})], Some(2)),
        (vec![json!({}), json!({"actions": ["RevealPasscode"]})], None),
        (
            vec![json!({"actions": ["RevealPasscode", "ResetDevicePin"]}), json!({"actions": ["RevealPasscode"]})],
            Some(1),
        ),
        (vec![flux.clone(), json!({})], None),
        (vec![flux.clone(), flux.clone()], Some(1)),
        (vec![json!({}), flux], Some(1)),
    ] {
        let expected: Vec<String> = never
            .map(|index| {
                format!(
                    "spec.rules[{index}]: rule \"r{index}\" never decides, because the rules before it take every request that it matches: move it \
                     up or leave it out"
                )
            })
            .into_iter()
            .collect();
        assert_eq!(rules(&matches), expected, "{matches:?}");
    }
}

#[test]
fn windows_that_overlap_are_told() {
    let window = |days: &[&str], from: &str, to: &str, zone: &str| json!({"days": days, "from": from, "to": to, "timeZone": zone});
    let base = window(&["Mon", "Sun"], "22:00", "06:00", "UTC");
    for (other, overlap) in [
        (window(&["Mon"], "05:00", "07:00", "UTC"), true),
        (window(&["Mon"], "06:00", "22:00", "UTC"), false),
        (window(&["Tue"], "05:59", "06:30", "UTC"), true),
        (window(&["Wed"], "05:59", "06:30", "UTC"), false),
        (window(&["Sat"], "00:00", "24:00", "UTC"), false),
        (window(&["Sun"], "00:00", "24:00", "UTC"), true),
        (window(&["Sat"], "23:00", "22:30", "UTC"), true),
        // Of two zones nobody says that one is meant.
        (window(&["Mon"], "05:00", "07:00", "Europe/London"), false),
    ] {
        let found = warnings(json!({"hours": [base, other]}));
        let expected =
            "spec.hours[1]: overlaps spec.hours[0]: both count, so one of them can be left out or made shorter";
        assert_eq!(found, if overlap { vec![expected.to_owned()] } else { Vec::new() }, "{other}");
    }
    let ready = policy("p", json!({"hours": [base, base]})).ready().2;
    assert!(ready.starts_with("The policy is in use. Note: spec.hours[1]: overlaps spec.hours[0]"), "{ready}");
}
