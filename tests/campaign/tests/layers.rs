//! Each layer of the campaign, small and with a fixed seed.
#![allow(clippy::unwrap_used)]

use campaign::layers::{Size, histories};

#[test]
fn random_histories() {
    let report = histories::run(Size::Small);
    println!("{report}");
    assert!(report.holds(), "{report}\n{}", report.tally.violations.join("\n"));
}
