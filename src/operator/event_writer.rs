//! The one place where events are emitted. A failure here never holds anything up.

use std::time::Duration;

use kube::{
    Client, Resource,
    runtime::events::{Event, EventType, Recorder, Reporter},
};

use super::calls::call_within;
use passcode_core::{api::reset::PasscodeReset, lifecycle::events::Announcement};

/// The longest note that the API server takes, in bytes.
const LONGEST_NOTE: usize = 1024;

/// How long one may take.
const TIME_OUT: Duration = Duration::from_secs(10);

/// Publishes events on PasscodeResets.
#[derive(Clone)]
pub struct EventWriter {
    recorder: Recorder,
}

impl EventWriter {
    /// One for the whole process: repeats are counted in its memory.
    #[must_use]
    pub fn new(client: Client, instance: &str) -> Self {
        let reporter = Reporter { controller: "passcode-operator".to_owned(), instance: Some(instance.to_owned()) };
        Self { recorder: Recorder::new(client, reporter) }
    }

    /// Publishes one.
    pub async fn publish(&self, object: &PasscodeReset, announcement: &Announcement) {
        let end = announcement.note.floor_char_boundary(LONGEST_NOTE);
        // The recorder counts events of one reason and action as repeats and keeps the first note: the issue and the outcome of a
        // reset mostly share their reason.
        let finished = object.status.as_ref().is_some_and(|status| status.outcome.is_some());
        let event = Event {
            type_: if announcement.warning { EventType::Warning } else { EventType::Normal },
            reason: announcement.reason.clone(),
            note: Some(announcement.note[..end].to_owned()),
            action: if finished { "Finish" } else { "Reset" }.to_owned(),
            secondary: None,
        };
        let reference = object.object_ref(&());
        if let Err(error) = call_within(TIME_OUT, self.recorder.publish(&event, &reference)).await {
            tracing::info!(object = object.full_name(), %error, reason = event.reason, "an event could not be published");
        }
    }
}
