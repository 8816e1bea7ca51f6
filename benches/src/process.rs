//! A program under measurement: what it has used of the machine.

use std::{ffi::OsString, fs, path::Path, time::Duration};

use anyhow::{Context, Result, ensure};
use control_plane::{Process, Program};

/// The kernel counts CPU time in hundredths of a second (proc(5): `sysconf(_SC_CLK_TCK)`, 100 on Linux for programs).
const TICK: Duration = Duration::from_millis(10);

/// What a process has used.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Usage {
    /// CPU time of all its threads, in user and kernel mode.
    pub cpu: Duration,
    /// The most memory that it held at once, in MiB.
    pub peak_mib: f64,
    /// The memory that it holds now, in MiB.
    pub mib: f64,
}

/// A running program, killed when dropped.
pub struct Measured {
    process: Process,
}

impl Measured {
    /// Starts a program with this environment, which is all that it gets. Its output goes to a file of `directory`.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn start(directory: &Path, name: &str, command: &[OsString], environment: &[(&str, OsString)]) -> Result<Self> {
        let settings = environment.iter().map(|(key, value)| {
            let mut setting = OsString::from(format!("{key}="));
            setting.push(value);
            setting
        });
        // `env` becomes the program, so that its id is the program's.
        let arguments: Vec<OsString> = settings.chain(command.iter().cloned()).collect();
        let program = Program {
            file: Path::new("/usr/bin/env"),
            arguments: &arguments,
            log: &directory.join(format!("{name}.log")),
            leftovers: directory,
        };
        Ok(Self { process: Process::spawn(&program)? })
    }

    /// What it has used until now.
    ///
    /// # Errors
    /// If it has ended.
    pub fn usage(&mut self) -> Result<Usage> {
        ensure!(self.process.exit_status()?.is_none(), "the measured program has ended by itself");
        let read = |file: &str| {
            let path = format!("/proc/{}/{file}", self.process.id());
            fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))
        };
        let status = read("status")?;
        Ok(Usage { cpu: cpu(&read("stat")?)?, peak_mib: mib(&status, "VmHWM:")?, mib: mib(&status, "VmRSS:")? })
    }

    /// Whether it still runs.
    ///
    /// # Errors
    /// If that cannot be told.
    pub fn runs(&mut self) -> Result<bool> {
        Ok(self.process.exit_status()?.is_none())
    }

    /// SIGTERM, and until it has ended.
    ///
    /// # Errors
    /// If it does not end.
    pub async fn terminate(&mut self) -> Result<()> {
        ensure!(self.process.terminate(Duration::from_secs(30)).await?, "the measured program does not end");
        Ok(())
    }
}

/// CPU time by `/proc/PID/stat`. The program's name, which may hold anything, is in parentheses.
fn cpu(stat: &str) -> Result<Duration> {
    let (_, fields) = stat.rsplit_once(") ").context("/proc/PID/stat without a name")?;
    let fields: Vec<&str> = fields.split(' ').collect();
    // utime and stime are fields 14 and 15, and the first here is field 3.
    let ticks =
        |field: usize| -> Result<u32> { Ok(fields.get(field - 3).context("/proc/PID/stat is short")?.parse()?) };
    Ok(TICK * (ticks(14)? + ticks(15)?))
}

/// Memory by `/proc/PID/status`.
fn mib(status: &str, field: &str) -> Result<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    let line = line.with_context(|| format!("/proc/PID/status without {field}"))?;
    let kib: f64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kib / 1024.0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn proc_is_read_by_its_fields() {
        let stat = "42 (a) b (c)) S 1 42 42 0 -1 4194304 100 0 0 0 250 50 0 0 20 0 3 0 100 1000 200";
        assert_eq!(cpu(stat).unwrap(), Duration::from_secs(3));
        assert!(cpu("42 (x) S 1").is_err());
        let status = "Name:\tx\nVmHWM:\t    2048 kB\nVmRSS:\t 1024 kB\n";
        assert_eq!((mib(status, "VmHWM:").unwrap(), mib(status, "VmRSS:").unwrap()), (2.0, 1.0));
        assert!(mib("Name:\tx\n", "VmHWM:").is_err());
    }

    #[tokio::test]
    async fn a_program_is_measured_until_it_ends() {
        let directory = std::env::temp_dir();
        let command = ["sh", "-c", "while :; do :; done"].map(OsString::from);
        let path = [("PATH", std::env::var_os("PATH").unwrap())];
        let mut busy = Measured::start(&directory, "bench-busy", &command, &path).unwrap();
        while busy.usage().unwrap().cpu < TICK {
            tokio::time::sleep(TICK).await;
        }
        assert!(busy.usage().unwrap().peak_mib > 0.1);
        busy.terminate().await.unwrap();
        assert!(busy.usage().is_err() && !busy.runs().unwrap());
    }
}
