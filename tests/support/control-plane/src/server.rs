//! One server of a control plane: how it is run, and the process that runs it at the moment.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::Signal;

use crate::component::Component;
use crate::files;
use crate::process::{Process, Program};

/// kube-apiserver lets requests in flight finish, and waits for etcd when that does not answer.
const STOP_LIMIT: Duration = Duration::from_secs(30);

/// A server that can be run again and again with the same arguments, and so with the same port and state.
pub(crate) struct Server {
    component: Component,
    file: PathBuf,
    arguments: Vec<OsString>,
    log: PathBuf,
    leftovers: PathBuf,
    process: Option<Process>,
}

impl Server {
    /// A server that does not run yet. Its program is looked for in `binaries`; it logs into `directory`.
    pub(crate) fn new(component: Component, binaries: &Path, directory: &Path, arguments: Vec<OsString>) -> Self {
        Self {
            component,
            file: binaries.join(component.program()),
            arguments,
            log: files::log(directory, component),
            leftovers: directory.to_owned(),
            process: None,
        }
    }

    /// Starts it without waiting until it serves.
    pub(crate) fn launch(&mut self) -> Result<()> {
        if self.is_running()? {
            bail!("{} runs already", self.component);
        }
        self.process = Some(Process::spawn(&Program {
            file: &self.file,
            arguments: &self.arguments,
            log: &self.log,
            leftovers: &self.leftovers,
        })?);
        Ok(())
    }

    /// Asks it to end, as an administrator would, and waits until it has.
    pub(crate) async fn stop(&mut self) -> Result<()> {
        let Some(mut process) = self.process.take() else {
            return Ok(());
        };
        process.signal(Signal::TERM)?;
        // A paused process would hear the request only when it is resumed.
        process.signal(Signal::CONT)?;
        if !process.ended_within(STOP_LIMIT).await? {
            bail!("{} did not stop within {STOP_LIMIT:?} and was killed", self.component);
        }
        Ok(())
    }

    /// Ends it without a chance to finish anything.
    pub(crate) fn kill(&mut self) {
        self.process = None;
    }

    /// Freezes it: it keeps its connections and answers nothing.
    pub(crate) fn pause(&mut self) -> Result<()> {
        self.signal(Signal::STOP)
    }

    /// Lets it go on after [`Self::pause`].
    pub(crate) fn resume(&mut self) -> Result<()> {
        self.signal(Signal::CONT)
    }

    fn signal(&mut self, signal: Signal) -> Result<()> {
        if !self.is_running()? {
            bail!("{} does not run", self.component);
        }
        self.process.as_mut().context("there is no process")?.signal(signal)
    }

    /// Whether its process is there, paused or not.
    pub(crate) fn is_running(&mut self) -> Result<bool> {
        match &mut self.process {
            Some(process) => Ok(process.exit_status()?.is_none()),
            None => Ok(false),
        }
    }

    /// The id of its process while that is there.
    pub(crate) fn id(&mut self) -> Result<Option<u32>> {
        let running = self.is_running()?;
        Ok(self.process.as_ref().filter(|_| running).map(|process| process.id()))
    }
}
