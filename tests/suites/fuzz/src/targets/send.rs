//! The answer to the one request that changes something: what is taken for "not executed" and was, is a second reset.

use std::time::Duration;

use bytes::Bytes;
use http::Response;
use k8s_openapi::jiff::Timestamp;
use passcode_operator::graph::{Action, Answer, NotExecuted, Priority, Truncated};
use serde_json::Value;

use super::DEVICE;
use crate::{
    desk::ask,
    message::answers,
    oracles::{is_a_pause, is_for_people},
};

/// Tells the client what time it is.
const A_LOOK: &str = "200\ndate: Sun, 22 Nov 2026 09:00:00 GMT\nrequest-id: 1\n\n{}";

/// The target.
pub fn run(data: &[u8]) {
    let answer = answers(data).swap_remove(0);
    let look = answers(A_LOOK.as_bytes()).swap_remove(0);
    let asked = ask(vec![look, answer.clone()], async |graph| {
        let _ = graph.look(DEVICE, Priority::LookUp).await;
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
        (_, Answer::Unknown) => !matches!(status, 200..=299) || !has_an_id(answer),
        // Whatever is taken for more than that has to be Graph's own.
        _ if !is_graphs(answer) => false,
        (200..=299, judged) => *judged == Answer::Accepted,
        (400, Answer::NotExecuted(WrongAddress)) => says(answer.body(), "resource not found for the segment"),
        (400, Answer::NotExecuted(ApprovalRequired { .. })) => says(answer.body(), "x-msft-approval-justification"),
        (400 | 404 | 422, Answer::Refused) => true,
        (401, Answer::NotExecuted(TokenRejected | PermissionMissing)) => true,
        (403, Answer::NotExecuted(TokenRejected | PermissionMissing | ApprovalRequired { .. })) => true,
        (405 | 406 | 415, Answer::NotExecuted(WrongAddress)) => true,
        (409, Answer::NotExecuted(ApprovalRequired { .. })) => says(answer.body(), "approval"),
        (412, Answer::NotExecuted(ApprovalRequired { code })) => code.as_deref().is_none_or(|code| {
            is_for_people(code);
            true
        }),
        (424, Answer::NotExecuted(DependencyFailed)) => true,
        (429, Answer::NotExecuted(Throttled { retry_after })) => {
            is_a_pause(*retry_after);
            true
        }
        _ => false,
    };
    assert!(right, "{status} was taken for {judged:?}");
}

fn has_an_id(answer: &Response<Bytes>) -> bool {
    answer.headers().get("request-id").is_some_and(|id| !id.is_empty())
}

fn is_graphs(answer: &Response<Bytes>) -> bool {
    let error = || serde_json::from_slice::<Value>(answer.body()).is_ok_and(|body| body["error"]["code"].is_string());
    has_an_id(answer) && (answer.status().is_success() || (error() && !is_cut(answer)))
}

fn is_cut(answer: &Response<Bytes>) -> bool {
    answer.extensions().get::<Truncated>().is_some()
}

/// Whether the words are somewhere in the body. With escapes in it nobody can tell by its letters.
fn says(body: &[u8], words: &str) -> bool {
    let body = String::from_utf8_lossy(body);
    let text = body.split_whitespace().collect::<Vec<_>>().join(" ").to_ascii_lowercase();
    body.contains('\\') || text.contains(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graphs(status: u16) -> Response<Bytes> {
        let body = Bytes::from_static(br#"{"error":{"code":"Error"}}"#);
        Response::builder().status(status).header("request-id", "1").body(body).unwrap()
    }

    fn judged(status: u16, answer: &Answer) {
        is_true(&graphs(status), answer);
    }

    #[test]
    #[should_panic(expected = "403 was taken for")]
    fn what_another_wrote_taken_for_not_executed_is_noticed() {
        let mut answer = graphs(403);
        answer.headers_mut().remove("request-id");
        is_true(&answer, &Answer::NotExecuted(NotExecuted::PermissionMissing));
    }

    #[test]
    #[should_panic(expected = "200 was taken for")]
    fn a_page_taken_for_accepted_is_noticed() {
        is_true(&Response::builder().status(200).body(Bytes::new()).unwrap(), &Answer::Accepted);
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
