//! How wide `kubectl get pcr -o wide` is before the message, for all that the built-in matrices can say.

use std::{collections::BTreeMap, fs, path::Path};

use passcode_core::{
    api::reasons::{self, Place, Reason},
    platform::{builtin_names, builtin_spec},
};
use serde_json::json;

use super::{
    finished::{COLUMNS, kubectl, store},
    server::Server,
};

/// What the columns show of one reset, besides its name, its times and its device's id.
#[derive(Clone, Debug)]
struct Row {
    platform: String,
    action: &'static str,
    ready: &'static str,
    reason: String,
}

/// A ticket's number as a name, and an age such as `5d23h`.
const NAME: &str = "inc0090001";
const AGE: usize = 5;

impl Row {
    /// Where the message begins: kubectl pads each column to its longest cell, of which the heading is one, and three spaces more.
    fn width(&self, age: usize) -> usize {
        let time = "2026-11-22T09:00:00Z".len();
        let id = "705c034c-034c-705c-4c03-5c704c035c70".len();
        let columns = [
            ("NAME", NAME.len()),
            ("PLATFORM", self.platform.len()),
            ("ACTION", self.action.len()),
            ("READY", self.ready.len()),
            ("REASON", self.reason.len()),
            ("REQUESTED", time),
            ("AGE", age),
            ("DEVICE ID", id),
        ];
        columns.iter().map(|(heading, cell)| heading.len().max(*cell) + 3).sum()
    }
}

/// Every class with every action and reason that a reset of it can show while a built-in matrix decides.
fn rows() -> Vec<Row> {
    let closed = reasons::all().filter_map(|reason| Some((ready(reason)?, reason.reason.to_owned())));
    let closed: Vec<(&str, String)> = closed.collect();
    assert!(closed.len() > 25, "{closed:?}");
    let mut rows = Vec::new();
    for rule in builtin_names().into_iter().flat_map(|name| builtin_spec(name).unwrap().rules) {
        let verdict = if rule.action.is_some() { "True" } else { "False" };
        let own = [(verdict, rule.reason.clone())];
        for platform in &rule.matches.platforms {
            rows.extend(closed.iter().chain(&own).map(|(ready, reason)| Row {
                platform: platform.clone(),
                action: rule.action.map_or("", |action| action.as_str()),
                ready,
                reason: reason.clone(),
            }));
        }
    }
    rows
}

/// What `Ready` is with a reason of the closed list; none where it is not the reason of a reset's `Ready`.
fn ready(reason: &Reason) -> Option<&'static str> {
    let of_ready = matches!(reason.place, Place::Waiting | Place::Complete | Place::Rejected | Place::Failed);
    of_ready.then_some(reason.status?.as_str())
}

/// The classes that do not fit, with by how many columns at most.
fn too_wide() -> BTreeMap<String, usize> {
    let mut found = BTreeMap::new();
    for row in rows() {
        let beyond = row.width(AGE).saturating_sub(COLUMNS);
        if beyond > 0 {
            let most = found.entry(row.platform).or_insert(0);
            *most = beyond.max(*most);
        }
    }
    found
}

#[test]
fn columns_fit_a_terminal_but_for_the_classes_that_the_record_names() {
    let record =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/decisions/0037-kubectl-get-wide-ends-with-the-message.md");
    let record = fs::read_to_string(record).unwrap();
    let cells = record.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |")?.split_once(" | "));
    let named: BTreeMap<_, _> =
        cells.filter_map(|(class, most)| Some((class.to_owned(), most.parse().ok()?))).collect();
    assert_eq!(too_wide(), named);
}

/// kubectl pads as it is reckoned here, and the message is the last column.
#[tokio::test]
async fn control_plane_columns_are_as_wide_as_reckoned() {
    let server = Server::shared().await;
    let object = store(&server, "healthy_complete.yaml", NAME).await;
    let rows = rows();
    let widest = rows.iter().max_by_key(|row| row.width(AGE)).unwrap();
    let narrowest = rows.iter().min_by_key(|row| row.width(AGE)).unwrap();
    for row in [widest, narrowest] {
        let ready = json!({
            "type": "Ready", "status": row.ready, "reason": row.reason, "message": "What is known.",
            "lastTransitionTime": "2026-11-22T09:00:00Z", "observedGeneration": 1,
        });
        let action = Some(row.action).filter(|action| !action.is_empty());
        let status =
            json!({"conditions": [ready], "device": {"platform": row.platform}, "support": {"action": action}});
        server.patch(&object, "/status", "", &json!({"status": status})).await.unwrap();
        let wide = kubectl(&server, &["get", "pcr", NAME, "-o", "wide"]).await;
        let (heading, cells) = wide.split_once('\n').unwrap();
        let age = cells.split_whitespace().rev().nth(4).unwrap().len();
        assert!(heading.ends_with("MESSAGE") && heading.find("MESSAGE") == Some(row.width(age)), "{row:?}: {wide}");
    }
}

/// Without `-o wide` it fits a narrower window.
#[tokio::test]
async fn control_plane_narrow_columns_fit_too() {
    let server = Server::shared().await;
    for (file, name) in [
        ("healthy_complete.yaml", "inc0090002"),
        ("healthy_adopted.yaml", "inc0090003"),
        ("degraded_rejected.yaml", "inc0090004"),
        ("suspended_waiting_for_device.yaml", "inc0090005"),
    ] {
        store(&server, file, name).await;
        let narrow = kubectl(&server, &["get", "pcr", name]).await;
        assert!(narrow.lines().all(|line| line.len() <= 120), "{narrow}");
    }
}
