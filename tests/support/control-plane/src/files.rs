//! Where a control plane keeps what, below its own directory.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::component::Component;

/// How much of the end of a log an error message carries.
const TAIL: u64 = 4096;

/// etcd's data.
pub(crate) fn etcd_data(directory: &Path) -> PathBuf {
    directory.join("etcd")
}

/// The log of a server, over all its restarts.
pub(crate) fn log(directory: &Path, component: Component) -> PathBuf {
    directory.join(format!("{component}.log"))
}

/// Writes a file whole, naming it in the error.
pub(crate) fn write(path: &Path, content: impl AsRef<[u8]>) -> Result<()> {
    fs::write(path, content).with_context(|| format!("cannot write {}", path.display()))
}

/// The last lines of a file, or why they cannot be read: it is for messages, which must not fail themselves.
pub(crate) fn tail(path: &Path) -> String {
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    match read() {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) => format!("({} cannot be read: {error})", path.display()),
    }
}

/// Copies a directory with everything in it; the target must not exist.
pub(crate) fn copy_directory(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir(to).with_context(|| format!("cannot create {}", to.display()))?;
    for entry in fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_directory(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), &target).with_context(|| format!("cannot copy to {}", target.display()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_copied_with_everything_below_it() -> Result<()> {
        let directory = tempfile::tempdir()?;
        let from = directory.path().join("from");
        fs::create_dir_all(from.join("a/b"))?;
        fs::write(from.join("a/b/file"), "content")?;
        let to = directory.path().join("to");
        copy_directory(&from, &to)?;
        assert_eq!(fs::read_to_string(to.join("a/b/file"))?, "content");
        Ok(())
    }

    #[test]
    fn a_tail_is_short_and_a_missing_file_is_no_failure() -> Result<()> {
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("log");
        assert!(tail(&path).contains("cannot be read"));
        fs::write(&path, "x".repeat(10_000) + "end")?;
        let tail = tail(&path);
        assert!(tail.ends_with("end"));
        assert_eq!(tail.len() as u64, TAIL);
        Ok(())
    }
}
