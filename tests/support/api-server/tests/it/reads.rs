//! Get and list.

use kube::api::{GetParams, ListParams};
use kube::core::PartialObjectMeta;
use kube::{Api, ResourceExt as _};

use crate::support::*;

fn names(list: kube::Result<kube::core::ObjectList<Light>>) -> Vec<String> {
    list.unwrap().items.iter().map(kube::ResourceExt::name_any).collect()
}

#[tokio::test(start_paused = true)]
async fn lists_are_narrowed_by_selectors_and_namespace() {
    let server = server();
    server.create_namespace("other", &[]);
    let api = lights(&server.caller("admin"));
    create(&api, &labelled("a", "team", "it")).await;
    create(&api, &labelled("b", "team", "hr")).await;
    let other: Api<Light> = Api::namespaced(server.client(), "other");
    create(&other, &light("c")).await;
    set_phase(&api, "b", "On").await;
    let all: Api<Light> = Api::all(server.client());
    assert_eq!(names(all.list(&ListParams::default()).await), ["a", "b", "c"]);
    assert_eq!(names(api.list(&ListParams::default()).await), ["a", "b"]);
    assert_eq!(names(all.list(&ListParams::default().labels("team in (it,hr),team!=hr")).await), ["a"]);
    assert_eq!(names(all.list(&ListParams::default().fields("status.phase=")).await), ["a", "c"]);
    assert_eq!(names(all.list(&ListParams::default().fields("status.phase=On")).await), ["b"]);
    assert_eq!(names(all.list(&ListParams::default().fields("metadata.namespace=other")).await), ["c"]);
    let status = refusal(all.list(&ListParams::default().fields("spec.color=red")).await);
    assert_eq!((status.code, status.message.as_str()), (400, "field label not supported: spec.color"));
}

#[tokio::test(start_paused = true)]
async fn pages_show_one_moment() {
    let server = server();
    let api = lights(&server.caller("admin"));
    for name in ["a", "b", "c"] {
        create(&api, &light(name)).await;
    }
    let first = api.list(&ListParams::default().limit(2)).await.unwrap();
    assert_eq!((first.items.len(), first.metadata.remaining_item_count), (2, Some(1)));
    create(&api, &light("d")).await;
    let token = first.metadata.continue_.unwrap();
    let second = api.list(&ListParams::default().limit(2).continue_token(&token)).await.unwrap();
    assert_eq!((second.items.len(), second.items[0].name_any().as_str()), (1, "c"));
    assert_eq!(second.metadata.resource_version, first.metadata.resource_version);
    server.compact(server.resource_version());
    let late = api.list(&ListParams::default().limit(2).continue_token(&token)).await;
    assert_eq!(code_and_reason(late), (410, "Expired".into()));
}

#[tokio::test(start_paused = true)]
async fn a_list_may_ask_for_one_version() {
    let server = server();
    let (api, first) = with_light(&server, "a").await;
    create(&api, &light("b")).await;
    let then = ListParams::default().at(&first.resource_version().unwrap()).matching(kube::api::VersionMatch::Exact);
    assert_eq!(names(api.list(&then).await), ["a"]);
    let future = ListParams::default().at("999");
    assert_eq!(code_and_reason(api.list(&future).await), (504, "Timeout".into()));
}

#[tokio::test(start_paused = true)]
async fn only_metadata_is_read_if_only_that_is_wanted() {
    let server = server();
    let (api, first) = with_light(&server, "a").await;
    let one: PartialObjectMeta<Light> = api.get_metadata("a").await.unwrap();
    assert_eq!(one.metadata.uid, first.uid());
    assert_eq!(api.list_metadata(&ListParams::default()).await.unwrap().items.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_there_is_not_found() {
    let server = api_server::ApiServer::new();
    let api = lights(&server.caller("admin"));
    assert_eq!(code_and_reason(api.list(&ListParams::default()).await), (404, "NotFound".into()));
    server.register(<Light as kube::CustomResourceExt>::crd());
    let status = refusal(api.get_with("a", &GetParams::default()).await);
    assert_eq!((status.code, status.message.as_str()), (404, r#"lights.example.dev "a" not found"#));
    assert!(server.client().apiserver_version().await.is_err());
}
