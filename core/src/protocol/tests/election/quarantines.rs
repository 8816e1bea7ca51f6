//! Quarantines: when one begins, how it is handed on, and what of a stored lease is one's own.

use super::*;

#[test]
fn a_restore_under_a_leader_begins_a_term_and_a_quarantine() {
    let (mut leader, mut world) = leader(START);
    let backup = world.stored.clone();
    world.turns(&mut leader, START + 4, START + 40);
    for (name, restored) in [("to a copy of its lease", backup), ("to before there was one", None)] {
        let (mut leader, mut world) = (leader.clone(), World { stored: restored, version: 100, ..World::default() });
        world.turn(&mut leader, START + 44);
        assert_eq!((leader.leadership().term, leader.leadership().acts(secs(START + 44))), (2, true), "{name}");
        assert_eq!(world.lease().quarantine, Some(quarantine(START + 44)), "{name}");
    }
    // A candidate sees it, too: whoever takes the lease at last.
    let mut candidate = replica('b');
    world.turns(&mut candidate, START + 41, START + 42);
    let mut world = World { version: 100, ..World::of(lease(Some('a'), START)) };
    world.turns(&mut candidate, START + 43, START + 58);
    assert_eq!(world.lease().quarantine, Some(quarantine(START + 58)));
}

/// Versions are given out again after a restore, so that of another's lease may be that of one's own before.
#[test]
fn a_version_alone_does_not_make_a_lease_ones_own() {
    let (led, world) = leader(START);
    let mine = world.lease().clone();
    for (name, stored) in [
        ("another replica's", LeaderLease { holder: Some('b'), ..mine.clone() }),
        ("its own, with a quarantine", LeaderLease { quarantine: Some(quarantine(START + 1)), ..mine.clone() }),
        ("its own, of an earlier renewal", LeaderLease { renewed: Some(t(START - 4)), ..mine.clone() }),
        ("let go", LeaderLease { holder: None, ..mine }),
    ] {
        for stops in [false, true] {
            let (mut leader, mut world) = (led.clone(), World::of(stored.clone()));
            if stops {
                leader.stop(at(START + 4));
            }
            world.turn(&mut leader, START + 4);
            let (before, after) = (stored.quarantine, world.lease().quarantine);
            assert!(before.is_none() || after == before, "{name}: the quarantine is kept");
            if stored.renewed < Some(t(START)) && !stops {
                assert_eq!(after, Some(quarantine(START + 4)), "{name}");
            }
            let leads = stored.holder != Some('b') && !stops;
            assert_eq!(leader.leadership().acts(secs(START + 4)), leads, "{name}");
            assert_eq!(leader.leadership().quarantine, if leads { after } else { None }, "{name}");
        }
    }
}

#[test]
fn a_quarantine_is_handed_on_and_joined() {
    let before = Quarantine { begin: t(START - 100), end: t(START + 9000) };
    // It is seen a second after it was written.
    let seen = Quarantine { begin: t(START - 99), end: t(START + 9001) };
    for (name, holder, expected) in [
        ("let go: it goes on", None, seen),
        ("not let go: another begins", Some('b'), Quarantine { begin: t(START + 15), end: seen.end }),
    ] {
        let mut world = World::of(LeaderLease { quarantine: Some(before), ..lease(holder, START - 1) });
        let mut replica = replica('a');
        world.turns(&mut replica, START, START + 16);
        assert_eq!(replica.leadership().quarantine, Some(expected), "{name}");
        world.turns(&mut replica, START + 20, START + 40);
        assert_eq!(world.lease().quarantine, Some(expected), "{name}: renewed as it is");
    }
}

/// Another replica's clock may be wrong. What it wrote is seen to be written, and so a quarantine is as long for the next one.
#[test]
fn a_quarantine_is_taken_over_by_ones_own_clock() {
    for behind in [0, 58, 200] {
        let by_its_clock = |second: u64| t(second - behind);
        let begun = Quarantine { begin: by_its_clock(START + 2), end: by_its_clock(START + 312) };
        let written = |second| LeaderLease { renewed: Some(by_its_clock(second)), ..lease(Some('b'), START) };
        let (mut replica, mut world) = (replica('a'), World::of(written(START)));
        world.turns(&mut replica, START, START + 3);
        let with = LeaderLease { quarantine: Some(begun), ..written(START + 4) };
        world.put(Some(1), &with);
        world.turns(&mut replica, START + 4, START + 19);
        assert_eq!(replica.leadership().quarantine, Some(quarantine(START + 2)), "{behind} s behind");
    }
}

#[test]
fn what_a_stored_lease_says_to_its_leader() {
    let (leader, world) = leader(START);
    let known = *leader.leadership();
    let mine = world.lease().clone();
    for (name, stored, kept) in [
        ("as it was written", Some(mine.clone()), true),
        ("renewed meanwhile", Some(LeaderLease { renewed: Some(t(START + 4)), ..mine.clone() }), true),
        ("fallen back", Some(LeaderLease { renewed: Some(t(START - 1)), ..mine.clone() }), false),
        ("of another", Some(LeaderLease { holder: Some('b'), ..mine.clone() }), false),
        ("let go", Some(LeaderLease { holder: None, ..mine.clone() }), false),
        ("with a quarantine", Some(LeaderLease { quarantine: Some(quarantine(START)), ..mine }), false),
        ("gone", None, false),
    ] {
        assert_eq!(known.is_kept(&'a', stored.as_ref()), kept, "{name}");
    }
    assert!(!Leadership::default().is_kept(&'a', Some(world.lease())), "it never wrote one");
}

#[test]
fn the_longest_settle_windows() {
    let windows = |windows: &[SettleWindow]| {
        let SettleWindows { readable, longest } = windows.iter().copied().collect();
        (readable.as_secs(), longest.as_secs())
    };
    let (said, guessed) = (|second| SettleWindow::Said(secs(second)), |second| SettleWindow::AtMost(secs(second)));
    assert_eq!(windows(&[]), (280, 280), "the default");
    assert_eq!(windows(&[said(100), said(400), said(300)]), (400, 400));
    assert_eq!(windows(&[said(100), guessed(7200)]), (100, 7200), "a guess makes nothing look young");
    assert_eq!(windows(&[guessed(100)]), (280, 280));
    assert!(!is_a_trace(None) && !is_a_trace(Some(-1)) && is_a_trace(Some(0)));
}
