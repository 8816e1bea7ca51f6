//! Entra, Graph and Intune in this process, over HTTPS: what really happened is known here, and is never killed.

use std::time::Duration;

use graph_simulator::{Device, DeviceClass, DevicePlan, EXAMPLE_SECRET, ServeOptions, Server, Simulator, serve};
use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};
use world::objects::{OPERATOR, tenant, with};

/// The bounds of a tenant: short, so that what has to settle settles in seconds, and kept by everything here.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// D: no process is stopped for as long.
    pub send_grace: u64,
    /// L: the simulator shows a new entry earlier.
    pub ledger_lag: u64,
}

impl Bounds {
    /// How long a request that was sent is unsettled: 2·S + D + L, with S = 1 s.
    #[must_use]
    pub fn settle_window(self) -> Duration {
        Duration::from_secs(2 + self.send_grace + self.ledger_lag)
    }

    fn timing(self) -> Value {
        json!({
            "clockError": "1s",
            "sendGrace": format!("{}s", self.send_grace),
            "ledgerLag": format!("{}s", self.ledger_lag),
            "ledgerClockError": "2s",
        })
    }
}

/// The simulator, served.
pub struct Intune {
    /// What really happened.
    pub simulator: Simulator,
    /// What the tenants here say of time.
    pub bounds: Bounds,
    server: Server,
}

impl Intune {
    /// Begins now, by this machine's clock. An entry of the ledger shows after `lag`, which is within the bounds.
    pub async fn serve(bounds: Bounds, lag: Duration) -> Self {
        assert!(lag < Duration::from_secs(bounds.ledger_lag), "L has to hold");
        let simulator = Simulator::starting_at(Timestamp::now());
        simulator.configure(|settings| settings.ledger_lag = lag.into());
        let server = serve(&simulator, ServeOptions::default()).await.unwrap();
        Self { simulator, bounds, server }
    }

    /// Enrols a phone that answers after `delay`; answers its id.
    #[must_use]
    pub fn phone(&self, number: u32, delay: Duration) -> String {
        let mut device = Device::example(DeviceClass::IPhone, number);
        device.plan = DevicePlan { delay: Some(delay), ..DevicePlan::default() };
        self.simulator.add_device(device)
    }

    /// How often this phone was reset.
    #[must_use]
    pub fn carried_out(&self, device: &str) -> usize {
        self.simulator.executed().iter().filter(|executed| executed.device == device).count()
    }

    /// Graph's origin, Entra's, and the certificate to trust.
    #[must_use]
    pub fn endpoints(&self) -> (&str, &str, &str) {
        (self.server.graph_origin(), self.server.authority_origin(), self.server.ca_pem())
    }

    /// The tenant `default`, with these fields besides.
    #[must_use]
    pub fn tenant(&self, fields: Value) -> Value {
        let (graph, authority, certificate) = self.endpoints();
        let own = json!({
            "endpoints": {"graph": graph, "authority": authority, "caBundle": certificate},
            "timing": self.bounds.timing(),
            "minInterval": "0s",
            "limits": {"requestsPer20s": 100_000, "writesPer20s": 100_000, "resetsPerHour": 100_000},
        });
        with(with(tenant("default"), own), fields)
    }

    /// The Secret that the tenant names.
    #[must_use]
    pub fn secret() -> Value {
        json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "graph-credentials", "namespace": OPERATOR},
            "stringData": {"clientSecret": EXAMPLE_SECRET},
        })
    }
}
