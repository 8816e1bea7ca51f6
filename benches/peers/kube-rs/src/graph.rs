//! Microsoft Graph, as far as a peer needs it: a token, and one request.

use std::{
    env, fs,
    time::{Duration, Instant},
};

use anyhow::Context;
use reqwest::{Certificate, Client, StatusCode};
use serde::Deserialize;
use tokio::sync::Mutex;
use url::form_urlencoded;

#[derive(Debug, thiserror::Error)]
pub enum GraphError {
    #[error("Graph: {0}")]
    Connection(#[from] reqwest::Error),
    #[error("Graph answered {0}")]
    Status(StatusCode),
}

#[derive(Deserialize)]
struct Token {
    access_token: String,
    expires_in: u64,
}

pub struct Graph {
    http: Client,
    origin: String,
    token_url: String,
    form: String,
    /// The token, and until when it is used.
    token: Mutex<Option<(String, Instant)>>,
}

impl Graph {
    /// Everything comes from the environment, as in a Deployment.
    pub fn from_environment() -> anyhow::Result<Self> {
        let read = |name: &str| env::var(name).with_context(|| format!("{name} is not set"));
        let roots = Certificate::from_pem_bundle(&fs::read(read("CA_FILE")?)?)?;
        let http = Client::builder().tls_certs_merge(roots).no_proxy().timeout(Duration::from_secs(30)).build()?;
        let origin = read("GRAPH")?;
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "client_credentials")
            .append_pair("client_id", &read("CLIENT_ID")?)
            .append_pair("client_secret", &read("CLIENT_SECRET")?)
            .append_pair("scope", &format!("{origin}/.default"))
            .finish();
        let token_url = format!("{}/{}/oauth2/v2.0/token", read("AUTHORITY")?, read("TENANT_ID")?);
        Ok(Self { http, origin, token_url, form, token: Mutex::default() })
    }

    async fn token(&self) -> Result<String, GraphError> {
        let mut kept = self.token.lock().await;
        if let Some((token, until)) = kept.as_ref()
            && Instant::now() < *until
        {
            return Ok(token.clone());
        }
        let request = self.http.post(&self.token_url).header("content-type", "application/x-www-form-urlencoded");
        let token: Token = accepted(request.body(self.form.clone()).send().await?)?.json().await?;
        let until = Instant::now() + Duration::from_secs(token.expires_in.saturating_sub(300));
        *kept = Some((token.access_token.clone(), until));
        Ok(token.access_token)
    }

    /// Resets a phone's passcode.
    pub async fn reset_passcode(&self, device: &str) -> Result<(), GraphError> {
        let url = format!("{}/v1.0/deviceManagement/managedDevices/{device}/resetPasscode", self.origin);
        let request = self.http.post(url).bearer_auth(self.token().await?).header("content-length", "0");
        accepted(request.send().await?).map(|_| ())
    }
}

fn accepted(answer: reqwest::Response) -> Result<reqwest::Response, GraphError> {
    if answer.status().is_success() { Ok(answer) } else { Err(GraphError::Status(answer.status())) }
}
