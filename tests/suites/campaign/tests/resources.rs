//! The resource campaign, small. It listens to panics and logs of the whole process, so it has one of its own.

use campaign::{layers::Size, resources::Campaign};

#[test]
fn whatever_is_written_is_refused_with_a_sentence_or_comes_to_a_named_state() {
    let mut campaign = Campaign::begin();
    let outcome = campaign.run(Size::Small);
    println!("{}", outcome.report);
    assert!(outcome.report.holds(), "{:#?}", outcome.report.tally.violations);
    // Neither would show anything: operations that are all refused, and such that are all taken.
    let refused = outcome.report.plans - outcome.taken;
    assert!(outcome.taken > 50 && refused > 200, "{} taken, {refused} refused", outcome.taken);

    // And it can fail: without some of the rules, each thing that they prevent is found.
    let found = campaign.weakened();
    for fault in ["a bare regular expression: spec.requestTime", "its spec was", "unreadable\": no Ready condition"] {
        assert!(found.iter().any(|found| found.contains(fault)), "{fault}: {found:#?}");
    }
    assert_eq!(campaign.end(), Vec::<String>::new());
}
