//! Finding a device, and what is needed to classify it.

use std::cmp::Reverse;

use serde_json::Value;

use super::{
    client::{Graph, device_id},
    desk::Urgency,
    exchange::Answered,
    read_error::ReadError,
    reading::Heard,
    request::{Call, DeviceId, NextPage},
    selector::{Attempt, Selector},
    wire::{Broken, DeviceRow, Page},
};
use passcode_core::platform::device::ManagedDevice;

/// How many candidates are handed over.
const MAX_CANDIDATES: usize = 10;

/// How many pages of a list are read. A page can be short, or empty, and have a link to a next one all the same.
const MAX_PAGES: usize = 10;

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
        /// How many, as far as the pages show that were read.
        total: usize,
        /// Whether there are further pages, so that `total` is the least.
        more: bool,
        /// The latest sync first, at most ten. Taken from the list: `is_shared_device` is not known of them.
        candidates: Vec<ManagedDevice>,
    },
}

/// What the pages of one list hold: rows that match the selector, each device once.
struct Listed {
    rows: Vec<DeviceRow>,
    /// Whether there are further pages.
    more: bool,
    /// The last answer.
    answered: Answered,
}

impl Graph {
    /// Looks a device up: one list read, or two where the first finds nothing and the way it was written may be why, further pages where one
    /// does not decide, and one single read of the device found.
    ///
    /// # Errors
    /// [`ReadError`]: nobody knows then whether there is such a device. It does not repeat the selector's values.
    pub async fn find(&self, selector: &Selector, urgency: Urgency) -> Result<Heard<Found>, ReadError> {
        self.look_up(selector, urgency).await.map_err(|error| error.hiding(selector))
    }

    async fn look_up(&self, selector: &Selector, urgency: Urgency) -> Result<Heard<Found>, ReadError> {
        if let Some(problem) = selector.problem() {
            return Err(ReadError::BadSelector(problem));
        }
        if let Selector::ManagedDeviceId(id) = selector {
            return self.single(device_id(id)?, selector, urgency).await;
        }
        let attempts = selector.attempts();
        let mut found: Option<Listed> = None;
        for attempt in &attempts {
            if found.as_ref().is_some_and(|found| !found.rows.is_empty()) && !attempt.besides {
                break;
            }
            match self.list(selector, attempt, urgency).await {
                Ok(listed) => found = Some(united(found, listed)),
                // In some tenants every filter on a name fails (graph-explorer issue 3157): the wider one is asked all the same.
                Err(error)
                    if attempt.complete
                        && attempts.iter().any(|other| !other.complete)
                        && may_be_the_filter(&error) => {}
                Err(error) => return Err(error),
            }
        }
        let found = found.ok_or(ReadError::BadSelector("The device's selector is empty."))?;
        match found.rows.as_slice() {
            [] => found.answered.heard(Found::None),
            [row] => {
                let id = row.id.as_deref().and_then(DeviceId::parse);
                let id = id.ok_or_else(|| found.answered.broken(Broken("id")))?;
                self.single(id, selector, urgency.going_on()).await
            }
            _ => several(found),
        }
    }

    /// One list. Its pages are read until they decide: two devices are too many already, whatever else there is.
    async fn list(&self, selector: &Selector, attempt: &Attempt, urgency: Urgency) -> Result<Listed, ReadError> {
        let mut call = Call::List { filter: attempt.filter.clone() };
        let mut urgency = urgency;
        let mut rows = Vec::new();
        for _ in 0..MAX_PAGES {
            let answered = self.read(&call, urgency).await?;
            let next = take_in(&answered, selector, attempt, &mut rows)?;
            let more = next.is_some();
            let Some(link) = next.filter(|_| rows.len() < 2) else { return Ok(Listed { rows, more, answered }) };
            let page = link.as_str().and_then(|link| NextPage::parse(link, self.channel.endpoints.graph()));
            let page = page.ok_or_else(|| answered.unreadable("its link to the next page leads elsewhere"))?;
            call = Call::Page { page };
            urgency = urgency.going_on();
        }
        Err(ReadError::TooManyPages { pages: MAX_PAGES })
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

/// Adds the rows of a page that match, if it can be believed that there are no others; answers the link to the next page.
fn take_in(
    answered: &Answered,
    selector: &Selector,
    attempt: &Attempt,
    found: &mut Vec<DeviceRow>,
) -> Result<Option<Value>, ReadError> {
    let page: Page = answered.document()?;
    let rows = page.value.ok_or_else(|| answered.broken(Broken("value")))?;
    let rows: Vec<DeviceRow> = rows.into_iter().map(|row| row.0).collect();
    let filtered =
        rows.iter().all(|row| if attempt.complete { selector.matches(row) } else { selector.matches_key(row) });
    if !filtered {
        return Err(answered.unreadable("Graph ignored the filter and returned other devices"));
    }
    add(found, rows.into_iter().filter(|row| selector.matches(row)));
    Ok(page.next_link)
}

/// Each device once.
fn add(found: &mut Vec<DeviceRow>, rows: impl IntoIterator<Item = DeviceRow>) {
    for row in rows {
        if !found.iter().any(|other| same_device(other, &row)) {
            found.push(row);
        }
    }
}

fn united(earlier: Option<Listed>, mut later: Listed) -> Listed {
    let Some(earlier) = earlier else { return later };
    let mut rows = earlier.rows;
    add(&mut rows, later.rows);
    later.rows = rows;
    later.more |= earlier.more;
    later
}

/// Whether a list may have failed for its filter, and not for Graph's state: these are the answers that were seen each time.
fn may_be_the_filter(error: &ReadError) -> bool {
    error.refusal().is_some_and(|refusal| matches!(refusal.status, 400 | 500 | 501 | 504))
}

fn same_device(a: &DeviceRow, b: &DeviceRow) -> bool {
    match (&a.id, &b.id) {
        (Some(a), Some(b)) => a.eq_ignore_ascii_case(b),
        _ => false,
    }
}

fn several(found: Listed) -> Result<Heard<Found>, ReadError> {
    let Listed { rows, more, answered } = found;
    let total = rows.len();
    let devices: Result<Vec<ManagedDevice>, Broken> = rows.into_iter().map(DeviceRow::device).collect();
    let mut candidates = devices.map_err(|e| answered.broken(e))?;
    candidates.sort_by_key(|device| Reverse(device.last_sync));
    candidates.truncate(MAX_CANDIDATES);
    answered.heard(Found::Several { total, more, candidates })
}

#[cfg(test)]
#[path = "find/tests.rs"]
mod tests;
