//! The status subresource.

use kube::ResourceExt as _;
use kube::api::{Patch, PatchParams, PostParams, ValidationDirective};
use serde_json::json;

use crate::support::*;

#[tokio::test(start_paused = true)]
async fn only_the_status_changes_and_the_generation_stays() {
    let server = server();
    let (api, first) = with_light(&server, "a").await;
    let everything = json!({"metadata": {"labels": {"x": "y"}}, "spec": {"level": 9}, "status": {"phase": "On"}});
    let got = patch_status(&api, "a", everything.clone()).await.unwrap();
    assert_eq!(got.spec, first.spec);
    assert!(got.labels().is_empty());
    assert_eq!(got.metadata.generation, Some(1));
    assert_eq!(got.status, Some(LightStatus { observed_generation: Some(-1), phase: Some("On".into()) }));
    let main = patch(&api, "a", json!({"spec": {"level": 9}, "status": {"phase": "Off"}})).await.unwrap();
    assert_eq!(main.status, got.status);
    assert_eq!((main.spec.level, main.metadata.generation), (Some(9), Some(2)));
}

#[tokio::test(start_paused = true)]
async fn a_write_of_what_is_there_already_stores_nothing() {
    let server = server();
    let (api, _) = with_light(&server, "a").await;
    let first = set_phase(&api, "a", "On").await;
    assert_eq!(version(&set_phase(&api, "a", "On").await), version(&first));
}

#[tokio::test(start_paused = true)]
async fn a_patch_compares_the_resource_version_but_not_the_uid() {
    let server = server();
    let (api, first) = with_light(&server, "a").await;
    set_phase(&api, "a", "On").await;
    let stale = json!({"metadata": {"resourceVersion": first.resource_version()}, "status": {"phase": "Off"}});
    let status = refusal(patch_status(&api, "a", stale).await);
    assert_eq!((status.code, status.reason.as_str()), (409, "Conflict"));
    assert!(status.message.contains("the object has been modified"));
    // As in kube-apiserver: the metadata of a status patch is replaced by the stored one before uids are compared.
    let foreign = json!({"metadata": {"uid": "other"}, "status": {"phase": "Off"}});
    let got = patch_status(&api, "a", foreign).await.unwrap();
    assert_eq!((got.uid(), got.status.unwrap().phase.as_deref()), (first.uid(), Some("Off")));
}

#[tokio::test(start_paused = true)]
async fn a_replace_compares_both() {
    let server = server();
    let (api, first) = with_light(&server, "a").await;
    let mut next = first.clone();
    next.status.get_or_insert_default().phase = Some("On".into());
    let mut foreign = next.clone();
    foreign.metadata.uid = Some("other".into());
    let params = PostParams::default();
    assert_eq!(code_and_reason(api.replace_status("a", &params, &foreign).await), (409, "Conflict".into()));
    assert_eq!(api.replace_status("a", &params, &next).await.unwrap().status, next.status);
    assert_eq!(code_and_reason(api.replace_status("a", &params, &next).await), (409, "Conflict".into()));
}

#[tokio::test(start_paused = true)]
async fn unknown_fields_are_refused_or_dropped_as_asked() {
    let server = server();
    let (api, _) = with_light(&server, "a").await;
    let odd = Patch::Merge(json!({"status": {"phase": "On", "foo": 1}}));
    let with = |directive| PatchParams { field_validation: Some(directive), ..PatchParams::default() };
    let status = refusal(api.patch_status("a", &with(ValidationDirective::Strict), &odd).await);
    assert_eq!((status.code, status.reason.as_str()), (422, "Invalid"));
    assert!(status.message.ends_with(r#"strict decoding error: unknown field "status.foo""#), "{}", status.message);
    let got = api.patch_status("a", &with(ValidationDirective::Warn), &odd).await.unwrap();
    assert_eq!(got.status.unwrap().phase.as_deref(), Some("On"));
    assert_eq!(
        server.object("Light", "default", "a").unwrap()["status"],
        json!({"observedGeneration": -1, "phase": "On"})
    );
}
