//! What Graph answers to the request for the reset, times whether and when it is carried out, times what is known of Intune's
//! record.

use std::time::Duration;

use graph_simulator::{Fault, PathClass, RetryAfter, Rule};
use passcode_core::api::reset_status::Outcome;
use serde_json::json;

use super::case::{Again, Case, Expected};

type MakeFault = fn() -> Fault;

/// The answers after which nobody can tell whether it was carried out.
pub const UNKNOWN: [(&str, MakeFault); 19] = [
    ("408", || Fault::status(408)),
    ("409", || Fault::status(409)),
    ("423", || Fault::status(423)),
    ("500", || Fault::status(500)),
    ("502", || Fault::status(502)),
    ("503", || Fault::status(503)),
    ("503 with Retry-After", || Fault::status(503).with_retry_after(seconds(5), RetryAfter::Seconds)),
    ("504", || Fault::status(504)),
    ("a proxy's 504 after 19 s", || Fault::html(504).slow(seconds(19))),
    ("302", || Fault::redirect("https://elsewhere.example/")),
    ("no answer", Fault::hang),
    ("204 without request id", || Fault::none().without_request_id()),
    ("204 after the time-out", || Fault::none().slow(seconds(25))),
    ("connection lost", Fault::lost),
    ("connection reset", Fault::reset),
    ("connection reset after 15 s", || Fault::reset().slow(seconds(15))),
    ("400 with its body cut off", || Fault::status(400).cut()),
    ("500 and time-out in its body", || Fault::status(500).cut().slow(seconds(19))),
    ("504 with its body cut off", || Fault::status(504).cut()),
];

/// What becomes of a request: in words, as it is scripted, and whether it is carried out.
type Fate = (&'static str, fn(Fault) -> Fault, bool);

const FATES: [Fate; 6] = [
    ("carried out", Fault::executed, true),
    ("carried out, repeated by a proxy", Fault::executed_twice, true),
    ("carried out 1 s later", |fault| fault.executed_after(seconds(1)), true),
    ("carried out 20 s later", |fault| fault.executed_after(seconds(20)), true),
    ("carried out 140 s later", |fault| fault.executed_after(seconds(140)), true),
    ("not carried out", Fault::not_executed, false),
];

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// All of them.
pub fn cases() -> Vec<Case> {
    let mut cases = nobody_can_tell();
    cases.extend(nobody_can_tell_again());
    cases.extend(not_executed());
    cases.extend(refused());
    cases.extend(in_graphs_place());
    cases.extend(accepted());
    cases
}

fn on_the_reset(fault: Fault) -> Rule {
    Rule::on(PathClass::Action, fault)
}

/// Unknown answers: what was carried out is found in Intune's record; what was not is asked for again, if the record is known to work.
fn nobody_can_tell() -> Vec<Case> {
    let mut cases = Vec::new();
    for (answer, fault) in UNKNOWN {
        for (fate, with_fate, carried_out) in FATES {
            for ledger_known in [true, false] {
                let expected = match (carried_out, ledger_known) {
                    (true, _) => Expected::once(Again::Never),
                    (false, true) => Expected::once(Again::AfterSettling),
                    (false, false) => Expected::end(Outcome::Failed, "OutcomeUnknown", 0),
                };
                let record = if ledger_known { "record known" } else { "record never seen" };
                let name = format!("{answer}, {fate}, {record}");
                let case = Case::new(name, expected).script(on_the_reset(with_fate(fault())).once());
                cases.push(if ledger_known { case } else { case.ledger_never_seen() });
            }
        }
    }
    cases
}

/// The same more than once: three attempts are all, and the second or third may be the one that is carried out.
fn nobody_can_tell_again() -> Vec<Case> {
    let mut cases = Vec::new();
    let unknown = || Expected::end(Outcome::Failed, "OutcomeUnknown", 0);
    for (answer, fault) in UNKNOWN.into_iter().step_by(4) {
        for (times, carried_out_at) in [(2, None), (3, None), (2, Some(2)), (3, Some(3))] {
            let again = Again::AfterSettling;
            let expected = match (times, carried_out_at) {
                (3, None) => Expected { again, ..unknown() },
                _ => Expected::once(again),
            };
            let silent = if carried_out_at.is_some() { times - 1 } else { times };
            let mut name = format!("{answer}, {silent} times not carried out");
            let mut case = Vec::from([on_the_reset(fault().not_executed()).times(silent)]);
            if let Some(which) = carried_out_at {
                name = format!("{name}, carried out the {which}. time");
                case.push(on_the_reset(fault().executed_after(seconds(100))).once());
            }
            cases.push(case.into_iter().fold(Case::new(name, expected), Case::script));
        }
        let fails = Case::new(format!("{answer}, not carried out, unknownOutcome Fail"), unknown());
        let fails = fails.tenant(json!({"unknownOutcome": "Fail"}));
        cases.push(fails.script(on_the_reset(fault().not_executed()).once()));
        // The latest that a request can be sent, carried out and seen: a 429 uses up most of the time to send.
        let latest = Case::new(format!("{answer} at the last moment, carried out and shown as late as can be"), {
            Expected::once(Again::SameClaim(seconds(27)))
        });
        let throttled = Fault::throttled(seconds(27), RetryAfter::Seconds);
        let latest = latest.script(on_the_reset(throttled).once());
        let latest = latest.script(on_the_reset(fault().executed_after(seconds(149))).once());
        cases.push(latest.settings(|settings| settings.ledger_lag = seconds(119).into()));
    }
    cases
}

/// Answers that say that nothing was carried out: it is asked for again, and does not count.
fn not_executed() -> Vec<Case> {
    let at_once = Again::SameClaim(Duration::ZERO);
    let short = |form| Fault::throttled(Duration::from_millis(2128), form);
    let long = |form| Fault::throttled(seconds(60), form);
    let answers: Vec<(String, Fault, Again)> = [
        ("424".to_owned(), Fault::status(424), Again::SameClaim(seconds(10))),
        ("403".to_owned(), Fault::status(403), Again::NewClaim(seconds(50))),
        ("403 of Multi Admin Approval".to_owned(), Fault::approval_required(), Again::NewClaim(seconds(50))),
        ("400 of Multi Admin Approval".to_owned(), Fault::approval_not_justified(), Again::NewClaim(seconds(50))),
        ("412 of Multi Admin Approval".to_owned(), Fault::approval_filed(), Again::NewClaim(seconds(50))),
        ("409 of Multi Admin Approval".to_owned(), Fault::approval_pending(), Again::NewClaim(seconds(50))),
        ("unknown segment".to_owned(), Fault::unknown_segment(), Again::NewClaim(seconds(50))),
        ("405".to_owned(), Fault::status(405), Again::NewClaim(seconds(50))),
        ("406".to_owned(), Fault::status(406), Again::NewClaim(seconds(50))),
        ("415".to_owned(), Fault::status(415), Again::NewClaim(seconds(50))),
        ("429 without Retry-After".to_owned(), long(RetryAfter::Missing), Again::SameClaim(seconds(2))),
    ]
    .into_iter()
    .chain([RetryAfter::Seconds, RetryAfter::Fractional, RetryAfter::HttpDate].into_iter().flat_map(|form| {
        [
            (format!("429 for 2 s, {form:?}"), short(form), Again::SameClaim(seconds(1))),
            (format!("429 for 60 s, {form:?}"), long(form), Again::NewClaim(seconds(59))),
        ]
    }))
    .collect();
    let mut cases = Vec::new();
    for (answer, fault, again) in answers {
        for ledger_known in [true, false] {
            let record = if ledger_known { "record known" } else { "record never seen" };
            let case = Case::new(format!("{answer}, {record}"), Expected::once(again));
            let case = case.script(on_the_reset(fault.clone()).once());
            cases.push(if ledger_known { case } else { case.ledger_never_seen() });
        }
        let lost_after = Case::new(format!("{answer}, then 504, carried out"), Expected::once(again));
        let lost_after = lost_after.script(on_the_reset(fault).once());
        cases.push(lost_after.script(on_the_reset(Fault::status(504).executed()).once()));
    }
    cases.push(Case::new("401", Expected::once(at_once)).script(on_the_reset(Fault::status(401)).once()));
    for times in [1, 3, 8] {
        // Nothing arrives that could be counted.
        let case = Case::new(format!("no connection, {times} times"), Expected::once(Again::Never));
        cases.push(case.script(on_the_reset(Fault::connection_refused()).times(times)));
    }
    cases
}

/// How long Intune hides a new entry, up to the bound.
const LAGS: [u64; 3] = [0, 60, 119];

/// Graph's own refusals, carried out all the same or not: what was shows, and what was not is rejected once it is sure that nothing
/// shows. A second ticket for the phone waits for that.
fn refused() -> Vec<Case> {
    let answers: [(&str, MakeFault); 4] = [
        ("400", || Fault::status(400)),
        ("400 by Intune", Fault::refused_by_intune),
        ("404", || Fault::status(404)),
        ("422", || Fault::status(422)),
    ];
    let mut cases = Vec::new();
    for (answer, fault) in answers {
        for lag in LAGS {
            for (fate, with_fate, carried_out) in FATES {
                let (expected, next) = if carried_out {
                    (Expected::once(Again::Never), ADOPTED)
                } else {
                    // The second request is the second ticket's.
                    let again = Again::AfterSettling;
                    // Sent before this one looks, it is what shows.
                    let ends = vec![(Outcome::Rejected, "RefusedByIntune"), RESET];
                    (Expected { ends, carried_out: 1, again }, RESET)
                };
                let case = Case::new(format!("{answer}, {fate}, shown after {lag} s, and a second ticket"), expected);
                let case = case.settings(move |settings| settings.ledger_lag = seconds(lag).into());
                cases.push(case.script(on_the_reset(with_fate(fault())).once()).with_next(&[next]));
            }
        }
        let alone =
            Case::new(format!("{answer}, not carried out"), Expected::end(Outcome::Rejected, "RefusedByIntune", 0));
        cases.push(alone.script(on_the_reset(fault())));
    }
    cases
}

const ADOPTED: (Outcome, &str) = (Outcome::Complete, "Adopted");
const RESET: (Outcome, &str) = (Outcome::Complete, "PasscodeRemoved");

/// What something on the way answers in Graph's place says nothing, and neither does a failure of Graph's under a refusal's status: a page
/// with any status, Graph's words without its id. Whichever of two tickets asks again, the phone is reset once.
fn in_graphs_place() -> Vec<Case> {
    let answers: [(&str, MakeFault); 16] = [
        ("a proxy's 200", || Fault::html(200)),
        ("a proxy's 204", || Fault::html(204)),
        ("a proxy's 400", || Fault::html(400)),
        ("a proxy's 401", || Fault::html(401)),
        ("a proxy's 403", || Fault::html(403)),
        ("a proxy's 404", || Fault::html(404)),
        ("a proxy's 405", || Fault::html(405)),
        ("a proxy's 422", || Fault::html(422)),
        ("a proxy's 424", || Fault::html(424)),
        ("a proxy's 429", || Fault::html(429).with_retry_after(seconds(2), RetryAfter::Seconds)),
        ("a proxy's 502", || Fault::html(502)),
        ("400 without request id", || Fault::refused_by_intune().without_request_id()),
        ("403 without request id", || Fault::status(403).without_request_id()),
        ("429 without request id", || Fault::throttled(seconds(2), RetryAfter::Seconds).without_request_id()),
        ("400 InternalError", || Fault::error(400, "InternalError", "An internal error has occurred.")),
        ("504 UnknownError", || Fault::error(504, "UnknownError", "")),
    ];
    let mut cases = Vec::new();
    for (answer, fault) in answers {
        for lag in LAGS {
            for (fate, with_fate, carried_out) in FATES {
                let expected = Expected::once(if carried_out { Again::Never } else { Again::AfterSettling });
                let next: &[_] = if carried_out { &[ADOPTED] } else { &[ADOPTED, RESET] };
                let case = Case::new(format!("{answer}, {fate}, shown after {lag} s, and a second ticket"), expected);
                let case = case.settings(move |settings| settings.ledger_lag = seconds(lag).into());
                cases.push(case.script(on_the_reset(with_fate(fault())).once()).with_next(next));
            }
        }
    }
    cases
}

/// Accepted: never asked for again, however late it is carried out.
fn accepted() -> Vec<Case> {
    let answers: [(&str, MakeFault); 4] = [
        ("204", Fault::none),
        ("204 after 18 s", || Fault::none().slow(seconds(18))),
        ("204 without Date", || Fault::none().without_date()),
        ("repeated by a proxy", Fault::duplicated),
    ];
    let mut cases = Vec::new();
    for (answer, fault) in answers {
        cases.push(Case::new(answer, Expected::once(Again::Never)).script(on_the_reset(fault()).once()));
        for (how_late, delay) in [("100 s", 100), ("ten minutes", 600)] {
            let case = Case::new(format!("{answer}, carried out {how_late} later"), Expected::once(Again::Never));
            cases.push(case.script(on_the_reset(fault().executed_after(seconds(delay))).once()));
        }
        let never = Expected::end(Outcome::Failed, "DeadlineExceeded", 0);
        let case = Case::new(format!("{answer}, never carried out"), never);
        let case = case.tenant(json!({"defaults": {"issueWindow": "24h", "completionTimeout": "1h"}}));
        cases.push(case.script(on_the_reset(fault().not_executed()).once()));
    }
    for (how_late, delay) in [("an hour", 3600), ("five hours", 5 * 3600), ("a day and an hour", 25 * 3600)] {
        let case = Case::new(format!("204, carried out {how_late} later"), Expected::once(Again::Never));
        let rule = on_the_reset(Fault::none().executed_after(seconds(delay))).once();
        cases.push(case.script(rule).long());
    }
    cases
}
