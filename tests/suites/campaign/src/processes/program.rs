//! A program that is killed, frozen and started again. It never outlives this process.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    time::Duration,
};

use control_plane::{Process, Program as Command};

use super::{cluster::Cluster, intune::Intune};

/// How it is run, and the process that runs it at the moment.
pub struct Program {
    arguments: Vec<OsString>,
    log: PathBuf,
    leftovers: PathBuf,
    process: Option<Process>,
}

impl Program {
    /// A program that does not run yet: what it is started with, and its environment, which is all that it gets.
    #[must_use]
    pub fn new(cluster: &Cluster, name: &str, command: &[OsString], environment: &[(&str, OsString)]) -> Self {
        let settings = environment.iter().map(|(key, value)| {
            let mut setting = OsString::from(format!("{key}="));
            setting.push(value);
            setting
        });
        Self {
            // `env` becomes the program, so that signals meet it and nothing in between.
            arguments: settings.chain(command.iter().cloned()).collect(),
            log: cluster.plane.directory().join(format!("{name}.log")),
            leftovers: cluster.plane.directory().to_owned(),
            process: None,
        }
    }

    /// The operator's binary, which may send credentials to these.
    #[must_use]
    pub fn operator(cluster: &Cluster, intunes: &[&Intune], name: &str, binary: &Path) -> Self {
        let origins =
            intunes.iter().map(|intune| intune.endpoints()).flat_map(|(graph, authority, _)| [graph, authority]);
        let origins = origins.collect::<Vec<_>>().join(" ");
        let command = [binary.into(), "run".into(), "--listen".into(), "127.0.0.1:0".into()];
        let environment = [
            ("KUBECONFIG", cluster.plane.admin_kubeconfig().into()),
            ("POD_NAMESPACE", world::objects::OPERATOR.into()),
            ("HOSTNAME", name.into()),
            ("ALLOWED_ENDPOINTS", origins.into()),
            ("LOG", "info,passcode_operator=debug".into()),
        ];
        Self::new(cluster, name, &command, &environment)
    }

    /// Starts it.
    pub fn start(&mut self) {
        let command = Command {
            file: Path::new("/usr/bin/env"),
            arguments: &self.arguments,
            log: &self.log,
            leftovers: &self.leftovers,
        };
        self.process = Some(Process::spawn(&command).unwrap());
    }

    /// Starts it at once.
    #[must_use]
    pub fn started(mut self) -> Self {
        self.start();
        self
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// SIGTERM, and until it has ended.
    pub async fn terminate(&mut self) {
        let Some(mut process) = self.process.take() else { return };
        assert!(process.terminate(Duration::from_secs(30)).await.unwrap(), "it does not end: {}", self.log());
    }

    /// SIGSTOP.
    pub fn pause(&mut self) {
        self.process.as_mut().unwrap().pause().unwrap();
    }

    /// SIGCONT.
    pub fn resume(&mut self) {
        self.process.as_mut().unwrap().resume().unwrap();
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        self.process.as_mut().is_some_and(|process| process.exit_status().unwrap().is_some())
    }

    /// What it logged, over all its starts.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}
