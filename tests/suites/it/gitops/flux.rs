//! Flux's kustomize-controller, and a repository that the test commits to.
//!
//! Of Flux, only source-controller is played: what it would have fetched is served here, and named in the status of the sample's
//! GitRepository.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs,
    path::Path,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use axum::{
    Router,
    extract::{Path as UrlPath, State},
    http::StatusCode,
    routing::get,
};
use bytes::Bytes;
use control_plane::{ControlPlane, Process, Program};
use k8s_openapi::jiff::Timestamp;
use kube::{
    Api, Client,
    api::{ApiResource, DynamicObject, GroupVersionKind, ObjectMeta, Patch, PatchParams, PostParams},
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::{net::TcpListener, process::Command};
use world::objects::HELPDESK;

use super::programs;

/// What the repository holds at the moment: the files of `resets/`, as JSON, which is YAML.
pub type Files = BTreeMap<&'static str, Value>;

/// What was committed, by the names of the files that are served.
type Archives = Arc<Mutex<BTreeMap<String, Bytes>>>;

/// A running kustomize-controller with the samples applied.
pub struct Flux<'a> {
    plane: &'a ControlPlane,
    client: Client,
    archives: Archives,
    address: String,
    commits: Mutex<usize>,
    _controller: Process,
}

/// How a Kustomization is.
#[derive(Debug)]
pub struct Health {
    /// The status of its condition Ready.
    pub ready: String,
    /// The reason of that.
    pub reason: String,
    /// The message of that.
    pub message: String,
    /// The commit that was tried last.
    pub attempted: String,
}

impl<'a> Flux<'a> {
    /// Starts the controller and applies the samples.
    pub async fn start(plane: &'a ControlPlane) -> Self {
        let programs = programs::directory().await;
        plane.apply(&fs::read_to_string(programs.join("kustomizations.yaml")).unwrap()).await.unwrap();
        for (plural, kind) in
            [("gitrepositories", "GitRepository"), ("ocirepositories", "OCIRepository"), ("buckets", "Bucket")]
        {
            plane.apply(&source_definition(plural, kind).to_string()).await.unwrap();
        }
        let archives = Archives::default();
        let flux = Self {
            plane,
            client: plane.client().await.unwrap(),
            address: begin_serving(Arc::clone(&archives)).await,
            archives,
            commits: Mutex::new(0),
            _controller: controller(plane, &programs.join("kustomize-controller")),
        };
        for file in ["access.yaml", "source.yaml", "resets.yaml"] {
            flux.apply(file).await;
        }
        flux
    }

    /// Applies a file of the samples. A definition serves its objects a moment after it was applied.
    pub async fn apply(&self, file: &str) {
        let manifest = fs::read_to_string(programs::sample("flux").join(file)).unwrap();
        let begin = Instant::now();
        while let Err(error) = self.plane.apply(&manifest).await {
            assert!(begin.elapsed() < Duration::from_secs(20), "{error:#}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Makes a commit, and tells the controller of it as source-controller would. Answers its name.
    pub async fn commit(&self, files: &Files) -> String {
        self.commit_to("resets", files).await
    }

    async fn commit_to(&self, repository: &str, files: &Files) -> String {
        let hash = {
            let mut commits = self.commits.lock().unwrap();
            *commits += 1;
            format!("{:040x}", *commits)
        };
        let (archive, file, revision) = (self.pack(files).await, format!("{hash}.tar.gz"), format!("main@sha1:{hash}"));
        let artifact = json!({
            "url": format!("http://{}/{file}", self.address), "path": file, "revision": revision,
            "digest": format!("sha256:{}", hex(&Sha256::digest(&archive))), "size": archive.len(),
            "lastUpdateTime": now(),
        });
        self.archives.lock().unwrap().insert(file, archive);
        let status = json!({"status": {
            "observedGeneration": 1, "artifact": artifact,
            "conditions": [{
                "type": "Ready", "status": "True", "reason": "Succeeded", "message": "stored artifact",
                "lastTransitionTime": now(), "observedGeneration": 1,
            }],
        }});
        self.repositories().patch_status(repository, &PatchParams::default(), &Patch::Merge(status)).await.unwrap();
        revision
    }

    async fn pack(&self, files: &Files) -> Bytes {
        let directory = tempfile::tempdir_in(self.plane.directory()).unwrap();
        let resets = directory.path().join("resets");
        fs::create_dir(&resets).unwrap();
        for (name, object) in files {
            fs::write(resets.join(format!("{name}.yaml")), object.to_string()).unwrap();
        }
        let tar = Command::new("tar").args(["-cz", "resets"]).current_dir(directory.path()).output().await.unwrap();
        assert!(tar.status.success(), "{}", String::from_utf8_lossy(&tar.stderr));
        tar.stdout.into()
    }

    /// Changes the sample's Kustomization.
    pub async fn change(&self, spec: Value) {
        let patch = Patch::Merge(json!({"spec": spec}));
        self.kustomizations().patch("resets", &PatchParams::default(), &patch).await.unwrap();
    }

    /// Makes another repository, and a Kustomization for it like the sample's but for these fields. Answers the commit.
    pub async fn another(&self, name: &str, files: &Files, spec: Value) -> String {
        let create = async |api: Api<DynamicObject>, fields: Value| {
            let mut object = api.get("resets").await.unwrap();
            object.metadata = ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() };
            object.data["spec"].as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
            api.create(&PostParams::default(), &object).await.unwrap();
        };
        create(self.repositories(), json!({})).await;
        let commit = self.commit_to(name, files).await;
        let mut fields = spec;
        fields["sourceRef"] = json!({"kind": "GitRepository", "name": name});
        create(self.kustomizations(), fields).await;
        commit
    }

    fn repositories(&self) -> Api<DynamicObject> {
        self.api("source.toolkit.fluxcd.io", "GitRepository")
    }

    /// Kustomizations in the help desk's namespace.
    pub fn kustomizations(&self) -> Api<DynamicObject> {
        self.api("kustomize.toolkit.fluxcd.io", "Kustomization")
    }

    fn api(&self, group: &str, kind: &str) -> Api<DynamicObject> {
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, "v1", kind));
        Api::namespaced_with(self.client.clone(), HELPDESK, &resource)
    }

    /// How a Kustomization is.
    async fn health(&self, name: &str) -> Health {
        let object = self.kustomizations().get(name).await.unwrap();
        let conditions = object.data["status"]["conditions"].as_array().cloned().unwrap_or_default();
        let ready = conditions.into_iter().find(|condition| condition["type"] == "Ready").unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Health {
            ready: text(&ready["status"]),
            reason: text(&ready["reason"]),
            message: text(&ready["message"]),
            attempted: text(&object.data["status"]["lastAttemptedRevision"]),
        }
    }

    /// Waits until a Kustomization has come to an end with a commit.
    pub async fn settled(&self, name: &str, commit: &str, at_most: Duration) -> Health {
        let begin = Instant::now();
        loop {
            let health = self.health(name).await;
            if health.attempted == commit && health.ready != "Unknown" {
                return health;
            }
            assert!(begin.elapsed() < at_most, "{name}, {commit}: {health:?}\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// The controller's log.
    pub fn log(&self) -> String {
        fs::read_to_string(self.plane.directory().join("flux.log")).unwrap_or_default()
    }
}

/// Starts the controller, with nothing of this process's environment, in which a proxy may be set.
fn controller(plane: &ControlPlane, program: &Path) -> Process {
    let variable = |name: &str, value: &Path| format!("{name}={}", value.display()).into();
    let mut arguments: Vec<OsString> = vec![
        variable("KUBECONFIG", &plane.admin_kubeconfig()),
        variable("TMPDIR", plane.directory()),
        "RUNTIME_NAMESPACE=flux-system".into(),
        program.into(),
    ];
    let flags = ["--metrics-addr=127.0.0.1:0", "--health-addr=127.0.0.1:0", "--interval-jitter-percentage=0"];
    arguments.extend(flags.map(OsString::from));
    let log = plane.directory().join("flux.log");
    Process::spawn(&Program {
        file: Path::new("/usr/bin/env"),
        arguments: &arguments,
        log: &log,
        leftovers: plane.directory(),
    })
    .unwrap()
}

/// Serves what was committed, and answers where.
async fn begin_serving(archives: Archives) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let files = Router::new().route("/{file}", get(serve)).with_state(archives);
    tokio::spawn(async move { axum::serve(listener, files).await });
    address
}

async fn serve(State(archives): State<Archives>, UrlPath(file): UrlPath<String>) -> Result<Bytes, StatusCode> {
    archives.lock().unwrap().get(&file).cloned().ok_or(StatusCode::NOT_FOUND)
}

fn now() -> String {
    Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// As much of a definition of source-controller as kustomize-controller looks at.
fn source_definition(plural: &str, kind: &str) -> Value {
    let any = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("{plural}.source.toolkit.fluxcd.io")},
        "spec": {
            "group": "source.toolkit.fluxcd.io", "scope": "Namespaced",
            "names": {"plural": plural, "singular": kind.to_lowercase(), "kind": kind},
            "versions": [{
                "name": "v1", "served": true, "storage": true, "subresources": {"status": {}},
                "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": any, "status": any}}},
            }],
        },
    })
}
