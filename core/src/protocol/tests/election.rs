//! Every way in which the election can go: who leads, what is written, when a quarantine begins, and how the lease is let go.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use crate::{
    lifecycle::quarantine::Quarantine,
    protocol::{
        election::{
            Effect, Election, Event, LeaderLease, Leadership, Moment, Notice, SettleWindow, SettleWindows, Stored,
            Survey, is_a_trace,
        },
        identity_proof::Proof,
        pass::Why,
    },
};

type Replica = Election<char, u32>;
type Lease = Stored<char, u32>;

/// When the tests begin, by boot time; by the time of day it is [`t`] of the same.
const START: u64 = 1000;
const WINDOW: u64 = 280;

fn t(second: u64) -> Timestamp {
    Timestamp::from_second(1_000_000_000 + i64::try_from(second).unwrap()).unwrap()
}

fn at(second: u64) -> Moment {
    Moment { boot: Duration::from_secs(second), wall: t(second) }
}

fn secs(second: u64) -> Duration {
    Duration::from_secs(second)
}

fn replica(me: char) -> Replica {
    Election::new(me, SignedDuration::from_secs(5), secs(START))
}

fn lease(holder: Option<char>, renewed: u64) -> LeaderLease<char> {
    LeaderLease {
        holder,
        acquired: Some(t(renewed)),
        renewed: Some(t(renewed)),
        transitions: 3,
        quarantine: None,
        identity: None,
    }
}

fn quarantine(begin: u64) -> Quarantine {
    Quarantine { begin: t(begin), end: t(begin + WINDOW + 30) }
}

/// What is stored, and what a survey shows.
#[derive(Clone, Debug, Default)]
struct World {
    stored: Option<Lease>,
    traces: bool,
    version: u32,
    notices: Vec<Notice>,
}

impl World {
    fn of(lease: LeaderLease<char>) -> Self {
        Self { stored: Some(Stored { lease, version: 1 }), version: 1, ..Self::default() }
    }

    fn put(&mut self, over: Option<u32>, lease: &LeaderLease<char>) -> Event<char, u32> {
        if self.stored.as_ref().map(|stored| stored.version) != over {
            return Event::Failed(Why::Conflict);
        }
        self.version += 1;
        let stored = Stored { lease: lease.clone(), version: self.version };
        self.stored = Some(stored.clone());
        lease.became(stored)
    }

    /// What comes of the effect that is asked for.
    fn carried_out(&mut self, replica: &Replica) -> Event<char, u32> {
        match replica.next() {
            Effect::Read => Event::Lease(self.stored.clone()),
            Effect::Survey { traces } => Event::Surveyed(survey(traces && self.traces)),
            Effect::Write { over, lease } => {
                let (over, lease) = (over.copied(), lease.clone());
                self.put(over, &lease)
            }
            Effect::Pause(_) | Effect::End => Event::Done,
        }
    }

    /// Makes a turn at this time, and answers when the next one is; `None`: there is none.
    fn turn(&mut self, replica: &mut Replica, second: u64) -> Option<u64> {
        loop {
            let event = self.carried_out(replica);
            self.notices.extend(replica.apply(event, at(second)));
            match replica.next() {
                Effect::Pause(pause) => return Some(second + pause.as_secs()),
                Effect::End => return None,
                _ => {}
            }
        }
    }

    /// Makes turns from one time to another, as often as they are asked for.
    fn turns(&mut self, replica: &mut Replica, from: u64, to: u64) {
        let mut next = Some(from);
        while let Some(second) = next.filter(|second| *second <= to) {
            next = self.turn(replica, second);
        }
    }

    fn lease(&self) -> &LeaderLease<char> {
        &self.stored.as_ref().unwrap().lease
    }
}

fn survey(traces: bool) -> Survey {
    Survey { windows: [SettleWindow::Said(secs(WINDOW))].into_iter().collect(), traces }
}

/// A replica that has led since the beginning, its last renewal at that time, and its world.
fn leader(since: u64) -> (Replica, World) {
    let (mut leader, mut world) = (replica('a'), World::default());
    world.turn(&mut leader, since);
    assert!(leader.leadership().acts(secs(since)) && world.lease().quarantine.is_none());
    (leader, world)
}

#[test]
fn a_replica_that_has_just_been_started() {
    let held = |holder, renewed| Some(lease(holder, renewed));
    let cases = [
        // what is stored, traces, whether it leads at once, whether a quarantine begins, transitions
        ("nothing was ever there", None, false, true, false, 1),
        ("the lease is gone", None, true, true, true, 1),
        ("let go just now", held(None, START - 1), false, true, false, 4),
        ("let go longer ago than the settle window", held(None, START - WINDOW - 1), false, true, true, 4),
        ("let go at a time to come", held(None, START + 6), false, true, true, 4),
        ("its own, from before a crash", held(Some('a'), START - 1), false, true, true, 3),
        ("another's", held(Some('b'), START - 1), false, false, false, 3),
        ("another's, of long ago", held(Some('b'), START - 1000), false, false, false, 3),
    ];
    for (name, lease, traces, leads, quarantined, transitions) in cases {
        let mut world = lease.map_or_else(World::default, World::of);
        world.traces = traces;
        let mut replica = replica('a');
        let next = world.turn(&mut replica, START);
        let Leadership { term, quarantine: known, .. } = *replica.leadership();
        assert_eq!(replica.leadership().acts(secs(START)), leads, "{name}");
        assert_eq!(next, Some(START + if leads { 4 } else { 1 }), "{name}");
        assert_eq!(term, u64::from(leads), "{name}");
        assert_eq!(known, quarantined.then(|| quarantine(START)), "{name}");
        assert_eq!((world.lease().quarantine, world.lease().transitions), (known, transitions), "{name}");
        let told = world.notices.iter().any(|notice| matches!(notice, Notice::Quarantined { .. }));
        assert_eq!((told, world.notices.contains(&Notice::Leads)), (quarantined, leads), "{name}");
    }
}

#[test]
fn another_that_does_not_renew_is_waited_for() {
    for (name, renews, quarantined) in [("watched while it renewed", true, false), ("never seen to renew", false, true)]
    {
        let (mut leader, mut world) = leader(START);
        let mut candidate = replica('b');
        world.turns(&mut candidate, START + 1, START + 3);
        if renews {
            world.turn(&mut leader, START + 4);
        }
        let died = if renews { START + 4 } else { START + 1 };
        world.turns(&mut candidate, START + 4, died + 14);
        assert_eq!((world.lease().holder, candidate.leadership().leading), (Some('a'), false), "{name}");
        world.turn(&mut candidate, died + 15);
        assert_eq!((world.lease().holder, candidate.leadership().leading), (Some('b'), true), "{name}");
        assert!(!leader.leadership().acts(secs(died + 15)), "{name}");
        assert_eq!(candidate.leadership().quarantine, quarantined.then(|| quarantine(died + 15)), "{name}");
        assert_eq!((world.lease().transitions, world.lease().acquired), (2, Some(t(died + 15))), "{name}");
        assert!(candidate.leadership().succeeded, "{name}: Graph may have been asked a moment ago");
        // Its old leader comes back.
        assert_eq!(world.turn(&mut leader, died + 16), Some(died + 17), "{name}");
        assert!(!leader.leadership().leading, "{name}");
        assert_eq!(world.lease().holder, Some('b'), "{name}");
    }
}

#[test]
fn a_leader_goes_on() {
    let (mut leader, mut world) = leader(START);
    world.turns(&mut leader, START + 4, START + 60);
    let led = *leader.leadership();
    assert_eq!((led.term, led.quarantine, led.renewed, led.until), (1, None, Some(t(START + 60)), secs(START + 70)));
    assert_eq!((world.lease().transitions, world.lease().acquired), (1, Some(t(START))));
    assert_eq!(world.notices, [Notice::Leads]);
    // Somebody writes something into its lease.
    world.stored.as_mut().unwrap().version = 1000;
    world.version = 1000;
    world.turn(&mut leader, START + 64);
    assert_eq!((leader.leadership().term, leader.leadership().acts(secs(START + 64))), (1, true));
    assert_eq!(world.lease().quarantine, None);
}

#[test]
fn a_slow_api_server_has_a_leader_that_acts_all_the_time() {
    let (mut leader, mut world) = leader(START);
    let mut now = at(START);
    for _ in 0..100 {
        let took = if let Effect::Pause(pause) = leader.next() { pause } else { Duration::from_millis(2900) };
        now = Moment { boot: now.boot + took, wall: now.wall + took };
        let event = world.carried_out(&leader);
        assert!(leader.leadership().acts(now.boot), "{now:?}");
        assert_eq!(leader.apply(event, now), None);
    }
    assert_eq!((leader.leadership().term, leader.leadership().quarantine), (1, None));
}

#[test]
fn what_a_write_may_come_to() {
    let failures = [Why::Conflict, Why::Unclear, Why::Denied, Why::Refused, Why::Gone, Why::Failed];
    for event in failures.map(Event::Failed).into_iter().chain([Event::Altered]) {
        // A renewal.
        let (mut leader, world) = leader(START);
        leader.apply(Event::Done, at(START + 4));
        leader.apply(Event::Lease(world.stored), at(START + 4));
        assert!(matches!(leader.next(), Effect::Write { over: Some(1), .. }));
        assert_eq!(leader.apply(event.clone(), at(START + 4)), None, "{event:?}");
        match event {
            Event::Failed(Why::Conflict | Why::Gone) => assert_eq!(leader.next(), Effect::Read, "{event:?}"),
            _ => assert_eq!(leader.next(), Effect::Pause(secs(1)), "{event:?}"),
        }
        // Under a lease that is not its own, or has lost the quarantine, others would lead as well. Otherwise it leads until its time is over.
        let leads = event != Event::Altered;
        assert_eq!(leader.leadership().acts(secs(START + 10)), leads, "{event:?}");
        assert!(!leader.leadership().acts(secs(START + 11)), "{event:?}");
        // Taking it.
        let mut replica = replica('a');
        replica.apply(Event::Lease(None), at(START));
        replica.apply(Event::Surveyed(survey(false)), at(START));
        assert!(matches!(replica.next(), Effect::Write { over: None, .. }));
        assert_eq!(replica.apply(event.clone(), at(START)), None, "{event:?}");
        assert_eq!((replica.next(), replica.leadership().leading), (Effect::Pause(secs(1)), false), "{event:?}");
    }
}

#[test]
fn what_is_stored_as_something_else() {
    let held = LeaderLease { quarantine: Some(quarantine(START)), ..lease(Some('a'), START) };
    for (name, stored, same) in [
        ("as it was written", held.clone(), true),
        ("its times are of microseconds", LeaderLease { renewed: Some(t(START - 1)), ..held.clone() }, true),
        ("another's", LeaderLease { holder: Some('b'), ..held.clone() }, false),
        ("nobody's", LeaderLease { holder: None, ..held.clone() }, false),
        ("without its quarantine", LeaderLease { quarantine: None, ..held.clone() }, false),
        ("with another quarantine", LeaderLease { quarantine: Some(quarantine(START + 1)), ..held.clone() }, false),
    ] {
        let stored = Stored { lease: stored, version: 1 };
        let expected = if same { Event::Stored(stored.clone()) } else { Event::Altered };
        assert_eq!(held.became(stored), expected, "{name}");
    }
}

#[test]
fn a_leader_that_cannot_renew_stops_before_another_begins() {
    let (mut leader, _) = leader(START);
    for second in START + 4..=START + 10 {
        leader.apply(Event::Done, at(second));
        assert_eq!(leader.apply(Event::Failed(Why::Unclear), at(second)), None);
        assert!(leader.leadership().acts(secs(second)));
    }
    assert_eq!(leader.apply(Event::Done, at(START + 11)), Some(Notice::Lapsed));
    assert!(!leader.leadership().leading);
    assert_eq!(leader.next(), Effect::Read);
    assert_eq!(leader.apply(Event::Failed(Why::Unclear), at(START + 12)), None, "it is said once");
}

#[test]
fn who_stood_still_vouches_for_nothing() {
    // The lease is as the leader left it, whoever has led meanwhile.
    for (pause, quarantined) in [(4, false), (10, false), (11, false), (15, false), (16, true), (3600, true)] {
        let (mut leader, mut world) = leader(START);
        let now = START + pause;
        world.turn(&mut leader, now);
        assert!(leader.leadership().acts(secs(now)), "{pause} s");
        assert_eq!(leader.leadership().quarantine, quarantined.then(|| quarantine(now)), "{pause} s");
        assert_eq!(leader.leadership().term, if pause <= 10 { 1 } else { 2 }, "{pause} s");
        assert_eq!(leader.vouches_from(secs(now)), Some(t(now)), "{pause} s");
        assert_eq!(leader.vouches_from(secs(now + 16)), None, "{pause} s");
    }
    // A candidate that saw the lease kept up, and looks again after so long.
    for (pause, vouches) in [(1, true), (10, true), (11, false)] {
        let (mut leader, mut world) = leader(START);
        let mut candidate = replica('b');
        world.turn(&mut candidate, START + 3);
        world.turn(&mut leader, START + 4);
        world.turn(&mut candidate, START + 5);
        assert_eq!(candidate.vouches_from(secs(START + 5)), Some(t(START + 4)));
        let looks = START + 5 + pause;
        world.turn(&mut candidate, looks);
        assert_eq!(candidate.vouches_from(secs(looks)).is_some(), vouches, "{pause} s");
        let takes = if vouches { START + 20 } else { looks + 15 };
        world.turns(&mut candidate, looks + 1, takes);
        assert_eq!(candidate.leadership().quarantine, (!vouches).then(|| quarantine(takes)), "{pause} s");
        assert!(candidate.leadership().leading, "{pause} s");
    }
}

#[test]
fn a_write_that_took_too_long_does_not_make_it_leader() {
    for (took, leads) in [(10, true), (11, false)] {
        let mut world = World::of(lease(None, START - 1));
        let mut replica = replica('a');
        replica.apply(Event::Lease(world.stored.clone()), at(START));
        replica.apply(Event::Surveyed(survey(false)), at(START));
        let stored = world.carried_out(&replica);
        replica.apply(stored, at(START + took));
        assert_eq!(replica.leadership().leading, leads, "{took} s");
        // It acts from when the write began.
        assert!(!replica.leadership().acts(secs(START + 11)), "{took} s");
        world.turn(&mut replica, START + 12);
        assert!(replica.leadership().acts(secs(START + 12)), "{took} s");
        let expected = (!leads).then(|| quarantine(START + 12));
        assert_eq!(replica.leadership().quarantine, expected, "{took} s");
    }
    // A renewal that took longer than the lease lasts.
    let (mut leader, mut world) = leader(START);
    leader.apply(Event::Done, at(START + 4));
    leader.apply(Event::Lease(world.stored.clone()), at(START + 4));
    let stored = world.carried_out(&leader);
    leader.apply(stored, at(START + 16));
    assert!(!leader.leadership().leading);
}

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
fn how_the_lease_is_let_go() {
    let stop = |replica: &mut Replica, world: &mut World, second: u64| {
        replica.stop(at(second));
        assert!(!replica.leadership().leading);
        if replica.next() != Effect::End {
            world.turn(replica, second);
        }
        assert_eq!(replica.next(), Effect::End);
    };
    let (led, led_in) = leader(START);
    let case = || (led.clone(), led_in.clone());
    // At once.
    let (mut leader, mut world) = case();
    stop(&mut leader, &mut world, START + 2);
    assert_eq!((world.lease().holder, world.lease().renewed), (None, Some(t(START + 2))));
    assert_eq!((world.lease().transitions, world.lease().acquired), (1, Some(t(START))));
    // In the middle of a renewal that happened all the same.
    let (mut leader, mut world) = case();
    leader.apply(Event::Done, at(START + 4));
    leader.apply(Event::Lease(world.stored.clone()), at(START + 4));
    world.carried_out(&leader);
    stop(&mut leader, &mut world, START + 5);
    assert_eq!((world.lease().holder, world.lease().renewed), (None, Some(t(START + 5))));
    // In the middle of taking it.
    let (mut replica, mut world) = (replica('a'), World::default());
    replica.apply(Event::Lease(None), at(START));
    replica.apply(Event::Surveyed(survey(false)), at(START));
    world.carried_out(&replica);
    stop(&mut replica, &mut world, START + 1);
    assert_eq!(world.lease().holder, None);
    // After a standstill, after a restore, and where it is another's: it stays.
    for (second, holder) in [(15, None), (16, Some('a'))] {
        let (mut leader, mut world) = case();
        stop(&mut leader, &mut world, START + second);
        assert_eq!(world.lease().holder, holder, "{second} s");
    }
    // The standstill is after the signal.
    let (mut leader, mut world) = case();
    leader.stop(at(START + 9));
    world.turn(&mut leader, START + 16);
    assert_eq!((leader.next(), world.lease().holder), (Effect::End, Some('a')));
    let (mut leader, mut world) = case();
    world.turn(&mut leader, START + 4);
    world.stored.clone_from(&led_in.stored);
    world.version = 100;
    stop(&mut leader, &mut world, START + 5);
    assert_eq!(world.lease().holder, Some('a'));
    let (mut leader, mut world) = case();
    world.stored = Some(Stored { lease: lease(Some('b'), START + 1), version: 100 });
    stop(&mut leader, &mut world, START + 2);
    assert_eq!(world.lease().holder, Some('b'));
    // Where somebody writes all the time, three tries are enough; any other failure ends it.
    for (why, tries) in [(Why::Conflict, 3), (Why::Unclear, 1), (Why::Gone, 1)] {
        let (mut leader, mut world) = case();
        leader.stop(at(START + 1));
        let mut writes = 0;
        while leader.next() != Effect::End {
            let event = match leader.next() {
                Effect::Write { .. } => {
                    writes += 1;
                    Event::Failed(why)
                }
                _ => world.carried_out(&leader),
            };
            leader.apply(event, at(START + 1));
        }
        assert_eq!(writes, tries, "{why:?}");
    }
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

/// What may happen to a replica in a moment.
#[derive(Clone, Copy, Debug)]
enum Luck {
    Fine,
    /// The effect happens, and its answer is lost.
    Unanswered,
    /// It does not happen.
    Failed,
    /// The process dies and is started again.
    Crash,
    /// The process is stopped, and started again once it has let go.
    Stop,
}

fn luck() -> impl Strategy<Value = Luck> {
    prop_oneof![
        12 => Just(Luck::Fine),
        1 => Just(Luck::Unanswered),
        1 => Just(Luck::Failed),
        1 => Just(Luck::Crash),
        1 => Just(Luck::Stop),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// While etcd is not restored, no two act at once, and once all is well somebody does. A replica does what is due, or is late.
    #[test]
    fn no_two_act_at_once(steps in prop::collection::vec((0_u64..6, 0_usize..3, luck()), 1..300)) {
        let names = ['a', 'b', 'c'];
        let mut replicas = names.map(replica);
        let mut world = World::default();
        let mut now = START;
        for (passed, r, luck) in steps {
            now += passed;
            if matches!(luck, Luck::Crash) || replicas[r].next() == Effect::End {
                replicas[r] = Election::new(names[r], SignedDuration::from_secs(5), secs(now));
            } else if matches!(luck, Luck::Stop) {
                replicas[r].stop(at(now));
            } else {
                let event = match luck {
                    Luck::Failed => Event::Failed(Why::Unclear),
                    _ => world.carried_out(&replicas[r]),
                };
                let event = if matches!(luck, Luck::Unanswered) { Event::Failed(Why::Unclear) } else { event };
                replicas[r].apply(event, at(now));
            }
            let acting = replicas.iter().filter(|replica| replica.leadership().acts(secs(now))).count();
            prop_assert!(acting <= 1, "{acting} act at {now}: {replicas:#?}");
        }
        for second in now + 1..now + 40 {
            for (replica, name) in replicas.iter_mut().zip(names) {
                if replica.next() == Effect::End {
                    *replica = Election::new(name, SignedDuration::from_secs(5), secs(second));
                }
                world.turn(replica, second);
            }
        }
        prop_assert!(replicas.iter().any(|replica| replica.leadership().acts(secs(now + 39))));
    }
}

#[test]
fn a_proof_of_identity_goes_with_the_lease_from_leader_to_leader() {
    let proof = |second| Some(Proof { since: t(START), confirmed: t(second) });
    let (mut leader, mut world) = leader(START);
    leader.proved(0, proof(START));
    world.turn(&mut leader, START + 4);
    assert_eq!(world.lease().identity, None, "it was found in another term");
    leader.proved(1, proof(START + 5));
    world.turn(&mut leader, START + 8);
    assert_eq!(world.lease().identity, proof(START + 5));

    // Handed over.
    leader.stop(at(START + 9));
    world.turn(&mut leader, START + 9);
    assert_eq!((world.lease().holder, world.lease().identity), (None, proof(START + 5)));
    let mut next = replica('b');
    world.turn(&mut next, START + 10);
    assert_eq!((next.leadership().identity, world.lease().identity), (proof(START + 5), proof(START + 5)));
    world.turn(&mut next, START + 14);
    assert_eq!(world.lease().identity, proof(START + 5), "kept until something else is found");
    next.proved(1, None);
    world.turn(&mut next, START + 18);
    assert_eq!(world.lease().identity, None);

    // The same process after a crash.
    next.proved(1, proof(START + 20));
    world.turn(&mut next, START + 22);
    let mut again = Election::new('b', SignedDuration::from_secs(5), secs(START + 26));
    world.turn(&mut again, START + 26);
    assert_eq!(again.leadership().identity, proof(START + 20));
}
