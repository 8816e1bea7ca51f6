//! `PlatformSupportMatrix`: what Intune can do on which platform, as data that can be replaced.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube_derive::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::rules;

/// An ordered list of rules; the first that matches a device decides, and no match is Unsupported with reason NotListed.
/// No matrix may support Unknown, offer anything but ResetDevicePin for Windows10Mobile or that for anything else, or offer
/// anything but ResetWorkProfilePasscode for the two work profile classes. Such a matrix is not ready, and its message says
/// what to write.
#[derive(CustomResource, KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[x_kube(crates(kube_core = "::kube_core"))]
#[kube(
    crates(kube = "::kube_derive", kube_core = "::kube_core"),
    attr = "x_kube(crates(kube_core = \"::kube_core\"))",
    group = "passcode-operator.dev",
    version = "v1alpha1",
    kind = "PlatformSupportMatrix",
    plural = "platformsupportmatrices",
    status = "PlatformSupportMatrixStatus",
    derive = "PartialEq",
    shortname = "psm",
    category = "intune",
    doc = "What Intune can do on which platform. It counts only where an IntuneTenant refers to it; the built-in ones are printed by `passcode-operator matrix`.",
    printcolumn = r#"{"name":"Revision","type":"string","jsonPath":".spec.revision"}"#,
    printcolumn = r#"{"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].status"}"#,
    printcolumn = r#"{"name":"Reason","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].reason"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#,
    validation = rules::short_name("intune-2026-11")
)]
#[serde(rename_all = "camelCase")]
pub struct PlatformSupportMatrixSpec {
    /// Which state of knowledge this is, such as a date. It is copied into the status of every reset that it decided.
    #[schemars(length(min = 1, max = 64))]
    pub revision: String,

    /// Where the rules come from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(max = 512)))]
    pub sources: Vec<String>,

    /// The rules, in order.
    #[schemars(length(min = 1, max = 128))]
    #[x_kube(
        merge_strategy = ListMerge::Atomic,
        validation = Rule::new("self.all(rule, self.exists_one(other, other.name == rule.name))").message("two rules have the same name: give every rule a name of its own")
    )]
    pub rules: Vec<MatrixRule>,
}

/// One rule of a matrix.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[x_kube(crates(kube_core = "::kube_core"))]
#[x_kube(
    validation = Rule::new("self.support == 'Supported' ? has(self.action) : !has(self.action)").message("a Supported rule names an action, an Unsupported rule none: add action, or leave it out")
)]
#[serde(rename_all = "camelCase")]
pub struct MatrixRule {
    /// The rule's name, unique in its matrix.
    #[schemars(length(max = 63))]
    #[x_kube(validation = rules::label("the rule's name"))]
    pub name: String,

    /// Which devices it speaks of.
    #[serde(rename = "match")]
    pub matches: MatrixMatch,

    /// Whether Intune can do it.
    pub support: Support,

    /// What it does there. Required with Supported, refused with Unsupported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<MatrixAction>,

    /// The reason, one CamelCase word; the reset's conditions carry it.
    #[schemars(length(max = 64))]
    #[x_kube(validation = Rule::new("self.matches('^[A-Z][A-Za-z0-9]*$')").message("write reason as one CamelCase word, such as PasscodeRemoved"))]
    pub reason: String,

    /// What the person at the desk needs to know, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024))]
    pub guidance: Option<String>,

    /// What has to be true of the device for it to work; told, not checked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), inner(length(min = 1, max = 63)))]
    pub prerequisites: Vec<String>,

    /// How certain the rule is; it is told in the status of every reset that the rule decided, and decides nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certainty: Option<Certainty>,

    /// Where the rule comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    pub source: Option<String>,
}

/// Which devices a rule speaks of: all that is given must fit. A condition that this version does not know makes the matrix unreadable, since a
/// rule without it would speak of more devices.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[x_kube(crates(kube_core = "::kube_core"))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = rules::without_additional_properties)]
pub struct MatrixMatch {
    /// Platform classes, as `passcode-operator matrix` prints them. An unknown one makes the matrix not ready.
    #[schemars(length(min = 1, max = 32), inner(length(min = 1, max = 64)))]
    pub platforms: Vec<String>,

    /// A bound on osVersion, such as ">=8.0" or "<7.0". The leading dotted numbers are compared; missing ones are 0. Default:
    /// any version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    #[x_kube(validation = rules::version_bound())]
    pub os_version: Option<String>,

    /// company or personal. Default: either.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    #[x_kube(validation = Rule::new("self in ['company', 'personal']").message("write ownership as company or personal, or leave it out"))]
    pub ownership: Option<String>,
}

/// Whether Intune can do it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Support {
    /// It can.
    Supported,
    /// It cannot.
    Unsupported,
}

/// What Intune does on a platform. Required with Supported, refused with Unsupported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum MatrixAction {
    /// The device's passcode is removed.
    RemoveDevicePasscode,
    /// The device's passcode is replaced by a temporary one.
    ResetDevicePasscode,
    /// The work profile's passcode is replaced by a temporary one; the phone's own lock stays.
    ResetWorkProfilePasscode,
    /// The PIN of Windows 10 Mobile is replaced.
    ResetDevicePin,
}

impl MatrixAction {
    /// All of them.
    pub const ALL: [Self; 4] =
        [Self::RemoveDevicePasscode, Self::ResetDevicePasscode, Self::ResetWorkProfilePasscode, Self::ResetDevicePin];

    /// The action of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.as_str() == name)
    }

    /// The name as manifests write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RemoveDevicePasscode => "RemoveDevicePasscode",
            Self::ResetDevicePasscode => "ResetDevicePasscode",
            Self::ResetWorkProfilePasscode => "ResetWorkProfilePasscode",
            Self::ResetDevicePin => "ResetDevicePin",
        }
    }
}

/// How certain it is what a rule says. A rule that only refuses what it does not know claims nothing and has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Certainty {
    /// Official text says so and nothing speaks against it.
    Documented,
    /// One official text, an old one, or a conclusion from several.
    Likely,
    /// Official texts contradict each other.
    Disputed,
    /// An official text said so and has been withdrawn.
    Withdrawn,
    /// Nobody documents it; it waits for a first real device.
    Undocumented,
    /// A word that this version does not know. It is only told to people, so it makes no matrix unreadable.
    #[serde(other)]
    #[schemars(skip)]
    Unrecognised,
}

impl Certainty {
    /// The word as manifests and statuses write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Documented => "Documented",
            Self::Likely => "Likely",
            Self::Disputed => "Disputed",
            Self::Withdrawn => "Withdrawn",
            Self::Undocumented => "Undocumented",
            Self::Unrecognised => "Unrecognised",
        }
    }
}

/// Whether the matrix can be used.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[x_kube(crates(kube_core = "::kube_core"))]
#[schemars(extend("default" = serde_json::json!({"observedGeneration": -1})))]
#[serde(rename_all = "camelCase")]
pub struct PlatformSupportMatrixStatus {
    /// The generation that this status speaks of; -1 until the operator has seen the object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,

    /// Ready, with what is wrong where it is False.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,
}
