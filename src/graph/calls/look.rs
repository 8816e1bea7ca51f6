//! A look: one single read of a device and Intune's record of what was asked of it, the ledger.

use k8s_openapi::jiff::Timestamp;

use super::{
    client::{Graph, device_id},
    desk::Urgency,
    exchange::Answered,
    read_error::ReadError,
    reading::Heard,
    request::{Call, DeviceId},
    wire::{Broken, LookRow, time},
};
use passcode_core::platform::device::ActionResult;

/// What a look showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// The device and its ledger.
    Seen {
        /// `deviceActionResults`, of all actions, in Graph's order. Empty means that Graph said so.
        results: Vec<ActionResult>,
        /// `enrolledDateTime`; `None` for the sentinels of years 0001 and 9999.
        enrolled: Option<Timestamp>,
        /// `lastSyncDateTime`; `None` for the sentinels of years 0001 and 9999.
        last_sync: Option<Timestamp>,
    },
    /// Graph knows no such device (404).
    Gone,
}

impl Graph {
    /// Looks at a device with one single read of v1.0. Lists show empty ledgers and are no evidence
    /// (powershell-intune-samples issues 35, 252).
    ///
    /// # Errors
    /// [`ReadError`]: nobody knows then what the ledger holds. That includes a ledger that is missing or `null`, an
    /// entry that cannot be read, and an answer without `Date` or about another device.
    pub async fn look(&self, managed_device_id: &str, urgency: Urgency) -> Result<Heard<Look>, ReadError> {
        let id = device_id(managed_device_id)?;
        let answered = self.read(&Call::Look { id: id.clone() }, urgency).await?;
        if answered.is_gone() {
            return answered.heard(Look::Gone);
        }
        let look = seen(&answered, &id)?;
        answered.heard(look)
    }
}

fn seen(answered: &Answered, id: &DeviceId) -> Result<Look, ReadError> {
    let row: LookRow = answered.document()?;
    if !id.is(row.id.as_deref().unwrap_or_default()) {
        return Err(answered.unreadable("it is about another device than was asked for"));
    }
    ledger(row).map_err(|e| answered.broken(e))
}

fn ledger(row: LookRow) -> Result<Look, Broken> {
    let results = row.device_action_results.ok_or(Broken("deviceActionResults"))?;
    let results: Result<Vec<ActionResult>, Broken> = results.into_iter().map(|row| row.0.result()).collect();
    Ok(Look::Seen {
        results: results?,
        enrolled: time(row.enrolled_date_time.as_deref()).ok_or(Broken("enrolledDateTime"))?,
        last_sync: time(row.last_sync_date_time.as_deref()).ok_or(Broken("lastSyncDateTime"))?,
    })
}

#[cfg(test)]
#[path = "look/tests.rs"]
mod tests;
