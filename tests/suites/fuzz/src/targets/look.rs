//! A look at a device's ledger, answered with whatever: an empty ledger that is none would be a second reset.

use bytes::Bytes;
use http::{Response, StatusCode};
use passcode_core::platform::{ActionResult, Look};
use passcode_operator::graph::{Priority, ReadError, Timed};
use serde_json::Value;

use super::DEVICE;
use crate::{
    desk::ask,
    message::answers,
    oracles::{is_an_error, is_for_people},
    planted::{PLANTED, planted},
};

/// The target.
pub fn run(data: &[u8]) {
    let answer = answers(data).swap_remove(0);
    let result = look(&answer);
    is_sound(&answer, &result);
    if let Some(body) = planted(answer.body()) {
        let with = look(&answer.map(|_| body.into()));
        assert!(!format!("{with:?}").contains(PLANTED), "the passcode: {with:?}");
        if result.is_ok() {
            assert_eq!(with, result, "a passcode beside the results changes nothing");
        }
    }
}

fn look(answer: &Response<Bytes>) -> Result<Timed<Look>, ReadError> {
    let asked = ask(vec![answer.clone()], async |graph| graph.look(DEVICE, Priority::LookUp).await);
    assert!(asked.of_graph.len() <= 2, "{} requests", asked.of_graph.len());
    assert!(asked.of_graph.iter().all(|request| request.method() == "GET"), "a look changes nothing");
    asked.answer
}

fn is_sound(answer: &Response<Bytes>, result: &Result<Timed<Look>, ReadError>) {
    let heard = match result {
        Ok(heard) => heard,
        Err(error) => return is_an_error(error),
    };
    assert!(answer.headers().contains_key("date") && heard.at == heard.date, "the answer's own time");
    if let Some(id) = &heard.request_id {
        is_for_people(id);
    }
    // What serde_json itself cannot read as a value, such as a number beyond all bounds where nobody looks, says nothing here.
    let document: Option<Value> = serde_json::from_slice(answer.body()).ok();
    match &heard.value {
        Look::Gone => {
            assert_eq!(answer.status(), StatusCode::NOT_FOUND);
            let code = document.as_ref().map(|document| document["error"]["code"].is_string());
            assert_ne!(code, Some(false), "somebody else's 404");
        }
        Look::Seen { results, .. } => {
            assert_eq!(answer.status(), StatusCode::OK);
            if let Some(document) = &document {
                is_what_was_sent(document, results);
            }
        }
    }
}

fn is_what_was_sent(document: &Value, results: &[ActionResult]) {
    assert!(document.is_object(), "no device");
    assert!(document["id"].as_str().is_some_and(|id| id.eq_ignore_ascii_case(DEVICE)), "another device");
    let sent = document["deviceActionResults"].as_array().expect("a ledger that was not sent");
    assert_eq!(sent.len(), results.len(), "every entry");
    for (sent, result) in sent.iter().zip(results) {
        assert!(sent.is_object(), "no entry: {sent}");
        let text = |name: &str| sent[name].as_str().unwrap_or_default();
        assert_eq!((text("actionName"), text("actionState")), (result.name.as_str(), result.state.as_str()));
        let start = text("startDateTime");
        let unset = ["", "0001-", "9999-"].iter().any(|unset| start.get(..5).unwrap_or_default() == *unset);
        assert_eq!(result.start.is_none(), unset, "a start that was not sent, or one that was lost: {start}");
        let ours = ["resetPasscode", "recoverPasscode"].iter().any(|name| result.name.eq_ignore_ascii_case(name));
        assert!(!ours || !start.is_empty(), "an entry of ours without a start");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sound(status: u16, body: &'static str, value: Look) {
        let date = "2026-11-22T09:00:00Z".parse().unwrap();
        let heard = Timed { value, at: date, date, sent: std::time::Duration::ZERO, request_id: None };
        let answer = Response::builder().status(status).header("date", "Sun, 22 Nov 2026 09:00:00 GMT");
        is_sound(&answer.body(Bytes::from_static(body.as_bytes())).unwrap(), &Ok(heard));
    }

    #[test]
    #[should_panic(expected = "a ledger that was not sent")]
    fn an_empty_ledger_out_of_nothing_is_noticed() {
        let body = r#"{"id": "705c034c-034c-705c-4c03-5c704c035c70"}"#;
        sound(200, body, Look::Seen { results: vec![], enrolled: None, last_sync: None });
    }

    #[test]
    #[should_panic(expected = "somebody else's 404")]
    fn a_device_that_a_proxy_says_is_gone_is_noticed() {
        sound(404, "{}", Look::Gone);
    }
}
