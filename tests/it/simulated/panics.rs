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
use passcode_operator::{
    api::reset_status::Outcome,
    graph::{ConfigError, Endpoints, Exchange, Transport, TransportError},
    operator::transports::Transports,
};
use world::{World, objects::reset, transport::InProcess};

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
