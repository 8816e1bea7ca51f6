//! The answer to the one request that changes something: what is taken for "not executed" and was, is a second reset.

use std::time::Duration;

use bytes::Bytes;
use http::Response;
use k8s_openapi::jiff::Timestamp;
use passcode_operator::graph::{Action, Answer, NotExecuted, Truncated, Urgency};
use serde_json::Value;

use super::DEVICE;
use crate::{
    desk::ask,
    message::answers,
    oracles::{is_a_pause, is_for_people},
};

/// Tells the client what time it is.
const A_LOOK: &str = "200\ndate: Sun, 22 Nov 2026 09:00:00 GMT\n\n{}";

/// The target.
pub fn run(data: &[u8]) {
    let answer = answers(data).swap_remove(0);
    let look = answers(A_LOOK.as_bytes()).swap_remove(0);
    let asked = ask(vec![look, answer.clone()], async |graph| {
        let _ = graph.look(DEVICE, Urgency::LookUp).await;
        graph
            .send(
                Action::ResetPasscode,
                DEVICE,
                "attempt-1",
                Timestamp::MAX,
                Duration::from_secs(20),
                graph.reserve_again().await,
            )
            .await
    });
    let sent = asked.of_graph.iter().filter(|request| request.method() == "POST").count();
    assert_eq!(sent, 1, "sent once, whatever the answer");
    is_for_people(&asked.answer.message);
    is_true(&answer, &asked.answer.answer);
}

/// What each answer means, once more.
fn is_true(answer: &Response<Bytes>, judged: &Answer) {
    use NotExecuted::{ApprovalRequired, DependencyFailed, PermissionMissing, Throttled, TokenRejected, WrongAddress};
    let status = answer.status().as_u16();
    let right = match (status, judged) {
        (200..=299, judged) => *judged == Answer::Accepted,
        (400, Answer::NotExecuted(WrongAddress)) => !is_cut(answer) && names_a_segment(answer.body()),
        (400, Answer::Refused) => !is_cut(answer),
        (400, Answer::Unknown) => is_cut(answer),
        (401, Answer::NotExecuted(TokenRejected)) => true,
        (403, Answer::NotExecuted(TokenRejected | PermissionMissing | ApprovalRequired)) => true,
        (404 | 422, Answer::Refused) => true,
        (405 | 406 | 415, Answer::NotExecuted(WrongAddress)) => true,
        (424, Answer::NotExecuted(DependencyFailed)) => true,
        (429, Answer::NotExecuted(Throttled { retry_after })) => {
            is_a_pause(*retry_after);
            true
        }
        (400 | 401 | 403..=406 | 415 | 422 | 424 | 429, _) => false,
        (_, judged) => *judged == Answer::Unknown,
    };
    assert!(right, "{status} was taken for {judged:?}");
}

fn is_cut(answer: &Response<Bytes>) -> bool {
    answer.extensions().get::<Truncated>().is_some()
}

/// Whether the words are somewhere in the body. With escapes in it nobody can tell by its letters.
fn names_a_segment(body: &[u8]) -> bool {
    let words = |text: &str| {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ").to_ascii_lowercase();
        text.contains("resource not found for the segment")
    };
    let body = String::from_utf8_lossy(body);
    serde_json::from_str::<Value>(&body).is_err() || body.contains('\\') || words(&body)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(status: u16, answer: &Answer) {
        is_true(&Response::builder().status(status).body(Bytes::new()).unwrap(), answer);
    }

    #[test]
    #[should_panic(expected = "503 was taken for")]
    fn an_error_of_the_server_taken_for_not_executed_is_noticed() {
        judged(503, &Answer::NotExecuted(NotExecuted::DependencyFailed));
    }

    #[test]
    #[should_panic(expected = "409 was taken for")]
    fn a_conflict_taken_for_refused_is_noticed() {
        judged(409, &Answer::Refused);
    }

    #[test]
    #[should_panic(expected = "302 was taken for")]
    fn a_redirect_taken_for_accepted_is_noticed() {
        judged(302, &Answer::Accepted);
    }
}
