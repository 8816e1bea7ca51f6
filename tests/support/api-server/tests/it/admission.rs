//! Policies and webhooks of a test.

use api_server::{Ruling, Verb, denied_by_policy, denied_by_webhook};
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::json;

use crate::support::*;

#[tokio::test(start_paused = true)]
async fn every_write_is_judged_before_it_is_stored() {
    let server = server();
    let lights = lights(&server.caller("admin"));
    create(&lights, &light("a")).await;
    server.admission(|review| match (review.verb, review.name) {
        (_, "b") => Ruling::Deny(denied_by_webhook(409, "w", "no b").boxed()),
        (Verb::Patch, _) if review.object["status"]["phase"] != review.old["status"]["phase"] => {
            Ruling::Deny(denied_by_policy(422, "p", "no phases").boxed())
        }
        (Verb::Delete, _) => Ruling::Deny(denied_by_policy(403, "p", "none goes").boxed()),
        _ => Ruling::Admit,
    });
    let created = refusal(lights.create(&Default::default(), &light("b")).await);
    assert_eq!((created.code, created.message.as_str()), (409, "admission webhook \"w\" denied the request: no b"));
    let before = server.resource_version();
    let patch = Patch::Merge(json!({"status": {"phase": "On"}}));
    for params in [PatchParams::default(), PatchParams { dry_run: true, ..PatchParams::default() }] {
        let patched = refusal(lights.patch_status("a", &params, &patch).await);
        assert_eq!((patched.code, patched.reason.as_str()), (422, "Invalid"));
        assert!(patched.details.unwrap().causes[0].message.ends_with("denied request: no phases"));
    }
    assert_eq!(refusal(lights.delete("a", &DeleteParams::default()).await).code, 403);
    assert_eq!(server.resource_version(), before, "nothing was stored");
    server.admit_all();
    lights.patch_status("a", &PatchParams::default(), &patch).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_write_may_be_stored_as_another() {
    let server = server();
    let lights = lights(&server.caller("admin"));
    server.admission(|review| {
        let mut object = review.object.clone();
        object["metadata"]["labels"] = json!({"seen": "yes"});
        Ruling::Change(object)
    });
    let created = create(&lights, &light("a")).await;
    assert_eq!(created.metadata.labels.unwrap()["seen"], "yes");
}
