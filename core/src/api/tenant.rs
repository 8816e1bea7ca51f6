//! `IntuneTenant`: where Graph is, how to sign in, and what this cluster may ask of it.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, LabelSelector};
use kube_derive::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use super::timing::Timing;

use super::{Duration, Time, duration::seconds, namespace_selector, reset::PasscodeResetSpec, rules};

/// One Entra tenant with Intune. One installation per tenant is active; a standby keeps `suspend: true`.
#[derive(CustomResource, KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[x_kube(crates(kube_core = "::kube_core"))]
#[kube(
    crates(kube = "::kube_derive", kube_core = "::kube_core"),
    attr = "x_kube(crates(kube_core = \"::kube_core\"))",
    group = "passcode-operator.dev",
    version = "v1alpha1",
    kind = "IntuneTenant",
    plural = "intunetenants",
    status = "IntuneTenantStatus",
    derive = "PartialEq",
    shortname = "itn",
    category = "intune",
    doc = "An Entra tenant with Microsoft Intune: where Graph is, how to sign in, limits, and which namespaces may use it.",
    printcolumn = r#"{"name":"Tenant","type":"string","jsonPath":".spec.tenantId"}"#,
    printcolumn = r#"{"name":"Suspended","type":"boolean","jsonPath":".spec.suspend"}"#,
    printcolumn = r#"{"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].status"}"#,
    printcolumn = r#"{"name":"Reason","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].reason"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#,
    printcolumn = r#"{"name":"Message","type":"string","priority":1,"jsonPath":".status.conditions[?(@.type==\"Ready\")].message"}"#,
    validation = rules::short_name("the tenant's domain")
)]
#[x_kube(
    validation = Rule::new("self.cloud == oldSelf.cloud && has(self.endpoints) == has(oldSelf.endpoints) && (!has(self.endpoints) || self.endpoints == oldSelf.endpoints)").message("cloud and endpoints are immutable: create a new IntuneTenant"),
    validation = Rule::new("!has(self.auth.managedIdentity) || !has(self.auth.managedIdentity.clientId) || self.auth.managedIdentity.clientId.lowerAscii() == self.clientId.lowerAscii()").message("auth.managedIdentity.clientId must be the tenant's clientId: leave it out"),
    validation = Rule::new("!has(self.endpoints) || self.cloud == 'Global'").message("endpoints takes the place of cloud: leave cloud out"),
    validation = rules::of_durations(&["self.minInterval", "self.timing.clockError", "self.timing.sendGrace", "self.timing.ledgerLag"], "duration(self.minInterval) == duration('0s') || duration(self.minInterval) >= duration('30s') + duration(self.timing.clockError) + duration(self.timing.clockError) + duration(self.timing.sendGrace) + duration(self.timing.ledgerLag)").message("minInterval must be 0s or at least 30s + 2 * timing.clockError + timing.sendGrace + timing.ledgerLag (310s with the defaults)"),
    validation = rules::of_durations(&["self.timing.clockError", "self.timing.sendGrace", "self.timing.ledgerLag"], "has(self.endpoints) || duration(self.timing.clockError) + duration(self.timing.clockError) + duration(self.timing.sendGrace) + duration(self.timing.ledgerLag) >= duration('60s')").message("timing is too short for a tenant without endpoints: 2 * clockError + sendGrace + ledgerLag must be at least 60s")
)]
#[serde(rename_all = "camelCase")]
pub struct IntuneTenantSpec {
    /// The Entra tenant's id, a GUID.
    #[schemars(length(max = 64))]
    #[x_kube(
        validation = rules::guid("write tenantId as a GUID (Entra admin center, Overview, Tenant ID)"),
        validation = Rule::new("self == oldSelf").message("tenantId is immutable: create a new IntuneTenant")
    )]
    pub tenant_id: String,

    /// The app registration's or managed identity's client id, a GUID.
    #[schemars(length(max = 64))]
    #[x_kube(
        validation = rules::guid("write clientId as a GUID (the app registration's Application (client) ID)"),
        validation = Rule::new("self == oldSelf").message("clientId is immutable: create a new IntuneTenant")
    )]
    pub client_id: String,

    /// Which Microsoft cloud the tenant is in: Global (GCC included), USGov (GCC High), USGovDoD, or China (operated by
    /// 21Vianet).
    #[serde(default)]
    pub cloud: CloudName,

    /// Takes the place of `cloud` for private and test set-ups: Microsoft's own origins, or those that the operator's option
    /// `--allowed-endpoint` names. Anything else is InvalidConfiguration, and nothing is sent there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoints: Option<EndpointsSpec>,

    /// How to sign in: exactly one kind.
    pub auth: Auth,

    /// The PlatformSupportMatrix that decides. Default: the compiled-in `intune`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform_support_matrix_ref: Option<ObjectName>,

    /// Which namespaces may name this tenant, by their labels. Absent: none. {}: all. An empty or null part is refused. But
    /// `kubectl apply` without `--server-side` drops a `matchLabels:` with nothing behind it before it can be refused, and what
    /// is left is {}: then Ready says that every namespace may name the tenant. `passcode-operator check` tells before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "namespace_selector::allowed")]
    pub allowed_namespaces: Option<LabelSelector>,

    /// The emergency stop: nothing is sent while true. Reading, adopting, following and rejecting go on.
    #[serde(default)]
    pub suspend: bool,

    /// What may be asked of Graph. Counted per Entra tenant and app: two IntuneTenants for the same ones share the limits.
    #[serde(default)]
    pub limits: Limits,

    /// A reset is rejected (RecentlyReset) where the device has had one in this time before its requestTime: most likely a
    /// second ticket for the same lock-out. 0s turns it off.
    #[serde(default = "default_min_interval")]
    #[x_kube(validation = rules::within("minInterval", "0s", "168h"))]
    pub min_interval: Duration,

    /// What a PasscodeReset that does not say gets.
    #[serde(default)]
    pub defaults: Defaults,

    /// The bounds on which once-only rests. The settle window is 2 * clockError + sendGrace + ledgerLag: 280s with the
    /// defaults. Make them longer if they do not hold for you; do not make them shorter to be faster.
    #[serde(default)]
    pub timing: Timing,

    /// What to do where an answer was lost and Intune's record stays silent. Look: try again, at most three attempts. Fail:
    /// end Failed with reason OutcomeUnknown.
    #[serde(default)]
    pub unknown_outcome: UnknownOutcome,

    /// PasscodeResetPolicies that have to be there, ready, for anything to be sent in this tenant, at least one of them about the request.
    /// Otherwise requests are held, so that nobody gets round a policy by deleting it or by being faster than it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), inner(length(min = 1, max = 63)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub required_policies: Vec<String>,

    /// Whether a PasscodeReset whose selector matches several devices lists them in its status. Whoever may create one, a dry run too, can so
    /// see the models and last syncs of anybody's devices. Hide: only how many there are is said.
    #[serde(default)]
    pub candidates: Candidates,
}

/// Names a cluster-scoped object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[x_kube(crates(kube_core = "::kube_core"))]
#[serde(rename_all = "camelCase")]
pub struct ObjectName {
    /// The object's name.
    #[schemars(length(min = 1, max = 63))]
    #[x_kube(validation = rules::object_name("platformSupportMatrixRef.name"))]
    pub name: String,
}

/// A Microsoft cloud.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum CloudName {
    /// The worldwide cloud, GCC included.
    #[default]
    Global,
    /// US Government, GCC High (L4).
    USGov,
    /// US Government, DoD (L5).
    USGovDoD,
    /// China, operated by 21Vianet.
    China,
}

/// Where Graph and Entra are, in a private or test set-up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[x_kube(crates(kube_core = "::kube_core"))]
#[serde(rename_all = "camelCase")]
pub struct EndpointsSpec {
    /// Graph's origin, such as https://graph.example.test; it is also the token's scope, with /.default.
    #[schemars(length(max = 256))]
    #[x_kube(validation = rules::origin("graph", "https://graph.example.test"))]
    pub graph: String,

    /// Entra's origin, such as https://login.example.test.
    #[schemars(length(max = 256))]
    #[x_kube(validation = rules::origin("authority", "https://login.example.test"))]
    pub authority: String,

    /// Certificates to trust besides the system's: PEM text, or base64 of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 131_072))]
    pub ca_bundle: Option<String>,
}

/// How to sign in: exactly one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[x_kube(crates(kube_core = "::kube_core"))]
#[x_kube(validation = Rule::new("[has(self.workloadIdentity), has(self.managedIdentity), has(self.clientSecretRef), has(self.clientCertificateRef)].filter(x, x).size() == 1").message("sign in by exactly one of workloadIdentity, managedIdentity, clientSecretRef or clientCertificateRef"))]
#[serde(rename_all = "camelCase")]
pub struct Auth {
    /// The pod's own projected token, as Azure workload identity mounts it (AZURE_FEDERATED_TOKEN_FILE).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workload_identity: Option<WorkloadIdentity>,

    /// A managed identity that is assigned to the Azure node, by the node's metadata service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub managed_identity: Option<ManagedIdentity>,

    /// A client secret, in a Secret of the operator's own namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_secret_ref: Option<SecretKeyRef>,

    /// A certificate with its RSA key, in a Secret of the operator's own namespace, of type kubernetes.io/tls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_certificate_ref: Option<SecretRef>,
}

/// Sign in by the pod's own projected token. There is nothing to set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WorkloadIdentity {}

/// Sign in by a managed identity of the node. Its client id is the tenant's `clientId`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ManagedIdentity {
    /// The same as the tenant's clientId, which it is where this is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub client_id: Option<String>,
}

/// Names a Secret of the operator's own namespace, of type kubernetes.io/tls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[x_kube(crates(kube_core = "::kube_core"))]
#[serde(rename_all = "camelCase")]
pub struct SecretRef {
    /// The Secret's name. Its keys are tls.crt and tls.key: PEM, RSA.
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = rules::object_name("clientCertificateRef.name"))]
    pub name: String,
}

/// Names a key of a Secret of the operator's own namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[x_kube(crates(kube_core = "::kube_core"))]
#[serde(rename_all = "camelCase")]
pub struct SecretKeyRef {
    /// The Secret's name.
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = rules::object_name("clientSecretRef.name"))]
    pub name: String,

    /// The key in it. Default: clientSecret.
    #[serde(default = "default_secret_key")]
    #[schemars(length(max = 253))]
    #[x_kube(validation = Rule::new("self.matches('^[-._a-zA-Z0-9]+$')").message("write clientSecretRef.key as the name of a key in a Secret: letters, digits, -, _ and ."))]
    pub key: String,
}

fn default_secret_key() -> String {
    "clientSecret".to_owned()
}

const fn default_min_interval() -> Duration {
    Duration::from_secs(600)
}

/// What may be asked of Graph. Graph's own limits are 200 writes and 2000 requests per 20 s, app and tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Limits {
    /// Requests of any kind in any 20 s.
    #[schemars(range(min = 1, max = 100_000))]
    pub requests_per20s: i32,
    /// Resets sent in any 20 s.
    #[schemars(range(min = 1, max = 100_000))]
    pub writes_per20s: i32,
    /// Resets sent in any hour: a fuse against a bad commit. It holds resets (LimitReached), it never rejects one.
    #[schemars(range(min = 1, max = 100_000))]
    pub resets_per_hour: i32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { requests_per20s: 2000, writes_per20s: 200, resets_per_hour: 100 }
    }
}

/// What a PasscodeReset that does not say gets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[x_kube(crates(kube_core = "::kube_core"))]
#[serde(rename_all = "camelCase")]
pub struct Defaults {
    /// How long after its requestTime a reset may still be sent.
    #[serde(default = "default_issue_window")]
    #[x_kube(validation = rules::within("issueWindow", "1m", "168h"))]
    pub issue_window: Duration,
    /// How long the device's answer is waited for.
    #[serde(default = "default_completion_timeout")]
    #[x_kube(validation = rules::within("completionTimeout", "1m", "2160h"))]
    pub completion_timeout: Duration,
}

const fn default_issue_window() -> Duration {
    Duration::from_secs(24 * 3600)
}

const fn default_completion_timeout() -> Duration {
    Duration::from_secs(168 * 3600)
}

impl Defaults {
    /// Until when a reset may be sent.
    #[must_use]
    pub fn expiration(&self, reset: &PasscodeResetSpec) -> Time {
        reset.expiration_time.unwrap_or_else(|| reset.request_time.plus(self.issue_window.as_signed()))
    }
}

impl Default for Defaults {
    fn default() -> Self {
        Self { issue_window: default_issue_window(), completion_timeout: default_completion_timeout() }
    }
}

/// What to do where an answer was lost and Intune's record stays silent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum UnknownOutcome {
    /// Try again, at most three attempts.
    #[default]
    Look,
    /// End Failed with reason OutcomeUnknown.
    Fail,
}

/// Whether the devices are listed that an ambiguous selector matches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Candidates {
    /// In status.candidates and in the message, at most ten.
    #[default]
    Show,
    /// Only how many there are.
    Hide,
}

/// Whether the tenant can be used, and what was learned of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[x_kube(crates(kube_core = "::kube_core"))]
#[schemars(extend("default" = serde_json::json!({"observedGeneration": -1})))]
#[serde(rename_all = "camelCase")]
pub struct IntuneTenantStatus {
    /// The generation that this status speaks of; -1 until the operator has seen the object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,

    /// Ready, PermissionsVerified (Unknown where the token cannot be read: Graph's tokens are opaque) and LedgerReadable.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,

    /// How long Intune took to show a new entry of its record. If maxLag comes near timing.ledgerLag, raise that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ledger: Option<LedgerStatus>,

    /// The settle window in force: 2 * clockError + sendGrace + ledgerLag.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "seconds::serialize_option")]
    #[schemars(with = "Option<String>")]
    pub settle_window: Option<Duration>,

    /// How far Graph's clock is ahead of this operator's, in seconds; negative where it is behind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_offset: Option<String>,
}

/// How long Intune took to show a new entry of its record: first seen less startDateTime.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LedgerStatus {
    /// How many entries were measured.
    pub samples: i64,
    /// The latest measure.
    #[serde(serialize_with = "seconds::serialize")]
    #[schemars(with = "String")]
    pub last_lag: Duration,
    /// The largest measure.
    #[serde(serialize_with = "seconds::serialize")]
    #[schemars(with = "String")]
    pub max_lag: Duration,
    /// When an entry of any kind was last seen, which shows that this tenant's record works.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub last_seen_time: Option<Time>,
}
