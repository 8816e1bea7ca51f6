//! Query options. Those that are not documented for a path are refused.

use super::call::{Answer, Call, Version};
use super::{errors, refused, schema};
use crate::world::World;

/// Query options of one request.
#[derive(Debug, Default)]
pub(crate) struct Options {
    pub select: Option<Vec<String>>,
    pub filter: Option<String>,
    pub top: Option<usize>,
    pub skip_token: Option<String>,
}

/// Reads the options; `known` are those documented for the path.
pub(crate) fn options(world: &mut World, call: &Call<'_>, version: Version, known: &[&str]) -> Result<Options, Answer> {
    let mut options = Options::default();
    let mut seen: Vec<String> = Vec::new();
    for (name, value) in url::form_urlencoded::parse(call.query.unwrap_or_default().as_bytes()) {
        if !known.contains(&name.as_ref()) || seen.iter().any(|earlier| *earlier == name) {
            let message = format!("Query option '{name}' was specified more than once or is not supported.");
            return Err(refused(world, call, "query option not documented", |ids| errors::bad_request(&message, ids)));
        }
        match name.as_ref() {
            "$select" => options.select = Some(selected(world, call, version, &value)?),
            "$filter" => options.filter = Some(value.clone().into_owned()),
            "$skiptoken" => options.skip_token = Some(value.clone().into_owned()),
            _ => options.top = Some(top(world, call, &value)?),
        }
        seen.push(name.into_owned());
    }
    Ok(options)
}

/// OData refuses names that the entity of this API version does not have: v1.0 has no `deviceType`, no `hardwareInformation`, …
fn selected(world: &mut World, call: &Call<'_>, version: Version, value: &str) -> Result<Vec<String>, Answer> {
    let names: Vec<String> = value.split(',').map(|name| name.trim().to_owned()).collect();
    match names.iter().find(|name| !schema::has(version, name)) {
        None => Ok(names),
        Some(unknown) => {
            let message = format!(
                "Parsing OData Select and Expand failed: Could not find a property named '{unknown}' on type 'microsoft.graph.managedDevice'."
            );
            Err(refused(world, call, "$select of an unknown property", |ids| errors::bad_request(&message, ids)))
        }
    }
}

/// The largest `$top` is not documented: no more than the default page is taken.
fn top(world: &mut World, call: &Call<'_>, value: &str) -> Result<usize, Answer> {
    match value.parse() {
        Ok(top) if (1..=1000).contains(&top) => Ok(top),
        _ => {
            let message = format!("Invalid value '{value}' for $top query option found.");
            Err(refused(world, call, "$top out of range", |ids| errors::bad_request(&message, ids)))
        }
    }
}
