//! The forms of times and of lengths of time.

use serde_json::json;

use super::{Accepted, Case, Refused, case, check, manifests::reset};

const TIME: &str =
    "write a time such as 2026-11-22T09:00:00Z or 2026-11-22T10:00:00+01:00: a day that exists, whole seconds";
const LENGTH: &str =
    "write a length of time in hours, minutes and seconds, such as 168h, 90m or 1h30m; days are not a unit (7d";
const TIMEOUT: &str = "write completionTimeout as a length of time from 1m to 2160h";

/// The cases.
pub fn cases() -> Vec<Case> {
    [times(), lengths()].into_iter().flatten().collect()
}

fn times() -> Vec<Case> {
    let accepted = [
        "2026-11-22T09:00:00Z",
        "2026-11-22T09:00:00+01:00",
        "2026-11-22T09:00:00-00:00",
        "2026-11-22T09:00:00+23:59",
        "2026-11-22T09:00:00-23:59",
        "2000-01-01T00:00:00Z",
        "2099-12-31T23:59:59-23:59",
        "2026-04-30T00:00:00Z",
        "2000-02-29T00:00:00Z",
        "2028-02-29T00:00:00Z",
    ];
    let refused = [
        // Days that do not exist.
        "2026-02-29T00:00:00Z",
        "2026-02-30T00:00:00Z",
        "2028-02-30T00:00:00Z",
        "2026-04-31T00:00:00Z",
        "2026-11-00T00:00:00Z",
        "2026-00-22T00:00:00Z",
        "2026-13-22T00:00:00Z",
        // Times of day that do not exist. A leap second does, but not to everybody who reads it.
        "2026-11-22T24:00:00Z",
        "2026-11-22T09:60:00Z",
        "2026-12-31T23:59:60Z",
        // Fractions, the last as Graph writes them.
        "2026-11-22T09:00:00.5Z",
        "2026-11-22T09:00:00.0000000Z",
        "2026-11-22T09:00:00,5Z",
        // Without an offset, and offsets in other forms.
        "2026-11-22T09:00:00",
        "2026-11-22T09:00:00+1:00",
        "2026-11-22T09:00:00+0100",
        "2026-11-22T09:00:00+24:00",
        "2026-11-22T09:00:00+01:60",
        "2026-11-22T09:00:00 CET",
        // Other forms of a time.
        "2026-11-22T09:00:00z",
        "2026-11-22t09:00:00Z",
        "2026-11-22 09:00:00Z",
        "2026-11-22T09:00Z",
        "2026-11-22",
        "22.11.2026 09:00",
        "1999-12-31T23:59:59Z",
        "2100-01-01T00:00:00Z",
        "12026-11-22T09:00:00Z",
        "2026-11-22T09:00:00Z\n",
        " 2026-11-22T09:00:00Z",
        "now",
        "",
    ];
    let mut cases: Vec<Case> = accepted.map(|time| case("spec.requestTime", time, Accepted)).into();
    cases.extend(refused.map(|time| case("spec.requestTime", time, Refused(TIME))));
    cases.push(case("spec.requestTime", json!(null), Refused("spec.requestTime: Required value")));
    cases.push(case("spec.requestTime", 1_795_338_000, Refused("spec.requestTime in body must be of type string")));
    cases.push(case(
        "spec.requestTime",
        "9".repeat(65),
        Refused("spec.requestTime: Too long: may not be more than 64"),
    ));
    cases
}

fn lengths() -> Vec<Case> {
    let accepted = ["168h", "90m", "1h30m", "60s", "60000ms", "1m", "2160h", "2159h59m60s", "59s1000ms", "00001h"];
    let refused = [
        "7d",
        "1w",
        "P7D",
        "PT1H",
        "90",
        "1.5h",
        "-1h",
        "+1h",
        "1h 30m",
        "1H",
        "1us",
        "1ns",
        "1µs",
        "123456h",
        "1h1h1h1h1h",
        "h",
        "",
        " 1h",
        "1h\n",
    ];
    let mut cases: Vec<Case> = accepted.map(|length| case("spec.completionTimeout", length, Accepted)).into();
    cases.extend(refused.map(|length| case("spec.completionTimeout", length, Refused(LENGTH))));
    cases.extend(
        ["0s", "59s", "59999ms", "2161h", "2160h1ms", "99999h99999h99999h99999h"]
            .map(|length| case("spec.completionTimeout", length, Refused(TIMEOUT))),
    );
    cases.push(case("spec.completionTimeout", json!(null), Accepted));
    cases.push(case("spec.completionTimeout", 3600, Refused("spec.completionTimeout in body must be of type string")));
    cases.push(case(
        "spec.completionTimeout",
        "1".repeat(65),
        Refused("completionTimeout: Too long: may not be more than 64"),
    ));
    cases
}

#[tokio::test]
async fn control_plane_rules_of_times() {
    check(&reset("times"), &cases()).await;
}
