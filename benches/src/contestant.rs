//! Whom the workloads are played to: this operator, and what people would have written instead.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};

use crate::{
    process::Measured,
    stage::{OPERATOR, OURS, PEERS, Stage},
};

/// Who.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contestant {
    /// This operator.
    Ours,
    /// A plain operator with kube-rs.
    KubeRs,
    /// A plain operator with controller-runtime.
    ControllerRuntime,
    /// A plain operator with kopf.
    Kopf,
}

impl Contestant {
    /// As the tables have it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ours => "passcode-operator",
            Self::KubeRs => "plain kube-rs",
            Self::ControllerRuntime => "plain controller-runtime",
            Self::Kopf => "plain kopf",
        }
    }

    /// The API group of its PasscodeResets.
    #[must_use]
    pub fn group(self) -> &'static str {
        if self == Self::Ours { OURS } else { PEERS }
    }
}

/// Where the programs are: beside the bench's own.
#[derive(Clone, Debug)]
pub struct Programs {
    directory: PathBuf,
}

impl Programs {
    /// Those in a directory, into which the peers that cargo does not build are built.
    #[must_use]
    pub fn in_directory(directory: &Path) -> Self {
        Self { directory: directory.to_owned() }
    }

    /// Starts one replica; `name` is that of its log.
    ///
    /// # Errors
    /// If it cannot be built or started.
    pub fn start(&self, contestant: Contestant, stage: &Stage, name: &str, listen: u16) -> Result<Measured> {
        let command: Vec<OsString> = match contestant {
            Contestant::Ours => {
                let listen = format!("127.0.0.1:{listen}");
                vec![self.directory.join("passcode-operator").into(), "run".into(), "--listen".into(), listen.into()]
            }
            Contestant::KubeRs => vec![self.directory.join("peer-kube-rs").into(), "--claim=none".into()],
            Contestant::ControllerRuntime => vec![self.controller_runtime()?.into()],
            Contestant::Kopf => {
                let mut command = vec![self.python("kopf")?.into_os_string()];
                command.extend(["-m", "kopf", "run", "--standalone", "--all-namespaces"].map(OsString::from));
                command.push(peers().join("kopf/operator.py").into());
                command
            }
        };
        let mut environment = stage.environment();
        environment.push(("KUBECONFIG", stage.plane.admin_kubeconfig().into()));
        match contestant {
            Contestant::Ours => {
                environment = vec![
                    ("KUBECONFIG", stage.plane.admin_kubeconfig().into()),
                    ("POD_NAMESPACE", OPERATOR.into()),
                    ("HOSTNAME", name.into()),
                    ("ALLOWED_ENDPOINTS", stage.origins().into()),
                ];
            }
            Contestant::Kopf => environment.push(("PYTHONDONTWRITEBYTECODE", "1".into())),
            Contestant::KubeRs | Contestant::ControllerRuntime => {}
        }
        Measured::start(stage.directory(), name, &command, &environment)
    }

    /// Builds what a contestant needs, so that no run waits for it.
    ///
    /// # Errors
    /// If it cannot be built.
    pub fn prepare(&self, contestant: Contestant) -> Result<()> {
        match contestant {
            Contestant::Ours => self.is_there("passcode-operator"),
            Contestant::KubeRs => self.is_there("peer-kube-rs"),
            Contestant::ControllerRuntime => self.controller_runtime().map(|_| ()),
            Contestant::Kopf => self.python("kopf").map(|_| ()),
        }
    }

    /// The python of the virtual environment of a peer, which is made where it is missing.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn python(&self, peer: &str) -> Result<PathBuf> {
        let script = peers().join("venv.sh");
        let requirements = peers().join(peer).join("requirements.txt");
        made(Command::new("bash").arg(script).arg(requirements).arg(self.directory.join(format!("peers-{peer}"))))
    }

    fn controller_runtime(&self) -> Result<PathBuf> {
        made(Command::new("bash").arg(peers().join("controller-runtime/build.sh")).arg(&self.directory))
    }

    fn is_there(&self, program: &str) -> Result<()> {
        let path = self.directory.join(program);
        ensure!(path.is_file(), "{} is missing; run the bench with `make bench`", path.display());
        Ok(())
    }
}

/// Where the peers' sources are.
#[must_use]
pub fn peers() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("peers")
}

/// Runs a script that prints what it made.
fn made(command: &mut Command) -> Result<PathBuf> {
    let output = command.output().context("cannot run bash")?;
    ensure!(output.status.success(), "{command:?} failed: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout)?;
    Ok(PathBuf::from(text.lines().last().context("a script printed nothing")?))
}
