//! What to do about an answer of Entra's, for the person who reads the tenant's status.
//!
//! No advice holds an address: a text that people read has none, wherever it comes from.
//!
//! Nothing else is decided by these codes: Microsoft says that they change ("Apps that take a dependency on text or error code
//! numbers will be broken over time", entra-docs `reference-error-codes.md`). One that is not listed gets the advice of its `error`.

/// The advice for a code such as `AADSTS7000215`, or else for OAuth's `error`.
pub(super) fn remedy(code: Option<&str>, error: &str) -> &'static str {
    let digits = code.and_then(|code| code.strip_prefix("AADSTS")).unwrap_or_default();
    by_code(digits).unwrap_or_else(|| by_error(error))
}

fn by_code(digits: &str) -> Option<&'static str> {
    Some(match digits {
        "7000215" => "Put the client secret's value, not its id, into the Secret.",
        "7000222" => "Make a new client secret in the app registration and put its value into the Secret.",
        "700016" => "Check tenantId, clientId and cloud: that tenant has no such app.",
        "90002" => "Check tenantId and cloud.",
        "900382" => {
            "Check cloud: this tenant is in another one than the app is asked for in. An IntuneTenant's cloud cannot be changed: create another one in its place."
        }
        "700027" => {
            "Upload the certificate that is in the Secret to the app registration (Certificates & secrets), or put a registered one that has not expired into the Secret."
        }
        "700024" => {
            "Set the clock of the operator's machine; with workload identity, see that the token file is renewed."
        }
        "700021" | "700023" => "Check tenantId, clientId and cloud: the signed assertion was made for these.",
        "70025" => "Add a federated credential for this pod's service account to the app or managed identity.",
        "700211" => "Write the issuer of the federated credential exactly as this cluster's tokens say it.",
        "700213" => {
            "Write the subject of the federated credential as system:serviceaccount:NAMESPACE:SERVICEACCOUNT of this pod; upper and lower case count."
        }
        "700212" => {
            "Give the pod's token and the federated credential the audience of the cloud: AzureADTokenExchange, AzureADTokenExchangeUSGov or AzureADTokenExchangeChina, each after api: and two slashes."
        }
        "7000112" => "Enable the app: Enterprise applications, the app, Properties, Enabled for users to sign-in.",
        "53003" => {
            "Exclude the app from the Conditional Access policy for workload identities, or admit the addresses of this cluster in it."
        }
        "7000229" => "Grant admin consent to the app in this tenant: that makes its enterprise application.",
        "50001" | "500011" | "70011" => "Check cloud and endpoints: this Graph is not known there.",
        // 70021 is the general code; newer ones that begin with it say more, and are not all documented.
        _ if digits.starts_with("70021") => {
            "Compare issuer, subject and audience of the federated credential with those of the pod's token."
        }
        _ => return None,
    })
}

fn by_error(error: &str) -> &'static str {
    match error {
        "invalid_client" => "Check the app's credential, and the one that this tenant names in auth.",
        "unauthorized_client" => "Check tenantId, clientId and cloud, and that the app is enabled in this tenant.",
        "invalid_tenant" => "Check tenantId and cloud.",
        "temporarily_unavailable" => "It is tried again by itself.",
        _ => "Look the code up at login.microsoftonline.com/error.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Those that people meet.
    const CODES: [&str; 20] = [
        "7000215", "7000222", "700016", "90002", "900382", "700027", "700024", "700021", "700023", "70025", "700211",
        "700212", "700213", "70021", "7000112", "53003", "7000229", "50001", "500011", "70011",
    ];

    #[test]
    fn each_code_has_advice_of_its_own_and_a_line_in_the_documents() {
        let documents = include_str!("../../../docs/troubleshooting.md");
        for code in CODES {
            assert!(by_code(code).is_some_and(|advice| advice.ends_with('.')), "{code}");
            assert!(documents.contains(&format!("`AADSTS{code}`")), "{code}");
        }
        assert_eq!(by_code("1"), None);
    }

    #[test]
    fn a_code_goes_before_the_error_and_an_unknown_one_after() {
        let secret = remedy(Some("AADSTS7000215"), "invalid_client");
        assert!(secret.contains("value, not its id"), "{secret}");
        for (code, error, says) in [
            (Some("AADSTS1"), "invalid_client", "the app's credential"),
            (None, "unauthorized_client", "tenantId, clientId and cloud"),
            (Some("AADSTS1"), "something_new", "Look the code up"),
            (Some("AADSTS7002138"), "invalid_client", "Compare issuer, subject and audience"),
            (Some("AADSTS70021"), "invalid_request", "Compare issuer, subject and audience"),
            (Some("AADSTS700211"), "invalid_client", "the issuer"),
        ] {
            assert!(remedy(code, error).contains(says), "{code:?} {error}");
        }
    }
}
