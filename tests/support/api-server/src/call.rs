//! One request, taken apart.

use std::collections::BTreeMap;

use http::{Method, Request, header};
use kube::client::Body;
use serde_json::Value;

/// What a request asks for, as RBAC names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verb {
    /// Read one object.
    Get,
    /// Read many objects.
    List,
    /// Follow many objects.
    Watch,
    /// POST.
    Create,
    /// PUT.
    Update,
    /// PATCH.
    Patch,
    /// DELETE of one object.
    Delete,
    /// DELETE of many objects.
    DeleteCollection,
}

impl Verb {
    /// Whether the verb may change what is stored.
    pub fn writes(self) -> bool {
        !matches!(self, Self::Get | Self::List | Self::Watch)
    }
}

/// One request of one caller.
#[derive(Clone, Debug)]
pub struct Call {
    /// Who asks.
    pub client: String,
    /// What for.
    pub verb: Verb,
    /// API group; empty for the core group.
    pub group: String,
    /// API version.
    pub version: String,
    /// Plural name of the resource; empty if the path names none.
    pub resource: String,
    /// Empty for the main resource.
    pub subresource: String,
    /// None: cluster scoped, or all namespaces.
    pub namespace: Option<String>,
    /// The object's name; empty for collections and for a create.
    pub name: String,
    /// The path without the query.
    pub path: String,
    /// The query, decoded.
    pub query: BTreeMap<String, String>,
    /// The body; null if there is none.
    pub body: Value,
    pub(crate) content_type: String,
    pub(crate) accept: String,
}

impl Call {
    pub(crate) async fn read(client: &str, request: Request<Body>) -> Result<Self, kube::Error> {
        let (parts, body) = request.into_parts();
        let bytes = body.collect_bytes().await?;
        let header = |name| {
            let value = parts.headers.get(name).and_then(|value: &http::HeaderValue| value.to_str().ok());
            value.unwrap_or_default().to_owned()
        };
        let query = form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
        let mut call = Self {
            client: client.to_owned(),
            verb: Verb::Get,
            group: String::new(),
            version: String::new(),
            resource: String::new(),
            subresource: String::new(),
            namespace: None,
            name: String::new(),
            path: parts.uri.path().to_owned(),
            query,
            body: serde_json::from_slice(&bytes).unwrap_or_default(),
            content_type: header(header::CONTENT_TYPE),
            accept: header(header::ACCEPT),
        };
        call.take_apart();
        call.verb = call.verb_of(&parts.method);
        Ok(call)
    }

    /// `/api/v1/…` and `/apis/GROUP/VERSION/…`, then `[namespaces/NS/]RESOURCE[/NAME[/SUBRESOURCE]]`.
    fn take_apart(&mut self) {
        let path = self.path.clone();
        let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
        let rest = match segments.as_slice() {
            ["api", version, rest @ ..] => {
                self.version = (*version).to_owned();
                rest
            }
            ["apis", group, version, rest @ ..] => {
                self.group = (*group).to_owned();
                self.version = (*version).to_owned();
                rest
            }
            _ => return,
        };
        let rest = match rest {
            ["namespaces", namespace, resource, ..] if !["status", "finalize"].contains(resource) => {
                self.namespace = Some((*namespace).to_owned());
                &rest[2..]
            }
            _ => rest,
        };
        let segment = |index: usize| rest.get(index).copied().unwrap_or_default().to_owned();
        (self.resource, self.name, self.subresource) = (segment(0), segment(1), segment(2));
    }

    fn verb_of(&self, method: &Method) -> Verb {
        let one = !self.name.is_empty();
        match *method {
            Method::POST => Verb::Create,
            Method::PUT => Verb::Update,
            Method::PATCH => Verb::Patch,
            Method::DELETE if one => Verb::Delete,
            Method::DELETE => Verb::DeleteCollection,
            _ if one => Verb::Get,
            _ if self.is_set("watch") => Verb::Watch,
            _ => Verb::List,
        }
    }

    /// What a write sets of the status, field by field, whatever the form of the patch. What it takes away is not there.
    pub fn sets_status(&self) -> Value {
        let Value::Array(operations) = &self.body else { return self.body["status"].clone() };
        let mut status = Value::Null;
        for operation in operations.iter().filter(|operation| operation["op"] == "add") {
            match operation["path"].as_str() {
                Some("/status") => status = operation["value"].clone(),
                Some(path) => {
                    if let Some(field) = path.strip_prefix("/status/") {
                        status[field] = operation["value"].clone();
                    }
                }
                None => {}
            }
        }
        status
    }

    /// A query parameter; empty if it is not there.
    pub(crate) fn parameter(&self, name: &str) -> &str {
        self.query.get(name).map(String::as_str).unwrap_or_default()
    }

    pub(crate) fn is_set(&self, name: &str) -> bool {
        ["1", "true"].contains(&self.parameter(name))
    }

    /// Whether only metadata is wanted.
    /// Whether the caller accepts nothing but metadata.
    pub fn wants_metadata_only(&self) -> bool {
        self.accept.contains("as=PartialObjectMetadata")
    }
}
