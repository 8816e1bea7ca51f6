//! From a seed to a history.

use std::time::Duration;

use api_server::{Cut, EventFault, Fault as ApiFault, Verb, status};
use fastrand::Rng;
use graph_simulator::{ActionState, ArrayShape, Device, DeviceClass, DevicePlan, EXAMPLE_SECRET, Fault, Lag};
use graph_simulator::{PathClass, RetryAfter, Rule};
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use passcode_core::api::Time;
use serde_json::json;
use world::BEGIN;

use super::event::{Declared, Event, History, Which};

/// Multi Admin Approval, in each of its forms.
const APPROVALS: [fn() -> Fault; 4] =
    [Fault::approval_required, Fault::approval_not_justified, Fault::approval_filed, Fault::approval_pending];

/// How old an installation is before etcd is copied: a backup of before the first leader lease looks like a new one.
pub(super) const AGE: Duration = Duration::from_secs(60);

struct Draw {
    dice: Rng,
    span: u64,
    aged: bool,
    replicas: usize,
    devices: usize,
    grace: u64,
    lag: u64,
    events: Vec<(Duration, Event)>,
}

/// The history of a seed.
pub(super) fn history(seed: u64) -> History {
    let mut dice = Rng::with_seed(seed);
    let (clock_error, grace, lag) =
        (dice.u64(1..=5), pick(&mut dice, &[10, 20, 40, 150]), pick(&mut dice, &[5, 20, 60, 120]));
    let settle = 2 * clock_error + grace + lag;
    let ledger_clock_error = pick(&mut dice, &[0, 10, 120]);
    let completion = pick(&mut dice, &[60, 300, 900]);
    let interval = pick(&mut dice, &[0, 30 + settle, 600.max(30 + settle)]);
    let tenant = json!({
        "minInterval": format!("{interval}s"),
        "defaults": {"issueWindow": "24h", "completionTimeout": format!("{completion}s")},
        "timing": {
            "clockError": format!("{clock_error}s"), "sendGrace": format!("{grace}s"), "ledgerLag": format!("{lag}s"),
            "ledgerClockError": format!("{ledger_clock_error}s"),
        },
        "unknownOutcome": if dice.u8(0..5) == 0 { "Fail" } else { "Look" },
    });
    let aged = dice.u8(0..5) == 0;
    let span = if aged { settle + dice.u64(60..240) } else { pick(&mut dice, &[10, 30, 120, 400]) };
    let graph_offset = if dice.u8(0..3) == 0 { dice.i64(-300..=300) } else { 0 };
    let apart = i64::from(ledger_clock_error);
    let intune_offset = graph_offset + if dice.bool() { dice.i64(-apart..=apart) } else { 0 };
    let latency = Duration::from_millis(pick(&mut dice, &[0, 50, 400, 2000]));
    let mut draw = Draw {
        span,
        aged,
        replicas: dice.usize(1..=3),
        devices: dice.usize(1..=4),
        grace,
        lag,
        events: Vec::new(),
        dice,
    };
    let devices = (0..draw.devices).map(|number| draw.device(number)).collect();
    let replicas = (0..draw.replicas).map(|_| draw.clock()).collect();
    draw.resets();
    if aged {
        draw.restore(settle);
    }
    for _ in 0..draw.dice.usize(0..=12) {
        draw.mishap();
    }
    draw.events.sort_by_key(|(at, _)| *at);
    History {
        tenant,
        settle_window: Duration::from_secs(settle),
        completion_timeout: Duration::from_secs(completion),
        aged,
        replicas,
        graph_offset: SignedDuration::from_secs(graph_offset),
        intune_offset: SignedDuration::from_secs(intune_offset),
        latency,
        one_per_action: draw.dice.u8(0..4) == 0,
        token_lifetime: Duration::from_secs(pick(&mut draw.dice, &[3599, 3599, 400])),
        devices,
        events: draw.events,
    }
}

fn pick<T: Copy>(dice: &mut Rng, of: &[T]) -> T {
    of[dice.usize(..of.len())]
}

impl Draw {
    fn at(&mut self) -> Duration {
        Duration::from_millis(self.dice.u64(0..self.span * 1000))
    }

    fn for_a_while(&mut self) -> Duration {
        Duration::from_millis(pick(&mut self.dice, &[300, 3000, 12_000, 20_000, 60_000, 200_000]))
    }

    fn within_the_lag(&mut self) -> Lag {
        let everywhere = self.dice.u64(0..=self.lag);
        let first = if self.dice.bool() { everywhere } else { self.dice.u64(0..=everywhere) };
        Lag { first: Duration::from_secs(first), everywhere: Duration::from_secs(everywhere) }
    }

    fn clock(&mut self) -> SignedDuration {
        let most = pick(&mut self.dice, &[0, 0, 2, 5, 60]);
        SignedDuration::from_secs(self.dice.i64(-most..=most))
    }

    fn device(&mut self, number: usize) -> Device {
        use DeviceClass::{AndroidFullyManaged, IPad, IPhone, MacBook};
        let class = pick(&mut self.dice, &[IPhone, IPhone, IPhone, IPad, AndroidFullyManaged, MacBook]);
        let soon = Duration::from_secs(pick(&mut self.dice, &[1, 5, 30, 200, 1000]));
        let plan = match self.dice.u8(0..12) {
            0 => DevicePlan::never(),
            1 => DevicePlan::failing(1, soon),
            2 => DevicePlan::answering(ActionState::Canceled, soon),
            3 => DevicePlan::answering(ActionState::Failed, soon),
            4 => DevicePlan {
                waiting_state: ActionState::Other("later".to_owned()),
                ..DevicePlan::answering(ActionState::Done, soon)
            },
            5 => DevicePlan { active_after: Some(soon / 2), ..DevicePlan::answering(ActionState::Done, soon) },
            _ => DevicePlan::answering(ActionState::Done, soon),
        };
        let lag = self.within_the_lag();
        Device::example(class, u32::try_from(number).unwrap_or_default() + 1).with_plan(plan).with_lag(lag)
    }

    /// The objects: declared, and some of them deleted, and declared again as Git would.
    fn resets(&mut self) {
        for number in 0..self.dice.usize(1..=6) {
            let at = self.at() / 2;
            let begin: Timestamp = BEGIN.parse().unwrap_or_default();
            let ahead = pick(&mut self.dice, &[-600, -60, -5, 0, 0, 0, 20, 120]);
            let requested = begin + SignedDuration::try_from(at).unwrap_or_default() + SignedDuration::from_secs(ahead);
            let requested = Time(requested).floor_to_second().0;
            let lasts = pick(&mut self.dice, &[0, 0, 0, 30, 200, 900]);
            let reset = Declared {
                name: format!("inc-{number}"),
                device: self.dice.usize(..self.devices),
                requested,
                expires: (lasts > 0).then(|| requested + SignedDuration::from_secs(lasts)),
                dry_run: self.dice.u8(0..10) == 0,
            };
            self.events.push((at, Event::Declare(reset.clone())));
            if self.dice.u8(0..4) == 0 {
                let gone = at + self.for_a_while();
                self.events.push((gone, Event::Delete(reset.name.clone())));
                if self.dice.bool() {
                    let again = gone + self.for_a_while();
                    self.events.push((again, Event::Declare(reset)));
                }
            }
        }
    }

    /// A snapshot, and its restore when it is older than anything that could have been sent before it is waited for.
    fn restore(&mut self, settle: u64) {
        // Two clocks that are a minute wrong, and the last renewal before the snapshot.
        let old_enough = settle + 130;
        let taken = self.at() / 4;
        self.events.push((taken, Event::Snapshot));
        let restored = taken + Duration::from_secs(old_enough) + Duration::from_millis(self.dice.u64(0..60_000));
        self.events.push((restored, Event::Restore));
        // What is sent just before is what may be under way unknown.
        for number in 0..self.dice.usize(0..=2) {
            let begin: Timestamp = BEGIN.parse().unwrap_or_default();
            let due = restored.saturating_sub(Duration::from_millis(self.dice.u64(0..20_000)));
            let requested = Time(begin + SignedDuration::try_from(due).unwrap_or_default()).floor_to_second().0;
            let device = self.dice.usize(..self.devices);
            let reset = Declared { name: format!("due-{number}"), device, requested, expires: None, dry_run: false };
            self.events.push((taken / 2, Event::Declare(reset)));
        }
    }

    fn mishap(&mut self) {
        let at = self.at();
        match self.dice.u8(0..20) {
            0..=6 => {
                let rule = self.graph_fault();
                self.events.push((at, Event::GraphGoesWrong(Box::new(rule))));
            }
            7..=9 => {
                let (which, fault) = self.api_fault();
                let slot = self.slot();
                self.events.push((at, Event::Api(slot, which, Box::new(fault))));
            }
            10 | 11 => self.connection(at),
            12 | 13 => self.watch(at),
            14..=16 => self.process(at),
            17 => self.sign_in(at),
            _ => self.people(at),
        }
    }

    fn slot(&mut self) -> usize {
        self.dice.usize(..self.replicas)
    }

    fn for_some_time(&mut self, at: Duration, begins: Event, ends: Event) {
        let until = at + self.for_a_while();
        self.events.extend([(at, begins), (until, ends)]);
    }

    fn graph_fault(&mut self) -> Rule {
        let class = pick(
            &mut self.dice,
            &[
                PathClass::Action,
                PathClass::Action,
                PathClass::Action,
                PathClass::Read,
                PathClass::Batch,
                PathClass::List,
                PathClass::Token,
            ],
        );
        let fault = if class == PathClass::Action { self.action_fault() } else { self.read_fault() };
        let times = pick(&mut self.dice, &[1, 1, 1, 2, 3, 8]);
        Rule::on(class, fault).after(pick(&mut self.dice, &[0, 0, 0, 1, 2])).times(times)
    }

    /// What a reset can meet. Carried out late, but never later than sendGrace; never carried out where Graph itself says that it could not be.
    fn action_fault(&mut self) -> Fault {
        let wait = Duration::from_millis(self.dice.u64(0..30_000));
        match self.dice.u8(0..12) {
            0 => Fault::throttled(
                wait,
                pick(
                    &mut self.dice,
                    &[RetryAfter::Fractional, RetryAfter::Seconds, RetryAfter::Missing, RetryAfter::HttpDate],
                ),
            ),
            1 => Fault::status(pick(&mut self.dice, &[401, 403, 405, 406, 415, 424, 429])),
            2 => Fault::unknown_segment(),
            3 => Fault::connection_refused(),
            4 => {
                let refused = pick(&mut self.dice, &[400, 404, 422]);
                self.with_fate(Fault::status(refused))
            }
            5 => self.with_fate(Fault::refused_by_intune()),
            6 => pick(&mut self.dice, &APPROVALS)(),
            _ => self.unknown_fault(wait),
        }
    }

    fn unknown_fault(&mut self, wait: Duration) -> Fault {
        let fault = match self.dice.u8(0..12) {
            0 => Fault::none(),
            1 => Fault::status(pick(&mut self.dice, &[408, 409, 423, 500, 502, 503, 504])),
            2 => Fault::html(pick(&mut self.dice, &[200, 400, 401, 403, 404, 405, 424, 429, 502, 503, 504])),
            3 => Fault::redirect("https://elsewhere.example/"),
            4 => Fault::lost(),
            5 => Fault::reset(),
            6 => Fault::hang(),
            7 => Fault::cut_body(),
            8 => Fault::malformed_json(),
            9 => return Fault::duplicated(),
            10 => Fault::none().slow(wait),
            _ => Fault::status(504).slow(wait),
        };
        let fault = self.with_fate(fault);
        match self.dice.u8(0..8) {
            0 => fault.without_date(),
            1 => fault.without_request_id(),
            _ => fault,
        }
    }

    /// Whatever the answer says, it is carried out or not, at once or late.
    fn with_fate(&mut self, fault: Fault) -> Fault {
        // A second before the bound: half the latency and the first half of the clock's second are within it.
        let late = Duration::from_secs(self.dice.u64(0..self.grace - 2));
        match self.dice.u8(0..3) {
            0 => fault.not_executed(),
            1 => fault.executed(),
            _ => fault.executed_after(late),
        }
    }

    fn read_fault(&mut self) -> Fault {
        let wait = Duration::from_millis(self.dice.u64(0..60_000));
        match self.dice.u8(0..13) {
            0 => Fault::throttled(wait, RetryAfter::Fractional),
            1 => Fault::status(pick(&mut self.dice, &[400, 401, 403, 404, 408, 409, 429, 500, 502, 503, 504])),
            2 => Fault::html(pick(&mut self.dice, &[404, 502, 503])),
            3 => Fault::connection_refused(),
            4 => Fault::lost(),
            5 => Fault::reset(),
            6 => Fault::hang(),
            7 => Fault::cut_body(),
            8 => Fault::malformed_json(),
            9 => Fault::left_out_of_batch(),
            10 => Fault::repeated_in_batch(),
            11 => Fault::none().without_date(),
            _ => Fault::none().slow(wait),
        }
    }

    fn api_fault(&mut self) -> (Which, ApiFault) {
        let verb = pick(
            &mut self.dice,
            &[
                None,
                Some(Verb::Get),
                Some(Verb::Create),
                Some(Verb::Update),
                Some(Verb::Patch),
                Some(Verb::Delete),
                Some(Verb::List),
                Some(Verb::Watch),
            ],
        );
        let resource = pick(
            &mut self.dice,
            &["", "passcoderesets", "passcoderesets", "leases", "leases", "intunetenants", "secrets"],
        );
        let which = Which { verb, resource, nth: self.dice.usize(1..=3), times: pick(&mut self.dice, &[1, 1, 2, 5]) };
        let time = self.for_a_while();
        let answer = match self.dice.u8(0..4) {
            0 => status(500, "InternalError", "etcdserver: request timed out"),
            1 => status(503, "ServiceUnavailable", "the server is currently unable to handle the request"),
            2 => status(504, "Timeout", "request did not complete within the allotted timeout"),
            _ => api_server::too_many_requests(1),
        };
        let fault = match self.dice.u8(0..8) {
            0 => ApiFault::Fail(answer),
            1 => ApiFault::LoseBefore,
            2 => ApiFault::Delay(time),
            3 => ApiFault::Hang,
            4 => ApiFault::ApplyThenFail(answer),
            5 => ApiFault::ApplyThenLose,
            6 => ApiFault::ApplyThenDelay(time),
            _ => ApiFault::ApplyThenHang,
        };
        (which, fault)
    }

    fn connection(&mut self, at: Duration) {
        let slot = self.slot();
        match self.dice.u8(0..4) {
            0 => self.for_some_time(at, Event::GraphReachable(false), Event::GraphReachable(true)),
            1 => self.for_some_time(at, Event::EntraReachable(false), Event::EntraReachable(true)),
            2 => self.for_some_time(at, Event::CutOff(slot, Cut::Refused), Event::Reconnect(slot)),
            _ => self.for_some_time(at, Event::CutOff(slot, Cut::Silent), Event::Reconnect(slot)),
        }
    }

    fn watch(&mut self, at: Duration) {
        let slot = self.slot();
        match self.dice.u8(0..5) {
            0 => self.for_some_time(at, Event::Freeze(slot), Event::Thaw(slot)),
            1 => self.events.push((at, Event::WatchesClose(slot))),
            2 => self.events.extend([(at, Event::WatchExpires(slot)), (at, Event::WatchesClose(slot))]),
            3 => {
                let back = self.dice.u64(1..60);
                self.for_some_time(at, Event::Past(slot, back), Event::Present(slot));
            }
            _ => {
                let delay = self.for_a_while();
                let fault = pick(
                    &mut self.dice,
                    &[EventFault::Drop, EventFault::Merge, EventFault::Swap, EventFault::Delay(delay)],
                );
                let times = self.dice.usize(1..=4);
                self.events.push((at, Event::WatchEvents(slot, fault, times)));
            }
        }
    }

    fn process(&mut self, at: Duration) {
        let slot = self.slot();
        let ends = if self.dice.bool() { Event::Kill(slot) } else { Event::Terminate(slot) };
        self.for_some_time(at, ends, Event::Start(slot));
    }

    fn sign_in(&mut self, at: Duration) {
        match self.dice.u8(0..4) {
            0 => self.events.push((at, Event::RevokeTokens)),
            1 => self.events.push((at, Event::ExpireTokens)),
            2 => self.for_some_time(at, Event::MayReset(false), Event::MayReset(true)),
            _ => {
                let secret = format!("{EXAMPLE_SECRET}-{}", self.dice.u16(..));
                self.for_some_time(at, Event::SecretInEntra(secret.clone()), Event::SecretInCluster(secret));
            }
        }
    }

    fn people(&mut self, at: Duration) {
        let device = self.dice.usize(..self.devices);
        match self.dice.u8(0..8) {
            0 | 1 => self.events.push((at, Event::ByHand(device))),
            2 | 3 if self.aged => {}
            2 => self.events.push((at, Event::Retire(device))),
            3 => {
                let keep_old = self.dice.bool();
                self.events.push((at, Event::Reenrol { device, keep_old }));
            }
            4 => self.events.push((at, Event::CheckIn(device))),
            5 => {
                let lag = self.within_the_lag();
                self.events.push((at, Event::NextLag(device, lag)));
            }
            6 => {
                let shape = pick(&mut self.dice, &[ArrayShape::Null, ArrayShape::Missing]);
                self.for_some_time(at, Event::Shape(device, shape), Event::Shape(device, ArrayShape::Normal));
            }
            _ => self.for_some_time(at, Event::Suspend(true), Event::Suspend(false)),
        }
    }
}
