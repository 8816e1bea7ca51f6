//! Requests that a pull request brings: by their times, and beside each other.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp, ToSpan, tz::TimeZone};

use super::{documents::Document, report::Report, rule::Rule};
use passcode_core::{
    api::{
        Time,
        reset::{DeviceSelector, PasscodeReset},
    },
    lifecycle::decide::FARTHEST,
};

/// A request, and until when it would be sent.
pub(super) struct Request<'a> {
    pub(super) document: &'a Document,
    pub(super) reset: &'a PasscodeReset,
    pub(super) until: Timestamp,
    pub(super) unchanged: bool,
}

impl Request<'_> {
    fn from(&self) -> Timestamp {
        self.reset.spec.request_time.0
    }

    /// Whether both ask for the same device of the same tenant.
    fn same_device(&self, other: &Self) -> bool {
        self.device() == other.device()
    }

    fn device(&self) -> (&str, Device) {
        (&self.reset.spec.tenant_ref.name, device(&self.reset.spec.device))
    }

    /// The field that names the device.
    fn selector(&self) -> String {
        format!("spec.device.{}", device(&self.reset.spec.device).field)
    }

    /// The field from which the end of its time follows.
    fn deadline(&self) -> &'static str {
        if self.reset.spec.expiration_time.is_some() { "spec.expirationTime" } else { "spec.requestTime" }
    }
}

/// A device as a request names it. Letter case is ignored, as the operator does.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Device {
    field: &'static str,
    values: [String; 3],
}

fn device(selector: &DeviceSelector) -> Device {
    let fields = [
        ("serialNumber", &selector.serial_number),
        ("imei", &selector.imei),
        ("managedDeviceId", &selector.managed_device_id),
        ("azureADDeviceId", &selector.azure_ad_device_id),
        ("userPrincipalName", &selector.user_principal_name),
    ];
    let (field, value) = fields.into_iter().find(|(_, value)| value.is_some()).unwrap_or(fields[0]);
    let plain = |value: &Option<String>| value.as_deref().unwrap_or_default().trim().to_lowercase();
    Device { field, values: [value, &selector.device_name, &selector.operating_system].map(plain) }
}

/// Judges a request that the revision does not have; `gone` are those that only the revision has.
pub(super) fn judge_new(new: &Request<'_>, gone: &[Request<'_>], revision: &str, now: Timestamp, report: &mut Report) {
    let is_it = |old: &&Request<'_>| old.same_device(new) && old.from() == new.from();
    if let Some(old) = gone.iter().find(is_it) {
        let place = new.document.at("metadata.name").by_line();
        let was = old.document.place.by_line();
        let text = format!(
            "this is {} of {revision} ({was}) under another name or namespace, and so a new object: the old one is deleted, with \
             its status and what was decided about it, and this one asks again. Keep name and namespace; a file may move. For a new reset leave the \
             old file and add one with requestTime now",
            old.reset.full_name(),
        );
        report.refuse(&place, Rule::RenamedObject, text);
    } else if new.until <= now {
        expired(new, now, report);
    } else if new.from().duration_since(now) > FARTHEST {
        let days = FARTHEST.as_hours() / 24;
        let text = format!(
            "requestTime {} is more than {days} days ahead, and would be Rejected (RequestTimeTooFar){}. Write a time within {days} days",
            Time(new.from()),
            other_year(new.from(), -1, now),
        );
        report.refuse(&new.document.at("spec.requestTime").by_line(), Rule::RequestTimeTooFar, text);
    }
}

fn expired(new: &Request<'_>, now: Timestamp, report: &mut Report) {
    let because = match new.reset.spec.expiration_time {
        Some(_) => "",
        None => " (requestTime and the time that the tenant gives, 24h if it says nothing else)",
    };
    let text = format!(
        "it could be sent until {}{because}, which is past: nothing would be sent, and it would end Expired{}. Write the requestTime of \
         today, or leave the file out",
        Time(new.until),
        other_year(new.from(), 1, now),
    );
    report.refuse(&new.document.at(new.deadline()).by_line(), Rule::ExpiredRequest, text);
}

/// Asks whether another year was meant, where the time is near then.
fn other_year(time: Timestamp, years: i64, now: Timestamp) -> String {
    let moved = time.to_zoned(TimeZone::UTC).checked_add(years.years());
    let near = |moved: &jiff::Zoned| {
        let ahead = moved.timestamp().duration_since(now);
        ahead > SignedDuration::from_hours(-7 * 24) && ahead <= FARTHEST
    };
    moved.ok().filter(near).map_or_else(String::new, |moved| format!(": was the year {} meant?", moved.year()))
}

/// Judges requests beside each other: two for one device at the same time, of which one is new.
pub(super) fn judge_together(requests: &[Request<'_>], now: Timestamp, report: &mut Report) {
    let mut by_device: BTreeMap<_, Vec<&Request<'_>>> = BTreeMap::new();
    // What is only tried or over disturbs nobody.
    for request in requests.iter().filter(|request| !request.reset.spec.dry_run && request.until > now) {
        by_device.entry(request.device()).or_default().push(request);
    }
    for mut requests in by_device.into_values() {
        requests.sort_by_key(|request| !request.unchanged);
        for (index, new) in requests.iter().enumerate().filter(|(_, request)| !request.unchanged) {
            let meets = |other: &&&Request<'_>| {
                other.from() < new.until && new.from() < other.until && !is_same_object(other, new)
            };
            if let Some(other) = requests[..index].iter().find(meets) {
                same_device(new, other, report);
            }
        }
    }
}

/// The same object twice is said already.
fn is_same_object(one: &Request<'_>, other: &Request<'_>) -> bool {
    one.reset.metadata.name.is_some() && one.reset.full_name() == other.reset.full_name()
}

fn same_device(new: &Request<'_>, other: &Request<'_>, report: &mut Report) {
    let selector = new.selector();
    let text = format!(
        "{selector} is also that of {} ({}), which may be sent until {}: one of the two would wait for the other, or end without a reset \
         of its own. Leave one of them out, or write a requestTime after that",
        other.reset.full_name(),
        other.document.at(&selector).by_line(),
        Time(other.until),
    );
    report.refuse(&new.document.at(&selector).by_line(), Rule::SameDevice, text);
}
