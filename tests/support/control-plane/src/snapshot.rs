//! etcd's state at a moment, to go back to.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use tempfile::TempDir;
use tokio::task::spawn_blocking;

use crate::files;

/// A copy of etcd's data, see [`ControlPlane::snapshot`](crate::ControlPlane::snapshot). It is removed when dropped.
pub struct Snapshot {
    directory: TempDir,
}

impl Snapshot {
    /// Copies the data of an etcd that does not run.
    pub(crate) async fn take(directory: &Path) -> Result<Self> {
        let data = files::etcd_data(directory);
        let directory = directory.to_owned();
        spawn_blocking(move || {
            let snapshot = Self { directory: tempfile::Builder::new().prefix("snapshot-").tempdir_in(directory)? };
            files::copy_directory(&data, &snapshot.data())?;
            Ok(snapshot)
        })
        .await?
    }

    /// Puts the copy in the place of the data of an etcd that does not run.
    pub(crate) async fn put_back(&self, directory: &Path) -> Result<()> {
        let data = files::etcd_data(directory);
        tokio::fs::remove_dir_all(&data).await.with_context(|| format!("cannot remove {}", data.display()))?;
        self.put(directory).await
    }

    /// Puts the copy where an etcd will look for its data that has none yet.
    pub(crate) async fn put(&self, directory: &Path) -> Result<()> {
        let copy = self.data();
        let data = files::etcd_data(directory);
        spawn_blocking(move || files::copy_directory(&copy, &data)).await?
    }

    fn data(&self) -> PathBuf {
        self.directory.path().join("etcd")
    }
}
