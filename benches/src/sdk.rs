//! The script with Microsoft's SDK, which has no cluster: it is given a list of phones and ends.

use std::{ffi::OsString, time::Duration};

use anyhow::{Result, bail};
use tokio::time::{Instant, sleep};

use crate::{
    contestant::{Programs, peers},
    process::{Measured, Usage},
    stage::Stage,
};

/// How often its usage is looked at: what it used after the last look is not known.
const PERIOD: Duration = Duration::from_millis(200);

/// Runs the script over `phones`, with so many requests at once, until it ends; answers what it used.
///
/// # Errors
/// If it does not end in time.
pub async fn run(
    programs: &Programs,
    stage: &Stage,
    phones: &[String],
    at_once: usize,
    at_most: Duration,
) -> Result<Usage> {
    let list = stage.directory().join("phones");
    std::fs::write(&list, phones.join("\n"))?;
    let command: [OsString; 4] = [
        programs.python("sdk")?.into(),
        peers().join("sdk/script.py").into(),
        format!("--at-once={at_once}").into(),
        list.into(),
    ];
    let mut script = Measured::start(stage.directory(), "sdk", &command, &stage.environment())?;
    let deadline = Instant::now() + at_most;
    let mut usage = Usage::default();
    while script.runs()? {
        // It may end between the two.
        usage = script.usage().unwrap_or(usage);
        if Instant::now() > deadline {
            bail!("the script did not end within {at_most:?}");
        }
        sleep(PERIOD).await;
    }
    Ok(usage)
}
