//! A look: one single read of a device and Intune's record of what was asked of it, the ledger.

use passcode_core::platform::{ActionResult, Look};

use super::{
    client::{Graph, device_id},
    read_error::ReadError,
    request::{Call, DeviceId},
    wire::{Broken, LookRow, time},
};
use crate::graph::{
    http::{GraphResponse, Timed},
    limits::Priority,
};

impl Graph {
    /// Looks at a device with one single read of v1.0. Lists show empty ledgers and are no evidence
    /// (powershell-intune-samples issues 35, 252).
    ///
    /// # Errors
    /// [`ReadError`]: it cannot be told then what the ledger holds. That includes a ledger that is missing or `null`, an
    /// entry that cannot be read, and an answer without `Date` or about another device.
    pub async fn look(&self, managed_device_id: &str, priority: Priority) -> Result<Timed<Look>, ReadError> {
        let id = device_id(managed_device_id)?;
        let response = self.read(&Call::Look { id: id.clone() }, priority).await?;
        if response.is_gone() {
            return response.timed(Look::Gone);
        }
        let look = seen(&response, &id)?;
        response.timed(look)
    }
}

fn seen(response: &GraphResponse, id: &DeviceId) -> Result<Look, ReadError> {
    let row: LookRow = response.document()?;
    if !id.is(row.id.as_deref().unwrap_or_default()) {
        return Err(response.unreadable("it is about another device than was asked for"));
    }
    ledger(row).map_err(|e| response.broken(e))
}

/// What the ledger shows; one that is missing or `null` is none.
pub(super) fn ledger(row: LookRow) -> Result<Look, Broken> {
    let results = row.device_action_results.ok_or(Broken("deviceActionResults"))?;
    let results: Result<Vec<ActionResult>, Broken> = results.into_iter().map(|row| row.0.result()).collect();
    Ok(Look::Seen {
        results: results?,
        enrolled: time(row.enrolled_date_time.as_deref()).ok_or(Broken("enrolledDateTime"))?,
        last_sync: time(row.last_sync_date_time.as_deref()).ok_or(Broken("lastSyncDateTime"))?,
    })
}

#[cfg(test)]
mod tests;
