//! The layers that run in real time, with the operator's binary on a real control plane.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::PathBuf;

use campaign::{drills, layers::Size, processes, report::Report};

/// The operator's binary, which cargo builds for the whole workspace beside the directory of this program.
fn operator() -> PathBuf {
    let program = std::env::current_exe().unwrap();
    let binary = program.ancestors().nth(2).unwrap().join("passcode-operator");
    assert!(binary.is_file(), "there is no {}: cargo build builds it", binary.display());
    binary
}

fn assert_holds(report: &Report) {
    println!("{report}");
    assert!(report.holds(), "{report}\n{}", report.tally.violations.join("\n"));
}

#[test]
fn whatever_dies_no_phone_is_reset_twice_and_none_is_forgotten() {
    let report = processes::run(Size::Small, &operator());
    assert_holds(&report);
    assert_eq!((report.tally.declared, report.tally.carried_out), (60, 60), "{report}");
}

#[test]
fn recovery_goes_as_written() {
    assert_holds(&drills::run(Size::Small, &operator()));
}

#[test]
fn a_hasty_move_resets_twice_and_the_drill_says_so() {
    let report = drills::a_hasty_move(&operator());
    assert_eq!((report.tally.duplicates, report.tally.lost), (1, 0), "{report}\n{:?}", report.tally.violations);
}
