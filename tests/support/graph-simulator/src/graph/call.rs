//! A request to Graph, and what is answered.

use crate::faults::PathClass;
use http::{HeaderMap, Method, StatusCode};
use serde_json::Value;

/// A request as the front end sees it: of its own, or an item of a `$batch`.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    pub method: &'a Method,
    /// Without the query.
    pub path: &'a str,
    pub query: Option<&'a str>,
    pub headers: &'a HeaderMap,
    pub body: Body<'a>,
    pub ids: &'a Ids,
}

/// The request's body.
#[derive(Debug)]
pub(crate) enum Body<'a> {
    Bytes(&'a [u8]),
    /// Of an item of a batch.
    Item(Option<&'a Value>),
}

/// What an error body repeats about the request.
#[derive(Clone, Debug)]
pub(crate) struct Ids {
    pub request_id: String,
    pub client_request_id: Option<String>,
    /// For `innerError.date`.
    pub date: String,
}

impl Call<'_> {
    pub fn target(&self) -> String {
        match self.query {
            Some(query) => format!("{}?{query}", self.path),
            None => self.path.to_owned(),
        }
    }

    pub fn in_batch(&self) -> bool {
        matches!(self.body, Body::Item(_))
    }

    /// Whether the client takes members of enumerations that are newer than the schema's sentinel.
    pub fn takes_unknown_members(&self) -> bool {
        let preferences = self.headers.get_all("prefer").into_iter().filter_map(|value| value.to_str().ok());
        preferences
            .flat_map(|value| value.split(','))
            .any(|preference| preference.trim() == "include-unknown-enum-members")
    }
}

/// The API version in the path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    V1,
    Beta,
}

impl Version {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V1 => "v1.0",
            Self::Beta => "beta",
        }
    }
}

/// What a path names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route<'a> {
    List(Version),
    Read(Version, &'a str),
    Action(Version, &'a str, &'static str),
    Batch(Version),
    UnknownVersion(&'a str),
    UnknownSegment(&'a str),
}

impl<'a> Route<'a> {
    /// Paths are taken literally, letter case included; the forms `managedDevices('id')` and `/users/{id}/managedDevices` are not played.
    pub fn of(path: &'a str) -> Self {
        let mut segments = path.strip_prefix('/').unwrap_or(path).split('/');
        let version = match segments.next() {
            Some("v1.0") => Version::V1,
            Some("beta") => Version::Beta,
            other => return Self::UnknownVersion(other.unwrap_or_default()),
        };
        let rest: Vec<&str> = segments.collect();
        match rest.as_slice() {
            ["$batch"] => Self::Batch(version),
            ["deviceManagement", "managedDevices"] => Self::List(version),
            ["deviceManagement", "managedDevices", id] if !id.is_empty() => Self::Read(version, id),
            // Actions are posted to v1.0.
            ["deviceManagement", "managedDevices", id, action] if version == Version::V1 && !id.is_empty() => {
                match *action {
                    "resetPasscode" => Self::Action(version, id, "resetPasscode"),
                    "recoverPasscode" => Self::Action(version, id, "recoverPasscode"),
                    other => Self::UnknownSegment(other),
                }
            }
            ["deviceManagement", "managedDevices", .., last] | ["deviceManagement", last, ..] | [last, ..] => {
                Self::UnknownSegment(last)
            }
            [] => Self::UnknownSegment(""),
        }
    }

    pub fn class(self) -> PathClass {
        match self {
            Self::List(_) => PathClass::List,
            Self::Read(..) => PathClass::Read,
            Self::Action(..) => PathClass::Action,
            Self::Batch(_) => PathClass::Batch,
            Self::UnknownVersion(_) | Self::UnknownSegment(_) => PathClass::Other,
        }
    }

    /// The device it is about.
    pub fn device(self) -> Option<&'a str> {
        match self {
            Self::Read(_, id) | Self::Action(_, id, _) => Some(id),
            _ => None,
        }
    }
}

/// Status, headers and JSON body of an answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub status: StatusCode,
    pub headers: Vec<(&'static str, String)>,
    pub body: Content,
}

#[derive(Clone, Debug)]
pub(crate) enum Content {
    Empty,
    Json(Value),
    Html(&'static str),
}

impl Answer {
    pub fn json(status: StatusCode, body: Value) -> Self {
        Self { status, headers: Vec::new(), body: Content::Json(body) }
    }

    pub fn no_content() -> Self {
        Self { status: StatusCode::NO_CONTENT, headers: Vec::new(), body: Content::Empty }
    }

    pub fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}
