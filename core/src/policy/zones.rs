//! The time zones that come with the program: an image has none, and what a policy means must not depend on the machine.

use jiff::tz::{TimeZone, TimeZoneDatabase};

/// The time zone of this name.
///
/// # Errors
///
/// What to write instead.
pub(super) fn named(name: &str) -> Result<TimeZone, String> {
    let zones = TimeZoneDatabase::bundled();
    zones.get(name).map_err(|_| {
        let instead = nearest(&zones, name).unwrap_or_else(|| "a name such as Europe/Amsterdam or UTC".to_owned());
        format!("there is no time zone {name:?} in the IANA time zone database of this version: write {instead}")
    })
}

/// The zone that somebody most likely meant: the one of this city, or one whose name is a few letters away.
fn nearest(zones: &TimeZoneDatabase, name: &str) -> Option<String> {
    let wanted = name.to_ascii_lowercase().replace(' ', "_");
    if wanted.is_empty() {
        return None;
    }
    let names: Vec<String> = zones.available().map(|zone| zone.to_string()).collect();
    let mut of_city = names.iter().filter(|zone| zone.to_ascii_lowercase().rsplit('/').next() == Some(&wanted));
    if let (Some(only), None) = (of_city.next(), of_city.next()) {
        return Some(only.clone());
    }
    let steps = |zone: &String| strsim::levenshtein(&zone.to_ascii_lowercase(), &wanted);
    let nearest = names.iter().min_by_key(|zone| (steps(zone), *zone))?;
    (steps(nearest) * 4 <= wanted.len()).then(|| nearest.clone())
}
