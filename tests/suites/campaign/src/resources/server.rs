//! Requests as kubectl sends them, with whatever body.

use std::time::Duration;

use http::{Method, Request};
use kube::{Client, core::response::Status};
use serde_json::Value;
use world::objects::HELPDESK;

use super::values::body;

/// How often a request that met another's write is tried again.
const CONFLICTS: usize = 20;

/// A request that the API server refused.
#[derive(Clone, Debug)]
pub struct Refused {
    /// The HTTP status.
    pub code: u16,
    /// What the person at the keyboard reads.
    pub message: String,
    /// The same in parts: the field, and what is said of it.
    pub causes: Vec<(String, String)>,
}

/// How an object is created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// As kubectl does it: a field that does not exist is refused.
    Strict,
    /// As a client does it that says nothing of the kind: such a field is dropped.
    Lenient,
    /// As kubectl does it with `--dry-run=server`.
    DryRun,
}

impl Manner {
    fn query(self) -> &'static str {
        match self {
            Self::Strict => "?fieldValidation=Strict",
            Self::Lenient => "?fieldValidation=Warn",
            Self::DryRun => "?fieldValidation=Strict&dryRun=All",
        }
    }
}

/// The API server.
#[derive(Clone)]
pub struct Server {
    /// A client that may do everything.
    pub client: Client,
}

impl Server {
    /// Creates an object.
    pub async fn create(&self, object: &Value, manner: Manner) -> Result<Value, Refused> {
        self.send(Method::POST, &format!("{}{}", collection(object), manner.query()), body(object)).await
    }

    /// The object as it is stored; `None`: it is not.
    pub async fn get(&self, object: &Value) -> Option<Value> {
        match self.send(Method::GET, &address(object), Vec::new()).await {
            Ok(stored) => Some(stored),
            Err(refused) if refused.code == 404 => None,
            Err(refused) => panic!("{}: {refused:?}", address(object)),
        }
    }

    /// Puts a changed object in the place of the stored one, on its latest version; `change` answers `None` where there is
    /// nothing to change.
    pub async fn replace(
        &self,
        object: &Value,
        manner: Manner,
        change: impl Fn(&Value) -> Option<Value>,
    ) -> Option<Result<Value, Refused>> {
        let path = format!("{}{}", address(object), manner.query());
        let mut answer = None;
        for _ in 0..CONFLICTS {
            let changed = change(&self.get(object).await?)?;
            let put = self.send(Method::PUT, &path, body(&changed)).await;
            let met_another = put.as_ref().is_err_and(|refused| refused.code == 409);
            answer = Some(put);
            if !met_another {
                break;
            }
        }
        answer
    }

    /// Deletes an object, if it is there.
    pub async fn delete(&self, object: &Value) {
        if let Err(refused) = self.send(Method::DELETE, &address(object), Vec::new()).await {
            assert_eq!(refused.code, 404, "{}: {refused:?}", address(object));
        }
    }

    async fn send(&self, method: Method, path: &str, body: Vec<u8>) -> Result<Value, Refused> {
        // A server that is busy, or sheds load, says so and is asked again; as clients do.
        for pause in [100, 400, 1600, 0] {
            let request = Request::builder().method(method.clone()).uri(path);
            let request = request.header(http::header::CONTENT_TYPE, "application/json").body(body.clone()).unwrap();
            match self.client.request(request).await {
                Ok(answer) => return Ok(answer),
                Err(kube::Error::Api(status)) if status.code == 429 && pause > 0 => {
                    tokio::time::sleep(Duration::from_millis(pause)).await;
                }
                Err(kube::Error::Api(status)) => return Err(refused(*status)),
                Err(error) => panic!("{method} {path}: {error}"),
            }
        }
        unreachable!("the last try answers")
    }
}

fn refused(status: Status) -> Refused {
    let causes = status.details.map(|details| details.causes).unwrap_or_default();
    let causes = causes.into_iter().map(|cause| (cause.field, cause.message)).collect();
    Refused { code: status.code, message: status.message, causes }
}

/// Where objects of this one's kind are created.
fn collection(object: &Value) -> String {
    let namespace = object["metadata"]["namespace"].as_str().unwrap_or(HELPDESK);
    let ours = "/apis/passcode-operator.dev/v1alpha1";
    match object["kind"].as_str().unwrap() {
        "PasscodeReset" => format!("{ours}/namespaces/{namespace}/passcoderesets"),
        "IntuneTenant" => format!("{ours}/intunetenants"),
        "PlatformSupportMatrix" => format!("{ours}/platformsupportmatrices"),
        "PasscodeResetPolicy" => format!("{ours}/passcoderesetpolicies"),
        "PasscodeResetApproval" => format!("{ours}/namespaces/{namespace}/passcoderesetapprovals"),
        "CustomResourceDefinition" => "/apis/apiextensions.k8s.io/v1/customresourcedefinitions".to_owned(),
        "Namespace" => "/api/v1/namespaces".to_owned(),
        "Secret" => format!("/api/v1/namespaces/{namespace}/secrets"),
        other => panic!("{other} is not created here"),
    }
}

fn address(object: &Value) -> String {
    format!("{}/{}", collection(object), object["metadata"]["name"].as_str().unwrap())
}
