//! Whoever may write IntuneTenants cannot have a credential sent to a server of theirs, and no key of a certificate is sent to anybody.

use std::{
    net::TcpListener,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use bytes::Bytes;
use graph_simulator::{App, DeviceClass, EXAMPLE_CLIENT, EXAMPLE_SECRET, EXAMPLE_TENANT, EXCHANGE_AUDIENCE};
use k8s_openapi::{ByteString, api::core::v1::Secret};
use kube::{Api, api::PostParams};
use passcode_operator::{
    graph::{AllowedOrigins, ConfigError, Endpoints, Exchange, Transport, TransportError},
    operator::transports::Transports,
};
use serde_json::{Value, json};
use world::{
    World,
    objects::{OPERATOR, reset, tenant_by},
    transport::InProcess,
};

use super::{
    signing_in::{APP, CLUSTER, SUBJECT, certificate_for, project},
    tenants::goes_on_once_mended,
};

/// A server that is nobody's business: a real socket, so that nothing here can pass for silence.
struct Listener {
    socket: TcpListener,
    origin: String,
}

impl Listener {
    fn open() -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        socket.set_nonblocking(true).unwrap();
        let origin = format!("https://{}", socket.local_addr().unwrap());
        Self { socket, origin }
    }

    /// Whether anybody has connected: the kernel takes a connection before anybody accepts it.
    fn was_contacted(&self) -> bool {
        self.socket.accept().is_ok()
    }
}

/// The simulator, and the network for every other host.
#[derive(Clone)]
struct Outside {
    inside: InProcess,
    /// What was sent out there: the address, the headers and the body.
    sent: Arc<Mutex<Vec<String>>>,
}

impl Transports for Outside {
    fn to(&self, _: &Endpoints) -> Result<Arc<dyn Transport>, ConfigError> {
        Ok(Arc::new(self.clone()))
    }
}

#[async_trait]
impl Transport for Outside {
    async fn send(
        &self,
        request: http::Request<Bytes>,
        how: Exchange,
    ) -> Result<http::Response<Bytes>, TransportError> {
        let authority = request.uri().authority().unwrap().clone();
        if authority.host() != "127.0.0.1" {
            return self.inside.send(request, how).await;
        }
        let text = format!("{} {:?} {:?}", request.uri(), request.headers(), request.body());
        self.sent.lock().unwrap().push(text);
        std::net::TcpStream::connect(authority.as_str()).unwrap();
        Err(TransportError::Lost("closed".to_owned()))
    }
}

/// Every kind of sign-in, as a tenant says it.
fn kinds() -> [(&'static str, &'static str, Value); 4] {
    [
        ("secret", EXAMPLE_CLIENT, json!({"clientSecretRef": {"name": "graph-credentials"}})),
        ("certificate", APP, json!({"clientCertificateRef": {"name": "graph-tls"}})),
        ("workload identity", APP, json!({"workloadIdentity": {}})),
        ("managed identity", APP, json!({"managedIdentity": {}})),
    ]
}

/// A world in which all of these work.
async fn world() -> (World, tempfile::TempDir) {
    let mut world = World::empty().await;
    let certificate = certificate_for(-24, 24 * 30);
    let app = App::new(APP).with_certificate(&certificate.certificate);
    world.graph.add_app(EXAMPLE_TENANT, app.with_federated(CLUSTER.federated(SUBJECT, EXCHANGE_AUDIENCE)));
    world.graph.configure(|settings| settings.node = Some(vec![APP.to_owned()]));
    world.put_certificate(&certificate.certificate, &certificate.key).await;
    let directory = tempfile::tempdir().unwrap();
    world.token_file = directory.path().join("token");
    project(&world, &CLUSTER, SUBJECT, EXCHANGE_AUDIENCE);
    (world, directory)
}

/// A tenant whose `field` of endpoints is the listener, and a reset; the operator may send there what is `allowed`.
async fn turned(
    field: &str,
    (client, auth): (&str, Value),
    allowed: &str,
    listener: &Listener,
) -> (World, Vec<String>) {
    let (mut world, _directory) = world().await;
    world.allowed_origins = AllowedOrigins::parse([allowed]).unwrap();
    if field == "graph" {
        // Entra gives tokens for whatever is its Graph.
        world.graph.configure(|settings| settings.graph_origin.clone_from(&listener.origin));
    }
    let mut tenant = tenant_by("default", client, auth);
    tenant["spec"]["endpoints"][field] = json!(listener.origin);
    world.create_tenant(tenant).await;
    let sent = Arc::new(Mutex::new(Vec::new()));
    let transports = Outside { inside: InProcess(world.graph.clone()), sent: sent.clone() };
    let replica = world.replica_by("a", Arc::new(transports));
    let (serial, _) = world.device(DeviceClass::IPhone, 1);
    world.create(reset("inc1", &serial, world.now())).await;
    tokio::time::sleep(std::time::Duration::from_secs(600)).await;
    replica.stop().await;
    let sent = sent.lock().unwrap().clone();
    (world, sent)
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_to_a_server_that_nobody_allowed_by_any_kind_of_sign_in() {
    for (kind, client, auth) in kinds() {
        for field in ["graph", "authority"] {
            let listener = Listener::open();
            let others = "https://other.example https://127.0.0.1:1 https://127.0.0.1";
            let (world, sent) = turned(field, (client, auth.clone()), others, &listener).await;
            assert!(!listener.was_contacted() && sent.is_empty(), "{kind}, {field}: {sent:?}");
            // Nor is anybody else asked for a token that would be meant for that server.
            assert!(world.graph.token_requests().is_empty(), "{kind}, {field}");
            assert!(world.graph.requests().is_empty(), "{kind}, {field}");
            let (reason, says) = world.tenant_says("default").await;
            assert_eq!(reason, "InvalidConfiguration", "{kind}, {field}: {says}");
            let origin = &listener.origin;
            assert!(says.starts_with(&format!("endpoints.{field} is {origin}, and this operator sends")), "{says}");
            assert!(says.contains(&format!("run --allowed-endpoint {origin}, or ALLOWED_ENDPOINTS")), "{says}");
            let status = world.held("inc1", "TenantNotReady", "InvalidConfiguration: endpoints.").await;
            assert!(status.attempt.is_none());
        }
    }
}

/// The same with the server allowed: what the test above looks for does happen there.
#[tokio::test(start_paused = true)]
async fn an_allowed_server_is_asked_by_every_kind_of_sign_in() {
    for (kind, client, auth) in kinds() {
        for field in ["graph", "authority"] {
            if (kind, field) == ("managed identity", "authority") {
                // The node's metadata service gives the token, and Entra is not asked.
                continue;
            }
            let listener = Listener::open();
            let allowed =
                format!("https://other.example {}/", listener.origin.to_uppercase().replace("HTTPS", "https"));
            let (_, sent) = turned(field, (client, auth.clone()), &allowed, &listener).await;
            assert!(listener.was_contacted(), "{kind}, {field}");
            let credential = match (field, kind) {
                ("graph", _) => "authorization",
                (_, "secret") => "client_secret=",
                _ => "client_assertion=",
            };
            assert!(sent.iter().any(|request| request.contains(credential)), "{kind}, {field}: {sent:?}");
        }
    }
}

/// Puts a Secret of this type into the place of the tenant's.
async fn put(world: &World, type_: Option<&str>, key: &str, value: &[u8]) {
    world.delete_secret().await;
    let secret = Secret {
        metadata: kube::api::ObjectMeta { name: Some("graph-credentials".to_owned()), ..Default::default() },
        type_: type_.map(str::to_owned),
        data: Some([(key.to_owned(), ByteString(value.to_vec()))].into()),
        ..Secret::default()
    };
    Api::namespaced(world.client.clone(), OPERATOR).create(&PostParams::default(), &secret).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_key_of_a_certificate_is_not_sent_as_a_client_secret() {
    let pair = certificate_for(-24, 24 * 30);
    let encoded = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, &pair.key);
    let tls = Some("kubernetes.io/tls");
    for (type_, key, value, says) in [
        (tls, "tls.key", pair.key.as_bytes(), "is of type kubernetes.io/tls: none of its keys is sent"),
        (tls, "key.der", &[0x30, 0x82], "is of type kubernetes.io/tls: none of its keys is sent"),
        (tls, "clientSecret", EXAMPLE_SECRET.as_bytes(), "is of type kubernetes.io/tls: none of its keys is sent"),
        (Some("kubernetes.io/service-account-token"), "token", b"eyJ", "none of its keys is sent as a client secret"),
        (
            Some("Opaque"),
            "tls.key",
            pair.key.as_bytes(),
            "has PEM text (a certificate or a key) under the key \"tls.key\"",
        ),
        (
            None,
            "clientSecret",
            encoded.as_bytes(),
            "has PEM text (a certificate or a key) under the key \"clientSecret\"",
        ),
        (None, "clientSecret", &[0x30, 0x82, 0xff], "has something binary under the key \"clientSecret\""),
    ] {
        let world = World::empty().await;
        let auth = json!({"clientSecretRef": {"name": "graph-credentials", "key": key}});
        world.create_tenant(tenant_by("default", EXAMPLE_CLIENT, auth)).await;
        put(&world, type_, key, value).await;
        goes_on_once_mended(world, "InvalidConfiguration", says, async |world| {
            assert!(world.graph.token_requests().is_empty(), "{type_:?} {key}");
            let (_, told) = world.tenant_says("default").await;
            assert!(told.contains("Put the client secret's value into a Secret of type Opaque."), "{told}");
            assert!(!told.contains("PRIVATE") && !told.contains("eyJ"), "{told}");
            put(world, None, key, EXAMPLE_SECRET.as_bytes()).await;
        })
        .await;
    }
}
