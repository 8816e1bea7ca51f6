//! `PasscodeResetPolicy`: what is permitted here, as far as admission control cannot say it: who has to agree, how many resets, and when.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, LabelSelector};
use kube_derive::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Duration, matrix::MatrixAction, namespace_selector, rules};

/// What is permitted, for the requests that the selectors name. Every policy that selects a request has to permit it: a policy can only
/// restrict.
#[derive(CustomResource, KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[x_kube(crates(kube_core = "::kube_core"))]
#[kube(
    crates(kube = "::kube_derive", kube_core = "::kube_core"),
    attr = "x_kube(crates(kube_core = \"::kube_core\"))",
    group = "passcode-operator.dev",
    version = "v1alpha1",
    kind = "PasscodeResetPolicy",
    plural = "passcoderesetpolicies",
    status = "PasscodeResetPolicyStatus",
    derive = "PartialEq",
    shortname = "pcrp",
    category = "intune",
    doc = "What is permitted here: which devices, who has to agree, how many resets, and when. Policies only restrict.",
    printcolumn = r#"{"name":"Enforcement","type":"string","jsonPath":".spec.enforcement"}"#,
    printcolumn = r#"{"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].status"}"#,
    printcolumn = r#"{"name":"Reason","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].reason"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#,
    printcolumn = r#"{"name":"Message","type":"string","priority":1,"jsonPath":".status.conditions[?(@.type==\"Ready\")].message"}"#,
    validation = rules::short_name("help-desk")
)]
#[x_kube(
    validation = Rule::new("(has(self.rules) && self.rules.size() > 0) || (has(self.budgets) && self.budgets.size() > 0) || (has(self.hours) && self.hours.size() > 0)").message("the policy restricts nothing: write at least one of rules, budgets or hours")
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = rules::without_additional_properties)]
pub struct PasscodeResetPolicySpec {
    /// Enforce: what the policy says decides. Warn and Audit: it is evaluated in full, and only reported.
    #[serde(default)]
    pub enforcement: Enforcement,

    /// Which IntuneTenants it is about, by their labels. Absent or {}: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "namespace_selector::of_tenants")]
    pub tenant_selector: Option<LabelSelector>,

    /// The requests of which namespaces it is about, by their labels. Absent or {}: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "namespace_selector::of_namespaces")]
    pub namespace_selector: Option<LabelSelector>,

    /// Rules, in order: the first that matches a request decides. A request that none matches is permitted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    #[x_kube(merge_strategy = ListMerge::Atomic, validation = rules::unique_names("rule"))]
    pub rules: Vec<PolicyRule>,

    /// How many resets are sent in a length of time. A budget that is used up holds requests back and never rejects one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    #[x_kube(merge_strategy = ListMerge::Atomic, validation = rules::unique_names("budget"))]
    pub budgets: Vec<Budget>,

    /// When resets are sent: in any of these windows. Outside of them requests are held, never rejected. Absent: at any time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub hours: Vec<Window>,
}

/// What comes of a policy's word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum Enforcement {
    /// It decides.
    #[default]
    Enforce,
    /// It is told to whoever asked for the reset, and decides nothing.
    Warn,
    /// It is counted and decides nothing.
    Audit,
}

impl Enforcement {
    /// The word as manifests write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Enforce => "Enforce",
            Self::Warn => "Warn",
            Self::Audit => "Audit",
        }
    }
}

/// One rule of a policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[x_kube(crates(kube_core = "::kube_core"))]
#[x_kube(
    validation = Rule::new("self.decision != 'Deny' || has(self.message)").message("a Deny rule needs a message: write why, and what to do instead"),
    validation = Rule::new("self.decision == 'RequireApproval' ? has(self.approval) : !has(self.approval)").message("a RequireApproval rule says in approval who has to agree, the others have none: add approval, or leave it out"),
    validation = Rule::new("self.decision != 'Permit' || !has(self.overridable)").message("a Permit rule has nothing to override: leave overridable out")
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = rules::without_additional_properties)]
pub struct PolicyRule {
    /// The rule's name, unique in its policy.
    #[schemars(length(max = 63))]
    #[x_kube(validation = rules::label("the rule's name"))]
    pub name: String,

    /// Which requests it is about: all that is given has to fit. Absent: every reset.
    #[serde(default, rename = "match")]
    pub matches: PolicyMatch,

    /// Permit; Deny, which rejects the request; or RequireApproval, which holds it until enough people have agreed.
    pub decision: RuleDecision,

    /// Why, and what to do instead. Required with Deny; whoever asked for the reset reads it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    #[x_kube(validation = rules::not_blank("write in message why, and what to do instead, or leave it out"))]
    pub message: Option<String>,

    /// Who has to agree. Required with RequireApproval, refused otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<ApprovalDemand>,

    /// Whether an approval with the decision Overridden sets this rule aside. A Deny rule that can be overridden holds the request until somebody does.
    /// Default: true with RequireApproval, false with Deny.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overridable: Option<bool>,
}

/// Which requests a rule is about. A condition that this version does not know makes the policy unreadable, since a rule without it would be
/// about more requests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[x_kube(crates(kube_core = "::kube_core"))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = rules::without_additional_properties)]
pub struct PolicyMatch {
    /// Platform classes, as `passcode-operator matrix` prints them. An unknown one makes the policy not ready. Absent: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32), inner(length(min = 1, max = 64)))]
    pub platforms: Vec<String>,

    /// A bound on osVersion, such as ">=8.0" or "<7.0", read as in a PlatformSupportMatrix. Where a device's version cannot be read, this rule and
    /// those after it all have to permit the request. Default: any version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    #[x_kube(validation = rules::version_bound())]
    pub os_version: Option<String>,

    /// company, personal, or unknown, which is what Intune tells of neither. Absent: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 3), inner(length(max = 32)))]
    #[x_kube(validation = Rule::new("self.all(owner, owner in ['company', 'personal', 'unknown'])").message("write ownership as a list of company, personal and unknown, or leave it out"))]
    pub ownership: Vec<String>,

    /// What is done to the device, or RevealPasscode. Absent: every reset, never RevealPasscode.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 5))]
    pub actions: Vec<PolicyAction>,

    /// Who asked for it. Where nobody knows, this rule and those after it all have to permit the request. Absent: anybody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requesters: Option<Requesters>,
}

/// What a policy can be about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum PolicyAction {
    /// The device's passcode is removed.
    RemoveDevicePasscode,
    /// The device's passcode is replaced by a temporary one.
    ResetDevicePasscode,
    /// The work profile's passcode is replaced by a temporary one; the phone's own lock stays.
    ResetWorkProfilePasscode,
    /// The PIN of Windows 10 Mobile is replaced.
    ResetDevicePin,
    /// A new passcode is shown to somebody.
    RevealPasscode,
}

impl PolicyAction {
    /// Every reset.
    pub const RESETS: [Self; 4] =
        [Self::RemoveDevicePasscode, Self::ResetDevicePasscode, Self::ResetWorkProfilePasscode, Self::ResetDevicePin];
}

impl From<MatrixAction> for PolicyAction {
    fn from(action: MatrixAction) -> Self {
        match action {
            MatrixAction::RemoveDevicePasscode => Self::RemoveDevicePasscode,
            MatrixAction::ResetDevicePasscode => Self::ResetDevicePasscode,
            MatrixAction::ResetWorkProfilePasscode => Self::ResetWorkProfilePasscode,
            MatrixAction::ResetDevicePin => Self::ResetDevicePin,
        }
    }
}

/// Who asked for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[x_kube(crates(kube_core = "::kube_core"))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = rules::without_additional_properties)]
pub struct Requesters {
    /// One of these service accounts, NAMESPACE/NAME. A RequireApproval rule that names one takes what was reviewed in Git for agreed, and asks
    /// for no approval more than it says.
    #[schemars(length(min = 1, max = 16), inner(length(max = 317)))]
    #[x_kube(validation = Rule::new("self.all(account, account.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?/[a-z0-9]([-a-z0-9.]*[a-z0-9])?$'))").message("write serviceAccounts as a list of NAMESPACE/NAME, such as flux-system/kustomize-controller"))]
    pub service_accounts: Vec<String>,
}

/// What a rule decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum RuleDecision {
    /// It is permitted.
    Permit,
    /// It is rejected.
    Deny,
    /// It is held until enough people have agreed.
    RequireApproval,
}

/// Who has to agree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[x_kube(crates(kube_core = "::kube_core"))]
#[x_kube(
    validation = Rule::new("!has(self.roles) || self.roles.map(role, role.count).sum() <= self.required").message("the roles ask for more people than required says: raise required, or lower the counts")
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = rules::without_additional_properties)]
pub struct ApprovalDemand {
    /// How many different people, whoever asked for the reset not among them. Where nobody knows who asked, or a service account did, it takes one
    /// more.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 5))]
    pub required: i32,

    /// Of these people, how many with which role. All of them have to be there; one person fills one place.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 5))]
    #[x_kube(merge_strategy = ListMerge::Atomic, validation = rules::unique_names("role"))]
    pub roles: Vec<RoleDemand>,

    /// How long an approval holds, from its creation to the moment at which the reset is sent.
    #[serde(default = "eight_hours")]
    #[x_kube(validation = rules::within("validFor", "1m", "168h"))]
    pub valid_for: Duration,
}

const fn one() -> i32 {
    1
}

const fn eight_hours() -> Duration {
    ApprovalDemand::DEFAULT_VALID_FOR
}

impl ApprovalDemand {
    /// How long an approval holds where nothing is said.
    pub const DEFAULT_VALID_FOR: Duration = Duration::from_secs(8 * 3600);
}

/// How many people with a role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[x_kube(crates(kube_core = "::kube_core"))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = rules::without_additional_properties)]
pub struct RoleDemand {
    /// The role, as approvals name it. Who may name it is said by RBAC: verb approve on approvalroles.
    #[schemars(length(max = 63))]
    #[x_kube(validation = rules::label("the role"))]
    pub name: String,

    /// How many people.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 5))]
    pub count: i32,
}

/// How many resets are sent in a length of time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[x_kube(crates(kube_core = "::kube_core"))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = rules::without_additional_properties)]
pub struct Budget {
    /// The budget's name, unique in its policy.
    #[schemars(length(max = 63))]
    #[x_kube(validation = rules::label("the budget's name"))]
    pub name: String,

    /// How many resets.
    #[schemars(range(min = 1, max = 10_000))]
    pub max: i32,

    /// In any length of time as long as this.
    #[x_kube(validation = rules::within("per", "1m", "24h"))]
    pub per: Duration,

    /// Which resets count: all of the same namespace, requester, tenant or device, whether or not the policy selected them.
    pub scope: BudgetScope,
}

/// Which resets a budget counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum BudgetScope {
    /// Those of the namespace.
    Namespace,
    /// Those of whoever asked for it. All of which nobody knows who asked for them count as one person's.
    Requester,
    /// Those of the IntuneTenant.
    Tenant,
    /// Those of the device.
    Device,
}

/// A window of the week in which resets are sent. It is as long as the clocks on the wall make it: where they skip an hour, that hour never
/// opens, and where they repeat one, it opens twice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[x_kube(crates(kube_core = "::kube_core"))]
#[x_kube(
    validation = Rule::new("self.from != self.to").message("from and to are the same: write from: \"00:00\" and to: \"24:00\" for a whole day")
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = rules::without_additional_properties)]
pub struct Window {
    /// The days on which it opens. A window that ends after midnight belongs to the day on which it opens.
    #[schemars(length(min = 1, max = 7))]
    pub days: Vec<Day>,

    /// When it opens, such as "07:00".
    #[schemars(length(max = 16))]
    #[x_kube(validation = Rule::new("self.matches('^([01][0-9]|2[0-3]):[0-5][0-9]$')").message("write from as HH:MM in quotes, from \"00:00\" to \"23:59\""))]
    pub from: String,

    /// When it closes, such as "19:00"; "24:00" is the end of the day. Before from: on the next day.
    #[schemars(length(max = 16))]
    #[x_kube(validation = Rule::new("self.matches('^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$')").message("write to as HH:MM in quotes, from \"00:00\" to \"24:00\""))]
    pub to: String,

    /// Where the clocks hang, by its name in the IANA time zone database, such as Europe/Amsterdam. An unknown one makes the policy not ready.
    #[schemars(length(max = 64))]
    #[x_kube(validation = Rule::new("self.matches('^[A-Za-z][-A-Za-z0-9_+]*(/[A-Za-z0-9][-A-Za-z0-9_+]*)*$')").message("write timeZone as a name of the IANA time zone database, such as Europe/Amsterdam"))]
    pub time_zone: String,
}

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Day {
    /// Monday.
    Mon,
    /// Tuesday.
    Tue,
    /// Wednesday.
    Wed,
    /// Thursday.
    Thu,
    /// Friday.
    Fri,
    /// Saturday.
    Sat,
    /// Sunday.
    Sun,
}

/// Whether the policy can be used.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[x_kube(crates(kube_core = "::kube_core"))]
#[schemars(extend("default" = serde_json::json!({"observedGeneration": -1})))]
#[serde(rename_all = "camelCase")]
pub struct PasscodeResetPolicyStatus {
    /// The generation that this status speaks of; -1 until the operator has seen the object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,

    /// Ready, with what is wrong, and where, if it is False.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,
}
