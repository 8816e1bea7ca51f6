//! Whether the API server serves the fields that this version writes: an older CRD would drop a claim without a word.

use std::{collections::BTreeMap, sync::OnceLock};

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSONSchemaProps, JSONSchemaPropsOrArray,
};
use kube::{Api, Client, ResourceExt, api::ObjectMeta};

use super::calls::{CallError, call};
use passcode_core::api::{VERSION, manifests};

/// Our own definitions: the same as long as a process runs, and dear to make.
static WANTED: OnceLock<Vec<CustomResourceDefinition>> = OnceLock::new();

fn wanted() -> Result<&'static [CustomResourceDefinition], CallError> {
    if let Some(made) = WANTED.get() {
        return Ok(made);
    }
    let made = manifests::definitions().map_err(|error| CallError::Unreadable(error.to_string()))?;
    Ok(WANTED.get_or_init(|| made))
}

/// Which version of a definition was read.
#[derive(PartialEq, Eq)]
struct Read {
    uid: Option<String>,
    resource_version: Option<String>,
    generation: Option<i64>,
}

impl From<&ObjectMeta> for Read {
    fn from(metadata: &ObjectMeta) -> Self {
        Self {
            uid: metadata.uid.clone(),
            resource_version: metadata.resource_version.clone(),
            generation: metadata.generation,
        }
    }
}

/// Compares the served schemas with our own. A definition is large and hardly ever changes: what was found to be current is read in
/// full again only when it is another version.
#[derive(Default)]
pub struct Comparison {
    current: BTreeMap<String, Read>,
}

impl Comparison {
    /// What is missing in the served schemas, as a sentence; `None`: nothing.
    ///
    /// # Errors
    /// If the API server does not answer.
    pub async fn missing(&mut self, client: &Client) -> Result<Option<String>, CallError> {
        let api: Api<CustomResourceDefinition> = Api::all(client.clone());
        for wanted in wanted()? {
            if let Some(missing) = self.missing_in(&api, wanted).await? {
                return Ok(Some(missing));
            }
        }
        Ok(None)
    }

    async fn missing_in(
        &mut self,
        api: &Api<CustomResourceDefinition>,
        wanted: &CustomResourceDefinition,
    ) -> Result<Option<String>, CallError> {
        let name = wanted.name_any();
        if let Some(before) = self.current.remove(&name) {
            let now = call(api.get_metadata_opt(&name)).await?;
            if now.is_some_and(|now| Read::from(&now.metadata) == before) {
                self.current.insert(name, before);
                return Ok(None);
            }
        }
        let Some(served) = call(api.get_opt(&name)).await? else {
            return Ok(Some(format!(
                "CustomResourceDefinition {name} is missing: apply crds/ (kubectl apply --server-side -f crds/)"
            )));
        };
        let fields = lacking(wanted, &served);
        if fields.is_empty() {
            self.current.insert(name, Read::from(&served.metadata));
            return Ok(None);
        }
        Ok(Some(format!(
            "CustomResourceDefinition {name} is older than this operator, it lacks {}: apply crds/ of this version (kubectl apply --server-side -f crds/)",
            fields.join(", ")
        )))
    }
}

fn lacking(wanted: &CustomResourceDefinition, served: &CustomResourceDefinition) -> Vec<String> {
    let mut fields = Vec::new();
    match (schema(wanted), schema(served)) {
        (Some(wanted), Some(served)) => compare(wanted, served, "", &mut fields),
        _ => fields.push(format!("version {VERSION}")),
    }
    fields
}

fn schema(definition: &CustomResourceDefinition) -> Option<&JSONSchemaProps> {
    let version = definition.spec.versions.iter().find(|version| version.name == VERSION && version.served)?;
    version.schema.as_ref()?.open_api_v3_schema.as_ref()
}

/// The properties of one that the other lacks, by path. A lacking property's own are not named.
fn compare(wanted: &JSONSchemaProps, served: &JSONSchemaProps, path: &str, missing: &mut Vec<String>) {
    if served.x_kubernetes_preserve_unknown_fields == Some(true) {
        return;
    }
    for (name, wanted) in wanted.properties.iter().flatten() {
        let path = format!("{path}.{name}");
        match served.properties.as_ref().and_then(|properties| properties.get(name)) {
            Some(served) => compare(wanted, served, &path, missing),
            None => missing.push(path),
        }
    }
    if let (Some(JSONSchemaPropsOrArray::Schema(wanted)), Some(JSONSchemaPropsOrArray::Schema(served))) =
        (&wanted.items, &served.items)
    {
        compare(wanted, served, &format!("{path}[]"), missing);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_older_definition_lacks_is_named() {
        let all = manifests::definitions().unwrap();
        let wanted = schema(all.iter().find(|d| d.spec.names.kind == "PasscodeReset").unwrap()).unwrap();
        let mut older = wanted.clone();
        let status = older.properties.as_mut().unwrap().get_mut("status").unwrap();
        let attempt = status.properties.as_mut().unwrap().get_mut("attempt").unwrap();
        attempt.properties.as_mut().unwrap().remove("seenStartTimes");
        let mut missing = Vec::new();
        compare(wanted, &older, "", &mut missing);
        assert_eq!(missing, [".status.attempt.seenStartTimes"]);
        missing.clear();
        compare(wanted, wanted, "", &mut missing);
        assert!(missing.is_empty());
    }
}
