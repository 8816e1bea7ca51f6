//! The reasons of an IntuneTenant and of a PlatformSupportMatrix.

use super::{
    Place::{SupportMatrix, Tenant, TenantIdentity, TenantLedger, TenantPermissions},
    Reason,
    Who::{self, Intune, Nobody, Platform},
};
use crate::api::conditions::{Truth, reason as word};

const fn tenant_reason(reason: &'static str, who: Who, meaning: &'static str, advice: &'static str) -> Reason {
    Reason::new(Tenant, Some(Truth::False), reason, who, meaning, advice)
}

pub(super) const ALL: &[Reason] = &[
    Reason::new(Tenant, Some(Truth::True), word::READY, Nobody, "The operator has signed in.", ""),
    Reason::new(
        Tenant,
        Some(Truth::Unknown),
        word::SIGNING_IN,
        Nobody,
        "How to sign in was changed: the new spec is in force, and the operator is signing in.",
        "Nothing: it takes half a minute at most.",
    ),
    tenant_reason(
        word::SECRET_NOT_FOUND,
        Platform,
        "The Secret or its key is missing, empty, or may not be read.",
        "Create it in the operator's namespace; check the Role (the chart's `secretNames`).",
    ),
    tenant_reason(
        word::INVALID_CONFIGURATION,
        Platform,
        "The endpoints, the caBundle, an id, the secret or the certificate cannot be used as written; `endpoints` names a server that the \
         operator may send nothing to; or a newer version wrote something that this one cannot read.",
        "What the message says.",
    ),
    tenant_reason(
        word::TOKEN_REFUSED,
        Intune,
        "Entra or the node refused to issue a token, or there is nothing to sign in with. The message has the AADSTS code.",
        "What the message says.",
    )
    .more("troubleshooting.md#tokenrefused"),
    tenant_reason(
        word::UNREACHABLE,
        Platform,
        "Entra or the node's metadata service does not answer, is busy, or a proxy answers in its place.",
        "Check the network, `HTTPS_PROXY` and `NO_PROXY`.",
    ),
    tenant_reason(
        word::TOKEN_NOT_ACCEPTED,
        Intune,
        "Graph did not accept the token.",
        "Is it the right `cloud`? Is there conditional access for workload identities?",
    ),
    tenant_reason(
        word::PERMISSION_MISSING,
        Intune,
        "Graph refused with 403.",
        "Grant both application permissions, with admin consent; for a managed identity, by app role assignments.",
    )
    .more("operations.md#permissions"),
    tenant_reason(
        word::INTUNE_NOT_AVAILABLE,
        Intune,
        "The tenant has no Intune or no licence for it, or Intune does not accept the app.",
        "Check `tenantId`, the licences, and the app's permissions and consent.",
    ),
    tenant_reason(
        word::PROPERTY_NOT_AVAILABLE,
        Platform,
        "Graph no longer has a property that this version asks for.",
        "Install a newer version.",
    ),
    tenant_reason(
        word::MULTI_ADMIN_APPROVAL_REQUIRED,
        Intune,
        "Intune's access policy asks for a second administrator.",
        "Exclude the app in that policy (Tenant administration, Multi Admin Approval).",
    ),
    tenant_reason(
        word::WRONG_ADDRESS,
        Platform,
        "This Graph does not know the address: most likely the wrong `cloud`.",
        "Create another IntuneTenant with the right `cloud`.",
    ),
    tenant_reason(
        word::MATRIX_NOT_READY,
        Platform,
        "The PlatformSupportMatrix is missing or not ready.",
        "The matrix's own status says what is wrong.",
    ),
    Reason::new(
        TenantPermissions,
        Some(Truth::True),
        word::ROLES_PRESENT,
        Nobody,
        "The token names both permissions.",
        "",
    ),
    Reason::new(
        TenantPermissions,
        Some(Truth::False),
        word::PERMISSION_MISSING,
        Intune,
        "The token lacks a permission.",
        "Grant it, with admin consent. It shows in the next token: within an hour, or a day with a managed identity.",
    )
    .more("operations.md#permissions"),
    Reason::new(
        TenantPermissions,
        Some(Truth::Unknown),
        word::TOKEN_OPAQUE,
        Nobody,
        "The token cannot be read. A missing permission shows with the first request.",
        "",
    ),
    Reason::new(TenantLedger, Some(Truth::True), word::ENTRY_SEEN, Nobody, "Intune's record was seen to work.", ""),
    Reason::new(
        TenantLedger,
        Some(Truth::Unknown),
        word::NO_ENTRY_SEEN,
        Nobody,
        "No device of this tenant has shown an action yet. Until one does, an answer that is lost ends Failed/OutcomeUnknown instead of \
         another attempt.",
        "Nothing: that is normal in a new tenant.",
    ),
    Reason::new(
        TenantLedger,
        Some(Truth::False),
        word::ENTRY_MISSING,
        Platform,
        "An accepted reset did not show in Intune's record in time. Until an entry is seen again, an answer that is lost ends \
         Failed/OutcomeUnknown.",
        "Compare `status.ledger.maxLag` with `timing.ledgerLag`, and raise the latter if it is too short.",
    ),
    Reason::new(
        TenantIdentity,
        Some(Truth::True),
        word::IDENTITY_PROVED,
        Nobody,
        "The operator tried to approve and to ask in another's name, in a role and with a right that it lacks, and each was refused by the \
         rule against it.",
        "",
    ),
    Reason::new(
        TenantIdentity,
        Some(Truth::False),
        word::IDENTITY_NOT_ENFORCED,
        Platform,
        "One of these was accepted, or refused by something else: the admission policies for identity are missing, changed, or only audit. No \
         approval counts.",
        "Install them as they are shipped: the chart's `identity.enabled`, kustomize's component `identity`.",
    )
    .more("guide/approvals.md#what-is-tried"),
    Reason::new(
        TenantIdentity,
        Some(Truth::False),
        word::PROBE_FORBIDDEN,
        Platform,
        "The operator may not try it: it lacks the right to create approvals and resets in its own namespace. No approval counts.",
        "Install the rights that come with the chart's `identity.enabled` or kustomize's component `identity`.",
    ),
    Reason::new(
        TenantIdentity,
        Some(Truth::Unknown),
        word::IDENTITY_NOT_PROVED,
        Nobody,
        "It has not been tried yet, or the API server has not said for a quarter of an hour. No approval counts until it has.",
        "Nothing, if it lasts no longer than a minute; else what the message says.",
    ),
    Reason::new(SupportMatrix, Some(Truth::True), word::READY, Nobody, "The matrix can be used.", ""),
    Reason::new(
        SupportMatrix,
        Some(Truth::False),
        word::INVALID_MATRIX,
        Platform,
        "The matrix cannot be used as written.",
        "The message lists everything that is wrong with it.",
    ),
];
