//! The page of a kind, from its definition.

use anyhow::{Context, Result};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, CustomResourceDefinitionVersion, JSONSchemaProps,
};
use passcode_core::api::reasons::CONDITIONS;

use crate::{
    fields::{Field, below, messages},
    markdown::{cell, code, codes, table},
};

pub(crate) fn page(definition: &CustomResourceDefinition) -> Result<String> {
    let kind = definition.spec.names.kind.as_str();
    let version = definition.spec.versions.first().with_context(|| format!("{kind} has no version"))?;
    let schema = version.schema.as_ref().and_then(|schema| schema.open_api_v3_schema.as_ref());
    let schema = schema.with_context(|| format!("{kind} has no schema"))?;
    let part = |name: &str| {
        let part = schema.properties.as_ref().and_then(|properties| properties.get(name));
        part.with_context(|| format!("{kind} has no {name}"))
    };
    let mut text = format!("# {kind}\n{}\n\n", schema.description.as_deref().unwrap_or_default());
    text += &facts(definition, version);
    text += &rules(schema);
    text += &spec(part("spec")?);
    // An approval has none.
    if let Ok(part) = part("status") {
        text += &status(part);
        text += &conditions(kind);
    }
    Ok(text)
}

fn facts(definition: &CustomResourceDefinition, version: &CustomResourceDefinitionVersion) -> String {
    let names = &definition.spec.names;
    let words = |list: &Option<Vec<String>>| codes(list.iter().flatten().map(String::as_str));
    let columns = version.additional_printer_columns.iter().flatten();
    let (wide, narrow): (Vec<_>, Vec<_>) = columns.partition(|column| column.priority.unwrap_or_default() > 0);
    let named = |columns: &[&_]| {
        let name = |column: &&k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceColumnDefinition| column.name.clone();
        columns.iter().map(name).collect::<Vec<_>>().join(", ")
    };
    let paths = version.selectable_fields.iter().flatten().map(|field| field.json_path.trim_start_matches('.'));
    let rows = [
        ["apiVersion".to_owned(), code(&format!("{}/{}", definition.spec.group, version.name))],
        ["scope".to_owned(), definition.spec.scope.clone()],
        ["short name".to_owned(), words(&names.short_names)],
        ["category".to_owned(), words(&names.categories)],
        ["columns of `kubectl get`".to_owned(), named(&narrow)],
        ["and of `kubectl get -o wide`".to_owned(), named(&wide)],
        ["field selectors".to_owned(), codes(paths)],
    ];
    table(["", ""], rows.into_iter().filter(|[_, value]| !value.is_empty()))
}

/// The rules that concern more than one field.
fn rules(schema: &JSONSchemaProps) -> String {
    let messages: Vec<_> = messages(schema).map(|message| format!("* {message}\n")).collect();
    if messages.is_empty() {
        return String::new();
    }
    format!("The API server also refuses what breaks one of these rules, in these words:\n\n{}\n", messages.concat())
}

fn spec(schema: &JSONSchemaProps) -> String {
    let described = schema.description.as_deref().unwrap_or_default();
    let row = |field: Field| {
        let mut meaning = field.meaning;
        if !field.bounds.is_empty() {
            meaning += &format!("<br>*Bounds: {}*", field.bounds.join("; "));
        }
        [code(&field.path), field.kind, field.default, meaning]
    };
    let rows = below("", schema).into_iter().map(row);
    let table = table(["field", "type", "default", "meaning"], rows);
    let note = "A bound that is a sentence is what the API server answers to a value that breaks it.";
    format!("## spec\n\n{described}\n\n{note}\n\n{table}{}", rules(schema))
}

fn status(schema: &JSONSchemaProps) -> String {
    let described = schema.description.as_deref().unwrap_or_default();
    let rows = below("", schema).into_iter().map(|field| [code(&field.path), field.kind, field.meaning]);
    format!("## status\n\n{described}\n\n{}", table(["field", "type", "meaning"], rows))
}

fn conditions(kind: &str) -> String {
    let own = CONDITIONS.iter().filter(|condition| condition.kind == kind);
    let rows = own.map(|condition| [code(condition.name), condition.present.to_owned(), cell(condition.meaning)]);
    format!(
        "## conditions\n\nEvery condition carries `observedGeneration`; `lastTransitionTime` moves only when its status does. Their reasons: \
         [reasons](reasons.md).\n\n{}",
        table(["condition", "present", "meaning"], rows)
    )
}
