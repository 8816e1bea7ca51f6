//! An object whose tenant does not exist: told once, and ended an hour after its expiration.

use super::facts::{EXPIRES, Facts, t};
use crate::{
    api::{
        Time,
        reset_status::{AttemptResult, Outcome},
    },
    lifecycle::{
        step::{Fact, Step},
        without_tenant::{ends_after, is_told},
    },
};

/// The last second, by the API server's clock, at which an object with the default expiration is still there.
const LAST: i64 = EXPIRES + 3600;

fn lost() -> Facts {
    Facts::new().no_tenant()
}

#[test]
fn when_it_ends() {
    let own = |facts: Facts| facts.spec(|spec| spec.expiration_time = Some(Time(t(600))));
    let pinned = {
        let status = Facts::new().tenant(|tenant| tenant.defaults.issue_window = "2h".parse().unwrap()).decide().status;
        lost().status(|kept| *kept = status)
    };
    let cases = [
        ("an hour after the default expiration", lost(), Some(LAST)),
        ("an hour after its own", own(lost()), Some(4200)),
        ("an hour after what the tenant had pinned", pinned, Some(2 * 3600 + 3600)),
        (
            "an hour after it was declared again, for its tenant may come later",
            own(lost()).created(86_400),
            Some(90_000),
        ),
        ("an attempt that was not carried out", Facts::attempted(Some(AttemptResult::NotExecuted)).no_tenant(), None),
        ("an attempt that was refused", Facts::attempted(Some(AttemptResult::Refused)).no_tenant(), None),
        ("an attempt without a known result", Facts::attempted(None).no_tenant(), None),
        ("an entry that it follows", Facts::adopted("pending", 5).no_tenant(), None),
        ("silence", Facts::attempted(None).silent_before(1).no_tenant(), None),
    ];
    for (name, facts, ends) in cases {
        assert_eq!(ends_after(&facts.object), ends.map(t), "{name}");
        let Some(ends) = ends else {
            let swept = facts.clone().swept(100 * EXPIRES).decide();
            assert_eq!(swept.status.outcome, None, "{name}");
            assert_eq!(swept.status, facts.decide().status, "{name}: a sweep changes nothing");
            continue;
        };
        facts.waits("TenantNotReady");
        facts.clone().swept(ends).waits("TenantNotReady");
        let message = facts.swept(ends + 1).rejected("Expired");
        assert!(message.contains("There is no IntuneTenant \"default\""), "{name}: {message}");
    }
}

#[test]
fn how_it_ends() {
    let swept = || lost().swept(LAST + 1);
    // Begun then, and in force until then.
    let cases = [
        ("none", None, Some((Outcome::Rejected, "Expired"))),
        ("before it was created", Some((-1000, -690)), Some((Outcome::Rejected, "Expired"))),
        ("at about the time it was created", Some((-60, 250)), Some((Outcome::Failed, "OutcomeUnknown"))),
        ("since it was created", Some((4000, 4310)), Some((Outcome::Failed, "OutcomeUnknown"))),
        ("in force", Some((LAST - 300, LAST + 1)), None),
        ("just over", Some((LAST - 310, LAST)), Some((Outcome::Failed, "OutcomeUnknown"))),
        ("begun since the sweep", Some((LAST + 5, LAST + 315)), None),
    ];
    for (name, quarantine, end) in cases {
        let facts = quarantine.map_or_else(swept, |(begin, end)| swept().quarantine(begin, end));
        let status = facts.decide().status;
        let got = status.outcome.map(|outcome| (outcome, status.reason()));
        assert_eq!(got, end, "{name}");
    }
}

#[test]
fn a_quarantine_is_compared_by_the_api_servers_clock() {
    // This machine's clock is an hour behind: by it the quarantine begins before the object is created.
    let facts = lost().quarantine(-3000, -2690);
    facts.clone().swept(LAST + 1).rejected("Expired");
    let behind = |mut facts: Facts| {
        facts.swept.as_mut().unwrap().offset = jiff::SignedDuration::from_hours(1);
        facts
    };
    behind(facts.swept(LAST + 1)).failed("OutcomeUnknown");
}

#[test]
fn the_leader_lease_is_read_before_it_is_rejected() {
    let unread = Facts { lease_is_kept: false, ..lost().swept(LAST + 1) };
    assert_eq!(unread.decide().step, Step::Observe(Fact::LeaderLease));
    unread.quarantine(4000, 4310).failed("OutcomeUnknown");
}

#[test]
fn a_tenant_that_is_there_is_asked() {
    Facts::new().at(EXPIRES).graph_time(EXPIRES - 1).swept(LAST + 1).takes_the_lock();
    Facts::new().not_ready().swept(LAST + 1).waits("TenantNotReady");
}

#[test]
fn it_is_told_once() {
    let facts = lost();
    assert!(!is_told(&facts.object));
    let told = facts.clone().status(|status| *status = facts.decide().status);
    assert!(is_told(&told.object));
    let renamed = told.clone().spec(|spec| spec.tenant_ref.name = "other".into());
    assert!(!is_told(&renamed.object), "another name");
    let changed = told.status(|status| status.observed_generation = Some(0));
    assert!(!is_told(&changed.object), "another generation");
    let troubled = Facts::new().not_ready();
    assert!(!is_told(&troubled.clone().status(|status| *status = troubled.decide().status).object), "other trouble");
    let followed = Facts::adopted("pending", 5).no_tenant();
    let held = followed.clone().status(|status| *status = followed.decide().status);
    assert!(!is_told(&held.object), "followed");
}
