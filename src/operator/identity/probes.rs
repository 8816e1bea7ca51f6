//! One round of probes: creations with `dryRun=All` in the operator's own namespace, of which nothing is ever stored.

use std::time::Duration;

use futures::future::join_all;
use http::{StatusCode, header::DATE};
use k8s_openapi::{api::authentication::v1::SelfSubjectReview, jiff::Timestamp};
use kube::{
    Api, Resource,
    api::{PostParams, Request},
    client::Body,
    core::Status,
};
use serde_json::{Value, json};

use crate::operator::{calls::call_within, cluster::Cluster, denials};
use passcode_core::{
    api::{
        GROUP, REQUESTED_BY, Time, VERSION,
        approval::{ApprovalDecision, PasscodeResetApproval},
        reset::PasscodeReset,
    },
    lifecycle::admission::DenialKind,
    protocol::identity::{Answer, FALSE_NAME, Probe, ROLE, Verdict, judge},
};

/// How long one call may take.
const TIME_OUT: Duration = Duration::from_secs(10);
/// What begins the names of the objects that are never stored.
const NAME: &str = "identity-probe-";
/// A uid and an id that nothing has.
const NOTHING: &str = "00000000-0000-4000-8000-000000000000";

/// Makes a round: its verdict, and the API server's time by its latest answer.
pub async fn round(cluster: &Cluster, now: Timestamp) -> (Verdict, Option<Timestamp>) {
    let own = match own_name(cluster).await {
        Ok(own) => own,
        Err(why) => return (Verdict::CouldNotTell { why }, None),
    };
    let tried = join_all(Probe::ALL.map(|probe| tried(cluster, probe, &own, now))).await;
    let date = tried.iter().filter_map(|(_, _, date)| *date).max();
    let answers: Vec<_> = tried.into_iter().map(|(probe, answer, _)| (probe, answer)).collect();
    (judge(&own, &answers), date)
}

/// The name by which the API server knows this process.
async fn own_name(cluster: &Cluster) -> Result<String, String> {
    let reviews: Api<SelfSubjectReview> = Api::all(cluster.client.clone());
    let (parameters, asked) = (PostParams::default(), SelfSubjectReview::default());
    let review = call_within(TIME_OUT, reviews.create(&parameters, &asked)).await;
    let review = review.map_err(|error| error.to_string())?;
    let name = review.status.and_then(|status| status.user_info?.username);
    name.ok_or_else(|| "the API server does not say by which name it knows the operator".to_owned())
}

async fn tried(cluster: &Cluster, probe: Probe, own: &str, now: Timestamp) -> (Probe, Answer, Option<Timestamp>) {
    let (answer, date) = match tokio::time::timeout(TIME_OUT, created(cluster, probe, own, now)).await {
        Ok(Ok((answer, date))) => (answer, date),
        Ok(Err(error)) => (Answer::Unclear(error.to_string()), None),
        Err(_) => (Answer::Unclear(format!("no answer within {} s", TIME_OUT.as_secs())), None),
    };
    (probe, answer, date)
}

async fn created(
    cluster: &Cluster,
    probe: Probe,
    own: &str,
    now: Timestamp,
) -> kube::Result<(Answer, Option<Timestamp>)> {
    let namespace = Some(cluster.namespace.as_str());
    let (path, object) = match probe {
        Probe::Requester => (PasscodeReset::url_path(&(), namespace), reset(now)),
        probe => (PasscodeResetApproval::url_path(&(), namespace), approval(probe, own)),
    };
    let parameters = PostParams { dry_run: true, ..PostParams::default() };
    let request = Request::new(path).create(&parameters, object.to_string().into_bytes());
    let response = cluster.client.send(request.map_err(kube::Error::BuildRequest)?.map(Body::from)).await?;
    let date = response.headers().get(DATE).and_then(|date| date.to_str().ok());
    let date = date.and_then(|date| httpdate::parse_http_date(date).ok()?.try_into().ok());
    let code = response.status();
    let body = response.into_body().collect_bytes().await?;
    let answer = if code == StatusCode::NOT_FOUND {
        Answer::Unclear(
            "the cluster has no PasscodeResetApprovals; their definition comes with those of the operator".to_owned(),
        )
    } else if code.is_success() {
        Answer::Stored(name_in(probe, &serde_json::from_slice(&body).map_err(kube::Error::SerdeError)?))
    } else {
        refused(&serde_json::from_slice(&body).map_err(kube::Error::SerdeError)?)
    };
    Ok((answer, date))
}

/// The name that would have been stored.
fn name_in(probe: Probe, object: &Value) -> Option<String> {
    let name = match probe {
        Probe::Requester => &object["metadata"]["annotations"][REQUESTED_BY],
        _ => &object["spec"]["approver"],
    };
    name.as_str().map(str::to_owned)
}

fn refused(status: &Status) -> Answer {
    if let Some(denial) = denials::denial(status) {
        return match denial.kind {
            DenialKind::NotNow | DenialKind::Unavailable => Answer::Unclear(denial.to_string()),
            _ => Answer::Denied(denial.sentence),
        };
    }
    match status.code {
        401 | 403 => Answer::Forbidden(status.message.clone()),
        429 | 500.. => Answer::Unclear(status.message.clone()),
        _ => Answer::Refused(status.message.clone()),
    }
}

fn approval(probe: Probe, own: &str) -> Value {
    let mut spec = json!({
        "request": {"kind": "PasscodeReset", "name": "identity-probe", "uid": NOTHING},
        "decision": ApprovalDecision::Approved,
        "approver": own,
        "reason": "The operator tries whether identity is enforced.",
    });
    match probe {
        Probe::Name => spec["approver"] = FALSE_NAME.into(),
        Probe::Role => spec["role"] = ROLE.into(),
        Probe::Override => spec["decision"] = json!(ApprovalDecision::Overridden),
        Probe::Requester => {}
    }
    object("PasscodeResetApproval", json!({"generateName": NAME}), spec)
}

fn reset(now: Timestamp) -> Value {
    let metadata = json!({"generateName": NAME, "annotations": {REQUESTED_BY: FALSE_NAME}});
    let spec = json!({
        "device": {"managedDeviceId": NOTHING},
        "requestTime": Time(now).floor_to_second(),
        "dryRun": true,
        "justification": "The operator tries whether identity is enforced.",
    });
    object("PasscodeReset", metadata, spec)
}

fn object(kind: &str, metadata: Value, spec: Value) -> Value {
    json!({"apiVersion": format!("{GROUP}/{VERSION}"), "kind": kind, "metadata": metadata, "spec": spec})
}
