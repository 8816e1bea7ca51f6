//! helm against a cluster of a test, and nothing of the caller's.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use anyhow::{Context, Result, ensure};
use control_plane::find_or_build;
use tokio::process::Command;

/// The program.
#[derive(Clone, Debug)]
pub struct Helm {
    program: PathBuf,
}

impl Helm {
    /// Finds it, or builds it where it is missing.
    ///
    /// # Errors
    /// If it cannot be built.
    pub async fn find() -> Result<Self> {
        let script = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/build.sh"));
        Ok(Self { program: find_or_build(script).await? })
    }

    /// Runs it to its end, without a cluster or for the one of a kubeconfig.
    ///
    /// # Errors
    /// If it cannot be run. What it says itself is in the output.
    pub async fn run(
        &self,
        kubeconfig: Option<&Path>,
        arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
    ) -> Result<Output> {
        let mut command = Command::new(&self.program);
        // Its own settings and plugins of the caller's have no say.
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("HELM_")) {
            command.env_remove(name);
        }
        command
            .args(arguments)
            .env("KUBECONFIG", kubeconfig.unwrap_or(Path::new("/dev/null")))
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await
            .context("cannot run helm")
    }

    /// What it prints; an error with its words where it refuses.
    ///
    /// # Errors
    /// As [`run`](Self::run), and where it does not succeed.
    pub async fn print(
        &self,
        kubeconfig: Option<&Path>,
        arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
    ) -> Result<String> {
        let output = self.run(kubeconfig, arguments).await?;
        ensure!(output.status.success(), "helm: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).context("helm printed something else than text")
    }
}
