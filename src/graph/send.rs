//! The one call that changes something: asking for a reset, once.

use std::time::Duration;

use k8s_openapi::jiff::{SignedDuration, Timestamp};

use super::{
    answer::{Answer, NotExecuted, judge, judge_silence},
    budget::Reservation,
    client::Graph,
    exchange::Answered,
    request::{Action, Call, DeviceId},
    transport::{Connection, Exchange},
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
}

impl Graph {
    /// Asks for `action` with at most one `POST`, on a connection of its own, without any retry.
    ///
    /// The token is fetched first, which may take a while. Then, as the last thing before the connection is opened,
    /// [`Graph::now`] is compared with `not_after`: past it, or without knowing Graph's time, nothing is sent.
    /// `time_out` is for connecting, sending and the answer. `attempt_id` becomes the `client-request-id`, by which
    /// Microsoft's support finds the call even if no answer came. `room` is used up only by what is really sent.
    pub async fn send(
        &self,
        action: Action,
        managed_device_id: &str,
        attempt_id: &str,
        not_after: Timestamp,
        time_out: Duration,
        mut room: Reservation,
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
        if let Err(too_late) = self.wait_while_held_back(&room, not_after).await {
            return Sent::nothing(NotExecuted::PastDeadline, too_late);
        }
        let call = Call::Act { id, action };
        room.begin();
        let mut sent = match self.channel.exchange(&call, &token, attempt_id, exchange).await {
            Ok(answered) => {
                self.channel.heed(&token, &answered);
                Sent::answered(&answered)
            }
            Err(error) => Sent {
                answer: judge_silence(&error),
                request_id: None,
                date: None,
                message: format!("Microsoft Graph did not answer: {error}"),
            },
        };
        match &mut sent.answer {
            Answer::NotExecuted(NotExecuted::Throttled { retry_after }) => {
                *retry_after = Some(room.throttled(*retry_after));
            }
            Answer::NotExecuted(_) => room.without_a_reset(),
            _ => {}
        }
        sent
    }

    /// Waits until there is room, and while Graph asks to be left alone: a 429 that came since room was reserved holds for this request, too.
    /// What would be past the deadline then is too late now.
    async fn wait_while_held_back(&self, room: &Reservation, not_after: Timestamp) -> Result<(), &'static str> {
        loop {
            let now = self.now().ok_or("Microsoft Graph's time is not known.")?;
            let pause = room.held_back();
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
        Self { answer: Answer::NotExecuted(reason), request_id: None, date: None, message: message.to_owned() }
    }

    fn answered(answered: &Answered) -> Self {
        let (answer, message, request_id) = if answered.status.is_success() {
            let message = "Microsoft Graph accepted the request.".to_owned();
            (Answer::Accepted, message, answered.request_id())
        } else {
            let refusal = answered.refusal();
            let answer = judge(answered, &refusal);
            (answer, refusal.to_string(), refusal.request_id)
        };
        Self { answer, request_id, date: answered.date(), message }
    }
}

#[cfg(test)]
mod tests;
