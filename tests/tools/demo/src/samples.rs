//! The manifests of `deploy/samples/`, with the demonstration's own times in the place of theirs.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use graph_simulator::{SignedDuration, Timestamp};
use serde_json::Value;

/// How long after the others the scheduled reset is due.
const SCHEDULED_AFTER: SignedDuration = SignedDuration::from_secs(40);

/// The times that stand in the samples, and how far from the demonstration's beginning each is moved.
const TIMES: [(&str, SignedDuration); 4] = [
    ("2026-11-22T09:00:00Z", SignedDuration::ZERO),
    ("2026-11-22T18:00:00Z", SCHEDULED_AFTER),
    ("2026-11-20T09:00:00Z", SignedDuration::from_hours(-48)),
    ("2026-11-21T09:00:00Z", SignedDuration::from_hours(-24)),
];

/// The repository.
pub fn repository() -> PathBuf {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../.."));
    root.canonicalize().unwrap_or_else(|_| root.to_owned())
}

fn directory() -> PathBuf {
    repository().join("deploy/samples")
}

/// One PasscodeReset as it stands in its file.
pub struct Sample {
    /// The object's name, which is the file's too.
    pub name: String,
    text: String,
    object: Value,
}

impl Sample {
    fn read(path: &Path) -> Result<Self> {
        let text = read(path)?;
        let object = parse(&text, path)?;
        let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        let file = path.file_stem().unwrap_or_default();
        ensure!(file == name.as_str(), "{} is about {name:?}: file and object bear the same name", path.display());
        Ok(Self { name, text, object })
    }

    /// What it says of the device, by the selector's name.
    pub fn selector(&self, name: &str) -> Option<&str> {
        self.object["spec"]["device"][name].as_str()
    }

    /// The manifest for a demonstration that begins now.
    pub fn at(&self, now: Timestamp) -> Result<String> {
        let mut text = self.text.clone();
        for (time, offset) in TIMES {
            let moved = Timestamp::from_second(now.checked_add(offset)?.as_second())?;
            text = text.replace(time, &moved.to_string());
        }
        Ok(text)
    }
}

/// All resets, by name.
pub fn resets() -> Result<Vec<Sample>> {
    let directory = directory().join("resets");
    let entries = fs::read_dir(&directory).with_context(|| format!("cannot read {}", directory.display()))?;
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    paths.sort();
    paths.iter().map(|path| Sample::read(path)).collect()
}

/// Any other sample, to be changed before it is applied.
pub fn object(file: &str) -> Result<Value> {
    let path = directory().join(file);
    parse(&read(&path)?, &path)
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

fn parse(text: &str, path: &Path) -> Result<Value> {
    serde_saphyr::from_str(text).with_context(|| format!("{} is no YAML", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_in_a_sample_is_moved() {
        let now: Timestamp = "2031-01-01T00:00:00.7Z".parse().unwrap();
        for sample in resets().unwrap() {
            let text = sample.at(now).unwrap();
            assert!(!text.contains("2026-"), "{}:\n{text}", sample.name);
            let object: Value = serde_saphyr::from_str(&text).unwrap();
            let requested = object["spec"]["requestTime"].as_str().unwrap();
            let expected = match sample.name.as_str() {
                "scheduled" => "2031-01-01T00:00:40Z",
                "expired" => "2030-12-30T00:00:00Z",
                _ => "2031-01-01T00:00:00Z",
            };
            assert_eq!(requested, expected, "{}", sample.name);
        }
    }

    #[test]
    fn the_others_can_be_read() {
        for (file, kind) in
            [("namespace.yaml", "Namespace"), ("secret.yaml", "Secret"), ("tenant.yaml", "IntuneTenant")]
        {
            assert_eq!(object(file).unwrap()["kind"], kind);
        }
    }
}
