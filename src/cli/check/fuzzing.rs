//! The judge of `check`, for the fuzz targets in `tests/suites/fuzz`.

use std::sync::LazyLock;

use serde_json::Value;

use super::admission::Kinds;

static KINDS: LazyLock<Option<Kinds>> = LazyLock::new(|| Kinds::load().ok());

/// The object as the API server would store it, without its status; `None` where it would be refused, or is none of ours.
#[must_use]
pub fn stored(object: &Value) -> Option<Value> {
    KINDS.as_ref()?.stored(object).ok()?
}
