//! What `deploy/` has that is made from something else, and the helm that makes and tests it.
//!
//! The chart of the definitions is made from `crds/`, the table of values from `values.yaml`, and kustomize's base from the chart, so that each is
//! written down once. `make charts` writes the files; a test sees that they are current.

mod base;
mod definitions;
mod helm;
mod values;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

pub use helm::Helm;
pub use values::{Value, values};

/// A file that is made from others, with what it should hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// Where it stands.
    pub path: PathBuf,
    /// What it should hold.
    pub text: String,
}

impl Made {
    /// Whether it holds that.
    pub fn is_current(&self) -> bool {
        std::fs::read_to_string(&self.path).is_ok_and(|text| text == self.text)
    }

    /// Writes it.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self) -> Result<()> {
        std::fs::write(&self.path, &self.text).with_context(|| format!("cannot write {}", self.path.display()))
    }
}

/// Every file that is made.
///
/// # Errors
/// If one of the files that they are made from is not as expected, or helm is not to be had.
pub async fn made() -> Result<Vec<Made>> {
    let mut all = definitions::made()?;
    all.push(values::made()?);
    all.extend(base::made(&Helm::find().await?).await?);
    Ok(all)
}

/// A path in the repository.
pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..").join(path)
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}
