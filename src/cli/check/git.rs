//! The files of a Git revision, read by the program `git`.

use std::{
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use crate::cli::Misuse;

/// What git sets for its hooks. It is about their working directory; here git finds the repository of each file itself.
const OF_HOOKS: [&str; 4] = ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"];

/// A file of a revision.
pub(super) struct Stored {
    /// Its path, in the form in which the working tree's is told.
    pub(super) path: PathBuf,
    pub(super) bytes: Vec<u8>,
}

/// The files that a revision has at a path or below it, as far as they are wanted.
pub(super) fn files(revision: &str, named: &str, wanted: impl Fn(&Path) -> bool) -> Result<Vec<Stored>, Misuse> {
    let named = Path::new(named);
    let is_directory = named.is_dir();
    let around = named.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let directory = if is_directory { named } else { around };
    let commit = commit(directory, revision)?;
    let mut list = git(directory, &["ls-tree", "-r", "-z", &commit]);
    if let Some(file) = named.file_name().filter(|_| !is_directory) {
        list.arg("--").arg(file);
    }
    let listed = succeeded(run(&mut list, &[])?, directory)?;
    let listed = String::from_utf8_lossy(&listed);
    let blobs: Vec<(&str, PathBuf)> = listed.split('\0').filter_map(blob).collect();
    let of_tree = |path: &Path| if is_directory { directory.join(path) } else { named.to_owned() };
    let blobs: Vec<_> = blobs
        .into_iter()
        .filter(|(_, path)| !is_directory || wanted(path))
        .map(|(id, path)| (id, of_tree(&path)))
        .collect();
    let ids: String = blobs.iter().map(|(id, _)| format!("{id}\n")).collect();
    let contents = succeeded(run(&mut git(directory, &["cat-file", "--batch"]), ids.as_bytes())?, directory)?;
    let mut rest = contents.as_slice();
    let stored = blobs.into_iter().map(|(_, path)| Some(Stored { path, bytes: next(&mut rest)? }));
    stored
        .collect::<Option<_>>()
        .ok_or_else(|| Misuse(format!("--base: git cat-file has not answered for all of {revision}")))
}

/// The commit that a revision names.
fn commit(directory: &Path, revision: &str) -> Result<String, Misuse> {
    // Git would take it for an option.
    if revision.starts_with('-') || revision.is_empty() {
        return Err(Misuse(format!("--base: {revision:?} is no revision: name a branch, a tag or a commit")));
    }
    let output =
        run(&mut git(directory, &["rev-parse", "--verify", "--quiet", &format!("{revision}^{{commit}}")]), &[])?;
    if output.status.code() == Some(1) {
        let fetch = "Fetch it first: a pipeline's shallow clone has only the newest commit (GitHub Actions: fetch-depth: 0, GitLab: GIT_DEPTH: 0)";
        return Err(Misuse(format!(
            "--base: there is no revision {revision} in the repository of {}. {fetch}",
            directory.display()
        )));
    }
    let commit = succeeded(output, directory)?;
    Ok(String::from_utf8_lossy(&commit).trim().to_owned())
}

fn git(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("git");
    for name in OF_HOOKS {
        command.env_remove(name);
    }
    command.arg("-C").arg(directory).args(arguments);
    command
}

fn run(command: &mut Command, input: &[u8]) -> Result<Output, Misuse> {
    let cannot = |error: std::io::Error| {
        Misuse(match error.kind() {
            ErrorKind::NotFound => "--base needs the program git, which is not installed here".to_owned(),
            _ => format!("--base: cannot run git: {error}"),
        })
    };
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(cannot)?;
    let stdin = child.stdin.take();
    // Written beside the reading: a pipe that is full in both directions would stand still. What was not written shows in the answer.
    std::thread::scope(|scope| {
        scope.spawn(move || stdin.map(|mut stdin| stdin.write_all(input)));
        child.wait_with_output().map_err(cannot)
    })
}

fn succeeded(output: Output, directory: &Path) -> Result<Vec<u8>, Misuse> {
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(Misuse(format!("--base: git cannot read the repository of {}: {}", directory.display(), said.trim())))
}

/// An entry of `ls-tree`, if it is a file: `MODE blob ID<tab>PATH`.
fn blob(entry: &str) -> Option<(&str, PathBuf)> {
    let (about, path) = entry.split_once('\t')?;
    let mut about = about.split(' ');
    // A link is no file of its own.
    let mode = about.next().filter(|mode| mode.starts_with("100"));
    mode.and(about.next()).filter(|kind| *kind == "blob")?;
    Some((about.next()?, PathBuf::from(path)))
}

/// The next answer of `cat-file --batch`: `ID blob SIZE`, the content, and an end of line.
fn next(rest: &mut &[u8]) -> Option<Vec<u8>> {
    let end = rest.iter().position(|byte| *byte == b'\n')?;
    let size: usize = std::str::from_utf8(&rest[..end]).ok()?.rsplit(' ').next()?.parse().ok()?;
    let content = rest.get(end + 1..end + 1 + size)?.to_vec();
    *rest = rest.get(end + 2 + size..)?;
    Some(content)
}
