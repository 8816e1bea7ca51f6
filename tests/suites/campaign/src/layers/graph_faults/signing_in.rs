//! Reads that fail, tokens that run out, permissions that are withdrawn: nothing of it is a verdict, and nothing of it resets a
//! phone twice.

use std::time::Duration;

use graph_simulator::{
    EXAMPLE_CLIENT, Fault, PathClass, READ_PERMISSION, RESET_PERMISSION, RetryAfter, Revocation, Rule,
};
use world::World;

use super::case::{Again, Case, Expected, Moment};

type MakeFault = fn() -> Fault;

/// What may be wrong with the answer to a read.
const READS: [(&str, MakeFault); 19] = [
    ("302", || Fault::redirect("https://elsewhere.example/")),
    ("401", || Fault::status(401)),
    ("403", || Fault::status(403)),
    ("404", || Fault::status(404)),
    ("a proxy's 404", || Fault::html(404)),
    ("408", || Fault::status(408)),
    ("409", || Fault::status(409)),
    ("429", || Fault::throttled(Duration::from_millis(2128), RetryAfter::Fractional)),
    ("429 for 60 s", || Fault::throttled(Duration::from_secs(60), RetryAfter::HttpDate)),
    ("500", || Fault::status(500)),
    ("503", || Fault::status(503)),
    ("a proxy's 504", || Fault::html(504)),
    ("no answer", Fault::hang),
    ("connection reset", Fault::reset),
    ("no connection", Fault::connection_refused),
    ("cut body", Fault::cut_body),
    ("no JSON", Fault::malformed_json),
    ("no Date", || Fault::none().without_date()),
    ("40 s late", || Fault::none().slow(Duration::from_secs(40))),
];

/// What may be wrong with the answer to a sign-in.
const SIGN_INS: [(&str, MakeFault); 8] = [
    ("400", || Fault::status(400)),
    ("401", || Fault::status(401)),
    ("429", || Fault::status(429)),
    ("500", || Fault::status(500)),
    ("503", || Fault::status(503)),
    ("no answer", Fault::hang),
    ("connection reset", Fault::reset),
    ("no JSON", Fault::malformed_json),
];

/// All of them.
pub fn cases() -> Vec<Case> {
    let mut cases = reads();
    cases.extend(tokens());
    cases.extend(permissions());
    cases
}

/// Each read of a reset goes wrong, once, twice or five times: that which finds the device, that before the lock, that under
/// it, those that follow.
fn reads() -> Vec<Case> {
    let mut cases = Vec::new();
    for (what, fault) in READS {
        for (class, after) in [
            (PathClass::List, 0),
            (PathClass::Read, 0),
            (PathClass::Read, 1),
            (PathClass::Read, 2),
            (PathClass::Read, 3),
        ] {
            for times in [1, 2, 5] {
                // Told twice, 30 s apart, that the device is gone is a verdict.
                if what == "404" && times > 1 {
                    continue;
                }
                let name = format!("{class:?} {} answered with {what}, {times} time(s)", after + 1);
                let case = Case::new(name, Expected::once(Again::Never));
                cases.push(case.script(Rule::on(class, fault()).after(after).times(times)));
            }
        }
    }
    for (what, fault) in SIGN_INS {
        for times in [1, 3] {
            let name = format!("sign-in answered with {what}, {times} time(s)");
            let case = Case::new(name, Expected::once(Again::Never));
            cases.push(case.script(Rule::on(PathClass::Token, fault()).times(times)));
        }
    }
    cases
}

const ANSWERS: [(&str, MakeFault, Again); 3] = [
    ("204", Fault::none, Again::Never),
    ("504, carried out", || Fault::status(504).executed(), Again::Never),
    ("504, not carried out", || Fault::status(504), Again::AfterSettling),
];

/// All tokens run out or are withdrawn, before the reset or while it is followed.
fn tokens() -> Vec<Case> {
    type Loss = fn(&World);
    let losses: [(&str, Loss); 3] = [
        ("tokens expire", |world| world.graph.expire_tokens()),
        ("tokens are withdrawn", |world| world.graph.revoke_tokens(EXAMPLE_CLIENT, Revocation::Plain)),
        ("tokens are challenged", |world| world.graph.revoke_tokens(EXAMPLE_CLIENT, Revocation::ClaimsChallenge)),
    ];
    let moments = [
        Moment::Declared(Duration::from_millis(30)),
        Moment::Declared(Duration::from_millis(330)),
        Moment::Sent(Duration::ZERO),
        Moment::Sent(Duration::from_secs(290)),
    ];
    let mut cases = Vec::new();
    for (loss, lose) in losses {
        for moment in moments {
            for (answer, fault, again) in ANSWERS {
                let name = format!("{loss}, {moment:?}, {answer}");
                let case = Case::new(name, Expected::once(again)).script(Rule::on(PathClass::Action, fault()).once());
                // Requests take a moment, so that a new token is later than what withdrew the old one.
                let case = case.settings(|settings| settings.latency = Duration::from_millis(100));
                cases.push(case.at(moment, move |world, _| lose(world)));
            }
        }
    }
    cases
}

/// A permission is withdrawn, and given back later.
fn permissions() -> Vec<Case> {
    type Permissions = &'static [&'static str];
    const KEPT: [(&str, Permissions); 3] =
        [("only reads", &[READ_PERMISSION]), ("only resets", &[RESET_PERMISSION]), ("nothing", &[])];
    let minutes = |minutes: u64| Moment::Declared(Duration::from_secs(60 * minutes));
    let mut cases = Vec::new();
    for (kept, permissions) in KEPT {
        for (from, until) in [
            (Moment::Start, minutes(10)),
            // Before the first request has settled, or a second one would meet it, too.
            (Moment::Sent(Duration::ZERO), minutes(4)),
        ] {
            for (answer, fault, again) in ANSWERS {
                // A request without the permission does not come as far as the fault: it is answered with 403.
                let asks_in_vain = kept == "only reads" && matches!(from, Moment::Start);
                if asks_in_vain && answer != "204" {
                    continue;
                }
                let again = if asks_in_vain { Again::NewClaim(Duration::from_secs(50)) } else { again };
                let name = format!("{kept} permitted from {from:?} until {until:?}, {answer}");
                let case = Case::new(name, Expected::once(again)).script(Rule::on(PathClass::Action, fault()).once());
                let case = case.at(from, move |world, _| permit(world, permissions));
                cases.push(case.at(until, move |world, _| permit(world, &[READ_PERMISSION, RESET_PERMISSION])));
            }
        }
    }
    cases
}

fn permit(world: &World, permissions: &'static [&'static str]) {
    world.graph.change_app(EXAMPLE_CLIENT, |app| {
        app.permissions = permissions.iter().map(|&permission| permission.to_owned()).collect();
    });
    world.graph.expire_tokens();
}
