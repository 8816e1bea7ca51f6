//! Finding a device, and what is needed to classify it.

use std::cmp::Reverse;

use super::{
    client::{Graph, device_id},
    desk::Urgency,
    exchange::Answered,
    read_error::ReadError,
    reading::Heard,
    request::{Call, DeviceId},
    selector::{Attempt, Selector},
    wire::{Broken, DeviceRow, Page},
};
use crate::platform::device::ManagedDevice;

/// How many candidates are handed over.
const MAX_CANDIDATES: usize = 10;

/// What a selector finds.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "one per look-up, and matched at once")]
pub enum Found {
    /// One device, read on its own from beta.
    One(ManagedDevice),
    /// No device.
    None,
    /// More than one.
    Several {
        /// How many, as far as the first page shows.
        total: usize,
        /// Whether there are further pages, so that `total` is the least.
        more: bool,
        /// The latest sync first, at most ten. Taken from the list: `is_shared_device` is not known of them.
        candidates: Vec<ManagedDevice>,
    },
}

/// What one list read found: rows that match the selector, each device once.
struct Rows {
    rows: Vec<DeviceRow>,
    more: bool,
}

impl Graph {
    /// Looks a device up: one list read, or two where the first finds nothing and letter case may be why, and one
    /// single read of the device found.
    ///
    /// # Errors
    /// [`ReadError`]: nobody knows then whether there is such a device.
    pub async fn find(&self, selector: &Selector, urgency: Urgency) -> Result<Heard<Found>, ReadError> {
        if let Some(problem) = selector.problem() {
            return Err(ReadError::BadSelector(problem));
        }
        if let Selector::ManagedDeviceId(id) = selector {
            return self.single(device_id(id)?, selector, urgency).await;
        }
        let mut nothing = Err(ReadError::BadSelector("The device's selector is empty."));
        for attempt in selector.attempts() {
            let call = Call::List { filter: attempt.filter.clone() };
            let answered = self.read(&call, urgency).await?;
            let found = rows(&answered, selector, &attempt)?;
            match found.rows.as_slice() {
                [] => nothing = answered.heard(Found::None),
                [row] => {
                    let id = row.id.as_deref().and_then(DeviceId::parse);
                    let id = id.ok_or_else(|| answered.broken(Broken("id")))?;
                    return self.single(id, selector, urgency.going_on()).await;
                }
                _ => return answered.heard(several(&answered, found)?),
            }
        }
        nothing
    }

    /// The device on its own, checked again: lists hold defaults in some properties and may lag.
    async fn single(&self, id: DeviceId, selector: &Selector, urgency: Urgency) -> Result<Heard<Found>, ReadError> {
        let answered = self.read(&Call::Device { id: id.clone() }, urgency).await?;
        if answered.is_gone() {
            return answered.heard(Found::None);
        }
        let row: DeviceRow = answered.document()?;
        if !id.is(row.id.as_deref().unwrap_or_default()) {
            return Err(answered.unreadable("it is about another device than was asked for"));
        }
        if !selector.matches(&row) {
            return Err(answered.unreadable("the device does not match what it was found by"));
        }
        let device = row.device().map_err(|e| answered.broken(e))?;
        answered.heard(Found::One(device))
    }
}

/// The rows of a list that match, if it can be believed that there are no others.
fn rows(answered: &Answered, selector: &Selector, attempt: &Attempt) -> Result<Rows, ReadError> {
    let page: Page = answered.document()?;
    let more = page.next_link.is_some();
    let rows = page.value.ok_or_else(|| answered.broken(Broken("value")))?;
    let rows: Vec<DeviceRow> = rows.into_iter().map(|row| row.0).collect();
    let filtered =
        rows.iter().all(|row| if attempt.complete { selector.matches(row) } else { selector.matches_key(row) });
    if !filtered {
        return Err(answered.unreadable("Graph ignored the filter and returned other devices"));
    }
    let mut found: Vec<DeviceRow> = Vec::new();
    for row in rows.into_iter().filter(|row| selector.matches(row)) {
        if !found.iter().any(|other| same_device(other, &row)) {
            found.push(row);
        }
    }
    // An incomplete filter is only a second try: that the exact one found nothing stands.
    let undecided = if attempt.complete { 0..2 } else { 1..2 };
    if more && undecided.contains(&found.len()) {
        return Err(answered.unreadable("there are further pages, and pages are not followed"));
    }
    Ok(Rows { rows: found, more })
}

fn same_device(a: &DeviceRow, b: &DeviceRow) -> bool {
    match (&a.id, &b.id) {
        (Some(a), Some(b)) => a.eq_ignore_ascii_case(b),
        _ => false,
    }
}

fn several(answered: &Answered, found: Rows) -> Result<Found, ReadError> {
    let total = found.rows.len();
    let devices = found.rows.into_iter().map(DeviceRow::device);
    let devices: Result<Vec<ManagedDevice>, Broken> = devices.collect();
    let mut candidates = devices.map_err(|e| answered.broken(e))?;
    candidates.sort_by_key(|device| Reverse(device.last_sync));
    candidates.truncate(MAX_CANDIDATES);
    Ok(Found::Several { total, more: found.more, candidates })
}

#[cfg(test)]
mod tests;
