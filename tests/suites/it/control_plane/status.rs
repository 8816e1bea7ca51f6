//! Writes of the status, as the operator makes them, and the watch that they end.

use futures::{StreamExt, TryStreamExt};
use kube::{
    Api, ResourceExt,
    api::{WatchEvent, WatchParams},
};
use passcode_core::api::reset::PasscodeReset;
use serde_json::{Value, json};

use super::{
    rules::manifests::reset,
    server::{NAMESPACE, Server},
};

const STRICT: &str = "?fieldValidation=Strict";

/// The operator watches `status.outcome=`, so that resets that have ended cost it nothing: they leave the watch as deleted.
#[tokio::test]
async fn control_plane_watch_of_unfinished_resets_drops_those_that_end() {
    let server = Server::shared().await;
    let mut object = reset("watch");
    object["metadata"]["labels"] = json!({"test": "watch"});
    let resets: Api<PasscodeReset> = Api::namespaced(server.client.clone(), NAMESPACE);
    let parameters =
        WatchParams::default().fields("status.outcome=").labels("test=watch").timeout(20).disable_bookmarks();
    let mut events = resets.watch(&parameters, "0").await.unwrap().boxed();
    let mut next = async || events.try_next().await.unwrap().expect("an event");

    server.create(&object).await;
    assert!(matches!(next().await, WatchEvent::Added(added) if added.name_any() == "watch"));
    server.patch(&object, "/status", "", &json!({"status": {"silentAttempts": 1}})).await.unwrap();
    let modified = next().await;
    assert!(matches!(modified, WatchEvent::Modified(changed) if changed.status.as_ref().unwrap().silent_attempts == 1));
    server.patch(&object, "/status", "", &json!({"status": {"outcome": "Failed"}})).await.unwrap();
    let deleted = next().await;
    assert!(matches!(deleted, WatchEvent::Deleted(gone) if gone.name_any() == "watch"), "it left the watch");
    assert!(resets.get_opt("watch").await.unwrap().is_some(), "it is still there");

    // A watch that starts now does not see it at all.
    let ended =
        resets.list(&kube::api::ListParams::default().fields("status.outcome=").labels("test=watch")).await.unwrap();
    assert!(ended.items.is_empty());
}

#[tokio::test]
async fn control_plane_status_writes_with_preconditions() {
    let server = Server::shared().await;
    let object = reset("preconditions");
    let created = server.create(&object).await;
    let with = |resource_version: &Value, uid: &Value| {
        json!({
            "metadata": {"resourceVersion": resource_version, "uid": uid},
            "status": {"observedGeneration": 1},
        })
    };
    let (old, uid) = (&created["metadata"]["resourceVersion"], &created["metadata"]["uid"]);
    let written = server.patch(&object, "/status", STRICT, &with(old, uid)).await.unwrap();
    assert_eq!(written["status"], json!({"observedGeneration": 1}));
    assert_eq!(written["metadata"]["generation"], 1, "a status is no new generation");

    // Somebody wrote in between.
    let refusal = server.patch(&object, "/status", STRICT, &with(old, uid)).await.unwrap_err();
    assert_eq!(refusal.code, 409, "{}", refusal.message);
    assert!(refusal.message.contains("the object has been modified"), "{}", refusal.message);

    // Another uid: in a write of the status the server passes over it. Only the version says that the object was
    // recreated, so a write without a version would end up in an object that it does not mean.
    let now = &written["metadata"]["resourceVersion"];
    let other = json!("11111111-2222-3333-4444-555555555555");
    let mut patch = with(now, &other);
    patch["status"]["silentAttempts"] = 1.into();
    let written = server.patch(&object, "/status", STRICT, &patch).await.unwrap();
    assert_eq!((&written["metadata"]["uid"], &written["status"]["silentAttempts"]), (uid, &json!(1)));
    // In a write of the object itself it is looked at.
    let patch = json!({"metadata": {"uid": other, "labels": {"a": "b"}}});
    let refusal = server.patch(&object, "", STRICT, &patch).await.unwrap_err();
    assert_eq!(refusal.code, 422, "{}", refusal.message);
    assert!(refusal.message.contains("metadata.uid"), "{}", refusal.message);

    // No object of this name.
    let refusal = server.patch(&reset("nobody"), "/status", STRICT, &with(now, uid)).await.unwrap_err();
    assert_eq!(refusal.code, 404, "{}", refusal.message);
}

/// What the operator's writes rest on: a JSON patch is taken only where all of its tests hold, also that of the uid, which a merge
/// patch of a status is not judged by.
#[tokio::test]
async fn control_plane_status_writes_that_test_what_was_read() {
    let server = Server::shared().await;
    let object = reset("tests");
    let created = server.create(&object).await;
    let attempt = json!({
        "number": 1, "id": "a", "claimTime": "2026-11-22T09:00:00Z", "sendDeadline": "2026-11-22T09:00:30Z", "settleWindow": "280s",
    });
    let uid = &created["metadata"]["uid"];
    let patch = |version: &Value, uid: &Value, id: &str| {
        json!([
            {"op": "test", "path": "/metadata/uid", "value": uid},
            {"op": "test", "path": "/metadata/resourceVersion", "value": version},
            {"op": "test", "path": "/status/attempt/id", "value": id},
            {"op": "add", "path": "/status/silentAttempts", "value": 1},
        ])
    };
    // A test of what is not there does not hold either.
    let refusal = server.patch(&object, "/status", "", &patch(&created["metadata"]["resourceVersion"], uid, "a")).await;
    assert_eq!(refusal.unwrap_err().code, 422);

    let claimed = server.patch(&object, "/status", STRICT, &json!({"status": {"attempt": attempt}})).await.unwrap();
    let version = &claimed["metadata"]["resourceVersion"];
    let other = json!("11111111-2222-3333-4444-555555555555");
    let old = &created["metadata"]["resourceVersion"];
    for wrong in [patch(version, &other, "a"), patch(old, uid, "a"), patch(version, uid, "b")] {
        let refusal = server.patch(&object, "/status", "", &wrong).await.unwrap_err();
        let expected = (422, "the server rejected our request due to an error in our request");
        assert_eq!((refusal.code, refusal.message.as_str()), expected, "{wrong}");
    }
    let written = server.patch(&object, "/status", "", &patch(version, uid, "a")).await.unwrap();
    assert_eq!(written["status"]["silentAttempts"], 1);
    // With what the definition lacks it is refused by name where that is asked for, as a merge patch is.
    let unknown = json!([{"op": "add", "path": "/status/verdict", "value": "x"}]);
    let refusal = server.patch(&object, "/status", STRICT, &unknown).await.unwrap_err();
    assert!(refusal.code == 422 && refusal.message.contains("unknown field \"status.verdict\""), "{}", refusal.message);
}

#[tokio::test]
async fn control_plane_status_writes_with_fields_that_the_definition_lacks() {
    let server = Server::shared().await;
    let object = reset("unknown-fields");
    server.create(&object).await;
    let patch = json!({"status": {"observedGeneration": 1, "device": {"owner": "x"}, "verdict": "x"}});

    // An older definition than the operator's: asked for, the server says so instead of losing what was written.
    let refusal = server.patch(&object, "/status", STRICT, &patch).await.unwrap_err();
    assert_eq!(refusal.code, 422, "{}", refusal.message);
    assert!(refusal.message.contains("unknown field \"status.verdict\""), "{}", refusal.message);
    assert!(refusal.message.contains("unknown field \"status.device.owner\""), "{}", refusal.message);

    // Not asked for, it takes the rest. What was written is lost.
    let patch = json!({"status": {"observedGeneration": 1, "verdict": "x"}});
    let written = server.patch(&object, "/status", "", &patch).await.unwrap();
    assert_eq!(written["status"], json!({"observedGeneration": 1}));
}

/// Words that this definition does not know are taken: an older definition must never refuse an outcome.
#[tokio::test]
async fn control_plane_status_takes_words_of_later_versions() {
    let server = Server::shared().await;
    let object = reset("later-words");
    server.create(&object).await;
    let patch = json!({"status": {
        "outcome": "Superseded", "completionTime": "2026-11-22T09:00:00.123Z",
        "attempt": {
            "number": 1, "id": "x", "claimTime": "2026-11-22T09:00:00.5Z", "sendDeadline": "2026-11-22T09:02:30Z",
            "settleWindow": "280s", "result": "Deferred",
        },
    }});
    let written = server.patch(&object, "/status", STRICT, &patch).await.unwrap();
    let read: PasscodeReset = serde_json::from_value(written).unwrap();
    assert!(read.status.unwrap().outcome.is_some(), "an end all the same");

    // The status does not touch the spec, whatever the write says of it.
    let patch = json!({"spec": {"dryRun": true}, "status": {"silentAttempts": 2}});
    let written = server.patch(&object, "/status", STRICT, &patch).await.unwrap();
    assert_eq!((&written["spec"]["dryRun"], &written["status"]["silentAttempts"]), (&json!(false), &json!(2)));
}
