//! kubectl against this control plane and nothing of the caller's.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Output, Stdio};

use anyhow::{Context, Result};
use tokio::process::Command;

/// Runs kubectl to its end. A `--kubeconfig` among the arguments has precedence over the one given here.
pub(crate) async fn run(
    binaries: &Path,
    kubeconfig: &Path,
    cache: &Path,
    arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
) -> Result<Output> {
    Command::new(binaries.join("kubectl"))
        .args(arguments)
        .env("KUBECONFIG", kubeconfig)
        // What it remembers of other clusters, and what the caller has set for it, belong in the caller's home.
        .env("KUBECACHEDIR", cache)
        .env("KUBERC", "off")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .context("cannot run kubectl")
}
