//! The one call that changes something: asking for a reset, once.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{
    answer::{Answer, NotExecuted, judge, judge_silence},
    client::Graph,
    request::{Action, Call, DeviceId},
};
use crate::graph::{
    http::{Connection, Exchange, GraphResponse, TransportError, tidy},
    limits::Reservation,
};

/// What became of one call of [`Graph::send`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Whether it was executed.
    pub answer: Answer,
    /// The answer's `request-id`.
    pub request_id: Option<String>,
    /// The answer's `Date` header.
    pub date: Option<Timestamp>,
    /// One sentence for people: no internal URL, no nested JSON, no secret, no request id.
    pub message: String,
    /// Whether a request left at all: not where there was no token, no connection or no time.
    pub went_out: bool,
}

impl Graph {
    /// Asks for `action` with at most one `POST`, on a connection of its own, without any retry.
    ///
    /// The token is fetched first, which may take a while. Then, as the last thing before the connection is opened,
    /// [`Graph::now`] is compared with `not_after`: past it, or without knowing Graph's time, nothing is sent.
    /// `time_out` is for connecting, sending and the answer. `attempt_id` becomes the `client-request-id`, by which
    /// Microsoft's support finds the call even if no answer came. `reservation` is used up only by what is really sent.
    pub async fn send(
        &self,
        action: Action,
        managed_device_id: &str,
        attempt_id: &str,
        not_after: Timestamp,
        time_out: Duration,
        mut reservation: Reservation,
    ) -> Sent {
        let Some(id) = DeviceId::parse(managed_device_id) else {
            let message = "The device's id cannot be part of an address.";
            return Sent::nothing(NotExecuted::WrongAddress, message);
        };
        let token = match self.channel.sign_in.token().await {
            Ok(token) => token,
            Err(error) => {
                let message = error.to_string();
                return Sent::nothing(NotExecuted::NoToken(error), &message);
            }
        };
        let exchange = Exchange { connection: Connection::Own, time_out };
        if let Err(too_late) = self.wait_while_held_back(&reservation, not_after).await {
            return Sent::nothing(NotExecuted::PastDeadline, too_late);
        }
        let call = Call::Act { id, action };
        reservation.begin();
        let mut sent = match self.channel.exchange(&call, &token, attempt_id, exchange).await {
            Ok(response) => {
                let sent = Sent::answered(&response);
                if sent.answer == Answer::NotExecuted(NotExecuted::TokenRejected) {
                    self.channel.note_rejection(&token, &response);
                }
                sent
            }
            Err(error) => Sent::unanswered(&error),
        };
        match &mut sent.answer {
            Answer::NotExecuted(NotExecuted::Throttled { retry_after }) => {
                *retry_after = Some(reservation.throttled(*retry_after));
            }
            Answer::NotExecuted(_) => reservation.without_a_reset(),
            _ => {}
        }
        sent
    }

    /// Waits until there is capacity, and while a pause that Graph asked for lasts: a 429 that came since the reservation holds for this
    /// request, too. If the deadline would have passed by then, it is too late now.
    async fn wait_while_held_back(&self, reservation: &Reservation, not_after: Timestamp) -> Result<(), &'static str> {
        loop {
            let now = self.now().ok_or("Microsoft Graph's time is not known.")?;
            let pause = reservation.held_back();
            let sent = SignedDuration::try_from(pause).ok().and_then(|pause| now.checked_add(pause).ok());
            if sent.is_none_or(|sent| sent > not_after) {
                return Err(if pause.is_zero() {
                    "The time to send had passed."
                } else {
                    "Microsoft Graph asked to wait for longer than there was time to send."
                });
            }
            if pause.is_zero() {
                return Ok(());
            }
            tokio::time::sleep(pause).await;
        }
    }
}

impl Sent {
    fn nothing(reason: NotExecuted, message: &str) -> Self {
        let answer = Answer::NotExecuted(reason);
        Self { answer, request_id: None, date: None, message: message.to_owned(), went_out: false }
    }

    fn unanswered(error: &TransportError) -> Self {
        let message = tidy(&format!("Microsoft Graph did not answer: {error}")).unwrap_or_default();
        let went_out = matches!(error, TransportError::Lost(_));
        Self { answer: judge_silence(error), request_id: None, date: None, message, went_out }
    }

    fn answered(response: &GraphResponse) -> Self {
        let refusal = response.refusal();
        let answer = judge(response, &refusal);
        let status = refusal.status;
        let message = match &answer {
            Answer::Accepted => "Microsoft Graph accepted the request.".to_owned(),
            Answer::Refused => format!("Microsoft Graph refused it with {}", refusal.words()),
            // The text of something on the way is not repeated: it may hold anything.
            Answer::Unknown if !response.has_graphs_id() => {
                format!(
                    "Something on the way answered {status} in the place of Microsoft Graph, whose answers have a request id"
                )
            }
            Answer::Unknown | Answer::NotExecuted(_) => refusal.to_string(),
        };
        Self { answer, request_id: response.request_id(), date: response.date(), message, went_out: true }
    }
}

#[cfg(test)]
mod tests;
