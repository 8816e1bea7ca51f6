//! The claims of the last day in a device lease, for the budgets of policies. A claim that takes the lease over keeps those before it, a claim under
//! which nothing was carried out takes itself out.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::coordination::v1::Lease;
use kube::ResourceExt;
use passcode_core::{
    api::{Time, time::saturating_add},
    policy::PastReset,
};

/// One line for each claim: time, attempt, uid, namespace, IntuneTenant, and what stands for the requester, or `-`.
pub(super) const COUNTED: &str = "passcode-operator.dev/counted-claims";
/// The longest time that a budget can be about.
pub const COUNTED_FOR: SignedDuration = SignedDuration::from_hours(24);
/// How many are kept: where `minInterval` is 0s, one every 5 minutes.
const MOST: usize = 288;
const NOBODY: &str = "-";

/// A reset that was sent, or may have been.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentReset {
    /// Its attempt.
    pub attempt_id: String,
    /// The name of its device lease: which device it was, nothing else that is kept says.
    pub lease: String,
    /// What budgets know of it, but for the device.
    pub reset: PastReset,
}

/// The claims that are told of in a lease. What another version wrote otherwise is passed over.
pub fn of(lease: &Lease) -> Vec<SentReset> {
    let lines = lease.annotations().get(COUNTED).map_or("", String::as_str).lines();
    lines.filter_map(|line| read(&lease.name_any(), line)).collect()
}

/// Adds one.
pub(super) fn add(lease: &mut Lease, sent: &SentReset) {
    let oldest = saturating_add(sent.reset.time, -COUNTED_FOR);
    let mut all = of(lease);
    all.retain(|other| other.reset.time >= oldest && other.attempt_id != sent.attempt_id);
    all.push(sent.clone());
    let first = all.len().saturating_sub(MOST);
    write(lease, &all[first..]);
}

/// Takes one away.
pub(super) fn remove(lease: &mut Lease, attempt_id: &str) {
    let mut all = of(lease);
    all.retain(|other| other.attempt_id != attempt_id);
    write(lease, &all);
}

/// Whether a lease tells of a claim of the last day.
pub(super) fn is_of_today(lease: &Lease, now: Timestamp) -> bool {
    let oldest = saturating_add(now, -COUNTED_FOR);
    of(lease).iter().any(|sent| sent.reset.time >= oldest)
}

fn write(lease: &mut Lease, all: &[SentReset]) {
    if all.is_empty() {
        lease.annotations_mut().remove(COUNTED);
        return;
    }
    let line = |SentReset { attempt_id, reset, .. }: &SentReset| {
        let time = Time(reset.time).floor_to_second();
        let requester = reset.requester.as_deref().unwrap_or(NOBODY);
        format!("{time} {attempt_id} {} {} {} {requester}", reset.uid, reset.namespace, reset.tenant)
    };
    let text = all.iter().map(line).collect::<Vec<_>>().join("\n");
    lease.annotations_mut().insert(COUNTED.to_owned(), text);
}

fn read(lease: &str, line: &str) -> Option<SentReset> {
    let mut words = line.split(' ').map(str::to_owned);
    let time: Time = words.next()?.parse().ok()?;
    let attempt_id = words.next()?;
    let (uid, namespace, tenant) = (words.next()?, words.next()?, words.next()?);
    let requester = words.next().filter(|key| key != NOBODY);
    let reset = PastReset { time: time.0, uid, namespace, tenant, managed_device_id: String::new(), requester };
    Some(SentReset { attempt_id, lease: lease.to_owned(), reset })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(attempt: &str, hour: i64, requester: Option<&str>) -> SentReset {
        let reset = PastReset {
            time: Timestamp::from_second(hour * 3600).unwrap(),
            uid: "uid".to_owned(),
            namespace: "helpdesk".to_owned(),
            tenant: "default".to_owned(),
            managed_device_id: String::new(),
            requester: requester.map(str::to_owned),
        };
        SentReset { attempt_id: attempt.to_owned(), lease: String::new(), reset }
    }

    #[test]
    fn what_is_written_reads_back_and_lasts_a_day() {
        let mut lease = Lease::default();
        let (first, second) = (sent("a", 1, Some("key")), sent("b", 20, None));
        add(&mut lease, &first);
        add(&mut lease, &second);
        assert_eq!(of(&lease), [first, second.clone()]);
        add(&mut lease, &sent("c", 26, None));
        assert_eq!(of(&lease), [second, sent("c", 26, None)]);
        remove(&mut lease, "b");
        assert_eq!(of(&lease), [sent("c", 26, None)]);
        assert!(is_of_today(&lease, Timestamp::from_second(50 * 3600).unwrap()));
        assert!(!is_of_today(&lease, Timestamp::from_second(50 * 3600 + 1).unwrap()));
        remove(&mut lease, "c");
        assert_eq!(lease.annotations().get(COUNTED), None);
    }

    #[test]
    fn there_is_a_most_and_what_cannot_be_read_is_passed_over() {
        let mut lease = Lease::default();
        for attempt in 0..300 {
            add(&mut lease, &sent(&attempt.to_string(), 1, None));
        }
        let kept = of(&lease);
        assert_eq!((kept.len(), kept[0].attempt_id.as_str()), (MOST, "12"));
        let text = "yesterday a b c d e\n1970-01-01T01:00:00Z a\n1970-01-01T01:00:00Z x uid helpdesk default -";
        lease.annotations_mut().insert(COUNTED.to_owned(), text.to_owned());
        assert_eq!(of(&lease), [sent("x", 1, None)]);
    }
}
