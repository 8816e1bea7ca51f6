//! Where etcd, kube-apiserver and kubectl are.

use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use tokio::process::Command;

/// Asks `build.sh`, the only place that knows where the programs are kept, and which builds them when they are missing.
///
/// Its progress lines go to this process's standard error, because a first build of several silent minutes looks like a hang.
pub(crate) async fn directory() -> Result<PathBuf> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/build.sh");
    let output = Command::new("bash")
        .arg(script)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .await
        .with_context(|| format!("cannot run {script}"))?;
    ensure!(output.status.success(), "{script} failed ({})", output.status);
    let text =
        String::from_utf8(output.stdout).with_context(|| format!("{script} printed a path that is not UTF-8"))?;
    let last = text.lines().last().with_context(|| format!("{script} printed no directory"))?;
    Ok(PathBuf::from(last))
}
