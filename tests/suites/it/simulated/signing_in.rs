//! Each way to sign in, and each refusal that people meet: it is told with what to do, and goes away once that is done.

use std::{sync::LazyLock, time::Duration};

use graph_simulator::{
    App, AppState, ClientCertificate, DeviceClass, EXAMPLE_CLIENT, EXAMPLE_SECRET, EXAMPLE_TENANT, EXCHANGE_AUDIENCE,
    Fault, PathClass, READ_PERMISSION, RESET_PERMISSION, RetryAfter, Rule, SignedDuration, TokenFormat, TokenIssuer,
};
use k8s_openapi::jiff::Timestamp;
use passcode_core::api::reset_status::Outcome;
use serde_json::{Value, json};
use world::{
    BEGIN, World,
    changes::BY_ITSELF,
    objects::{OPERATOR, reset, tenant, tenant_by},
};

use super::tenants::goes_on_once_mended;

/// The app of the tests that do not sign in with a secret.
pub(super) const APP: &str = "11111111-0000-4000-8000-000000000001";
/// The operator's service account.
pub(super) const SUBJECT: &str = "system:serviceaccount:passcode-operator:passcode-operator";

static CERTIFICATE: LazyLock<ClientCertificate> = LazyLock::new(certificate);
static OTHER_CERTIFICATE: LazyLock<ClientCertificate> = LazyLock::new(certificate);
pub(super) static CLUSTER: LazyLock<TokenIssuer> =
    LazyLock::new(|| TokenIssuer::new("https://oidc.cluster.example/").unwrap());

fn certificate() -> ClientCertificate {
    certificate_for(-24, 24 * 30)
}

/// One that is valid from and to so many hours after the world's begin.
pub(super) fn certificate_for(from: i64, to: i64) -> ClientCertificate {
    let begin: Timestamp = BEGIN.parse().unwrap();
    let at = |hours| begin + SignedDuration::from_hours(hours);
    ClientCertificate::valid(at(from), at(to)).unwrap()
}

/// A world whose tenant signs in as [`APP`] in this way.
async fn world_by(auth: Value, app: App) -> World {
    let world = World::empty().await;
    world.graph.add_app(EXAMPLE_TENANT, app);
    world.create_tenant(tenant_by("default", APP, auth)).await;
    world
}

async fn world_by_certificate() -> World {
    let app = App::new(APP).with_certificate(&CERTIFICATE.certificate);
    let world = world_by(json!({"clientCertificateRef": {"name": "graph-tls"}}), app).await;
    world.put_certificate(&CERTIFICATE.certificate, &CERTIFICATE.key).await;
    world
}

/// A world whose tenant signs in by workload identity, and the directory of the token.
async fn world_by_token(subject: &str, audience: &str) -> (World, tempfile::TempDir) {
    let app = App::new(APP).with_federated(CLUSTER.federated(SUBJECT, EXCHANGE_AUDIENCE));
    let mut world = world_by(json!({"workloadIdentity": {}}), app).await;
    let directory = tempfile::tempdir().unwrap();
    world.token_file = directory.path().join("token");
    project(&world, &CLUSTER, subject, audience);
    (world, directory)
}

/// Writes the pod's token, as the kubelet does: good for an hour.
pub(super) fn project(world: &World, issuer: &TokenIssuer, subject: &str, audience: &str) {
    let ends = world.now() + SignedDuration::from_hours(1);
    std::fs::write(&world.token_file, issuer.token(subject, audience, ends).unwrap()).unwrap();
}

async fn one_reset(world: &World, name: &str, number: u32) {
    let (serial, id) = world.device(DeviceClass::IPhone, number);
    world.create(reset(name, &serial, world.now())).await;
    world.ends(name, BY_ITSELF, Outcome::Complete, "PasscodeRemoved").await;
    assert_eq!(world.executed(&id), 1);
}

async fn works(world: World) {
    let replica = world.replica("a");
    one_reset(&world, "inc1", 1).await;
    assert_eq!(world.tenant_says("default").await.0, "Ready");
    assert!(world.graph.token_requests().iter().all(|request| request.error.is_none()));
    world.no_refusals();
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn by_certificate_with_either_form_of_the_key() {
    works(world_by_certificate().await).await;
    let world = world_by_certificate().await;
    world.put_certificate(&CERTIFICATE.certificate, &CERTIFICATE.pkcs1_key).await;
    works(world).await;
}

#[tokio::test(start_paused = true)]
async fn by_managed_identity() {
    for auth in [json!({"managedIdentity": {}}), json!({"managedIdentity": {"clientId": APP}})] {
        let world = world_by(auth, App::new(APP)).await;
        world.graph.configure(|settings| settings.node = Some(vec![APP.to_owned()]));
        works(world).await;
    }
}

/// Two hours: tokens of Entra and of the cluster run out, and the kubelet writes new ones.
#[tokio::test(start_paused = true)]
async fn by_workload_identity_with_the_file_as_it_is_each_time() {
    let (world, _directory) = world_by_token(SUBJECT, EXCHANGE_AUDIENCE).await;
    let replica = world.replica("a");
    one_reset(&world, "inc1", 1).await;
    for number in 2..=4 {
        tokio::time::sleep(Duration::from_secs(2400)).await;
        project(&world, &CLUSTER, SUBJECT, EXCHANGE_AUDIENCE);
        world.graph.expire_tokens();
        one_reset(&world, &format!("inc{number}"), number).await;
    }
    assert!(world.graph.token_requests().iter().all(|request| request.error.is_none()));
    world.no_refusals();
    replica.stop().await;
}

/// Both hold: the tenant says `says` with the reason TokenRefused, and goes on once it is mended.
async fn refused(world: World, says: &str, mend: impl AsyncFnOnce(&World)) {
    goes_on_once_mended(world, "TokenRefused", says, mend).await;
}

#[tokio::test(start_paused = true)]
async fn what_entra_says_of_the_app_is_told_with_what_to_do() {
    for (state, says) in [
        (AppState::Disabled, "(AADSTS7000112): Application '"),
        (AppState::Disabled, "Enable the app: Enterprise applications, the app, Properties"),
        (AppState::BlockedByConditionalAccess, "(AADSTS53003): Access has been blocked"),
        (AppState::BlockedByConditionalAccess, "Exclude the app from the Conditional Access policy"),
        (AppState::WithoutServicePrincipal, "(AADSTS7000229): The client application"),
        (AppState::WithoutServicePrincipal, "Grant admin consent to the app in this tenant"),
    ] {
        let world = World::new().await;
        world.graph.change_app(EXAMPLE_CLIENT, |app| app.state = state);
        refused(world, says, async |world| {
            world.graph.change_app(EXAMPLE_CLIENT, |app| app.state = AppState::Enabled);
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_entra_says_of_a_secret_is_told_with_what_to_do() {
    let world = World::new().await;
    world.put_secret(OPERATOR, "clientSecret", "the secret's id").await;
    refused(world, "Put the client secret's value, not its id, into the Secret.", async |world| {
        world.put_secret(OPERATOR, "clientSecret", EXAMPLE_SECRET).await;
    })
    .await;
    let world = World::new().await;
    world.graph.change_app(EXAMPLE_CLIENT, |app| app.secret_expired = true);
    refused(world, "Make a new client secret in the app registration", async |world| {
        world.graph.change_app(EXAMPLE_CLIENT, |app| {
            app.secret = Some("renewed".to_owned());
            app.secret_expired = false;
        });
        world.put_secret(OPERATOR, "clientSecret", "renewed").await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_app_that_the_tenant_does_not_have() {
    let world = World::new().await;
    world.graph.change_app(EXAMPLE_CLIENT, |app| app.client_id = APP.to_owned());
    refused(world, "Check tenantId, clientId and cloud: that tenant has no such app.", async |world| {
        world.graph.change_app(APP, |app| app.client_id = EXAMPLE_CLIENT.to_owned());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_tenant_that_entra_does_not_know() {
    let elsewhere = "99999999-0000-4000-8000-000000000009";
    let world = World::empty().await;
    let mut object = tenant("default");
    object["spec"]["tenantId"] = elsewhere.into();
    world.create_tenant(object).await;
    let replica = world.replica("a");
    let says = world.tenant_becomes("default", "TokenRefused").await;
    assert!(says.contains("(AADSTS90002): Tenant '") && says.ends_with("Check tenantId and cloud."), "{says}");
    world.graph.add_app(elsewhere, App::new(EXAMPLE_CLIENT).with_secret(EXAMPLE_SECRET));
    world.tenant_becomes("default", "Ready").await;
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_certificate_that_is_not_registered() {
    let world = world_by_certificate().await;
    world.graph.change_app(APP, |app| app.certificates.clear());
    refused(world, "Upload the certificate that is in the Secret to the app registration", async |world| {
        world.graph.change_app(APP, |app| app.certificates.push(CERTIFICATE.certificate.clone()));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_certificate_that_expired() {
    let world = world_by_certificate().await;
    let old = certificate_for(-48, -1);
    world.graph.change_app(APP, |app| app.certificates.push(old.certificate.clone()));
    world.put_certificate(&old.certificate, &old.key).await;
    refused(world, "The certificate in tls.crt expired at 2026-11-22T08:00:00Z", async |world| {
        world.put_certificate(&CERTIFICATE.certificate, &CERTIFICATE.key).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_secret_whose_certificate_cannot_be_used() {
    let wrong_key = (CERTIFICATE.certificate.as_str(), OTHER_CERTIFICATE.key.as_str());
    let no_pem = (CERTIFICATE.certificate.as_str(), "secret");
    for ((certificate, key), reason, says) in [
        (wrong_key, "InvalidConfiguration", "tls.key is not the key of the certificate in tls.crt"),
        (no_pem, "InvalidConfiguration", "tls.key holds no private key that can be read"),
        (("", CERTIFICATE.key.as_str()), "SecretNotFound", "has no key \"tls.crt\", or nothing under it"),
    ] {
        let world = world_by_certificate().await;
        world.put_certificate(certificate, key).await;
        goes_on_once_mended(world, reason, says, async |world| {
            world.put_certificate(&CERTIFICATE.certificate, &CERTIFICATE.key).await;
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_machine_whose_clock_is_wrong() {
    let mut world = world_by_certificate().await;
    world.clock_offset = SignedDuration::from_mins(20);
    let replica = world.replica("a");
    let says = world.tenant_becomes("default", "TokenRefused").await;
    assert!(says.contains("(AADSTS700024)") && says.contains("Set the clock of the operator's machine"), "{says}");
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_federated_credential_that_does_not_match() {
    let other_case = SUBJECT.replace("passcode-operator:", "Passcode-Operator:");
    let gov = "api://AzureADTokenExchangeUSGov";
    for (subject, audience, says) in [
        (other_case.as_str(), EXCHANGE_AUDIENCE, "(AADSTS700213): No matching federated identity record"),
        (&other_case, EXCHANGE_AUDIENCE, "Write the subject of the federated credential as system:serviceaccount:"),
        (SUBJECT, gov, "(AADSTS700212)"),
        (SUBJECT, gov, "the audience of the cloud: AzureADTokenExchange, AzureADTokenExchangeUSGov or"),
    ] {
        let (world, _directory) = world_by_token(subject, audience).await;
        refused(world, says, async |world| project(world, &CLUSTER, SUBJECT, EXCHANGE_AUDIENCE)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_issuer_that_is_not_trusted() {
    let stranger = TokenIssuer::new("https://other.example/").unwrap();
    for (subject, says) in [
        (SUBJECT, "(AADSTS700211)"),
        (SUBJECT, "Write the issuer of the federated credential exactly as this cluster's tokens say it."),
        ("system:serviceaccount:default:default", "(AADSTS70021)"),
        ("system:serviceaccount:default:default", "Compare issuer, subject and audience of the federated credential"),
    ] {
        let (world, _directory) = world_by_token(SUBJECT, EXCHANGE_AUDIENCE).await;
        project(&world, &stranger, subject, EXCHANGE_AUDIENCE);
        refused(world, says, async |world| project(world, &CLUSTER, SUBJECT, EXCHANGE_AUDIENCE)).await;
    }
    let (world, _directory) = world_by_token(SUBJECT, EXCHANGE_AUDIENCE).await;
    world.graph.change_app(APP, |app| app.federated.clear());
    refused(world, "Add a federated credential for this pod's service account", async |world| {
        let trusted = CLUSTER.federated(SUBJECT, EXCHANGE_AUDIENCE);
        world.graph.change_app(APP, |app| app.federated.push(trusted));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_token_file_that_is_not_there() {
    let (world, _directory) = world_by_token(SUBJECT, EXCHANGE_AUDIENCE).await;
    std::fs::remove_file(&world.token_file).unwrap();
    refused(world, "cannot be read", async |world| project(world, &CLUSTER, SUBJECT, EXCHANGE_AUDIENCE)).await;
}

#[tokio::test(start_paused = true)]
async fn a_node_without_this_identity() {
    let world = world_by(json!({"managedIdentity": {}}), App::new(APP)).await;
    world.graph.configure(|settings| settings.node = Some(vec![EXAMPLE_CLIENT.to_owned()]));
    let says = "answered 400: Identity not found. This node has no managed identity with this clientId: assign it";
    refused(world, says, async |world| {
        world.graph.configure(|settings| settings.node = Some(vec![APP.to_owned()]));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_is_no_azure_node() {
    let world = world_by(json!({"managedIdentity": {}}), App::new(APP)).await;
    let says = "A managed identity can be used on an Azure node only";
    goes_on_once_mended(world, "Unreachable", says, async |world| {
        world.graph.configure(|settings| settings.node = Some(vec![APP.to_owned()]));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_metadata_service_that_is_being_updated() {
    for (status, says) in
        [(404, "being updated"), (410, "comes back within 70 s"), (429, "Too much was asked"), (503, "tried again")]
    {
        let world = world_by(json!({"managedIdentity": {}}), App::new(APP)).await;
        world.graph.configure(|settings| settings.node = Some(vec![APP.to_owned()]));
        world.graph.script(Rule::on(PathClass::Token, Fault::status(status)));
        goes_on_once_mended(world, "Unreachable", says, async |world| world.graph.clear_faults()).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_authority_that_is_busy_is_waited_for() {
    let busy = "(AADSTS90033): A transient error has occurred. Please try again. It is tried again by itself.";
    let wait = Duration::from_secs(5);
    for (fault, says) in [
        (Fault::status(503), busy),
        (Fault::throttled(wait, RetryAfter::Seconds), busy),
        (
            Fault::html(502),
            "without a reason from Entra. It is tried again by itself; if this lasts, see to the network",
        ),
    ] {
        let world = World::new().await;
        world.graph.script(Rule::on(PathClass::Token, fault));
        goes_on_once_mended(world, "Unreachable", says, async |world| world.graph.clear_faults()).await;
    }
}

/// A readable token tells of missing consent at once; a refused request tells it in any case, and nothing is sent that would be refused meanwhile.
#[tokio::test(start_paused = true)]
async fn missing_consent_shows_in_a_readable_token_and_in_use() {
    for format in [TokenFormat::Jwt, TokenFormat::Opaque] {
        let world = World::new().await;
        world.graph.configure(|settings| settings.token_format = format);
        world.graph.change_app(EXAMPLE_CLIENT, |app| app.permissions.clear());
        let (serial, id) = world.device(DeviceClass::IPhone, 1);
        let replica = world.replica("a");
        world.tenant_becomes("default", "Ready").await;
        let (reason, says) = world.tenant_says_of("default", "PermissionsVerified").await;
        if format == TokenFormat::Jwt {
            assert_eq!(reason, "PermissionMissing");
            let both = format!("The token lacks {RESET_PERMISSION} and {READ_PERMISSION}. Grant it");
            assert!(says.starts_with(&both), "{says}");
        } else {
            assert_eq!(reason, "TokenOpaque");
        }

        world.create(reset("inc1", &serial, world.now())).await;
        world.held("inc1", "TenantNotReady", "with admin consent").await;
        let says = world.tenant_becomes("default", "PermissionMissing").await;
        assert!(says.contains("answered 403") && says.contains(RESET_PERMISSION), "{says}");
        assert_eq!(world.executed(&id), 0);

        let both = [READ_PERMISSION, RESET_PERMISSION].map(str::to_owned);
        world.graph.change_app(EXAMPLE_CLIENT, |app| app.permissions = both.into());
        world.ends("inc1", BY_ITSELF, Outcome::Complete, "PasscodeRemoved").await;
        world.tenant_becomes("default", "Ready").await;
        if format == TokenFormat::Jwt {
            tokio::time::sleep(Duration::from_secs(60)).await;
            assert_eq!(world.tenant_says_of("default", "PermissionsVerified").await.0, "RolesPresent");
        }
        replica.stop().await;
    }
}
