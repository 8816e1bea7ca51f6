//! A replica that can be stopped as SIGSTOP stops a process: none of its tasks runs and none of its timers fires, while the
//! world goes on; at SIGCONT everything that is due by then is due at once.
//!
//! Such a replica has a tokio runtime of its own, whose paused clock is moved along with the world's in small steps, and not at
//! all while it is stopped. What that models: code that goes on where it was, with a view of the world, a token, a leadership and a
//! `Date` that are old by now; answers that have been waiting in its sockets; timers that all fire at once, after the work or
//! before it. What it does not: a stop between two instructions that have no effect between them (a stop takes hold where a call to
//! one of the two servers begins or ends), several threads of one process that wake one after the other, and connections that the
//! other side closes meanwhile. Between the replica and the world events can be late by a step.

use std::{
    future::poll_fn,
    pin::{Pin, pin},
    sync::{Arc, Mutex},
    task::{Poll, Waker},
    time::Duration,
};

use futures::future::{BoxFuture, Either, select};
use tokio::{
    runtime::{Builder, Handle, Runtime},
    time::{Instant, advance, sleep_until},
};

/// How far the world and a process may be apart while both run.
const STEP: Duration = Duration::from_millis(50);
/// The same once nothing has happened for a while.
const LONG_STEP: Duration = Duration::from_millis(500);
/// How long after the start and after SIGCONT the steps stay short.
const LIVELY: Duration = Duration::from_secs(45);

/// What is first at SIGCONT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum First {
    /// The code goes on where it was.
    Work,
    /// Timers that are due fire.
    Timers,
}

/// Stops a process, seen from within.
#[derive(Default)]
pub struct Brake {
    state: Mutex<BrakeState>,
}

#[derive(Default)]
struct BrakeState {
    stopped: bool,
    /// Who is stopped in the process.
    within: Option<Waker>,
    /// Who drives the process.
    driver: Option<Waker>,
}

impl Brake {
    /// Stops the process here, until it is continued.
    pub fn stop(self: &Arc<Self>) -> BoxFuture<'static, ()> {
        let brake = self.clone();
        let mut began = false;
        Box::pin(poll_fn(move |context| {
            let mut state = brake.state.lock().unwrap();
            if !began {
                (began, state.stopped) = (true, true);
                if let Some(driver) = state.driver.take() {
                    driver.wake();
                }
            }
            if !state.stopped {
                return Poll::Ready(());
            }
            state.within = Some(context.waker().clone());
            Poll::Pending
        }))
    }

    /// Whether the process is stopped.
    pub fn is_stopped(&self) -> bool {
        self.state.lock().unwrap().stopped
    }

    async fn stopped(&self) {
        poll_fn(|context| {
            let mut state = self.state.lock().unwrap();
            if state.stopped {
                return Poll::Ready(());
            }
            state.driver = Some(context.waker().clone());
            Poll::Pending
        })
        .await;
    }

    fn release(&self) {
        self.state.lock().unwrap().stopped = false;
    }

    fn wake(&self) {
        if let Some(within) = self.state.lock().unwrap().within.take() {
            within.wake();
        }
    }
}

/// A process: a runtime of its own, and when it is to be continued.
struct Process {
    runtime: Runtime,
    brake: Arc<Brake>,
    length: Duration,
    first: First,
    until: Option<Instant>,
}

/// Drives the world and its process in step.
pub struct Conductor {
    world: Runtime,
    process: Process,
    lively_until: Instant,
}

fn runtime() -> Runtime {
    // One task at a time: a stop takes hold before any other task of the process runs.
    Builder::new_current_thread().enable_time().start_paused(true).event_interval(1).build().unwrap()
}

fn now(runtime: &Runtime) -> Instant {
    runtime.block_on(async { Instant::now() })
}

impl Conductor {
    /// A world, and a process in it that is stopped for so long when its brake is used.
    pub fn new(brake: Arc<Brake>, length: Duration, first: First) -> Self {
        let world = Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        let process = Process { runtime: runtime(), brake, length, first, until: None };
        // The clocks of two runtimes begin when they are made; from here on they show the same.
        let apart = now(&process.runtime).saturating_duration_since(now(&world));
        world.block_on(advance(apart));
        let lively_until = now(&world) + LIVELY;
        Self { world, process, lively_until }
    }

    /// Where what the process has sent goes on.
    pub fn wire(&self) -> Handle {
        self.world.handle().clone()
    }

    /// Runs something in the world before the process is there.
    pub fn before<T>(&mut self, script: impl Future<Output = T>) -> T {
        let done = self.world.block_on(script);
        let behind = now(&self.world).saturating_duration_since(now(&self.process.runtime));
        self.process.runtime.block_on(advance(behind));
        self.lively_until = now(&self.world) + LIVELY;
        done
    }

    /// Does something within the process.
    pub fn within<T>(&self, script: impl Future<Output = T>) -> T {
        self.process.runtime.block_on(script)
    }

    /// Runs something in the world while the process runs too.
    pub fn run<T>(&mut self, script: impl Future<Output = T>) -> T {
        let mut script = pin!(script);
        loop {
            let from = now(&self.world);
            let step = if from < self.lively_until { STEP } else { LONG_STEP };
            let mut to = from + step;
            match self.process.until {
                Some(until) if until > from => to = until,
                Some(_) => self.resume(from),
                None => self.drive(to),
            }
            if let Some(done) = self.world_until(script.as_mut(), to) {
                return done;
            }
        }
    }

    fn world_until<T>(&self, script: Pin<&mut impl Future<Output = T>>, to: Instant) -> Option<T> {
        self.world.block_on(async {
            match select(script, pin!(sleep_until(to))).await {
                Either::Left((done, _)) => Some(done),
                Either::Right(_) => None,
            }
        })
    }

    /// Lets the process run up to a time, or until it is stopped.
    fn drive(&mut self, to: Instant) {
        let Process { runtime, brake, length, until, .. } = &mut self.process;
        runtime.block_on(async {
            select(pin!(brake.stopped()), pin!(sleep_until(to))).await;
        });
        if brake.is_stopped() {
            *until = Some(now(runtime) + *length);
        }
    }

    /// SIGCONT: the process finds that time has passed.
    fn resume(&mut self, at: Instant) {
        let Process { runtime, brake, first, until, .. } = &mut self.process;
        *until = None;
        let passed = at.saturating_duration_since(now(runtime));
        brake.release();
        if *first == First::Work {
            brake.wake();
        }
        runtime.block_on(async {
            advance(passed).await;
            if *first == First::Timers {
                for _ in 0..32 {
                    tokio::task::yield_now().await;
                }
                brake.wake();
            }
        });
        self.lively_until = at + LIVELY;
    }
}
