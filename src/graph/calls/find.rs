//! Finding a device, and what is needed to classify it.

use std::cmp::Reverse;

use serde_json::Value;

use passcode_core::platform::{Found, Look, ManagedDevice};

use super::{
    client::{Graph, device_id},
    look::ledger,
    read_error::ReadError,
    request::{Call, DeviceId, NextPage},
    selector::{ListQuery, Selector},
    wire::{Broken, DeviceRow, Page},
};
use crate::graph::{
    http::{GraphResponse, Timed},
    limits::Priority,
};

/// How many candidates are returned.
const MAX_CANDIDATES: usize = 10;

/// How many pages of a list are read. A page can be short, or empty, and have a link to a next one all the same.
const MAX_PAGES: usize = 10;

/// What the pages of one list hold: rows that match the selector, each device once.
struct Listed {
    rows: Vec<DeviceRow>,
    /// The last response.
    response: GraphResponse,
}

/// Where a selector leads.
#[derive(Debug)]
pub enum Identified {
    /// To this device, which is yet to be read on its own: [`Graph::device`].
    One(Candidate),
    /// To none, or to several.
    NotOne(Timed<Found>),
}

/// A device that lists show for a selector, or that it names.
#[derive(Debug)]
pub struct Candidate {
    id: DeviceId,
    priority: Priority,
}

impl Candidate {
    /// Its managedDeviceId.
    #[must_use]
    pub fn id(&self) -> &str {
        self.id.as_str()
    }
}

impl Graph {
    /// Looks a device up: [`Self::identify`] and [`Self::device`].
    ///
    /// # Errors
    /// As these.
    pub async fn find(&self, selector: &Selector, priority: Priority) -> Result<Timed<Found>, ReadError> {
        match self.identify(selector, priority).await? {
            Identified::One(candidate) => Ok(self.device(&candidate, selector).await?.0),
            Identified::NotOne(found) => Ok(found),
        }
    }

    /// Which device a selector means: one list read, or two where the first finds nothing and the spelling may be the reason, further pages
    /// where one does not decide.
    ///
    /// # Errors
    /// [`ReadError`]: it cannot be told then whether there is such a device. It does not repeat the selector's values.
    pub async fn identify(&self, selector: &Selector, priority: Priority) -> Result<Identified, ReadError> {
        self.look_up(selector, priority).await.map_err(|error| error.hiding(selector))
    }

    /// One single read of the device, checked again: lists hold defaults in some properties and may lag. It shows Intune's record, too, and is
    /// a look of the same time; `None`: it shows none.
    ///
    /// # Errors
    /// [`ReadError`]: it cannot be told then what it is. It does not repeat the selector's values.
    pub async fn device(
        &self,
        candidate: &Candidate,
        selector: &Selector,
    ) -> Result<(Timed<Found>, Option<Look>), ReadError> {
        self.single(candidate, selector).await.map_err(|error| error.hiding(selector))
    }

    async fn look_up(&self, selector: &Selector, priority: Priority) -> Result<Identified, ReadError> {
        if let Some(problem) = selector.problem() {
            return Err(ReadError::BadSelector(problem));
        }
        if let Selector::ManagedDeviceId(id) = selector {
            return Ok(Identified::One(Candidate { id: device_id(id)?, priority }));
        }
        let queries = selector.queries();
        let mut found: Option<Listed> = None;
        for query in &queries {
            if found.as_ref().is_some_and(|found| !found.rows.is_empty()) && !query.besides {
                break;
            }
            match self.list(selector, query, priority).await {
                Ok(listed) => found = Some(united(found, listed)),
                // In some tenants every filter on a name fails (graph-explorer issue 3157): the wider one is tried all the same.
                Err(error)
                    if query.complete && queries.iter().any(|other| !other.complete) && may_be_the_filter(&error) => {}
                Err(error) => return Err(error),
            }
        }
        let found = found.ok_or(ReadError::BadSelector("The device's selector is empty."))?;
        match found.rows.as_slice() {
            [] => Ok(Identified::NotOne(found.response.timed(Found::None)?)),
            [row] => {
                let id = row.id.as_deref().and_then(DeviceId::parse);
                let id = id.ok_or_else(|| found.response.broken(Broken("id")))?;
                Ok(Identified::One(Candidate { id, priority: priority.of_next_read() }))
            }
            _ => Ok(Identified::NotOne(several(found)?)),
        }
    }

    /// One list. Its pages are read until they decide: two devices are too many already, whatever else there is.
    async fn list(&self, selector: &Selector, query: &ListQuery, priority: Priority) -> Result<Listed, ReadError> {
        let mut call = Call::List { filter: query.filter.clone() };
        let mut priority = priority;
        let mut rows = Vec::new();
        for _ in 0..MAX_PAGES {
            let response = self.read(&call, priority).await?;
            let next = take_in(&response, selector, query, &mut rows)?;
            let Some(link) = next.filter(|_| rows.len() < 2) else { return Ok(Listed { rows, response }) };
            let page = link.as_str().and_then(|link| NextPage::parse(link, self.channel.endpoints.graph()));
            let page = page.ok_or_else(|| response.unreadable("its link to the next page leads elsewhere"))?;
            call = Call::Page { page };
            priority = priority.of_next_read();
        }
        Err(ReadError::TooManyPages { pages: MAX_PAGES })
    }

    async fn single(
        &self,
        candidate: &Candidate,
        selector: &Selector,
    ) -> Result<(Timed<Found>, Option<Look>), ReadError> {
        let Candidate { id, priority } = candidate;
        let response = self.read(&Call::Device { id: id.clone() }, *priority).await?;
        if response.is_gone() {
            return Ok((response.timed(Found::None)?, None));
        }
        let mut row: DeviceRow = response.document()?;
        if !id.is(row.id.as_deref().unwrap_or_default()) {
            return Err(response.unreadable("it is about another device than was asked for"));
        }
        if !selector.matches(&row) {
            return Err(response.unreadable("the device does not match what it was found by"));
        }
        let look = ledger(row.take_ledger()).ok();
        let device = row.device().map_err(|e| response.broken(e))?;
        Ok((response.timed(Found::One(Box::new(device)))?, look))
    }
}

/// Adds the rows of a page that match, if the page can be believed to hold no others; returns the link to the next page.
fn take_in(
    response: &GraphResponse,
    selector: &Selector,
    query: &ListQuery,
    found: &mut Vec<DeviceRow>,
) -> Result<Option<Value>, ReadError> {
    let page: Page = response.document()?;
    let rows = page.value.ok_or_else(|| response.broken(Broken("value")))?;
    let rows: Vec<DeviceRow> = rows.into_iter().map(|row| row.0).collect();
    let filtered =
        rows.iter().all(|row| if query.complete { selector.matches(row) } else { selector.matches_key(row) });
    if !filtered {
        return Err(response.unreadable("Graph ignored the filter and returned other devices"));
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
    later
}

/// Whether a list may have failed because of its filter, and not of Graph's state: these are the answers that were seen each time.
fn may_be_the_filter(error: &ReadError) -> bool {
    error.refusal().is_some_and(|refusal| matches!(refusal.status, 400 | 500 | 501 | 504))
}

fn same_device(a: &DeviceRow, b: &DeviceRow) -> bool {
    match (&a.id, &b.id) {
        (Some(a), Some(b)) => a.eq_ignore_ascii_case(b),
        _ => false,
    }
}

fn several(found: Listed) -> Result<Timed<Found>, ReadError> {
    let Listed { rows, response } = found;
    let total = rows.len();
    let devices: Result<Vec<ManagedDevice>, Broken> = rows.into_iter().map(DeviceRow::device).collect();
    let mut candidates = devices.map_err(|e| response.broken(e))?;
    candidates.sort_by_key(|device| Reverse(device.last_sync));
    candidates.truncate(MAX_CANDIDATES);
    response.timed(Found::Several { total, candidates })
}

#[cfg(test)]
mod tests;
