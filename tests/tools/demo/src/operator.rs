//! The operator's own binary, as a process that never outlives this one.

use std::fs::File;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use graph_simulator::Server;
use rustix::process::{Pid, Signal, kill_process_group};

/// Runs a program, and asks it to end once the standard input is closed. The other end of that pipe is held by this process only, so the
/// program ends with it, however this process ends.
const KEEPER: &str = r#"
exec 3<&0
"$@" </dev/null 3<&- &
program=$!
{ read -r _ <&3; kill "$program"; } &
reader=$!
exec 3<&-
wait "$program"
status=$?
kill "$reader" 2>/dev/null
exit "$status"
"#;

/// The operator finishes what is in flight first.
const STOP_LIMIT: Duration = Duration::from_secs(15);

/// The running operator. It is ended when dropped.
pub struct Operator {
    keeper: Child,
    log: PathBuf,
    port: u16,
}

impl Operator {
    /// Starts it. It logs into `directory`.
    pub fn start(binary: &Path, directory: &Path, kubeconfig: &Path, namespace: &str, server: &Server) -> Result<Self> {
        let log = directory.join("operator.log");
        let file = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        let port = free_port()?;
        let listen = format!("127.0.0.1:{port}");
        let (graph, authority) = (server.graph_origin(), server.authority_origin());
        let arguments = ["run", "--listen", &listen, "--allowed-endpoint", graph, "--allowed-endpoint", authority];
        let keeper = Command::new("sh")
            .args(["-c", KEEPER, "sh"])
            .arg(binary)
            .args(arguments)
            .env("KUBECONFIG", kubeconfig)
            .env("POD_NAMESPACE", namespace)
            .env("PROBE_IDENTITY", "true")
            // Everything is on this machine, whatever proxies and settings the caller's environment has.
            .env("NO_PROXY", "localhost,127.0.0.1")
            .env_remove("no_proxy")
            .env_remove("HTTPS_PROXY")
            .env_remove("https_proxy")
            .env_remove("LOG")
            .env_remove("LOG_FORMAT")
            .stdin(Stdio::piped())
            .stdout(file.try_clone()?)
            .stderr(file)
            // A group of its own: an interrupt from the terminal reaches only this process, which then ends the operator.
            .process_group(0)
            .spawn()
            .context("cannot start the operator")?;
        Ok(Self { keeper, log, port })
    }

    /// An error with the end of its log if it has ended.
    pub fn check(&mut self) -> Result<()> {
        let Some(status) = self.keeper.try_wait()? else {
            return Ok(());
        };
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        bail!("the operator ended ({status}):\n{}", lines[lines.len().saturating_sub(20)..].join("\n"))
    }

    /// Its log.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Where it serves its metrics.
    pub fn metrics(&self) -> String {
        format!("http://127.0.0.1:{}/metrics", self.port)
    }

    fn ended_within(&mut self, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        while matches!(self.keeper.try_wait(), Ok(None)) {
            if Instant::now() >= deadline {
                return false;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        true
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        self.keeper.stdin = None;
        if !self.ended_within(STOP_LIMIT) {
            eprintln!("the operator did not end within {STOP_LIMIT:?} and is killed");
            let _ = kill_process_group(Pid::from_child(&self.keeper), Signal::KILL);
            let _ = self.keeper.wait();
        }
    }
}

/// A port that was free a moment ago.
fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
