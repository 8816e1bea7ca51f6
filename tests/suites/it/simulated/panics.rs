//! A panic is an error of one object at one time: whatever else there is goes on, and so does that object.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use graph_simulator::DeviceClass;
use k8s_openapi::jiff::Timestamp;
use passcode_core::api::reset_status::Outcome;
use passcode_operator::{
    graph::{Clock, ConfigError, Endpoints, Exchange, Transport, TransportError},
    operator::transports::Transports,
};
use world::{Replica, World, objects::reset, transport::InProcess};

/// The simulator, on whose sign-in the program panics so many times.
#[derive(Clone)]
struct Panicking {
    left: Arc<AtomicUsize>,
    simulator: InProcess,
}

impl Transports for Panicking {
    fn to(&self, _: &Endpoints) -> Result<Arc<dyn Transport>, ConfigError> {
        Ok(Arc::new(self.clone()))
    }
}

#[async_trait]
impl Transport for Panicking {
    async fn send(
        &self,
        request: http::Request<Bytes>,
        exchange: Exchange,
    ) -> Result<http::Response<Bytes>, TransportError> {
        let signs_in = request.uri().path().ends_with("/token");
        let less = |left: usize| left.checked_sub(1);
        if signs_in && self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).is_ok() {
            panic!("planted");
        }
        self.simulator.send(request, exchange).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_while_a_tenant_is_set_up_ends_no_upkeep() {
    let mut world = World::new().await;
    let left = Arc::new(AtomicUsize::new(3));
    world.transports = Arc::new(Panicking { left: left.clone(), simulator: InProcess(world.graph.clone()) });
    let (serial, id) = world.device(DeviceClass::IPhone, 1);
    let replica = world.replica("a");
    world.create(reset("inc1", &serial, world.now())).await;
    world.ends("inc1", Duration::from_secs(600), Outcome::Complete, "PasscodeRemoved").await;
    assert_eq!((left.load(Ordering::SeqCst), world.executed(&id)), (0, 1));
    world.no_refusals();
    replica.stop().await;
}

/// A clock at which the program panics once, when it is asked for the nth time.
struct Stumbling {
    clock: Arc<dyn Clock>,
    asked: AtomicUsize,
    nth: usize,
}

impl Clock for Stumbling {
    fn boot(&self) -> Duration {
        if self.asked.fetch_add(1, Ordering::SeqCst) + 1 == self.nth {
            panic!("planted");
        }
        self.clock.boot()
    }

    fn wall(&self) -> Timestamp {
        self.clock.wall()
    }
}

/// Wherever the program panics: the election ends the process, which is started again; any other part starts again by itself.
#[tokio::test(start_paused = true)]
async fn a_panic_anywhere_loses_no_reset() {
    for nth in 1..=60 {
        let world = World::new().await;
        let (serial, id) = world.device(DeviceClass::IPhone, 1);
        let (mut environment, plug) = world.environment("a");
        environment.clock = Arc::new(Stumbling { clock: environment.clock, asked: AtomicUsize::new(0), nth });
        let first = Replica::start((environment, plug));
        world.create(reset("inc", &serial, world.now())).await;
        tokio::time::sleep(Duration::from_secs(30)).await;
        let second = first.has_ended().then(|| world.replica("b"));
        let status = world.outcome("inc", Duration::from_secs(900)).await;
        // Between its claim and its request, nobody can tell in a tenant whose ledger was never seen to work.
        let told = status.outcome == Some(Outcome::Complete) || status.reason() == "OutcomeUnknown";
        assert!(told, "{nth}: {}", status.reason());
        assert_eq!(world.executed(&id), usize::from(status.outcome == Some(Outcome::Complete)), "{nth}");
        match second {
            Some(second) => second.stop().await,
            None => first.stop().await,
        }
    }
}
