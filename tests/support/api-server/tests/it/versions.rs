//! Everything that was ever stored, and what a restore does to it.

use std::time::Duration;

use api_server::{Change, Outcome, Verb};
use futures::StreamExt as _;
use kube::ResourceExt as _;
use kube::api::{DeleteParams, WatchParams};

use crate::support::*;

#[tokio::test(start_paused = true)]
async fn history_has_every_version_with_its_writer_and_time() {
    let server = server();
    let (api, first) = with_light(&server, "a").await;
    tokio::time::advance(Duration::from_secs(10)).await;
    set_phase(&lights(&server.caller("replica-a")), "a", "On").await;
    api.delete("a", &DeleteParams::default()).await.unwrap();
    create(&api, &light("a")).await;
    let history = server.history("Light", "default", "a");
    let changes: Vec<(Change, &str)> =
        history.iter().map(|version| (version.change, version.writer.as_str())).collect();
    assert_eq!(
        changes,
        [
            (Change::Added, "admin"),
            (Change::Modified, "replica-a"),
            (Change::Deleted, "admin"),
            (Change::Added, "admin")
        ]
    );
    assert_eq!(history[1].object["status"]["phase"], "On");
    assert_eq!(history[1].at.duration_since(history[0].at).as_secs(), 10);
    assert!(history.is_sorted_by_key(|version| version.resource_version));
    assert_eq!(history[0].object["metadata"]["uid"], first.uid().unwrap());
}

#[tokio::test(start_paused = true)]
async fn requests_tell_what_became_of_them() {
    let server = server();
    server.set_now("2026-11-22T09:00:00Z".parse().unwrap());
    let (api, first) = with_light(&server, "a").await;
    api.get("a").await.unwrap();
    api.get_opt("b").await.unwrap();
    let requests = server.requests();
    assert_eq!(requests[0].outcome, Outcome::Stored);
    assert_eq!(requests[0].resource_version, Some(version(&first)));
    assert_eq!(requests[0].at, "2026-11-22T09:00:00Z".parse().unwrap());
    assert_eq!(requests[1].outcome, Outcome::Served);
    assert_eq!(requests[2].outcome, Outcome::Refused { code: 404, reason: "NotFound".into() });
    assert_eq!(requests[2].answered, Some(404));
    let writes = server.writes();
    let [write] = writes.as_slice() else { panic!("one write") };
    let call = &write.call;
    assert_eq!((call.client.as_str(), call.verb, call.resource.as_str()), ("admin", Verb::Create, "lights"));
    assert_eq!(
        (call.path.as_str(), call.body["kind"].as_str()),
        ("/apis/example.dev/v1/namespaces/default/lights", Some("Light"))
    );
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "no resource is called")]
async fn a_misspelt_kind_fails() {
    server().objects("Lihgt");
}

#[tokio::test(start_paused = true)]
async fn a_restore_takes_versions_back_and_closes_watches() {
    let server = server();
    let (api, first) = with_light(&server, "a").await;
    let backup = server.snapshot();
    assert_eq!(backup.resource_version(), version(&first));
    let events = follow(&api, &WatchParams::default(), &first.resource_version().unwrap()).await;
    let lost = create(&api, &light("b")).await;
    server.restore(&backup);
    assert!(events.collect::<Vec<_>>().await.is_empty());
    assert_eq!(server.objects("Light").len(), 1);
    assert_eq!(server.history("Light", "default", "b").len(), 1);
    let ever: Vec<String> = server.histories("Light").into_iter().map(|((_, name), _)| name).collect();
    assert_eq!(ever, ["a", "b"]);
    let again = create(&api, &light("b")).await;
    assert_eq!(again.resource_version(), lost.resource_version());
    assert_ne!(again.uid(), lost.uid());
    // Whoever comes back with a version from the future waits for the present to catch up, unaware of what it missed.
    let mut ahead =
        follow(&api, &WatchParams { bookmarks: false, ..WatchParams::default() }, &(version(&again) + 1).to_string())
            .await;
    create(&api, &light("c")).await;
    assert!(is_silent(&mut ahead).await);
    create(&api, &light("d")).await;
    assert_eq!(take(&mut ahead, 1).await, ["ADDED d"]);
}
