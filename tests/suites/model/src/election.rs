//! A replica's part in the election: the operator's own, one turn at a time. Whatever a turn reads and writes happens at once here, since the write
//! is on the version that was read.
//!
//! A tick is longer than the lease lasts, so turns are not on the tick. A leader renews and a candidate looks all the time without anything that
//! would change by it, and their boot times stand (see [`Lead::boot`]). A turn is an action where it may change something; it includes the wait of a
//! candidate for a lease that nobody has renewed since the tick before.

use std::{sync::Arc, time::Duration};

use k8s_openapi::jiff::{SignedDuration, Timestamp};
use passcode_core::protocol::{
    election::{DURATION, Effect, Election, Event, LAPSE, LeaderLease, Moment, SettleWindow, Survey},
    pass::Why,
};

use crate::{
    bridge::time,
    driver::World,
    environment::Action,
    setup::Setup,
    state::{Lead, Lease, Second, State, Status, TICK},
    variant::Variant,
};

/// The name of the replica of this index.
pub fn me(r: usize) -> u8 {
    u8::try_from(r).unwrap()
}

impl Lead {
    /// That of a process that was just started.
    pub fn started(me: u8, setup: &Setup) -> Self {
        let clock_error = SignedDuration::from_secs(i64::from(Second::from(setup.clock_error) * TICK));
        let election = Election::new(me, clock_error, Duration::ZERO);
        Self { election: Arc::new(election), boot: Duration::ZERO, waits: false, taken: None }
    }

    /// Whether it acts. A leader asks its clock each time.
    pub fn acts(&self) -> bool {
        !self.waits && self.election.leadership().acts(self.boot)
    }

    /// Whether it knows anything that may be out of date.
    fn has_looked(&self) -> bool {
        self.election.seen().is_some()
    }
}

impl<'a> World<'a> {
    /// The beginning. Where there is a lease, the first replica has led for a while, and the others have seen it.
    pub fn begun(setup: &'a Setup) -> Self {
        let mut world = Self { setup, state: State::new(setup) };
        let now = world.state.now;
        if setup.leases {
            for tick in [now - 1, now] {
                world.state.now = tick;
                (0..world.state.replicas.len()).for_each(|r| _ = world.turn(r, Duration::ZERO));
            }
        }
        world.state.copy = (setup.restores > 0).then(|| (now, Box::new(world.state.etcd.clone())));
        world
    }

    /// A machine's time of day.
    fn wall(&self, r: usize) -> Timestamp {
        time(self.clock(r) + self.setup.wall_error(r))
    }

    /// A replica's turn, where that may change anything. A second renewal of one tick changes nothing but versions.
    pub fn turns(&self, r: usize, actions: &mut Vec<Action>) {
        let lead = &self.state.replicas[r].lead;
        let renewed = |lease: &Lease| {
            lease.lease.renewed == Some(self.wall(r))
                && lead.election.seen().is_some_and(|seen| seen.version == lease.version)
        };
        if self.setup.leases && !(lead.acts() && self.state.etcd.lease.as_ref().is_some_and(renewed)) {
            actions.push(Action::Renew(r));
        }
        if self.state.left.stops > 0 && lead.has_looked() && self.state.replicas[r].is_idle() {
            actions.push(Action::Stop(r));
        }
    }

    /// A replica's next turn, and those after it that a candidate takes the lease by.
    pub fn renew(&mut self, r: usize) {
        let lease = self.state.etcd.lease.as_ref();
        let holder = lease.and_then(|lease| lease.lease.holder).filter(|holder| *holder != me(r));
        let writer = holder.map_or(r, usize::from);
        let left_alone = lease.is_some_and(|lease| lease.lease.renewed < Some(self.wall(writer)));
        let mut waited = Duration::ZERO;
        let mut pause = self.turn(r, waited);
        while left_alone && !self.state.replicas[r].acts(self.setup) {
            self.state.replicas[r].lead.boot += pause;
            waited += pause;
            pause = self.turn(r, waited);
        }
        if let Some(holder) = holder.filter(|_| waited > Duration::ZERO) {
            self.did_not_renew(usize::from(holder), waited + pause);
        }
    }

    /// One turn, begun by a candidate that has waited so long; answers when the next one is.
    fn turn(&mut self, r: usize, waited: Duration) -> Duration {
        self.state.replicas[r].lead.waits = false;
        if matches!(self.state.replicas[r].lead.election.next(), Some(Effect::Pause(_))) {
            self.elect(r, Event::Done);
        }
        self.until_it_rests(r, waited).unwrap_or_default()
    }

    /// Ends a replica's part, with the clock of one that does not know how long it stood still where that is done wrong.
    pub fn let_go(&mut self, r: usize) {
        let wall = self.wall(r);
        let unaware = self.setup.does(Variant::LetGoAfterAStandstill);
        let lead = &mut self.state.replicas[r].lead;
        if unaware {
            lead.boot = Duration::ZERO;
        }
        Arc::make_mut(&mut lead.election).stop(Moment { boot: lead.boot, wall });
        self.until_it_rests(r, Duration::ZERO);
    }

    /// Carries out what a replica asks for until it rests; `None`: it has ended its part.
    fn until_it_rests(&mut self, r: usize, waited: Duration) -> Option<Duration> {
        while let Some(effect) = self.state.replicas[r].lead.election.next() {
            let event = match effect {
                Effect::Read => Event::Lease(self.lease_as_read(r, waited)),
                Effect::Survey { .. } => Event::Surveyed(self.survey()),
                Effect::Write { over, lease } => {
                    let (over, lease) = (over.copied(), lease.clone());
                    self.write_lease(over, &lease)
                }
                Effect::Pause(pause) => return Some(pause),
            };
            self.elect(r, event);
        }
        None
    }

    fn elect(&mut self, r: usize, event: Event<u8, u16>) {
        let wall = self.wall(r);
        let lead = &mut self.state.replicas[r].lead;
        Arc::make_mut(&mut lead.election).apply(event, Moment { boot: lead.boot, wall });
    }

    fn lease_as_read(&self, r: usize, waited: Duration) -> Option<Lease> {
        let mut read = self.state.etcd.lease.clone();
        if let Some(Lease { lease, .. }) = read.as_mut()
            && (lease.holder == Some(me(r)) || waited >= DURATION)
            && self.setup.does(Variant::UnwitnessedLeaseTrusted)
        {
            lease.holder = None;
        }
        if let Some(Lease { lease, .. }) = read.as_mut()
            && lease.holder != Some(me(r))
            && let Some(renewed) = lease.renewed
            && self.setup.does(Variant::QuarantineTakenOverAsWritten)
        {
            lease.quarantine = lease.quarantine.map(|quarantine| quarantine.taken_over(self.wall(r), renewed));
        }
        read
    }

    fn survey(&self) -> Survey {
        let etcd = &self.state.etcd;
        let settle = u64::try_from(Second::from(self.setup.settle_window()) * TICK).unwrap();
        let windows = [SettleWindow::Said(Duration::from_secs(settle))].into_iter().collect();
        let has_a_status = etcd.objects.iter().flatten().any(|object| object.status != Status::default());
        Survey { windows, traces: etcd.device != 0 || has_a_status }
    }

    /// What decides nothing is not stored.
    fn write_lease(&mut self, over: Option<u16>, lease: &LeaderLease<u8>) -> Event<u8, u16> {
        if self.state.etcd.lease.as_ref().map(|lease| lease.version) != over {
            return Event::Failed(Why::Conflict);
        }
        let said = LeaderLease { acquired: None, transitions: 0, ..lease.clone() };
        let stored = Lease { lease: said, version: self.next_version() };
        self.state.etcd.lease = Some(stored.clone());
        lease.became(stored)
    }

    // Who did not renew.

    /// The lease was taken from its holder: by its own clock it has not renewed for longer than the lease lasts. A process that was started
    /// meanwhile knows of nothing anyway.
    fn did_not_renew(&mut self, holder: usize, for_so_long: Duration) {
        let lead = &mut self.state.replicas[holder].lead;
        if lead.has_looked() && !self.setup.does(Variant::StandstillVouchedFor) {
            lead.boot += for_so_long;
        }
    }

    /// While etcd is restored, no leader can renew and no candidate look, for longer than a leader acts and a candidate is sure without.
    pub fn nobody_hears_of_the_lease(&mut self) {
        let looked = self.state.replicas.iter_mut().filter(|replica| replica.lead.has_looked());
        looked.for_each(|replica| replica.lead.boot += LAPSE + Duration::from_secs(1));
    }

    /// Whether a restore has to take back what [`Self::renewal_is_taken_back`] says, as it does in reality, but for one within seconds of its
    /// backup. Where nobody acts while etcd is restored and whoever led goes on to lead, the protocol holds without.
    pub fn takes_back_a_renewal(&self) -> bool {
        self.setup.restored_at_once || self.setup.stops > 0
    }

    /// Whether every process that ran and saw the lease kept up saw a renewal that the copy does not have: leaders renew every few
    /// seconds, and candidates look every second.
    pub fn renewal_is_taken_back(&self) -> bool {
        let copied = self.state.copy.as_ref().and_then(|(_, copy)| copy.lease.as_ref()?.lease.renewed);
        let leads = self.state.replicas.iter().map(|replica| &replica.lead);
        leads.filter_map(|lead| lead.election.vouches_from(lead.boot)).all(|latest| Some(latest) > copied)
    }

    /// A lease that is not as this replica wrote it, or newer, shows that etcd was restored: what is stored is not to be trusted.
    pub fn holds_the_lease(&mut self, r: usize) -> bool {
        let lease = self.state.etcd.lease.as_ref().map(|stored| &stored.lease);
        let replica = &self.state.replicas[r];
        let kept = replica.acts(self.setup) && replica.lead.election.leadership().is_kept(&me(r), lease);
        let holds_a_lock = replica.pass.as_ref().is_some_and(|pass| pass.known().held.is_some());
        // Before it takes another lock it has written the lease or lost it.
        self.state.replicas[r].lead.waits |= !kept && holds_a_lock;
        kept
    }
}
