//! Everything that is tried, once: every change of every field of every kind.

use std::sync::LazyLock;

use serde_json::Value;

use super::{
    places::{Place, places},
    specimens::{Certificate, KINDS, TRIED_KINDS, approval, matrix, phone, policy, resets, tenants, with_place},
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
    for kind in KINDS.into_iter().chain(TRIED_KINDS) {
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

/// All changes of what is stored, each with its field.
pub fn all() -> impl Iterator<Item = (&'static Field, &'static Change)> {
    changes_of(&KINDS)
}

/// All changes of what is only tried.
pub fn only_tried() -> impl Iterator<Item = (&'static Field, &'static Change)> {
    changes_of(&TRIED_KINDS)
}

fn changes_of(kinds: &'static [&'static str]) -> impl Iterator<Item = (&'static Field, &'static Change)> {
    let of_kind = fields().iter().filter(|field| kinds.contains(&field.kind));
    of_kind.flat_map(|field| field.changes.iter().map(move |change| (field, change)))
}

/// Valid manifests of this kind, in which every field is written at least once.
pub fn specimens(kind: &str, name: &str, device: &graph_simulator::Device, certificate: &Certificate) -> Vec<Value> {
    match kind {
        "PasscodeReset" => resets(name, device),
        "IntuneTenant" => tenants(name, certificate),
        "PasscodeResetPolicy" => vec![policy(name)],
        "PasscodeResetApproval" => vec![approval(name)],
        _ => vec![matrix(name)],
    }
}
