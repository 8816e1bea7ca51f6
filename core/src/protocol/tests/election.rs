//! Every way in which the election can go: the world that it is played in, and who leads when.

mod any_order;
mod let_go;
mod quarantines;

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

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
        match replica.next().expect("it has ended") {
            Effect::Read => Event::Lease(self.stored.clone()),
            Effect::Survey { traces } => Event::Surveyed(survey(traces && self.traces)),
            Effect::Write { over, lease } => {
                let (over, lease) = (over.copied(), lease.clone());
                self.put(over, &lease)
            }
            Effect::Pause(_) => Event::Done,
        }
    }

    /// Makes a turn at this time, and answers when the next one is; `None`: there is none.
    fn turn(&mut self, replica: &mut Replica, second: u64) -> Option<u64> {
        loop {
            let event = self.carried_out(replica);
            self.notices.extend(replica.apply(event, at(second)));
            match replica.next() {
                Some(Effect::Pause(pause)) => return Some(second + pause.as_secs()),
                Some(_) => {}
                None => return None,
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

/// Graph counts what was asked in the last 20 s, and the leader before may have asked until it lapsed.
#[test]
fn what_an_earlier_leader_asked_counts_for_the_next_one() {
    // The earlier leader's clock is right, or as far behind or ahead as clocks may be.
    for (name, behind, counts_until) in [("right", 0, 35), ("behind", 5, 30), ("ahead", -5, 40)] {
        let (leader, _) = leader(START);
        let last_asks = (START..).take_while(|second| leader.leadership().acts(secs(*second))).last().unwrap();
        for now in START..=START + 60 {
            let renewed = START.checked_add_signed(-behind).unwrap();
            let mut next = Election::new('b', SignedDuration::from_secs(5), secs(now));
            World::of(lease(None, renewed)).turn(&mut next, now);
            let succeeded = next.leadership().succeeded;
            assert_eq!(succeeded, now < START + counts_until, "{name}, {} s later", now - START);
            assert!(succeeded || now >= last_asks + 20, "{name}: what was asked still counts");
        }
    }
    let (mut next, mut world) = (replica('b'), World::default());
    world.turn(&mut next, START);
    assert!(!next.leadership().succeeded, "nobody led");
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
        let took = if let Some(Effect::Pause(pause)) = leader.next() { pause } else { Duration::from_millis(2900) };
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
        assert!(matches!(leader.next(), Some(Effect::Write { over: Some(1), .. })));
        assert_eq!(leader.apply(event.clone(), at(START + 4)), None, "{event:?}");
        match event {
            Event::Failed(Why::Conflict | Why::Gone) => assert_eq!(leader.next(), Some(Effect::Read), "{event:?}"),
            _ => assert_eq!(leader.next(), Some(Effect::Pause(secs(1))), "{event:?}"),
        }
        // Under a lease that is not its own, or has lost the quarantine, others would lead as well. Otherwise it leads until its time is over.
        let leads = event != Event::Altered;
        assert_eq!(leader.leadership().acts(secs(START + 10)), leads, "{event:?}");
        assert!(!leader.leadership().acts(secs(START + 11)), "{event:?}");
        // Taking it.
        let mut replica = replica('a');
        replica.apply(Event::Lease(None), at(START));
        replica.apply(Event::Surveyed(survey(false)), at(START));
        assert!(matches!(replica.next(), Some(Effect::Write { over: None, .. })));
        assert_eq!(replica.apply(event.clone(), at(START)), None, "{event:?}");
        assert_eq!((replica.next(), replica.leadership().leading), (Some(Effect::Pause(secs(1))), false), "{event:?}");
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
    assert_eq!(leader.next(), Some(Effect::Read));
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
