//! HTTP answers as the corpora write them: a status (and `cut`, if its body did not arrive as a whole), headers, an empty line, and the
//! body. Several are set apart by a line of `=====`.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode};
use passcode_operator::graph::Truncated;

const BETWEEN: &[u8] = b"\n=====\n";

/// Every answer of the input; what is no header is left out.
pub fn answers(data: &[u8]) -> Vec<Response<Bytes>> {
    let mut rest = data;
    let mut answers = Vec::new();
    while let Some(at) = find(rest, BETWEEN) {
        answers.push(answer(&rest[..at]));
        rest = &rest[at + BETWEEN.len()..];
    }
    answers.push(answer(rest));
    answers
}

/// The first line of the input, as text, and the rest.
pub fn first_line(data: &[u8]) -> (String, &[u8]) {
    let (line, rest) = line(data);
    (String::from_utf8_lossy(line).into_owned(), rest)
}

fn answer(data: &[u8]) -> Response<Bytes> {
    let (head, mut rest) = first_line(data);
    let mut words = head.split_whitespace();
    let status = words.next().and_then(|word| word.parse().ok()).and_then(|code| StatusCode::from_u16(code).ok());
    let mut answer = Response::new(Bytes::new());
    *answer.status_mut() = status.unwrap_or(StatusCode::OK);
    if words.next() == Some("cut") {
        answer.extensions_mut().insert(Truncated);
    }
    loop {
        let (header, after) = line(rest);
        rest = after;
        if header.is_empty() {
            break;
        }
        let Some(colon) = header.iter().position(|byte| *byte == b':') else { continue };
        let name = HeaderName::from_bytes(&header[..colon]);
        let value = HeaderValue::from_bytes(header[colon + 1..].trim_ascii());
        if let (Ok(name), Ok(value)) = (name, value) {
            answer.headers_mut().append(name, value);
        }
    }
    *answer.body_mut() = Bytes::copy_from_slice(rest);
    answer
}

fn line(data: &[u8]) -> (&[u8], &[u8]) {
    match data.iter().position(|byte| *byte == b'\n') {
        Some(end) => (&data[..end], &data[end + 1..]),
        None => (data, &[]),
    }
}

fn find(data: &[u8], wanted: &[u8]) -> Option<usize> {
    data.windows(wanted.len()).position(|window| window == wanted)
}
