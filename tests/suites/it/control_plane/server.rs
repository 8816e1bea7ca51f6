//! The control plane that the tests of this module share, and requests as kubectl would send them.

use control_plane::{ControlPlane, Options};
use http::{Method, Request};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::{
    Api, Client, ResourceExt,
    api::PostParams,
    core::response::Status,
    runtime::{conditions::is_crd_established, wait::await_condition},
};
use passcode_core::api::manifests;
use serde_json::Value;
use tokio::sync::OnceCell;

/// The namespace of the objects that are stored.
pub const NAMESPACE: &str = "default";

/// One for all tests of this process: it takes some seconds to start, and they do not disturb each other.
static SHARED: OnceCell<ControlPlane> = OnceCell::const_new();

/// A kube-apiserver with the operator's definitions installed.
pub struct Server {
    /// The control plane, for kubectl.
    pub plane: &'static ControlPlane,
    /// A client that may do everything.
    pub client: Client,
}

/// A request that the server refused.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// The HTTP status.
    pub code: u16,
    /// What the person at the keyboard reads.
    pub message: String,
}

impl Server {
    /// The shared server. Each caller gets a client of its own, because a client belongs to the runtime that it is made in.
    pub async fn shared() -> Self {
        let plane = SHARED
            .get_or_init(|| async {
                let plane = ControlPlane::start(Options::default()).await.expect("the control plane starts");
                install(plane.client().await.expect("a client")).await;
                plane
            })
            .await;
        Self { plane, client: plane.client().await.expect("a client") }
    }

    /// Creates an object without storing it: everything is checked and defaulted, and what would be stored comes back.
    pub async fn try_out(&self, object: &Value) -> Result<Value, Refusal> {
        self.send(Method::POST, &format!("{}?dryRun=All&fieldValidation=Strict", collection(object)), object).await
    }

    /// Creates an object and stores it.
    pub async fn create(&self, object: &Value) -> Value {
        self.send(Method::POST, &format!("{}?fieldValidation=Strict", collection(object)), object).await.unwrap()
    }

    /// The same as a client does that does not ask for strict validation.
    pub async fn create_leniently(&self, object: &Value) -> Value {
        self.send(Method::POST, &collection(object), object).await.unwrap()
    }

    /// Changes a stored object by a merge patch, or by a JSON patch where that is a list. `subresource` is empty or `/status`; `query` is empty or starts with `?`.
    pub async fn patch(&self, object: &Value, subresource: &str, query: &str, patch: &Value) -> Result<Value, Refusal> {
        let name = object["metadata"]["name"].as_str().expect("a name");
        self.send(Method::PATCH, &format!("{}/{name}{subresource}{query}", collection(object)), patch).await
    }

    /// Sends a request with whatever body, which a typed client would refuse to write.
    async fn send(&self, method: Method, path: &str, body: &Value) -> Result<Value, Refusal> {
        let kind = match method {
            Method::PATCH if body.is_array() => "application/json-patch+json",
            Method::PATCH => "application/merge-patch+json",
            _ => "application/json",
        };
        let request = Request::builder().method(method).uri(path).header(http::header::CONTENT_TYPE, kind);
        let request = request.body(serde_json::to_vec(body).expect("JSON")).expect("a request");
        match self.client.request(request).await {
            Ok(answer) => Ok(answer),
            Err(kube::Error::Api(status)) => Err(refusal(&status)),
            Err(error) => panic!("the API server did not answer: {error}\n{}", self.plane.log_tails()),
        }
    }
}

fn refusal(status: &Status) -> Refusal {
    Refusal { code: status.code, message: status.message.clone() }
}

/// The address under which objects of this one's kind are created.
fn collection(object: &Value) -> String {
    let plural = match object["kind"].as_str().expect("a kind") {
        "PasscodeReset" => format!("namespaces/{NAMESPACE}/passcoderesets"),
        "IntuneTenant" => "intunetenants".to_owned(),
        "PlatformSupportMatrix" => "platformsupportmatrices".to_owned(),
        "PasscodeResetPolicy" => "passcoderesetpolicies".to_owned(),
        "PasscodeResetApproval" => format!("namespaces/{NAMESPACE}/passcoderesetapprovals"),
        other => panic!("{other} is not one of the operator's kinds"),
    };
    format!("/apis/passcode-operator.dev/v1alpha1/{plural}")
}

/// Installs the definitions as the operator would generate them now, not as `crds/` has them.
pub async fn install(client: Client) {
    let definitions: Api<CustomResourceDefinition> = Api::all(client);
    for definition in manifests::definitions().expect("the definitions") {
        let name = definition.name_any();
        // The server compiles every rule and estimates what it may cost at worst; what is too expensive is refused here.
        if let Err(error) = definitions.create(&PostParams::default(), &definition).await {
            panic!("the API server does not take the definition of {name}: {error}");
        }
        await_condition(definitions.clone(), &name, is_crd_established()).await.expect("the definition is established");
    }
}
