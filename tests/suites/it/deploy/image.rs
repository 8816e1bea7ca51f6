//! The image's layout, laid without a container engine: what is in it, who it runs as, and that it is the same each time.

use std::{
    path::{Path, PathBuf},
    process::{Output, Stdio},
};

use deploy::repository;
use serde_json::Value;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
};

/// The number of an architecture in ELF, and its name in OCI.
const ARCHITECTURES: [(u8, &str); 2] = [(62, "amd64"), (183, "arm64")];

/// An ELF file without any segment: as much of a static binary as its header says.
fn binary(machine: u8) -> Vec<u8> {
    let mut header = vec![0x7f, b'E', b'L', b'F', 2, 1, 1];
    header.resize(64, 0);
    // Type: executable; machine; version; the header's own size.
    (header[16], header[18], header[20], header[52]) = (2, machine, 1, 64);
    header
}

/// A place with a binary for each architecture, certificates, a licence and a bill of materials.
fn parts() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (machine, name) in ARCHITECTURES {
        std::fs::write(directory.path().join(name), binary(machine)).unwrap();
    }
    for name in ["certificates", "license", "sbom"] {
        std::fs::write(directory.path().join(name), name).unwrap();
    }
    directory
}

/// Lays the image of these binaries into `output`.
async fn lay(parts: &Path, output: &str, binaries: &[String]) -> Output {
    let mut command = Command::new("go");
    command.args(["run", "-mod=readonly", "-buildvcs=false", ".", "--version=1.2.3", "--created=1764000000"]);
    for name in ["certificates", "license", "sbom"] {
        command.arg(format!("--{name}={}", parts.join(name).display()));
    }
    command.arg(format!("--output={}", parts.join(output).display())).args(binaries);
    command.current_dir(repository("deploy/image/layout")).env("GOWORK", "off").env("CGO_ENABLED", "0");
    command.output().await.unwrap()
}

fn both(parts: &Path) -> Vec<String> {
    ARCHITECTURES.map(|(_, name)| format!("{name}={}", parts.join(name).display())).to_vec()
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// Where a layout keeps what a descriptor names.
fn blob(layout: &Path, descriptor: &Value) -> PathBuf {
    layout.join("blobs").join(descriptor["digest"].as_str().unwrap().replace(':', "/"))
}

/// The names of what a layer holds, with modes and owners.
async fn listed(layer: &Path) -> Vec<String> {
    let output = Command::new("tar").args(["--numeric-owner", "-tvzf"]).arg(layer).output().await.unwrap();
    assert!(output.status.success());
    let lines = String::from_utf8(output.stdout).unwrap();
    let words = |line: &str| line.split_whitespace().map(ToOwned::to_owned).collect::<Vec<_>>();
    lines.lines().map(words).map(|words| format!("{} {} {}", words[0], words[1], words.last().unwrap())).collect()
}

#[tokio::test]
async fn an_image_holds_the_binary_and_what_it_needs() {
    let parts = parts();
    let said = lay(parts.path(), "image", &both(parts.path())).await;
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    let layout = parts.path().join("image");
    let index = json(&layout.join("index.json"));
    for (position, (_, architecture)) in ARCHITECTURES.into_iter().enumerate() {
        let descriptor = &index["manifests"][position];
        assert_eq!(descriptor["platform"], serde_json::json!({"architecture": architecture, "os": "linux"}));
        assert_eq!(descriptor["mediaType"], "application/vnd.oci.image.manifest.v1+json");
        let manifest = json(&blob(&layout, descriptor));
        let config = json(&blob(&layout, &manifest["config"]));
        assert_eq!(
            (&config["architecture"], &config["created"]),
            (&architecture.into(), &"2025-11-24T16:00:00Z".into())
        );
        let config = &config["config"];
        assert_eq!(config["User"], "65532:65532");
        assert_eq!(config["Entrypoint"], serde_json::json!(["/passcode-operator"]));
        assert_eq!(config["Cmd"], serde_json::json!(["run"]));
        assert_eq!(config["Labels"]["org.opencontainers.image.version"], "1.2.3");
        let mut files = Vec::new();
        for layer in manifest["layers"].as_array().unwrap() {
            assert_eq!(layer["mediaType"], "application/vnd.oci.image.layer.v1.tar+gzip");
            files.extend(listed(&blob(&layout, layer)).await);
        }
        files.retain(|file| !file.starts_with('d'));
        assert_eq!(
            files,
            [
                "-rw-r--r-- 0/0 etc/ssl/certs/ca-certificates.crt",
                "-rw-r--r-- 0/0 usr/share/passcode-operator/LICENSE",
                "-rw-r--r-- 0/0 usr/share/passcode-operator/sbom.cdx.json",
                "-rwxr-xr-x 0/0 passcode-operator",
            ]
        );
    }

    // The same files give the same image.
    assert!(lay(parts.path(), "again", &both(parts.path())).await.status.success());
    assert_eq!(index, json(&parts.path().join("again/index.json")));
}

/// crane, which `go tool crane` is; built so that it can be ended.
async fn crane(into: &Path) -> PathBuf {
    let program = into.join("crane");
    let mut build = Command::new("go");
    build.args(["build", "-mod=readonly", "-buildvcs=false", "-o"]).arg(&program);
    build.arg("github.com/google/go-containerregistry/cmd/crane").current_dir(repository("deploy/image/layout"));
    let output = build.env("GOWORK", "off").env("CGO_ENABLED", "0").output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    program
}

#[tokio::test]
async fn an_image_is_pushed_to_a_registry_as_it_is() {
    let parts = parts();
    assert!(lay(parts.path(), "image", &both(parts.path())).await.status.success());
    let crane = crane(parts.path()).await;
    let mut serve = Command::new(&crane);
    serve.args(["registry", "serve", "--address", "127.0.0.1:0"]).stderr(Stdio::piped()).kill_on_drop(true);
    let mut registry = serve.spawn().unwrap();
    let mut lines = BufReader::new(registry.stderr.take().unwrap()).lines();
    let port = loop {
        let line = lines.next_line().await.unwrap().expect("the registry says where it listens");
        if let Some((_, port)) = line.split_once("serving on port ") {
            break port.trim().to_owned();
        }
    };
    let reference = format!("127.0.0.1:{port}/passcode-operator:1.2.3");
    let layout = parts.path().join("image");
    let push = Command::new(&crane).args(["push", "--index"]).arg(&layout).arg(&reference).output().await.unwrap();
    assert!(push.status.success(), "{}", String::from_utf8_lossy(&push.stderr));
    let pulled = Command::new(&crane).args(["manifest", &reference]).output().await.unwrap();
    let pulled: Value = serde_json::from_slice(&pulled.stdout).unwrap();
    assert_eq!(pulled, json(&layout.join("index.json")));
}

#[tokio::test]
async fn an_image_that_could_not_run_is_refused() {
    let parts = parts();
    let path = |name: &str| parts.path().join(name).display().to_string();
    let dynamic = env!("CARGO_BIN_EXE_passcode-operator");
    let this_machine = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };
    let mistakes = [
        (format!("{this_machine}={dynamic}"), "needs a loader and shared libraries, which the image does not have"),
        (format!("arm64={}", path("amd64")), "is for EM_X86_64, not for arm64"),
        (format!("riscv64={}", path("amd64")), "write amd64 or arm64"),
        (path("amd64"), "write ARCHITECTURE=BINARY"),
        (format!("amd64={}", path("license")), "is no binary for Linux"),
    ];
    for (argument, sentence) in mistakes {
        let said = lay(parts.path(), "image", std::slice::from_ref(&argument)).await;
        let words = String::from_utf8_lossy(&said.stderr).into_owned();
        assert!(!said.status.success() && words.contains(sentence), "{argument}: {words}");
        assert!(!parts.path().join("image").exists(), "{argument}");
    }
}

#[tokio::test]
async fn the_image_runs_as_the_chart_does() {
    let objects = super::rendered(&[]).await;
    let pod = &super::the(&objects, "Deployment")["spec"]["template"]["spec"];
    // The chart says that it is not root, and leaves it to the image who it is.
    let security = &pod["securityContext"];
    assert_eq!((&security["runAsNonRoot"], &security["runAsUser"]), (&Value::Bool(true), &Value::Null));
    let user = "65532:65532";
    let parts = parts();
    assert!(lay(parts.path(), "image", &both(parts.path())).await.status.success());
    let layout = parts.path().join("image");
    let manifest = json(&blob(&layout, &json(&layout.join("index.json"))["manifests"][0]));
    assert_eq!(json(&blob(&layout, &manifest["config"]))["config"]["User"], user);
    let container = std::fs::read_to_string(repository("deploy/image/Containerfile")).unwrap();
    assert!(container.contains(&format!("\nUSER {user}\n")), "{container}");
}
