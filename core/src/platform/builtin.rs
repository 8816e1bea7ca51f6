//! The built-in matrices, by name and as matrices to judge by.

use super::{builtin_2020_07, builtin_intune, builtin_rule::Builtin, matrix::Matrix};
use crate::api::matrix::PlatformSupportMatrixSpec;

/// The names of the built-in matrices, the default first.
#[must_use]
pub const fn builtin_names() -> [&'static str; 2] {
    [builtin_intune::MATRIX.name, builtin_2020_07::MATRIX.name]
}

/// A built-in matrix as a manifest would say it; none if no built-in one has that name.
#[must_use]
pub fn builtin_spec(name: &str) -> Option<PlatformSupportMatrixSpec> {
    [&builtin_intune::MATRIX, &builtin_2020_07::MATRIX]
        .into_iter()
        .find(|builtin| builtin.name == name)
        .map(Builtin::spec)
}

impl Matrix {
    /// The built-in matrix `intune`: per class the newest official statement that names it.
    #[must_use]
    pub fn builtin() -> Self {
        builtin_intune::MATRIX.matrix()
    }

    /// The built-in matrix `intune-2020-07`: as it was documented then.
    #[must_use]
    pub fn builtin_2020_07() -> Self {
        builtin_2020_07::MATRIX.matrix()
    }
}
