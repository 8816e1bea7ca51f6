//! Claims challenges of continuous access evaluation: Graph withdraws a token and says what the next must prove.
//!
//! Source: Microsoft Entra documentation, `claims-challenge.md` and
//! `concept-continuous-access-evaluation-workload.md`.

use base64::{
    Engine,
    alphabet::{self, Alphabet},
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use http::{HeaderMap, StatusCode, header::WWW_AUTHENTICATE};
use serde_json::{Map, Value, json};

use crate::graph::http::GraphResponse;

/// Claims have some hundred bytes; a longer value is not taken for one.
const MAX_ENCODED: usize = 8 << 10;

/// The `claims` parameter of a token request, as JSON text.
///
/// It says besides that this client understands challenges (`cp1`), as Entra asks of clients that answer one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::graph) struct Claims(String);

impl Claims {
    /// The JSON text.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// The challenge of an answer with status 401 or 403, if there is one that can be read.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        headers.get_all(WWW_AUTHENTICATE).iter().find_map(|value| challenge(value.to_str().ok()?))
    }
}

impl GraphResponse {
    /// The claims challenge, which comes with 401 and, by Graph's article on errors, with 403 as well.
    pub(in crate::graph) fn claims(&self) -> Option<Claims> {
        Claims::of(&self.headers)
    }

    /// Whether a new token may help.
    pub(in crate::graph) fn rejects_token(&self) -> bool {
        match self.status {
            StatusCode::UNAUTHORIZED => self.claims().is_some() || !self.refusal().is_without_intune(),
            StatusCode::FORBIDDEN => self.claims().is_some(),
            _ => false,
        }
    }
}

fn challenge(header: &str) -> Option<Claims> {
    let parameters = parameters(header);
    let find = |name: &str| {
        let parameter = parameters.iter().find(|(key, _)| key == name);
        parameter.map(|(_, value)| value.as_str())
    };
    if find("error") != Some("insufficient_claims") {
        return None;
    }
    let encoded = find("claims").filter(|encoded| encoded.len() <= MAX_ENCODED)?;
    match serde_json::from_slice(&decode(encoded)?).ok()? {
        Value::Object(claims) => merge(claims),
        _ => None,
    }
}

/// `key=value` and `key="value"` of a challenge, whatever the scheme; keys in lower case.
fn parameters(header: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = header;
    while let Some((before, after)) = rest.split_once('=') {
        let key = before.rsplit([' ', ',']).next().unwrap_or_default();
        let (value, remaining) = match after.strip_prefix('"') {
            Some(quoted) => quoted_string(quoted),
            None => {
                let (value, remaining) = after.split_once(',').unwrap_or((after, ""));
                (value.trim().to_owned(), remaining)
            }
        };
        found.push((key.to_ascii_lowercase(), value));
        rest = remaining;
    }
    found
}

/// The text up to the closing quote, without its backslashes, and what follows.
fn quoted_string(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            '\\' if !escaped => escaped = true,
            '"' if !escaped => return (value, &text[at + 1..]),
            _ => {
                value.push(c);
                escaped = false;
            }
        }
    }
    (value, "")
}

/// Base64 of either alphabet, padded or not.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    fn engine(alphabet: &Alphabet) -> GeneralPurpose {
        let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
        GeneralPurpose::new(alphabet, config)
    }
    engine(&alphabet::STANDARD).decode(text).or_else(|_| engine(&alphabet::URL_SAFE).decode(text)).ok()
}

fn merge(mut claims: Map<String, Value>) -> Option<Claims> {
    let access_token = claims.entry("access_token").or_insert_with(|| json!({})).as_object_mut()?;
    access_token.insert("xms_cc".to_owned(), json!({"values": ["cp1"]}));
    Some(Claims(Value::Object(claims).to_string()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::graph::http::testing::samples::CHALLENGE;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
    use proptest::prelude::*;

    fn of(values: &[&str]) -> Option<Value> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(WWW_AUTHENTICATE, value.parse().unwrap());
        }
        let claims = Claims::of(&headers)?;
        Some(serde_json::from_str(claims.as_str()).unwrap())
    }

    fn header(claims: &str) -> String {
        format!(r#"Bearer realm="", error="insufficient_claims", claims="{claims}""#)
    }

    #[test]
    fn the_documented_challenge_is_merged_with_cp1() {
        let expected = json!({"access_token": {
            "acrs": {"essential": true, "value": "cp1"},
            "xms_cc": {"values": ["cp1"]},
        }});
        assert_eq!(of(&[CHALLENGE]), Some(expected));
    }

    #[test]
    fn it_is_found_among_several_headers_and_in_every_alphabet() {
        let claims = r#"{"access_token":{"nbf":{"essential":true,"value":"1700000000??>"}}}"#;
        for encoded in [STANDARD.encode(claims), URL_SAFE_NO_PAD.encode(claims)] {
            let found = of(&["Negotiate", r#"Bearer realm="x""#, &header(&encoded)]).unwrap();
            assert_eq!(found["access_token"]["nbf"]["value"], json!("1700000000??>"));
        }
        let unquoted = STANDARD.encode("{}").replace('=', "");
        let unquoted = format!("PoP a=b, Bearer error=insufficient_claims, claims={unquoted}");
        assert_eq!(of(&[&unquoted]), Some(json!({"access_token": {"xms_cc": {"values": ["cp1"]}}})));
    }

    #[test]
    fn what_is_not_a_challenge_is_none() {
        let array = header(&STANDARD.encode("[1]"));
        let scalar = header(&STANDARD.encode(r#"{"access_token":1}"#));
        let long = header(&"A".repeat(MAX_ENCODED + 1));
        for value in [
            "Bearer",
            r#"Bearer error="invalid_token", claims="e30=""#,
            r#"Bearer error="insufficient_claims""#,
            r#"Bearer error="insufficient_claims", claims="!!""#,
            r#"Bearer error="insufficient_claims", claims=""#,
            &array,
            &scalar,
            &long,
        ] {
            assert_eq!(of(&[value]), None, "{value}");
        }
        assert_eq!(of(&[]), None);
    }

    proptest! {
        #[test]
        fn no_header_makes_it_panic(header in "[ -~]{0,200}|Bearer error=\"insufficient_claims\", claims=\"[A-Za-z0-9+/=_\\\\\"-]{0,60}\"") {
            of(&[&header]);
        }
    }
}
