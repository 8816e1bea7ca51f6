//! Recognisable values are planted wherever a secret or a person can be: none of them may come out anywhere.

use std::{
    io::Write,
    sync::{Arc, Mutex},
    time::Duration,
};

use azure_core::credentials::Secret;
use base64::Engine;
use graph_simulator::{
    ActionState, App, ClientCertificate, Device, DeviceClass, DevicePlan, EXAMPLE_CLIENT, EXAMPLE_SECRET,
    EXAMPLE_TENANT, EXCHANGE_AUDIENCE, Fault, PathClass, READ_PERMISSION, RESET_PERMISSION, RetryAfter, Revocation,
    Rule, TokenFormat, planted,
};
use passcode_core::api::reset_status::Outcome;
use passcode_operator::{
    graph::{Action, Certificate, Cloud, Credentials, Endpoints, Graph, Priority, Selector, SystemClock},
    telemetry::logs::{self, Format},
};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use world::{
    World,
    changes::BY_ITSELF,
    objects::{OPERATOR, tenant_by},
    transport::InProcess,
};

use super::signing_in::{CLUSTER, SUBJECT, certificate_for, project};

/// What every planted value contains, in lower case: the client secret, the passcode, an unlock PIN, users, device names. What cannot
/// be chosen, a private key and assertions, is looked for as it is.
const MARK: &str = "planted";
/// The apps that sign in by the pod's token and by certificate.
const BY_TOKEN: &str = "11111111-0000-4000-8000-000000000002";
const BY_CERTIFICATE: &str = "11111111-0000-4000-8000-000000000003";
/// The client secret in base64, as its Secret holds it; and what tokens of the simulator begin with.
const ENCODED: [&str; 3] = ["uexbtlrfr", "opaque.", "eyj"];
const HOUR: Duration = Duration::from_secs(3600);

fn user(number: u32) -> String {
    format!("planted.user{number}@contoso.example")
}

/// A phone whose user, name and new passcode are planted.
fn phone(number: u32) -> Device {
    let device = Device::example(DeviceClass::AndroidFullyManaged, number).of_user(&user(number));
    ["deviceName", "managedDeviceName", "userDisplayName", "phoneNumber"]
        .into_iter()
        .fold(device, |device, property| device.with(property, json!(format!("Planted phone {number}"))))
}

/// The phone, and a reset of it that names its user and its own name.
async fn ask(world: &World, name: &str, number: u32, change: impl FnOnce(Device) -> Device) -> String {
    let (_, id) = world.add(change(phone(number)));
    let selector = json!({"userPrincipalName": user(number), "deviceName": format!("Planted phone {number}")});
    world.ask_with(name, selector, json!({"justification": "Planted: locked out"})).await;
    id
}

async fn ends(world: &World, name: &str, outcome: Outcome, reason: &str) {
    world.ends(name, HOUR, outcome, reason).await;
}

const DONE: (Outcome, &str) = (Outcome::Complete, "TemporaryPasscode");

/// Everything that can happen to a reset, as far as what is planted comes near it.
async fn all_that_happens(world: &World) {
    world.put_secret(OPERATOR, "clientSecret", "PLANTED but wrong").await;
    ask(world, "held", 1, |device| device).await;
    world.held("held", "TenantNotReady", "AADSTS7000215").await;
    world.put_secret(OPERATOR, "clientSecret", EXAMPLE_SECRET).await;
    ends(world, "held", DONE.0, DONE.1).await;

    reads_that_fail(world).await;
    answers_that_repeat_the_question(world).await;
    requests_that_fail(world).await;
    devices_that_answer(world).await;
    tokens_that_end(world).await;
}

/// Tenants that sign in with an assertion: refused first, by Entra and by the operator, then good.
async fn assertions(world: &World, certificate: &ClientCertificate) {
    world.graph.add_app(EXAMPLE_TENANT, App::new(BY_TOKEN));
    world.graph.add_app(EXAMPLE_TENANT, App::new(BY_CERTIFICATE));
    project(world, &CLUSTER, SUBJECT, EXCHANGE_AUDIENCE);
    world.put_certificate(&certificate.certificate, "PLANTED, and no key").await;
    world.create_tenant(tenant_by("by-token", BY_TOKEN, json!({"workloadIdentity": {}}))).await;
    let auth = json!({"clientCertificateRef": {"name": "graph-tls"}});
    world.create_tenant(tenant_by("by-certificate", BY_CERTIFICATE, auth)).await;
    for (name, number) in [("by-token", 90), ("by-certificate", 91)] {
        world.add(phone(number));
        let selector = json!({"userPrincipalName": user(number)});
        world.ask_with(name, selector, json!({"tenantRef": {"name": name}})).await;
    }
    world.held("by-token", "TenantNotReady", "AADSTS70025").await;
    world.held("by-certificate", "TenantNotReady", "tls.key holds no private key").await;
    let another = certificate_for(-1, 1000);
    world.put_certificate(&certificate.certificate, &another.key).await;
    world.held("by-certificate", "TenantNotReady", "tls.key is not the key").await;
    world.put_certificate(&certificate.certificate, &certificate.key).await;
    world.held("by-certificate", "TenantNotReady", "AADSTS700027").await;

    let trusted = CLUSTER.federated(SUBJECT, EXCHANGE_AUDIENCE);
    world.graph.change_app(BY_TOKEN, |app| app.federated.push(trusted));
    world.graph.change_app(BY_CERTIFICATE, |app| app.certificates.push(certificate.certificate.clone()));
    for name in ["by-token", "by-certificate"] {
        ends(world, name, DONE.0, DONE.1).await;
    }
}

/// Texts that give a key or an assertion away: each line of the key, what its Secret holds, and each part of each assertion.
fn secret_texts(world: &World, certificate: &ClientCertificate) -> Vec<String> {
    let stored = base64::engine::general_purpose::STANDARD.encode(&certificate.key);
    let lines = certificate.key.lines().filter(|line| line.len() == 64).map(str::to_owned);
    // Not from its beginning, which every PEM has, and in pieces, for whatever is printed may be cut.
    let stored = (100..1500).step_by(100).map(|at| stored[at..at + 60].to_owned());
    let assertions = world.graph.token_requests().into_iter().filter_map(|request| request.assertion);
    let parts = assertions.flat_map(|assertion| assertion.split('.').map(str::to_owned).collect::<Vec<_>>());
    let texts: Vec<String> = lines.chain(stored).chain(parts).map(|text| text.to_ascii_lowercase()).collect();
    assert!(texts.len() > 40, "{}", texts.len());
    texts
}

async fn reads_that_fail(world: &World) {
    let broken = [
        Fault::malformed_json(),
        Fault::cut_body(),
        Fault::none().without_date(),
        Fault::html(503),
        Fault::status(404).without_request_id(),
        Fault::status(400),
        Fault::redirect("https://planted.example/"),
    ];
    for (fault, number) in broken.into_iter().zip(10..) {
        let id = phone(number).id;
        world.graph.script(Rule::on(PathClass::Read, fault.clone()).device(&id).times(1));
        world.graph.script(Rule::on(PathClass::Read, fault.clone()).device(&id).nth(2));
        world.graph.script(Rule::on(PathClass::List, fault).times(1));
        let name = format!("read{number}");
        ask(world, &name, number, |device| device).await;
        ends(world, &name, DONE.0, DONE.1).await;
        world.graph.clear_faults();
    }
    for number in [20, 21] {
        world.add(phone(number).of_user(&user(20)));
    }
    world.ask("several", json!({"userPrincipalName": user(20)})).await;
    ends(world, "several", Outcome::Rejected, "AmbiguousDevice").await;
    world.ask("nobody", json!({"userPrincipalName": user(22)})).await;
    ends(world, "nobody", Outcome::Rejected, "DeviceNotFound").await;
    world.graph.configure(|settings| settings.ignore_every_filter = true);
    world.ask("ignored", json!({"userPrincipalName": user(22)})).await;
    world.held("ignored", "LookingUp", "ignored the filter").await;
    world.graph.configure(|settings| settings.ignore_every_filter = false);
    ends(world, "ignored", Outcome::Rejected, "DeviceNotFound").await;
}

/// Graph's sentence with the filter, the user's name and the phone's, in the ways in which an error repeats them.
fn repeating(number: u32) -> Vec<String> {
    let (user, phone) = (user(number), format!("Planted phone {number}"));
    let encoded = |text: &str| text.replace('@', "%40").replace(' ', "%20");
    vec![
        format!("Invalid filter clause: userPrincipalName eq '{user}' and deviceName eq '{phone}'."),
        format!(
            "$filter=userPrincipalName%20eq%20%27{}%27%20and%20deviceName%20eq%20%27{}%27",
            encoded(&user),
            encoded(&phone)
        ),
        format!("No {} of {}", phone.to_uppercase(), user.to_uppercase()),
        format!("No &quot;{}&quot; of {}", phone.replace(' ', "&#32;"), user.replace('@', "&#64;")),
        format!(r#"No \"{}\" of {}"#, phone.replace(' ', "\\u0020"), user.replace('@', "\\u0040")),
        format!("{}{phone}", "Long words come first. ".repeat(12)),
    ]
}

/// Reads of every kind, and the request itself, refused with a sentence that names whom it is about.
async fn answers_that_repeat_the_question(world: &World) {
    let statuses = [400, 401, 403, 404, 405, 409, 429, 500, 503];
    for (status, number) in statuses.into_iter().zip(200..) {
        let id = phone(number).id;
        let mut sentences = repeating(number).into_iter().cycle().skip(usize::from(status));
        let mut fault = || Fault::error(status, "BadRequest", &sentences.next().unwrap());
        for _ in 0..6 {
            world.graph.script(Rule::on(PathClass::List, fault()).times(1));
        }
        if status != 404 {
            world.graph.script(Rule::on(PathClass::Read, fault()).device(&id).times(1));
            world.graph.script(Rule::on(PathClass::Read, fault()).device(&id).nth(2));
        }
        if [403, 429, 500, 503].contains(&status) {
            world.graph.script(Rule::on(PathClass::Action, fault()).device(&id).once());
        }
        let name = format!("repeated{number}");
        ask(world, &name, number, |device| device).await;
        ends(world, &name, DONE.0, DONE.1).await;
        world.graph.clear_faults();
    }
}

async fn requests_that_fail(world: &World) {
    let refused = (Outcome::Rejected, "RefusedByIntune");
    let answers = [
        (Fault::status(500).executed(), DONE),
        (Fault::lost().executed(), DONE),
        (Fault::malformed_json(), DONE),
        (Fault::throttled(Duration::from_secs(2), RetryAfter::Missing), DONE),
        (Fault::status(403), DONE),
        (Fault::approval_required(), DONE),
        (Fault::unknown_segment(), DONE),
        (Fault::refused_by_intune(), refused),
        (Fault::status(404), refused),
        (Fault::connection_refused(), DONE),
    ];
    for ((fault, (outcome, reason)), number) in answers.into_iter().zip(30..) {
        world.graph.script(Rule::on(PathClass::Action, fault).once());
        let name = format!("sent{number}");
        ask(world, &name, number, |device| device).await;
        ends(world, &name, outcome, reason).await;
        world.graph.clear_faults();
    }
}

async fn devices_that_answer(world: &World) {
    let ten = Duration::from_secs(10);
    ask(world, "failed", 50, |device| device.with_plan(DevicePlan::failing(-2_016_330_876, ten))).await;
    let unsupported = DevicePlan::answering(ActionState::NotSupported, ten);
    ask(world, "unsupported", 51, |device| device.with_plan(unsupported)).await;
    ends(world, "failed", Outcome::Failed, "DeviceRefused").await;
    ends(world, "unsupported", Outcome::Rejected, "NotSupportedByDevice").await;

    let by_hand = phone(52);
    world.add(by_hand.clone());
    let started = graph_simulator::graph_time(world.now());
    world.graph.plant_entry(&by_hand.id, planted::remote_lock(&started, "planted-pin-0815"));
    world.graph.plant_entry(&by_hand.id, planted::reset(&started, "done", "planted-passcode-4711"));
    world.ask("adopted", json!({"managedDeviceId": by_hand.id})).await;
    ends(world, "adopted", Outcome::Complete, "Adopted").await;

    for (name, number) in [("gone", 53), ("deleted", 54)] {
        let id = ask(world, name, number, |device| device.with_plan(DevicePlan::never())).await;
        world.held(name, "WaitingForDevice", "not answered yet").await;
        match name {
            "gone" => assert!(world.graph.retire(&id)),
            _ => drop(world.resets().delete(name, &Default::default()).await.unwrap()),
        }
    }
    ends(world, "gone", Outcome::Failed, "DeviceGone").await;
    for (class, reason) in [(DeviceClass::Unknown, "PlatformUnknown"), (DeviceClass::MacBook, "PlatformNotSupported")] {
        let name = format!("{class:?}").to_lowercase();
        let device = Device::example(class, 60).of_user(&user(60)).with("deviceName", json!("planted"));
        world.add(device.clone());
        world.ask(&name, json!({"managedDeviceId": device.id})).await;
        ends(world, &name, Outcome::Rejected, reason).await;
    }
}

async fn tokens_that_end(world: &World) {
    world.graph.configure(|settings| settings.latency = Duration::from_millis(100));
    for (kind, number) in [(Revocation::Plain, 70), (Revocation::ClaimsChallenge, 71)] {
        world.graph.revoke_tokens(EXAMPLE_CLIENT, kind);
        let name = format!("token{number}");
        ask(world, &name, number, |device| device).await;
        ends(world, &name, DONE.0, DONE.1).await;
    }
    world.graph.change_app(EXAMPLE_CLIENT, |app| app.permissions = [RESET_PERMISSION.to_owned()].into());
    world.graph.expire_tokens();
    ask(world, "unread", 72, |device| device).await;
    world.held("unread", "TenantNotReady", "PermissionMissing").await;
    let both = [READ_PERMISSION, RESET_PERMISSION].map(str::to_owned);
    world.graph.change_app(EXAMPLE_CLIENT, |app| app.permissions = both.into());
    world.ends("unread", BY_ITSELF, DONE.0, DONE.1).await;
}

/// The same by hand through the client, each value and each error printed by `Debug`.
async fn printed(world: &World, pair: &ClientCertificate) -> String {
    let secret =
        Credentials::ClientSecret { client_id: EXAMPLE_CLIENT.to_owned(), secret: Secret::from(EXAMPLE_SECRET) };
    let selector = Selector::User {
        principal_name: user(80),
        device_name: Some("Planted phone 80".to_owned()),
        operating_system: None,
    };
    let certificate = Certificate::from_pem(pair.certificate.as_bytes(), pair.key.as_bytes()).unwrap();
    let no_pair = Certificate::from_pem(pair.certificate.as_bytes(), b"planted");
    let certificate =
        Credentials::ClientCertificate { client_id: BY_CERTIFICATE.to_owned(), certificate: Arc::new(certificate) };
    let mut printed = format!("{secret:?} {selector:?} {certificate:?} {no_pair:?}");
    let endpoints = Endpoints::from(Cloud::Global);
    let transport = Arc::new(InProcess(world.graph.clone()));
    let graph = Graph::new(EXAMPLE_TENANT, endpoints, secret, transport, Arc::new(SystemClock)).unwrap();
    let (_, id) = world.add(phone(80));
    // Nothing is sent before Graph's time is known.
    graph.look(&id, Priority::LookUp).await.unwrap();
    for fault in [Fault::none(), Fault::malformed_json(), Fault::cut_body(), Fault::status(403), Fault::lost()] {
        world.graph.script(Rule::everywhere(fault));
        let soon = world.now() + HOUR;
        let sent = graph.send(Action::ResetPasscode, &id, "attempt", soon, HOUR, graph.reserve_again().await).await;
        tokio::time::sleep(Duration::from_secs(10)).await;
        let (found, looked) = (graph.find(&selector, Priority::LookUp).await, graph.look(&id, Priority::LookUp).await);
        printed += &format!("{:?} {sent:?} {found:?} {looked:?} {graph:?}", graph.sign_in().await);
        world.graph.clear_faults();
        graph.forget_token();
    }
    printed
}

/// The metrics as they are served.
async fn metrics(log: &str) -> String {
    let address = log.lines().find(|line| line.contains("listening for probes")).unwrap();
    let address: String =
        address.split("127.0.0.1:").nth(1).unwrap().chars().take_while(char::is_ascii_digit).collect();
    let mut stream = tokio::net::TcpStream::connect(format!("127.0.0.1:{address}")).await.unwrap();
    stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    text
}

/// Every version of every object, but for what people wrote themselves: the Secret, and a reset's spec.
fn stored(world: &World) -> String {
    let mut text = String::new();
    for kind in ["PasscodeReset", "IntuneTenant", "PlatformSupportMatrix", "Lease", "Namespace", "events.events.k8s.io"]
    {
        for (_, versions) in world.api.histories(kind) {
            for version in versions {
                let mut object = Value::clone(&version.object);
                if kind == "PasscodeReset" {
                    object["spec"] = Value::Null;
                }
                text += &format!("{object}\n");
            }
        }
    }
    for written in world.api.writes().iter().filter(|written| written.call.client != "default") {
        text += &format!("{} {:?} {}\n", written.call.path, written.call.query, written.call.body);
    }
    text
}

/// The place at which something planted comes out, with what stands around it.
fn leak(text: &str, secret: &[String]) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let marks = [MARK].into_iter().chain(ENCODED).chain(secret.iter().map(String::as_str));
    let at = marks.into_iter().find_map(|mark| lower.find(mark))?;
    let around = |at: usize| (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    Some(text[around(at.saturating_sub(300))..around((at + 200).min(text.len() - 1))].to_owned())
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A counter's value, over all of its labels.
fn counted(metrics: &str, name: &str) -> usize {
    let lines = metrics.lines().filter(|line| line.starts_with(name));
    lines.filter_map(|line| line.rsplit(' ').next()?.parse::<usize>().ok()).sum()
}

fn nothing_comes_out(tokens: TokenFormat, format: Format) {
    let lines = Lines::default();
    let writer = lines.clone();
    // While there is one subscriber only, tracing lets whatever thread comes by first decide for good whether a line is wanted: a
    // test beside this one, which wants none. So there are two.
    let _second = tracing::Dispatch::new(tracing::subscriber::NoSubscriber::default());
    let subscriber = logs::subscriber("trace", format, move || writer.clone());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    tracing::subscriber::with_default(subscriber, || {
        runtime.block_on(async {
            let mut world = World::new().await;
            let directory = tempfile::tempdir().unwrap();
            world.token_file = directory.path().join("token");
            let certificate = certificate_for(-1, 1000);
            world.listen = Some("127.0.0.1:0".parse().unwrap());
            world.graph.configure(|settings| settings.token_format = tokens);
            let replica = world.replica("a");
            all_that_happens(&world).await;
            assertions(&world, &certificate).await;
            let metrics = metrics(&lines.text()).await;
            let sent = world.requests_of(PathClass::Action).len();
            replica.stop().await;
            let printed = printed(&world, &certificate).await;

            // The test sees what it is about: each kind of text is there, and what is planted was on its way.
            let log = lines.text();
            for said in ["Graph exchange", "sign-in exchange", "decided", "reset sent", "reset not sent", "DEBUG"] {
                assert!(log.contains(said), "{said}");
            }
            assert_eq!(log.matches("reset sent").count(), sent, "what was not sent is not said to have been");
            assert_eq!(counted(&metrics, "passcode_operator_requests_answered_total"), sent);
            assert!(metrics.contains("passcode_operator_resets_finished_total"), "{metrics}");
            assert!(stored(&world).contains("DeletedInFlight"));
            assert!(printed.contains("Accepted") && printed.contains("ManagedDevice"), "{printed}");
            assert!(world.graph.requests().iter().any(|request| request.path.contains(MARK)));
            let secret = secret_texts(&world, &certificate);
            for (what, text) in [("log", log), ("metrics", metrics), ("objects", stored(&world)), ("Debug", printed)] {
                assert_eq!(leak(&text, &secret), None, "{what}");
            }
        });
    });
}

#[test]
fn nothing_planted_comes_out_with_opaque_tokens_and_text_logs() {
    nothing_comes_out(TokenFormat::Opaque, Format::Text);
}

#[test]
fn nothing_planted_comes_out_with_readable_tokens_and_json_logs() {
    nothing_comes_out(TokenFormat::Jwt, Format::Json);
}

#[test]
fn what_is_planted_would_be_found() {
    for text in ["a PLANTED~secret", "user=Planted.User1", "UExBTlRFRH5", "Bearer eyJhbGciOi", "opaque.1-2.3-4"] {
        assert!(leak(text, &[]).is_some(), "{text}");
    }
    assert!(leak("a line of the KEY", &["of the key".to_owned()]).is_some());
    assert_eq!(leak("TokenOpaque: nothing to see", &["of the key".to_owned()]), None);
}
