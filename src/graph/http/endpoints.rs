//! Where Graph and Entra are: the four public clouds, or other addresses that the administrator of the operator allows.

use std::collections::BTreeSet;

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
    const ALL: [Self; 4] = [Self::Global, Self::UsGov, Self::UsGovDoD, Self::China];

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
    /// An endpoint is a server that nothing may be sent to.
    #[error(
        "{field} is {origin}, and this operator sends no credentials there. Leave endpoints out and write cloud for one of Microsoft's clouds. If the server is your own, let whoever installs the operator allow it: run --allowed-endpoint {origin}, or ALLOWED_ENDPOINTS in its environment (the chart's value allowedEndpoints)"
    )]
    NotAllowed {
        /// The field that names it.
        field: &'static str,
        /// The origin that it names.
        origin: String,
    },
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

/// The origins besides Microsoft's own that credentials and tokens may be sent to. The administrator of the operator names them; what a
/// tenant names is compared with them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowedOrigins(BTreeSet<String>);

/// Something that is no https origin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" is not an https origin: write scheme, host and, if it is not 443, port, such as https://graph.example.com"
)]
pub struct NotAnOrigin(String);

impl AllowedOrigins {
    /// From texts with any number of origins each, separated by white space. Letter case, the default port and a slash at the end make no
    /// difference.
    ///
    /// # Errors
    /// [`NotAnOrigin`], with the first that is none.
    pub fn parse<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> Result<Self, NotAnOrigin> {
        let mut origins = BTreeSet::new();
        for text in texts {
            for word in text.as_ref().split_whitespace() {
                origins.insert(origin(word).ok_or_else(|| NotAnOrigin(word.to_owned()))?);
            }
        }
        Ok(Self(origins))
    }

    /// The origin that a field names, if it may be used.
    fn origin(&self, field: &'static str, text: &str) -> Result<String, ConfigError> {
        let origin = origin(text).ok_or(ConfigError::Origin(field))?;
        let microsofts = |cloud: Cloud| <[&str; 2]>::from(cloud.origins()).contains(&origin.as_str());
        if self.0.contains(&origin) || Cloud::ALL.into_iter().any(microsofts) {
            return Ok(origin);
        }
        Err(ConfigError::NotAllowed { field, origin })
    }
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
    /// Other addresses: https origins without a path, Microsoft's or among the `allowed`, and certificates to trust besides the
    /// system's (PEM text, or base64 of it).
    ///
    /// # Errors
    /// [`ConfigError::Origin`], [`ConfigError::NotAllowed`], [`ConfigError::CaBundle`].
    pub fn custom(
        graph: &str,
        authority: &str,
        ca_pem: Option<String>,
        allowed: &AllowedOrigins,
    ) -> Result<Self, ConfigError> {
        Ok(Self {
            graph: allowed.origin("endpoints.graph", graph)?,
            authority: allowed.origin("endpoints.authority", authority)?,
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
    pub(in crate::graph) fn scope(&self) -> String {
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
        let hosts = Cloud::ALL.map(|cloud| {
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
        let allowed = AllowedOrigins::parse(["https://graph.test:8443 https://graph.test https://login.test"]).unwrap();
        let good = Endpoints::custom("https://Graph.Test:8443/", "https://login.test", None, &allowed);
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
                Endpoints::custom(bad, "https://login.test", None, &allowed),
                Err(ConfigError::Origin("endpoints.graph")),
                "{bad}"
            );
            assert_eq!(
                Endpoints::custom("https://graph.test", bad, None, &allowed),
                Err(ConfigError::Origin("endpoints.authority")),
                "{bad}"
            );
        }
    }

    #[test]
    fn only_microsofts_origins_and_those_that_are_allowed_can_be_used() {
        let none = AllowedOrigins::default();
        let allowed =
            AllowedOrigins::parse(["https://Graph.Example.com:443/", " https://login.example.com:8443\n"]).unwrap();
        let mut microsofts: Vec<(&str, &str)> = Cloud::ALL.map(Cloud::origins).to_vec();
        microsofts.push(("https://GRAPH.microsoft.com:443/", "https://Login.MicrosoftOnline.com/"));
        for (graph, authority) in microsofts {
            for allowed in [&none, &allowed] {
                Endpoints::custom(graph, authority, None, allowed).unwrap();
            }
        }
        Endpoints::custom("https://graph.example.COM", "https://login.example.com:8443/", None, &allowed).unwrap();

        let (graph, authority) = Cloud::Global.origins();
        for bad in [
            "https://graph.example.com:444",
            "https://login.example.com",
            "https://evil.graph.example.com",
            "https://graph.example.com.evil.test",
            "https://graph.microsoft.com.evil.test",
            "https://graph.microsoft.com:444",
            "https://graph.microsoft.com.",
            "https://graphmicrosoft.com",
        ] {
            let refused = |field| ConfigError::NotAllowed { field, origin: bad.to_owned() };
            assert_eq!(Endpoints::custom(bad, authority, None, &allowed), Err(refused("endpoints.graph")), "{bad}");
            assert_eq!(Endpoints::custom(graph, bad, None, &allowed), Err(refused("endpoints.authority")), "{bad}");
        }
        let said = Endpoints::custom("https://Evil.test/", authority, None, &none).unwrap_err().to_string();
        assert!(
            said.starts_with("endpoints.graph is https://evil.test, and this operator sends no credentials there."),
            "{said}"
        );
        assert!(said.contains("run --allowed-endpoint https://evil.test, or ALLOWED_ENDPOINTS"), "{said}");
    }

    #[test]
    fn what_is_no_origin_cannot_be_allowed() {
        for none in [[""].as_slice(), &["  \n", ""], &[]] {
            assert_eq!(AllowedOrigins::parse(none), Ok(AllowedOrigins::default()));
        }
        for bad in ["http://graph.test", "graph.test", "https://graph.test/v1.0", "https://*.test?x", "*"] {
            let said = AllowedOrigins::parse([format!("https://a.test {bad}")]).unwrap_err().to_string();
            assert!(said.starts_with(&format!("\"{bad}\" is not an https origin: write scheme")), "{said}");
        }
    }

    #[test]
    fn a_bundle_is_pem_or_base64_of_pem() {
        let text = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        let custom = |bundle: &str| {
            let (graph, authority) = Cloud::Global.origins();
            Endpoints::custom(graph, authority, Some(bundle.to_owned()), &AllowedOrigins::default())
        };
        let mut encoded = STANDARD.encode(text);
        encoded.insert(20, '\n');
        for given in [text.to_owned(), encoded] {
            assert_eq!(custom(&given).unwrap().ca_pem(), Some(text));
        }
        for bad in ["", "AAAA", "!!!"] {
            assert_eq!(custom(bad), Err(ConfigError::CaBundle), "{bad}");
        }
    }
}
