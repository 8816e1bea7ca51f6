//! Where the programs and the samples are.

use std::path::{Path, PathBuf};

use control_plane::find_or_build;

/// The directory with the programs; built first where they are missing, which takes minutes.
pub async fn directory() -> PathBuf {
    find_or_build(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tools/gitops/build.sh")).await.unwrap()
}

/// A file of the samples.
pub fn sample(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/samples/gitops").join(path)
}
