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
