//! Where Graph and Entra are: the four public clouds, or addresses of one's own.

use base64::{Engine, engine::general_purpose::STANDARD};
use url::Url;

/// A public Microsoft cloud.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cloud {
    /// The global service, GCC included.
    Global,
    /// US Government L4 (GCC High).
    UsGov,
    /// US Government L5 (Department of Defense).
    UsGovDoD,
    /// China, operated by 21Vianet.
    China,
}

impl Cloud {
    /// The origins of Graph and of Entra (Microsoft Graph documentation, "National cloud deployments"). Tokens of one
    /// cloud are not valid in another.
    fn origins(self) -> (&'static str, &'static str) {
        match self {
            Self::Global => ("https://graph.microsoft.com", "https://login.microsoftonline.com"),
            Self::UsGov => ("https://graph.microsoft.us", "https://login.microsoftonline.us"),
            Self::UsGovDoD => ("https://dod-graph.microsoft.us", "https://login.microsoftonline.us"),
            Self::China => ("https://microsoftgraph.chinacloudapi.cn", "https://login.chinacloudapi.cn"),
        }
    }
}

/// What cannot be used to build a client; found before anything is sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// An endpoint is not an https origin.
    #[error("{0} must be an https address without path, such as https://graph.example.com")]
    Origin(&'static str),
    /// The CA bundle holds no certificate.
    #[error("caBundle must be one or more PEM certificates, or base64 of that")]
    CaBundle,
    /// TLS could not be set up.
    #[error("TLS could not be set up: {0}")]
    Tls(String),
    /// A certificate or its key cannot be used to sign in; the sentence says why, and what to put in its place.
    #[error("{0}")]
    Certificate(&'static str),
    /// The process's environment names a source of managed identities other than the node's metadata service.
    #[error(
        "a managed identity is asked for at the node's metadata service; unset IDENTITY_ENDPOINT, IDENTITY_HEADER, MSI_ENDPOINT and MSI_SECRET in the operator's environment, which name another place"
    )]
    IdentitySource,
    /// The tenant id, the client id or the secret is empty or has characters that it cannot have.
    #[error("{0} is empty or not valid")]
    Identity(&'static str),
}

/// The addresses of one tenant's Graph and Entra.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoints {
    graph: String,
    authority: String,
    ca_pem: Option<String>,
}

impl From<Cloud> for Endpoints {
    fn from(cloud: Cloud) -> Self {
        let (graph, authority) = cloud.origins();
        Self { graph: graph.to_owned(), authority: authority.to_owned(), ca_pem: None }
    }
}

impl Endpoints {
    /// Addresses of one's own: https origins without a path, and certificates to trust besides the system's (PEM text,
    /// or base64 of it).
    ///
    /// # Errors
    /// [`ConfigError::Origin`], [`ConfigError::CaBundle`].
    pub fn custom(graph: &str, authority: &str, ca_pem: Option<String>) -> Result<Self, ConfigError> {
        Ok(Self {
            graph: origin(graph).ok_or(ConfigError::Origin("endpoints.graph"))?,
            authority: origin(authority).ok_or(ConfigError::Origin("endpoints.authority"))?,
            ca_pem: ca_pem.map(|text| pem(&text)).transpose()?,
        })
    }

    /// Graph's origin, such as `https://graph.microsoft.com`; the only place a token is sent to.
    pub fn graph(&self) -> &str {
        &self.graph
    }

    /// Entra's origin, such as `https://login.microsoftonline.com`; the only place a credential is sent to.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Certificates to trust besides the system's, as PEM text.
    pub fn ca_pem(&self) -> Option<&str> {
        self.ca_pem.as_deref()
    }

    /// The scope that stands for all application permissions granted on this Graph.
    pub(super) fn scope(&self) -> String {
        format!("{}/.default", self.graph)
    }
}

fn origin(text: &str) -> Option<String> {
    let url = Url::parse(text).ok()?;
    let bare = url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    (url.scheme() == "https" && url.has_host() && bare).then(|| url.origin().ascii_serialization())
}

fn pem(text: &str) -> Result<String, ConfigError> {
    if text.contains("-----BEGIN") {
        return Ok(text.to_owned());
    }
    let compact: String = text.split_whitespace().collect();
    STANDARD
        .decode(compact)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .filter(|decoded| decoded.contains("-----BEGIN"))
        .ok_or(ConfigError::CaBundle)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_four_clouds() {
        let hosts = [Cloud::Global, Cloud::UsGov, Cloud::UsGovDoD, Cloud::China].map(|cloud| {
            let endpoints = Endpoints::from(cloud);
            assert_eq!(origin(endpoints.graph()).as_deref(), Some(endpoints.graph()));
            let authority = endpoints.authority();
            assert_eq!(origin(authority).as_deref(), Some(authority));
            assert_eq!(endpoints.ca_pem(), None);
            endpoints.scope()
        });
        assert_eq!(
            hosts,
            [
                "https://graph.microsoft.com/.default",
                "https://graph.microsoft.us/.default",
                "https://dod-graph.microsoft.us/.default",
                "https://microsoftgraph.chinacloudapi.cn/.default",
            ]
        );
    }

    #[test]
    fn an_address_is_an_https_origin() {
        let good = Endpoints::custom("https://Graph.Test:8443/", "https://login.test", None);
        let good = good.unwrap();
        assert_eq!(good.graph(), "https://graph.test:8443");
        assert_eq!(good.authority(), "https://login.test");
        for bad in [
            "http://graph.test",
            "https://graph.test/v1.0",
            "https://graph.test?x=1",
            "https://user:pass@graph.test",
            "https://graph.test/#x",
            "graph.test",
            "",
        ] {
            assert_eq!(
                Endpoints::custom(bad, "https://login.test", None),
                Err(ConfigError::Origin("endpoints.graph")),
                "{bad}"
            );
            assert_eq!(
                Endpoints::custom("https://graph.test", bad, None),
                Err(ConfigError::Origin("endpoints.authority")),
                "{bad}"
            );
        }
    }

    #[test]
    fn a_bundle_is_pem_or_base64_of_pem() {
        let text = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        let mut encoded = STANDARD.encode(text);
        encoded.insert(20, '\n');
        for given in [text.to_owned(), encoded] {
            let endpoints = Endpoints::custom("https://a.test", "https://b.test", Some(given));
            assert_eq!(endpoints.unwrap().ca_pem(), Some(text));
        }
        for bad in ["", "AAAA", "!!!"] {
            let endpoints = Endpoints::custom("https://a.test", "https://b.test", Some(bad.into()));
            assert_eq!(endpoints, Err(ConfigError::CaBundle), "{bad}");
        }
    }
}
