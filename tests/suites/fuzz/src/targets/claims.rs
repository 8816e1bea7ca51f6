//! The claims challenge: headers as they come, line by line; and claims, which a well-formed challenge must bring to Entra whole.

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode};
use serde_json::{Value, json};
use url::form_urlencoded;

use passcode_operator::graph::Priority;

use super::DEVICE;
use crate::{desk::ask, oracles::is_an_error};

/// Beyond this no challenge is believed.
const LONGEST: usize = 8 << 10;

/// The target.
pub fn run(data: &[u8]) {
    let headers: Vec<&[u8]> = data.split(|byte| *byte == b'\n').collect();
    if let Some(claims) = claims_after(&headers) {
        let named = |word: &str| String::from_utf8_lossy(data).contains(word);
        assert!(named("insufficient_claims"), "no challenge: {claims}");
        assert_eq!(claims["access_token"]["xms_cc"], json!({"values": ["cp1"]}), "{claims}");
    }
    if let Some(expected) = expected(data) {
        let header = format!(r#"Bearer realm="", error="insufficient_claims", claims="{}""#, STANDARD.encode(data));
        if header.len() < LONGEST {
            assert_eq!(claims_after(&[header.as_bytes()]), Some(expected), "lost on the way");
        }
    }
}

/// The claims with which a token is asked for after these headers came with a 401.
fn claims_after(headers: &[&[u8]]) -> Option<Value> {
    let mut answer = Response::new(Bytes::new());
    *answer.status_mut() = StatusCode::UNAUTHORIZED;
    for header in headers {
        if let Ok(value) = HeaderValue::from_bytes(header) {
            answer.headers_mut().append("www-authenticate", value);
        }
    }
    let asked = ask(vec![answer], async |graph| graph.look(DEVICE, Priority::LookUp).await);
    is_an_error(&asked.answer.expect_err("401 is no answer"));
    assert_eq!((asked.of_entra.len(), asked.of_graph.len()), (2, 2), "tried once more, with a new token");
    let mut form = form_urlencoded::parse(asked.of_entra[1].body());
    let claims = form.find(|(name, _)| name == "claims")?.1;
    Some(serde_json::from_str(&claims).expect("claims are JSON"))
}

/// These claims with the one that we add; `None` if a challenge cannot have them.
fn expected(data: &[u8]) -> Option<Value> {
    let mut claims: Value = serde_json::from_slice(data).ok()?;
    let token = claims.as_object_mut()?.entry("access_token").or_insert_with(|| json!({})).as_object_mut()?;
    token.insert("xms_cc".to_owned(), json!({"values": ["cp1"]}));
    serde_json::from_str(&claims.to_string()).ok()
}
