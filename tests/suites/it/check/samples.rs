//! The samples for pipelines: what they run, on a pull request that may be merged and on one that must not.

use std::{fs, os::unix::fs::symlink, path::Path, process::Command};

use serde_json::Value;

use super::repository::{Repository, request};

/// The commands with which a sample checks, as its system runs them: lines of one script, which the first failure ends.
fn script(sample: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/samples/ci").join(sample);
    let pipeline: Value = serde_saphyr::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    if let Some(lines) = pipeline["passcode-resets"]["script"].as_array() {
        return lines.iter().map(|line| line.as_str().unwrap()).collect::<Vec<_>>().join("\n");
    }
    let steps = pipeline["jobs"]["check"]["steps"].as_array().unwrap();
    steps.iter().find(|step| step["name"] == "Check").unwrap()["run"].as_str().unwrap().to_owned()
}

/// Runs the sample on what the working tree has beyond its first commit: whether it passes, and what it found for code scanning.
fn run(sample: &str, repository: &Repository) -> (bool, usize) {
    let programs = tempfile::tempdir().unwrap();
    symlink(env!("CARGO_BIN_EXE_passcode-operator"), programs.path().join("passcode-operator")).unwrap();
    let path = format!("{}:{}", programs.path().display(), std::env::var("PATH").unwrap());
    let base = repository.revision("HEAD^1");
    let mut bash = Command::new("bash");
    bash.current_dir(repository.path()).env_clear().env("PATH", path).env("CI_MERGE_REQUEST_DIFF_BASE_SHA", base);
    let passed = bash.args(["-e", "-c", &script(sample)]).output().unwrap().status.success();
    let log = fs::read_to_string(repository.path().join("passcode-resets.sarif")).unwrap();
    let log: Value = serde_json::from_str(&log).unwrap();
    (passed, log["runs"][0]["results"].as_array().unwrap().len())
}

#[test]
fn each_passes_what_may_be_merged_and_refuses_what_must_not() {
    for sample in ["github-actions.yaml", "gitlab-ci.yaml"] {
        let repository = Repository::with(&[("resets/a.yaml", &request("a", "F9AAAAAA", "2020-01-01T00:00:00Z", ""))]);
        // A new request would depend on the day of the test.
        repository.write("resets/b.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\n");
        repository.commit();
        assert_eq!(run(sample, &repository), (true, 0), "{sample}");
        repository.write("resets/a.yaml", &request("a", "F9BBBBBB", "2020-01-01T00:00:00Z", ""));
        repository.commit();
        assert_eq!(run(sample, &repository), (false, 1), "{sample}");
    }
}
