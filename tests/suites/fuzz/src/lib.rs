//! What is asked of every input that comes from outside, whatever it is: one target for each way in, as a function of bytes that
//! panics where the answer is wrong.
//!
//! libFuzzer drives them (`make fuzz`, in `libfuzzer/`), and `make test` runs the seeds in `corpus/` and small changes of them. What
//! does not live here: any parsing. Graph's answers go in where they come in, at the client's transport.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is what a target answers with")]

mod desk;
mod message;
mod oracles;
mod planted;
pub mod targets;

/// A target: its name, which is its corpus' too, and its function.
pub struct Target {
    /// The name.
    pub name: &'static str,
    /// Panics where something is wrong.
    pub run: fn(&[u8]),
}

/// Every target.
pub const TARGETS: [Target; 8] = [
    Target { name: "look", run: targets::look::run },
    Target { name: "find", run: targets::find::run },
    Target { name: "saved", run: targets::saved::run },
    Target { name: "send", run: targets::send::run },
    Target { name: "sign-in", run: targets::sign_in::run },
    Target { name: "retry-after", run: targets::retry_after::run },
    Target { name: "claims", run: targets::claims::run },
    Target { name: "resources", run: targets::resources::run },
];

/// The target of this name.
#[must_use]
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}
