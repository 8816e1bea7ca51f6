//! A plain JSON interface to the simulated world, for use by hand and by demonstrations.

use crate::devices::{Device, DeviceClass};
use crate::ledger::{ActionState, DevicePlan};
use crate::records::{Executed, Refusal, RequestRecord};
use crate::simulator::Simulator;
use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::time::Duration;
use tokio::net::TcpListener;

/// Serves `GET /ledger`, `GET /refusals`, `GET /requests`, `GET /devices` and `POST /devices` until it is dropped.
///
/// # Errors
/// When the listener fails.
pub async fn serve(simulator: Simulator, listener: TcpListener) -> std::io::Result<()> {
    axum::serve(listener, router(simulator)).await
}

fn router(simulator: Simulator) -> Router {
    Router::new()
        .route("/ledger", get(ledger))
        .route("/refusals", get(refusals))
        .route("/requests", get(requests))
        .route("/devices", get(devices).post(add_device))
        .with_state(simulator)
}

/// What was really carried out, by apps and by hand.
async fn ledger(State(simulator): State<Simulator>) -> Json<Vec<Executed>> {
    Json(simulator.all_resets())
}

async fn refusals(State(simulator): State<Simulator>) -> Json<Vec<Refusal>> {
    Json(simulator.refusals())
}

async fn requests(State(simulator): State<Simulator>) -> Json<Vec<RequestRecord>> {
    Json(simulator.requests())
}

async fn devices(State(simulator): State<Simulator>) -> Json<Vec<Selectors>> {
    Json(simulator.devices().iter().map(Selectors::of).collect())
}

/// How a device can be named in a request for a reset.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Selectors {
    /// What kind of device it plays.
    pub class: DeviceClass,
    /// The managed device's id.
    pub managed_device_id: String,
    /// Empty if it has none.
    pub serial_number: String,
    /// Empty if it has none.
    pub imei: String,
    /// Empty if it is nobody's.
    pub user_principal_name: String,
}

impl Selectors {
    /// Those of a device.
    pub fn of(device: &Device) -> Self {
        Self {
            class: device.class,
            managed_device_id: device.id.clone(),
            serial_number: device.serial().to_owned(),
            imei: device.text("imei").to_owned(),
            user_principal_name: device.text("userPrincipalName").to_owned(),
        }
    }
}

/// A device to add.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewDevice {
    class: DeviceClass,
    /// Which of the class's examples.
    #[serde(default)]
    number: u32,
    /// Properties that differ from the example's.
    #[serde(default)]
    properties: Map<String, Value>,
    /// Seconds until it answers; absent: as the example does.
    answer_delay: Option<u64>,
    /// What it answers; needs `answerDelay`.
    answer: Option<String>,
}

async fn add_device(State(simulator): State<Simulator>, Json(new): Json<NewDevice>) -> (StatusCode, Json<Selectors>) {
    let mut device = Device::example(new.class, new.number);
    for (name, value) in new.properties {
        device = device.with(&name, value);
    }
    if let Some(seconds) = new.answer_delay {
        let state = new.answer.map_or(ActionState::Done, ActionState::from);
        device = device.with_plan(DevicePlan::answering(state, Duration::from_secs(seconds)));
    }
    let selectors = Selectors::of(&device);
    simulator.add_device(device);
    (StatusCode::CREATED, Json(selectors))
}
