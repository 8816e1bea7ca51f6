//! Trouble with Graph that somebody has to mend: what an IntuneTenant's status says of it, and what to do.

use crate::{api::conditions::reason, lifecycle::observed::NotReady};

/// Why a tenant cannot be used, as its use showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Entra refuses the sign-in.
    SignInRefused,
    /// Entra cannot be reached.
    SignInUnreachable,
    /// Graph does not accept the token, a new one included.
    TokenNotAccepted,
    /// A permission or its consent is missing.
    PermissionMissing,
    /// Intune asks for a second administrator's approval.
    ApprovalRequired {
        /// The request for approval that it has filed instead.
        code: Option<String>,
    },
    /// There is no Intune, or it does not let the app in.
    IntuneNotAvailable,
    /// Graph does not have a property that is asked for.
    PropertyNotAvailable,
    /// This is not the Graph that the program knows.
    WrongAddress,
}

impl Trouble {
    /// What the status says, given what was heard: a sentence.
    #[must_use]
    pub fn not_ready(&self, said: &str) -> NotReady {
        // As a sentence that another can follow.
        let heard = said.trim_end_matches('.');
        let (reason, message) = match self {
            Self::SignInRefused => (reason::TOKEN_REFUSED, said.to_owned()),
            Self::SignInUnreachable => (reason::UNREACHABLE, said.to_owned()),
            Self::TokenNotAccepted => (reason::TOKEN_NOT_ACCEPTED, format!("{heard}. {OTHER_CLOUD}")),
            Self::PermissionMissing => (reason::PERMISSION_MISSING, format!("{heard}. The {NEEDS}")),
            Self::ApprovalRequired { code: None } => (reason::MULTI_ADMIN_APPROVAL_REQUIRED, APPROVAL.to_owned()),
            Self::ApprovalRequired { code: Some(code) } => (
                reason::MULTI_ADMIN_APPROVAL_REQUIRED,
                format!("{APPROVAL} Intune has filed approval request {code} instead."),
            ),
            Self::IntuneNotAvailable => (
                reason::INTUNE_NOT_AVAILABLE,
                format!(
                    "{heard}. Either this Entra tenant has no Intune or no licence for it: check tenantId, and the licences. Or Intune does not \
                     let the app in: {NEEDS} What was granted minutes ago may not count yet."
                ),
            ),
            Self::PropertyNotAvailable => (
                reason::PROPERTY_NOT_AVAILABLE,
                format!(
                    "{heard}. Microsoft took away a property that this version of the operator ({}) asks for: install a newer version.",
                    env!("CARGO_PKG_VERSION")
                ),
            ),
            Self::WrongAddress => (
                reason::WRONG_ADDRESS,
                format!("{heard}. Check cloud and endpoints, and that no proxy answers in Graph's place."),
            ),
        };
        NotReady { reason: reason.to_owned(), message }
    }
}

const APPROVAL: &str = "Intune's access policy asks for a second administrator's approval of this app's requests; exclude the app in \
     that policy (Tenant administration, Multi Admin Approval).";

const NEEDS: &str = "app needs the application permissions DeviceManagementManagedDevices.PrivilegedOperations.All and \
     DeviceManagementManagedDevices.Read.All, with admin consent (a managed identity gets them by app role assignments).";

const OTHER_CLOUD: &str = "Check cloud and endpoints: Graph takes tokens of its own cloud only. If they are right, see whether a Conditional \
     Access policy for workload identities withdraws the app's tokens.";
