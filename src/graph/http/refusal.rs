//! Error bodies: from what Graph and Intune wrap around an error to one sentence for people.

use std::fmt;

use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::Value;

use super::{object::Object, text::tidy};

/// How deep Intune has been seen to nest JSON documents in strings.
const MAX_NESTING: usize = 3;

/// An answer by which Graph refused a request, reduced to what people and support need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// Graph's `error.code`, or the inner one where the outer says `UnknownError`.
    pub code: Option<String>,
    /// What was wrong, in Graph's words: one line, no internal URL, no nested JSON, at most 300 characters.
    pub sentence: Option<String>,
    /// The answer's `request-id`, which Microsoft's support asks for.
    pub request_id: Option<String>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Microsoft Graph answered {}", self.words())
    }
}

impl Refusal {
    /// Status, code and sentence.
    pub(in crate::graph) fn words(&self) -> String {
        let code = self.code.as_ref().map_or_else(String::new, |code| format!(" ({code})"));
        let sentence =
            self.sentence.as_ref().map_or_else(|| " without a reason".to_owned(), |sentence| format!(": {sentence}"));
        format!("{}{code}{sentence}", self.status)
    }

    /// Reads what is there; a body that is not Graph's leaves code and sentence empty.
    pub(super) fn read(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Self {
        let error = serde_json::from_slice::<Object<Document>>(body).map(|document| document.0.error);
        let Object(error) = error.unwrap_or_default();
        let (inner_code, sentence) = unwrap_message(text(error.message));
        let code = match text(error.code) {
            Some(code) if code == "UnknownError" => inner_code.or(Some(code)),
            outer => outer,
        };
        let inner = error.inner.or(error.old_inner).and_then(|inner| text(inner.0.request_id));
        Self {
            status: status.as_u16(),
            code: code.and_then(|code| tidy(&code)),
            sentence: sentence.and_then(|sentence| tidy(&sentence)),
            request_id: request_id(headers).or_else(|| inner.as_deref().and_then(tidy)),
        }
    }

    /// The same with each of its texts passed through `hide`.
    pub(in crate::graph) fn map_texts(self, hide: impl Fn(&str) -> String) -> Self {
        let hide = |text: Option<String>| text.map(|text| hide(&text));
        let (code, sentence, request_id) = (hide(self.code), hide(self.sentence), hide(self.request_id));
        Self { status: self.status, code, sentence, request_id }
    }

    /// Whether Graph itself wrote the body, and not something on the way to it.
    pub(in crate::graph) fn is_from_graph(&self) -> bool {
        self.code.is_some()
    }

    /// Whether Graph knows no such path: our fault, or the wrong cloud's address (graph-docs issues 21262, 21648).
    /// The code is only `BadRequest`, so that the message has to be read, against Graph's advice.
    pub(in crate::graph) fn is_unknown_segment(&self) -> bool {
        let sentence = self.sentence.as_deref().unwrap_or_default();
        sentence.to_ascii_lowercase().contains("resource not found for the segment")
    }

    /// Whether Intune's own service refused what Graph's gateway let through: a tenant without Intune or a licence for it, or an app
    /// without a role there. A 401 with this code says nothing against the token (Microsoft365DSC's sources, graph-explorer issue 706).
    pub(in crate::graph) fn is_without_intune(&self) -> bool {
        let sentence = self.sentence.as_deref().unwrap_or_default();
        let not_applicable = sentence.to_ascii_lowercase().contains("request not applicable to target tenant");
        let forbidden = self.code.as_deref().is_some_and(|code| code.eq_ignore_ascii_case("Forbidden"));
        not_applicable || (forbidden && matches!(self.status, 400 | 401))
    }

    /// Whether Graph does not know a property that was asked for: beta may lose one any day. The code is only `BadRequest`.
    pub(in crate::graph) fn is_unknown_property(&self) -> bool {
        let sentence = self.sentence.as_deref().unwrap_or_default();
        self.status == 400 && sentence.to_ascii_lowercase().contains("could not find a property named")
    }
}

/// The id by which Microsoft's support finds an exchange.
pub(super) fn request_id(headers: &HeaderMap) -> Option<String> {
    headers.get("request-id")?.to_str().ok().and_then(tidy)
}

/// Graph's error document. Values are taken as they come: a number where a text is promised makes only that field unreadable.
#[derive(Default, Deserialize)]
struct Document {
    error: Object<ErrorObject>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ErrorObject {
    code: Value,
    message: Value,
    #[serde(rename = "innerError")]
    inner: Option<Object<InnerError>>,
    /// The spelling of older documentation.
    #[serde(rename = "innererror")]
    old_inner: Option<Object<InnerError>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct InnerError {
    #[serde(rename = "request-id")]
    request_id: Value,
}

/// What Intune puts into `message`, as text.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Nested {
    #[serde(rename = "ErrorCode")]
    error_code: Value,
    #[serde(rename = "Message")]
    message: Value,
    /// Another error document of Graph's kind.
    error: Option<Object<ErrorObject>>,
}

fn text(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        _ => None,
    }
}

/// Intune puts a JSON document into `message`, sometimes twice (five user reports, among them Intune-PowerShell-SDK
/// issue 51): the innermost code and sentence are the ones that mean something.
fn unwrap_message(message: Option<String>) -> (Option<String>, Option<String>) {
    let mut code = None;
    let mut message = message;
    for _ in 0..MAX_NESTING {
        let nested = message.as_deref().map(serde_json::from_str::<Object<Nested>>);
        let Some(Ok(Object(nested))) = nested else { break };
        let (inner_code, inner_message) = match nested.error {
            Some(Object(error)) => (error.code, error.message),
            None => (nested.error_code, nested.message),
        };
        code = text(inner_code).or(code);
        message = text(inner_message);
    }
    (code, message)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::graph::http::{testing::samples, text::holds};
    use proptest::prelude::*;

    fn read(status: u16, body: &str) -> Refusal {
        let status = StatusCode::from_u16(status).unwrap();
        Refusal::read(status, &HeaderMap::new(), body.as_bytes())
    }

    fn of(status: u16, body: &str) -> (Option<String>, Option<String>) {
        let refusal = read(status, body);
        (refusal.code, refusal.sentence)
    }

    fn some(code: &str, sentence: &str) -> (Option<String>, Option<String>) {
        (Some(code.to_owned()), Some(sentence.to_owned()))
    }

    #[test]
    fn samples_become_sentences() {
        assert_eq!(of(400, samples::BAD_REQUEST), some("BadRequest", "An error has occurred"));
        assert_eq!(
            of(403, samples::MISSING_SCOPE),
            some(
                "Forbidden",
                "Application is not authorized to perform this operation. Application must have one of the following \
                 scopes: DeviceManagementManagedDevices.PrivilegedOperations.All"
            )
        );
        assert_eq!(of(404, samples::NOT_FOUND), some("ResourceNotFound", "An error has occurred"));
        assert_eq!(of(429, samples::TOO_MANY), some("TooManyRequests", "Please retry again later."));
        let (code, sentence) = of(403, samples::APPROVAL);
        assert_eq!(code.as_deref(), Some("ApprovalRequired"));
        assert!(sentence.unwrap().starts_with("Approval Required."));
    }

    #[test]
    fn an_unknown_segment_is_recognised() {
        assert!(read(400, samples::UNKNOWN_SEGMENT).is_unknown_segment());
        assert!(!read(400, samples::BAD_REQUEST).is_unknown_segment());
    }

    #[test]
    fn the_request_id_is_the_headers_or_else_the_bodys() {
        let body = samples::TOO_MANY.as_bytes();
        let status = StatusCode::TOO_MANY_REQUESTS;
        let mut headers = HeaderMap::new();
        let refusal = Refusal::read(status, &headers, body);
        let id = refusal.request_id.as_deref();
        assert_eq!(id, Some("94fb3b52-452a-4535-a601-69e0a90e3aa2"));
        headers.insert("request-id", "from-header".parse().unwrap());
        let refusal = Refusal::read(status, &headers, body);
        assert_eq!(refusal.request_id.as_deref(), Some("from-header"));
        let old = r#"{"error":{"code":"x","innererror":{"request-id":"old"}}}"#;
        assert_eq!(read(400, old).request_id.as_deref(), Some("old"));
    }

    #[test]
    fn nested_three_times_and_no_deeper() {
        let nest = |inner: &str, code: &str| {
            serde_json::json!({"_version": 3, "ErrorCode": code, "Message": inner}).to_string()
        };
        let outer =
            |message: &str| serde_json::json!({"error": {"code": "UnknownError", "message": message}}).to_string();
        let three = nest(&nest(&nest("No role. - Activity ID: 1", "Forbidden"), "b"), "c");
        assert_eq!(of(401, &outer(&three)), some("Forbidden", "No role."));
        let four = nest(&three, "d");
        assert_eq!(of(401, &outer(&four)).1, None);
    }

    #[test]
    fn what_is_not_graphs_has_no_words() {
        for body in [
            "",
            "<html>502 Bad Gateway</html>",
            "[]",
            "null",
            "{}",
            r#"{"error":"invalid_grant"}"#,
            r#"{"error":{"code":7}}"#,
            r#"[["ResourceNotFound"]]"#,
            r#"{"error":["ResourceNotFound"]}"#,
        ] {
            let refusal = read(502, body);
            assert!(!refusal.is_from_graph(), "{body}");
            assert_eq!(refusal.sentence, None, "{body}");
        }
        assert_eq!(read(502, "").to_string(), "Microsoft Graph answered 502 without a reason");
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(body in proptest::collection::vec(any::<u8>(), 0..400)) {
            Refusal::read(StatusCode::BAD_REQUEST, &HeaderMap::new(), &body);
        }

        #[test]
        fn no_message_makes_it_panic_or_leak(message in "\\PC{0,400}|(\\{\"Message\":\"[^\"\\\\]{0,50}\"\\})", code in "\\PC{0,20}") {
            let body = serde_json::json!({"error": {"code": code, "message": message}}).to_string();
            let refusal = read(400, &body);
            prop_assert!(refusal.sentence.is_none_or(|line| holds(&line)));
        }
    }
}
