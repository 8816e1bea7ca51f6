//! The layers that run in real time, with the operator's binary on a real control plane.

use std::path::PathBuf;

use campaign::{
    drills,
    layers::Size,
    processes::{self, in_real_time, peers, play::play, script::Script},
    report::Report,
};

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

/// A loop that claims, sends and completes meets its own first write in a stale cache. If the script did not say so, it could not fail.
#[test]
fn a_plain_loop_resets_twice_and_the_script_says_so() {
    let script = Script { seed: 1, resets: 20, kills: 1, longest_pause: 1500 };
    let peer = operator().with_file_name("peer-kube-rs");
    let tally = in_real_time("a plain loop", async {
        play(script, &peers::kube_rs("a plain loop", &peer, "--claim=resume")).await.tally
    });
    assert!(tally.duplicates > 0, "{tally:?}");
    assert_eq!(tally.declared, 20, "{tally:?}");
}
