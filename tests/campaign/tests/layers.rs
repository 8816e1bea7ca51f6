//! Each layer of the campaign, small and with a fixed seed.

use campaign::layers::{self, Size};

#[test]
fn crash_points() {
    let report = layers::crash_points::run(Size::Small);
    println!("{report}");
    assert!(report.holds(), "{report}\n{:#?}", report.tally.violations);
}

#[test]
fn crash_points_find_a_settle_window_that_is_too_short() {
    let report = layers::crash_points::planted();
    assert!(report.tally.duplicates > 0, "{report}");
}
