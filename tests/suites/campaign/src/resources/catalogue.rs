//! Everything that is tried, once: every change of every field of every kind.

use std::sync::LazyLock;

use serde_json::Value;

use super::{
    places::{Place, places},
    specimens::{Certificate, KINDS, matrix, phone, resets, tenants, with_place},
    values::{Change, changes},
};

/// A field, and what is tried there.
pub struct Field {
    /// The kind of the object.
    pub kind: &'static str,
    /// Where it is.
    pub place: Place,
    /// What is tried.
    pub changes: Vec<Change>,
}

static FIELDS: LazyLock<Vec<Field>> = LazyLock::new(|| {
    // Which phone they name makes no difference here.
    let (device, certificate) = (phone(8, true), Certificate("x".to_owned()));
    let mut fields = Vec::new();
    for kind in KINDS {
        let specimens = specimens(kind, "x", &device, &certificate);
        for place in places(kind) {
            let changes = changes(&place, place.of(with_place(&specimens, &place)));
            fields.push(Field { kind, place, changes });
        }
    }
    fields
});

/// All fields.
pub fn fields() -> &'static [Field] {
    &FIELDS
}

/// All changes, each with its field.
pub fn all() -> impl Iterator<Item = (&'static Field, &'static Change)> {
    fields().iter().flat_map(|field| field.changes.iter().map(move |change| (field, change)))
}

/// Valid manifests of this kind, in which every field is written at least once.
pub fn specimens(kind: &str, name: &str, device: &graph_simulator::Device, certificate: &Certificate) -> Vec<Value> {
    match kind {
        "PasscodeReset" => resets(name, device),
        "IntuneTenant" => tenants(name, certificate),
        _ => vec![matrix(name)],
    }
}
