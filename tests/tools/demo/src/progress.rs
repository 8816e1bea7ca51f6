//! What people see while it runs.

use std::fmt::Display;
use std::time::Instant;

/// Prints lines, each with the time since the beginning.
pub struct Progress {
    began: Instant,
}

impl Progress {
    /// Begins now.
    pub fn begin() -> Self {
        Self { began: Instant::now() }
    }

    /// Something larger begins.
    pub fn step(&self, what: impl Display) {
        println!("\n{} {what}", self.time());
    }

    /// Something happened.
    pub fn note(&self, what: impl Display) {
        println!("{}   {what}", self.time());
    }

    fn time(&self) -> String {
        format!("[{:5.1} s]", self.began.elapsed().as_secs_f64())
    }
}
