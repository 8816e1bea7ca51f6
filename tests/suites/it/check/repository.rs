//! A Git repository with manifests, and `check` in it.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use tempfile::TempDir;

/// The time of all checks in it.
pub const NOW: &str = "2026-11-23T12:00:00Z";

/// A working tree with a first commit; its branch is `main`.
pub struct Repository(TempDir);

impl Repository {
    /// With these files committed.
    pub fn with(files: &[(&str, &str)]) -> Self {
        let repository = Self(tempfile::tempdir().unwrap());
        repository.git(&["init", "--quiet", "--initial-branch=main"]);
        files.iter().for_each(|(path, text)| repository.write(path, text));
        repository.commit();
        repository
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub fn remove(&self, path: &str) {
        fs::remove_file(self.path().join(path)).unwrap();
    }

    pub fn commit(&self) {
        self.git(&["add", "--all"]);
        self.git(&["-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "--allow-empty", "--message=a"]);
    }

    /// The commit that a revision names.
    pub fn revision(&self, name: &str) -> String {
        self.git(&["rev-parse", name]).trim().to_owned()
    }

    fn git(&self, arguments: &[&str]) -> String {
        let mut git = Command::new("git");
        git.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1").env_remove("GIT_DIR");
        let output = git.arg("-C").arg(self.path()).args(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// What `check` prints here, and its exit code.
    pub fn check(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let output = check_in(self.path(), &[arguments, &["--now", NOW]].concat(), None);
        assert!(output.stderr.is_empty(), "{output:?}");
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    }

    /// What is found beside notes, without the lines that say what is valid or passed over.
    pub fn found(&self, arguments: &[&str]) -> (Option<i32>, Vec<String>) {
        let (code, printed) = self.check(arguments);
        let said = |line: &&str| !line.ends_with(" is valid") && !line.contains("passed over");
        (code, printed.lines().filter(said).map(ToOwned::to_owned).collect())
    }
}

/// The program with nothing around it that may matter; where told, with programs only from this directory.
pub fn check_in(directory: &Path, arguments: &[&str], programs: Option<&Path>) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_passcode-operator"));
    program.env_clear().current_dir(directory).arg("check").args(arguments);
    programs.map(|directory| program.env("PATH", directory));
    program.output().unwrap()
}

/// A request; its device stands in line 8, its requestTime in line 9, what is more from line 10 on.
pub fn request(name: &str, device: &str, time: &str, more: &str) -> String {
    format!(
        "apiVersion: passcode-operator.dev/v1alpha1\nkind: PasscodeReset\nmetadata:\n  name: {name}\n  namespace: desk\nspec:\n  device:\n    \
         serialNumber: {device}\n  requestTime: \"{time}\"\n{more}"
    )
}
