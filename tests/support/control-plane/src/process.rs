//! A process that never outlives this one.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process};

const SHELL: &str = "/bin/sh";

/// Waits for a line before it becomes the program, so that the watchdog knows the process before it does anything.
const GATE: &str = r#"read -r _ && exec "$@" </dev/null"#;

/// Reads a process id and then waits: for a line, which lets the process be, or for the end of its input, which means that the holder of the
/// other end of the pipe is gone without a word. Then it ends the process and removes what it leaves behind.
const WATCHDOG: &str = r#"read -r pid || exit 0
read -r _ && exit 0
kill -KILL "$pid"
rm -rf "$1""#;

/// What to run.
pub struct Program<'a> {
    /// The file to execute.
    pub file: &'a Path,
    /// Its arguments.
    pub arguments: &'a [OsString],
    /// Where its output is appended.
    pub log: &'a Path,
    /// The directory that nobody needs any more once this process has died without ending the program itself.
    pub leftovers: &'a Path,
}

/// A running program. It is killed when dropped, and by a watchdog when this process dies without dropping anything.
///
/// The watchdog is a shell that reads from a pipe whose other end only this process holds, because asking the kernel for a signal on the parent's
/// death needs unsafe code here and is bound to the parent's thread, not to the parent.
pub struct Process {
    child: Child,
    watchdog: Child,
}

impl Process {
    /// Starts a program under the eyes of a watchdog.
    pub fn spawn(program: &Program<'_>) -> Result<Self> {
        let watchdog = shell(WATCHDOG)
            .arg(program.leftovers)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot start the watchdog")?;
        let log = append(program.log)?;
        let child = shell(GATE)
            .arg(program.file)
            .args(program.arguments)
            // Both servers also read settings and proxies from the environment, and a test must not depend on the caller's.
            .env_clear()
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot start {}", program.file.display()))?;
        let mut process = Self { child, watchdog };
        let id = process.child.id();
        tell(&mut process.watchdog, &id.to_string())?;
        tell(&mut process.child, "start")?;
        process.child.stdin = None;
        Ok(process)
    }

    /// The id of the process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Freezes it with SIGSTOP: it keeps its connections and answers nothing.
    pub fn pause(&mut self) -> Result<()> {
        self.signal(Signal::STOP)
    }

    /// Lets it go on after [`Self::pause`].
    pub fn resume(&mut self) -> Result<()> {
        self.signal(Signal::CONT)
    }

    /// Asks it to end, and waits at most that long until it has; answers whether it did.
    pub async fn terminate(&mut self, limit: Duration) -> Result<bool> {
        self.signal(Signal::TERM)?;
        self.ended_within(limit).await
    }

    /// How it ended, if it has.
    pub fn exit_status(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// Sends a signal, unless the process has ended already: only until its end is noticed does its id belong to it.
    pub(crate) fn signal(&mut self, signal: Signal) -> Result<()> {
        if self.exit_status()?.is_none() {
            kill_process(Pid::from_child(&self.child), signal)?;
        }
        Ok(())
    }

    /// Waits for its end and tells whether it came within the limit.
    pub(crate) async fn ended_within(&mut self, limit: Duration) -> Result<bool> {
        let deadline = Instant::now() + limit;
        while self.exit_status()?.is_none() {
            if Instant::now() >= deadline {
                return Ok(false);
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(true)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Errors mean that a process is gone already, which is what is wanted. The watchdog is let go last, so that there is no gap.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = tell(&mut self.watchdog, "released");
        let _ = self.watchdog.wait();
    }
}

/// A shell script in a process group of its own, so that an interrupt from the terminal reaches only the test, which then ends its servers.
fn shell(script: &str) -> Command {
    let mut command = Command::new(SHELL);
    command.args(["-c", script, "sh"]).stdin(Stdio::piped()).process_group(0);
    command
}

fn tell(shell: &mut Child, line: &str) -> Result<()> {
    let mut pipe = shell.stdin.as_ref().context("the shell has no input")?;
    Ok(writeln!(pipe, "{line}")?)
}

fn append(path: &Path) -> Result<File> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .with_context(|| format!("cannot write to {}", path.display()))
}
