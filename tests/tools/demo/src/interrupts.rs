//! Being told to stop: the demonstration then ends in order, with all its processes.

use anyhow::{Result, bail};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that end the demonstration. They are listened to from the beginning, so that none is lost between two steps.
pub struct Interrupts {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
    came: bool,
}

impl Interrupts {
    /// From now on, no signal ends this process by itself.
    pub fn listen() -> Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
            came: false,
        })
    }

    /// Whether one has come.
    pub fn came(&self) -> bool {
        self.came
    }

    /// Waits for one.
    pub async fn wait(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hang_up.recv() => {}
        }
        self.came = true;
    }

    /// Does some work, which is dropped where it stands when a signal comes.
    pub async fn or<T>(&mut self, work: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::select! {
            done = work => done,
            () = self.wait() => bail!("interrupted"),
        }
    }
}
