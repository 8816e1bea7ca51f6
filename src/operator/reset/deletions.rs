//! Objects that were deleted after their request was sent: the reset may still happen, and somebody has to be told. A commit can take away
//! thousands at once, so they are told beside the watch, a few at a time.

use std::sync::{Arc, Mutex, PoisonError};

use futures::StreamExt;
use kube::{Api, Client, ResourceExt};
use tokio::sync::mpsc;
use tokio_stream::wrappers::UnboundedReceiverStream;

use crate::operator::{calls::call, event_writer::EventWriter};
use crate::telemetry::metrics::Metrics;
use passcode_core::{
    api::{conditions::reason, reset::PasscodeReset},
    lifecycle::events::Announcement,
};

/// How many are told at once.
const AT_ONCE: usize = 8;

/// The deleted objects of one term that are still to be told.
pub struct Deletions(Mutex<Option<mpsc::UnboundedSender<Arc<PasscodeReset>>>>);

impl Deletions {
    /// None yet; the receiver is for [`tell`].
    #[must_use]
    pub fn new() -> (Self, mpsc::UnboundedReceiver<Arc<PasscodeReset>>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Self(Mutex::new(Some(sender))), receiver)
    }

    /// This one is not in the cluster any more, as far as can be seen.
    pub fn note(&self, object: Arc<PasscodeReset>) {
        let sender = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // After the end of the term nobody listens.
        let _ = sender.as_ref().map(|sender| sender.send(object));
    }

    /// No more follow: [`tell`] ends once it has told what was noted.
    pub fn close(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

/// Tells of what is noted, until that is closed and everything was told.
pub async fn tell(
    client: &Client,
    metrics: &Metrics,
    events: &EventWriter,
    deleted: mpsc::UnboundedReceiver<Arc<PasscodeReset>>,
) {
    let told = |object: Arc<PasscodeReset>| async move { tell_one(client, metrics, events, &object).await };
    UnboundedReceiverStream::new(deleted).for_each_concurrent(AT_ONCE, told).await;
}

async fn tell_one(client: &Client, metrics: &Metrics, events: &EventWriter, object: &PasscodeReset) {
    let api: Api<PasscodeReset> = Api::namespaced(client.clone(), &object.namespace().unwrap_or_default());
    match call(api.get_metadata_opt(&object.name_any())).await {
        // It has an outcome, or the watch missed something.
        Ok(Some(there)) if there.uid() == object.uid() && there.metadata.deletion_timestamp.is_none() => return,
        Ok(_) => {}
        Err(error) => {
            tracing::info!(object = object.full_name(), %error, "whether a PasscodeReset was deleted could not be read");
        }
    }
    metrics.deleted_in_flight();
    tracing::warn!(object = object.full_name(), "deleted after its request was sent: the reset may still happen");
    let note = "Deleted after its request was sent: the reset cannot be cancelled and may still happen. To follow it, create the object again \
                with the same requestTime: it adopts what Intune lists."
        .to_owned();
    let announcement = Announcement { warning: true, reason: reason::DELETED_IN_FLIGHT.to_owned(), note };
    events.publish(object, &announcement).await;
}
