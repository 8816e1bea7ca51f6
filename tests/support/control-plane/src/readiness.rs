//! Whether a server answers that it is ready.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use http::Request;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// A paused server accepts a connection and never answers.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);

/// Asks etcd on a port of 127.0.0.1.
pub(crate) async fn etcd(port: u16) -> Result<()> {
    let ask = async {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
        // The old protocol version makes the server close the connection, which ends the answer.
        stream.write_all(b"GET /readyz HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n").await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        let status = answer.lines().next().unwrap_or_default();
        ensure!(status.contains(" 200 "), "it answered {status:?}");
        Ok(())
    };
    timeout(ANSWER_LIMIT, ask).await.context("it did not answer")?
}

/// Asks the API server.
pub(crate) async fn apiserver(client: &Client) -> Result<()> {
    let request = Request::get("/readyz").body(Vec::new())?;
    timeout(ANSWER_LIMIT, client.request_text(request)).await.context("it did not answer")??;
    Ok(())
}

/// A client for the API server. It belongs to the runtime that it is made in, so nothing keeps it for others.
pub(crate) async fn client(kubeconfig: &Path) -> Result<Client> {
    let kubeconfig = Kubeconfig::read_from(kubeconfig)?;
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
    Ok(Client::try_from(config)?)
}

/// Tries again until a check passes or the limit is over.
pub(crate) async fn until<F>(limit: Duration, mut check: F) -> Result<()>
where
    F: AsyncFnMut() -> Result<Attempt>,
{
    // The clock of the system and not the one of tokio, which a test may have stopped.
    let started = std::time::Instant::now();
    loop {
        match check().await? {
            Attempt::Passed => return Ok(()),
            Attempt::NotYet(why) if started.elapsed() >= limit => {
                bail!("not ready after {limit:?}: {why:#}")
            }
            Attempt::NotYet(_) => tokio::time::sleep(Duration::from_millis(25)).await,
        }
    }
}

/// What one check came to.
pub(crate) enum Attempt {
    /// It is as it should be.
    Passed,
    /// It may still become so.
    NotYet(anyhow::Error),
}

impl From<Result<()>> for Attempt {
    fn from(result: Result<()>) -> Self {
        match result {
            Ok(()) => Self::Passed,
            Err(error) => Self::NotYet(error),
        }
    }
}
