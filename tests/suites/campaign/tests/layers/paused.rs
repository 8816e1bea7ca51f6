//! Each layer of the campaign, small and with a fixed seed.

use campaign::{
    layers::{self, Size},
    report::Report,
};

fn holds(report: &Report) {
    println!("{report}");
    assert!(report.holds(), "{report}\n{}", report.tally.violations.join("\n"));
}

#[test]
fn graph_faults() {
    holds(&layers::graph_faults::layer(Size::Small));
}

#[test]
fn leaders() {
    holds(&layers::leaders::layer(Size::Small));
}

#[test]
fn random_histories() {
    holds(&layers::histories::run(Size::Small));
}

#[test]
fn crash_points() {
    holds(&layers::crash_points::run(Size::Small));
}

#[test]
fn crash_points_find_a_settle_window_that_is_too_short() {
    let report = layers::crash_points::planted();
    assert!(report.tally.duplicates > 0, "{report}");
}

#[test]
fn stale_views() {
    holds(&layers::stale_views::run(Size::Small));
}

#[test]
fn stale_views_compare_ends_resets_and_writes() {
    let report = layers::stale_views::planted();
    let found = |what: &str| report.tally.violations.iter().any(|violation| violation.contains(what));
    assert!(found("DeviceGone at record of inc #1: ends"), "{:#?}", report.tally.violations);
    assert!(found("AskedAgain at record of inc #1: 2 carried out, undisturbed 1"), "{:#?}", report.tally.violations);
    assert!(found("Undone at record of inc #1") && found(" writes, undisturbed"), "{:#?}", report.tally.violations);
}
