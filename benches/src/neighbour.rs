//! Another app of the same tenant, which spends a part of what Graph allows.

use std::time::Duration;

use anyhow::{Context, Result};
use bytes::Bytes;
use graph_simulator::{App, Device, DeviceClass, EXAMPLE_TENANT, Simulator};
use serde_json::Value;
use tokio::time::{MissedTickBehavior, interval};

const CLIENT: &str = "11111111-2222-3333-4444-555555555555";
const SECRET: &str = "the-neighbours-secret";
/// The number of its own phone, which nobody declares.
const PHONE: u32 = 9_999_999;

/// The other app. Its requests are not sent over the network: they are no load on what is measured.
pub struct Neighbour {
    simulator: Simulator,
    phone: String,
    token: String,
}

impl Neighbour {
    /// Signs in.
    ///
    /// # Errors
    /// If that is refused.
    pub async fn move_in(simulator: &Simulator) -> Result<Self> {
        simulator.add_app(EXAMPLE_TENANT, App::new(CLIENT).with_secret(SECRET));
        let phone = simulator.add_device(Device::example(DeviceClass::IPhone, PHONE));
        let settings = simulator.settings();
        let form = format!(
            "grant_type=client_credentials&client_id={CLIENT}&client_secret={SECRET}&scope={}/.default",
            settings.graph_origin
        );
        let request = http::Request::post(format!("{}/{EXAMPLE_TENANT}/oauth2/v2.0/token", settings.authority_origin))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Bytes::from(form))?;
        let answer = simulator.handle(request).await?;
        let answer: Value = serde_json::from_slice(answer.body())?;
        let token = answer["access_token"].as_str().with_context(|| format!("no token in {answer}"))?.to_owned();
        Ok(Self { simulator: simulator.clone(), phone, token })
    }

    /// Whether a request was its own.
    #[must_use]
    pub fn sent(&self, path: &str) -> bool {
        path.contains(&self.phone)
    }

    /// Resets its own phone so many times in 20 s, at an even pace and whatever the answers are, for this long.
    ///
    /// # Errors
    /// If a request cannot be made.
    pub async fn spend(&self, writes: u32, lasting: Duration) -> Result<()> {
        let mut pace = interval(crate::statistics::SPAN / writes.max(1));
        pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let requests = u32::try_from(lasting.as_secs() * u64::from(writes) / 20)?;
        let origin = self.simulator.settings().graph_origin;
        for _ in 0..requests {
            pace.tick().await;
            let address = format!("{origin}/v1.0/deviceManagement/managedDevices/{}/resetPasscode", self.phone);
            let request = http::Request::post(address)
                .header("authorization", format!("Bearer {}", self.token))
                .body(Bytes::new())?;
            let simulator = self.simulator.clone();
            tokio::spawn(async move { simulator.handle(request).await.map(|_| ()) });
        }
        Ok(())
    }
}
