//! Which resources are served, and how each of them differs from the others.

use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, CustomResourceDefinitionVersion, JSONSchemaProps,
};
use serde_json::Value;

/// One resource in all its served versions.
#[derive(Clone, Debug)]
pub(crate) struct ResourceType {
    pub(crate) group: String,
    pub(crate) plural: String,
    pub(crate) kind: String,
    pub(crate) namespaced: bool,
    pub(crate) versions: BTreeMap<String, ServedVersion>,
    /// Built in, so without a schema and without a generation.
    pub(crate) built_in: bool,
    /// A PUT of an absent object creates it.
    pub(crate) create_on_update: bool,
    /// A PUT without resourceVersion overwrites.
    pub(crate) unconditional_update: bool,
    /// Objects stored at or before this resourceVersion may not fit the present schema.
    pub(crate) since: u64,
}

/// What one version of a resource offers.
#[derive(Clone, Debug, Default)]
pub(crate) struct ServedVersion {
    pub(crate) schema: Option<JSONSchemaProps>,
    pub(crate) status: bool,
    pub(crate) selectable: Vec<String>,
}

impl ResourceType {
    /// `plural.group`, the name in error messages.
    pub(crate) fn qualified(&self) -> String {
        if self.group.is_empty() { self.plural.clone() } else { format!("{}.{}", self.plural, self.group) }
    }

    pub(crate) fn api_version(&self, version: &str) -> String {
        if self.group.is_empty() { version.to_owned() } else { format!("{}/{version}", self.group) }
    }

    fn is_called(&self, name: &str) -> bool {
        name == self.kind || name == self.plural || name == self.qualified()
    }

    fn built_in(group: &str, plural: &str, kind: &str, namespaced: bool) -> Self {
        let served = ServedVersion { selectable: built_in_fields(plural, group), ..ServedVersion::default() };
        Self {
            group: group.into(),
            plural: plural.into(),
            kind: kind.into(),
            namespaced,
            versions: [("v1".to_owned(), served)].into(),
            built_in: true,
            create_on_update: ["leases", "events"].contains(&plural),
            unconditional_update: plural != "leases",
            since: 0,
        }
    }

    fn custom(crd: &CustomResourceDefinition, since: u64) -> Self {
        let served = crd.spec.versions.iter().filter(|version| version.served);
        Self {
            group: crd.spec.group.clone(),
            plural: crd.spec.names.plural.clone(),
            kind: crd.spec.names.kind.clone(),
            namespaced: crd.spec.scope == "Namespaced",
            versions: served.map(|version| (version.name.clone(), ServedVersion::of(version))).collect(),
            built_in: false,
            create_on_update: false,
            unconditional_update: false,
            since,
        }
    }
}

impl ServedVersion {
    fn of(version: &CustomResourceDefinitionVersion) -> Self {
        let selectable = version.selectable_fields.iter().flatten();
        Self {
            schema: version.schema.as_ref().and_then(|schema| schema.open_api_v3_schema.clone()),
            status: version.subresources.as_ref().is_some_and(|subresources| subresources.status.is_some()),
            selectable: selectable.map(|field| field.json_path.trim_start_matches('.').to_owned()).collect(),
        }
    }
}

fn built_in_fields(plural: &str, group: &str) -> Vec<String> {
    let fields: &[&str] = match (plural, group) {
        ("secrets", _) => &["type"],
        ("namespaces", _) => &["status.phase"],
        ("events", "") => &[
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "reason",
            "reportingComponent",
            "type",
        ],
        ("events", _) => &[
            "regarding.kind",
            "regarding.namespace",
            "regarding.name",
            "regarding.uid",
            "reason",
            "reportingController",
            "type",
        ],
        _ => &[],
    };
    fields.iter().map(|field| (*field).to_owned()).collect()
}

/// All resources that are served, by `plural.group`.
#[derive(Clone, Debug)]
pub(crate) struct Registry {
    types: BTreeMap<String, Arc<ResourceType>>,
}

impl Registry {
    pub(crate) fn new() -> Self {
        let built_in = [
            ResourceType::built_in("", "namespaces", "Namespace", false),
            ResourceType::built_in("", "secrets", "Secret", true),
            ResourceType::built_in("", "events", "Event", true),
            ResourceType::built_in("coordination.k8s.io", "leases", "Lease", true),
            ResourceType::built_in("events.k8s.io", "events", "Event", true),
            ResourceType::built_in(DEFINITIONS_GROUP, "customresourcedefinitions", "CustomResourceDefinition", false),
        ];
        Self { types: built_in.into_iter().map(|resource| (resource.qualified(), Arc::new(resource))).collect() }
    }

    /// Serves what the definition describes, in place of an earlier definition of the same name.
    pub(crate) fn define(&mut self, crd: &CustomResourceDefinition, since: u64) {
        let resource = ResourceType::custom(crd, since);
        self.types.insert(resource.qualified(), Arc::new(resource));
    }

    pub(crate) fn get(&self, group: &str, plural: &str) -> Option<&Arc<ResourceType>> {
        self.types.values().find(|resource| resource.group == group && resource.plural == plural)
    }

    /// By kind, plural or `plural.group`; of several with one kind the first by `plural.group`.
    pub(crate) fn called(&self, name: &str) -> Option<&Arc<ResourceType>> {
        self.types.get(name).or_else(|| self.types.values().find(|resource| resource.is_called(name)))
    }

    pub(crate) fn namespaced(&self) -> impl Iterator<Item = &Arc<ResourceType>> {
        self.types.values().filter(|resource| resource.namespaced)
    }
}

/// Definitions are registered, not written through the API.
pub(crate) const DEFINITIONS_GROUP: &str = "apiextensions.k8s.io";

/// What a kube-apiserver adds to objects of its own kinds.
pub(crate) fn complete_built_in(resource: &ResourceType, object: &mut Value) {
    drop_nulls(object);
    match resource.kind.as_str() {
        "Namespace" => {
            object["spec"]["finalizers"] = serde_json::json!(["kubernetes"]);
            object["status"]["phase"] = "Active".into();
            let name = object["metadata"]["name"].clone();
            object["metadata"]["labels"]["kubernetes.io/metadata.name"] = name;
        }
        "Secret" => complete_secret(object),
        _ => {}
    }
}

/// `stringData` is for writing only; the type has a default.
fn complete_secret(object: &mut Value) {
    use base64::Engine as _;
    let Value::Object(fields) = object else {
        return;
    };
    fields.entry("type").or_insert_with(|| "Opaque".into());
    if let Some(Value::Object(plain)) = fields.remove("stringData") {
        let data = fields.entry("data").or_insert_with(|| Value::Object(serde_json::Map::new()));
        for (key, value) in plain {
            let text = value.as_str().unwrap_or_default();
            data[key] = base64::engine::general_purpose::STANDARD.encode(text).into();
        }
    }
}

/// Go's typed decoding does not tell null from absent.
fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, field| !field.is_null());
            fields.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}
