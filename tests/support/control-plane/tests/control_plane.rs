//! The control plane does what the tests that stand on it take for granted. All of this needs kube-apiserver and etcd, see `build.sh`.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use control_plane::{Component, ControlPlane, Options, User};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, ObjectMeta, PostParams};

fn config_map(name: &str) -> ConfigMap {
    ConfigMap { metadata: ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() }, ..ConfigMap::default() }
}

async fn create(control_plane: &ControlPlane, name: &str) -> Result<()> {
    let objects: Api<ConfigMap> = Api::default_namespaced(control_plane.client().await?);
    objects.create(&PostParams::default(), &config_map(name)).await?;
    Ok(())
}

async fn exists(control_plane: &ControlPlane, name: &str) -> Result<bool> {
    let objects: Api<ConfigMap> = Api::default_namespaced(control_plane.client().await?);
    Ok(objects.get_opt(name).await?.is_some())
}

/// The processes whose command line names a directory: both servers of a control plane and their watchdogs.
fn processes_of(directory: &Path) -> Result<Vec<String>> {
    let directory = directory.to_str().context("the path is not UTF-8")?;
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")? {
        // A process may end while it is looked at.
        let command = fs::read(entry?.path().join("cmdline")).unwrap_or_default();
        let command = String::from_utf8_lossy(&command).into_owned();
        if command.contains(directory) {
            found.push(command);
        }
    }
    Ok(found)
}

#[tokio::test]
async fn control_plane_starts_twice_side_by_side_and_survives_restarts() -> Result<()> {
    let started = Instant::now();
    let first = ControlPlane::start(Options::default()).await?;
    println!("the first was ready after {:?}", started.elapsed());
    let started = Instant::now();
    let second = ControlPlane::start(Options { etcd_fsync: true, ..Options::default() }).await?;
    println!("the second was ready after {:?}", started.elapsed());

    create(&first, "kept").await?;
    assert!(exists(&first, "kept").await?);
    assert!(!exists(&second, "kept").await?);

    let url = first.url().to_owned();
    first.kill(Component::Etcd).await;
    first.kill(Component::ApiServer).await;
    assert!(exists(&first, "kept").await.is_err());
    assert_eq!(first.process_id(Component::ApiServer).await?, None);
    let started = Instant::now();
    first.restart(Component::Etcd).await?;
    println!("etcd was back after {:?}", started.elapsed());
    first.restart(Component::ApiServer).await?;
    println!("both were back after {:?}", started.elapsed());
    assert_eq!(first.url(), url);
    assert!(exists(&first, "kept").await?);

    let started = Instant::now();
    first.restart(Component::ApiServer).await?;
    println!("kube-apiserver stopped and came back in {:?}", started.elapsed());
    first.restart(Component::Etcd).await?;
    first.wait_ready(Component::ApiServer).await?;
    assert!(exists(&first, "kept").await?);

    let directories = [first.directory(), second.directory()].map(Path::to_owned);
    for directory in &directories {
        assert_eq!(processes_of(directory)?.len(), 4);
    }
    drop(first);
    drop(second);
    for directory in &directories {
        assert_eq!(processes_of(directory)?, Vec::<String>::new());
        assert!(!directory.exists());
    }
    Ok(())
}

#[tokio::test]
async fn control_plane_answers_again_after_a_pause() -> Result<()> {
    let control_plane = ControlPlane::start(Options::default()).await?;
    for component in [Component::ApiServer, Component::Etcd] {
        control_plane.pause(component).await?;
        let limit = Duration::from_secs(1);
        let answer = tokio::time::timeout(limit, create(&control_plane, "late")).await;
        assert!(answer.is_err(), "{component} answered while paused");
        control_plane.resume(component).await?;
        control_plane.wait_ready(component).await?;
    }
    control_plane.wait_ready(Component::ApiServer).await?;
    create(&control_plane, "after").await?;

    // A paused server can still be stopped.
    control_plane.pause(Component::Etcd).await?;
    control_plane.stop(Component::Etcd).await?;
    assert!(control_plane.resume(Component::Etcd).await.is_err());
    Ok(())
}

#[tokio::test]
async fn control_plane_goes_back_to_a_snapshot() -> Result<()> {
    let control_plane = ControlPlane::start(Options::default()).await?;
    create(&control_plane, "before").await?;
    let snapshot = control_plane.snapshot().await?;
    create(&control_plane, "after").await?;
    let elsewhere = ControlPlane::start_from(&snapshot, Options::default()).await?;
    assert!(exists(&elsewhere, "before").await?);
    assert!(!exists(&elsewhere, "after").await?);
    drop(elsewhere);
    for _ in 0..2 {
        control_plane.restore(&snapshot).await?;
        assert!(exists(&control_plane, "before").await?);
        assert!(!exists(&control_plane, "after").await?);
        create(&control_plane, "after").await?;
    }
    Ok(())
}

#[tokio::test]
async fn control_plane_tells_every_version_that_etcd_had() -> Result<()> {
    let control_plane = ControlPlane::start(Options { keep_history: true, ..Options::default() }).await?;
    create(&control_plane, "told").await?;
    let objects: Api<ConfigMap> = Api::default_namespaced(control_plane.client().await?);
    objects.delete("told", &Default::default()).await?;
    create(&control_plane, "told").await?;
    let all = control_plane.history("configmaps").await?;
    let told: Vec<_> = all.iter().filter(|version| version.key == "/registry/configmaps/default/told").collect();
    assert_eq!(told.iter().map(|version| version.value.is_some()).collect::<Vec<_>>(), [true, false, true]);
    assert!(told.is_sorted_by_key(|version| version.revision));
    Ok(())
}

#[tokio::test]
async fn control_plane_gives_its_users_only_the_rights_of_their_rbac_objects() -> Result<()> {
    let operator = User::service_account("phones", "operator");
    let control_plane = ControlPlane::start(Options { users: vec![operator.clone()], ..Options::default() }).await?;
    control_plane.create_namespace("phones").await?;
    let objects: Api<ConfigMap> = Api::namespaced(control_plane.client_for(&operator.name).await?, "phones");
    let refused = objects.create(&PostParams::default(), &config_map("a")).await;
    assert!(matches!(refused, Err(kube::Error::Api(status)) if status.code == 403));

    let role = r#"
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: { name: operator, namespace: phones }
rules: [{ apiGroups: [""], resources: [configmaps], verbs: [create] }]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: { name: operator, namespace: phones }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: Role, name: operator }
subjects: [{ kind: ServiceAccount, name: operator, namespace: phones }]
"#;
    control_plane.apply(role).await?;
    let deadline = Instant::now() + Duration::from_secs(20);
    // The authorizer learns of new objects through a watch of its own.
    while objects.create(&PostParams::default(), &config_map("a")).await.is_err() {
        ensure!(Instant::now() < deadline, "the role had no effect");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(objects.get("a").await.is_err());

    let version = control_plane.kubectl(["version", "-o", "json"]).await?;
    let version: serde_json::Value = serde_json::from_slice(&version.stdout)?;
    println!("{version}");
    for side in ["clientVersion", "serverVersion"] {
        assert_eq!(version[side]["major"], "1");
        assert!(version[side]["minor"].as_str().is_some_and(|minor| !minor.is_empty()));
    }
    Ok(())
}

#[tokio::test]
async fn control_plane_that_cannot_start_says_why() -> Result<()> {
    let options = Options { apiserver_arguments: vec!["--no-such-flag".to_owned()], ..Options::default() };
    let Err(error) = ControlPlane::start(options).await else {
        anyhow::bail!("it started");
    };
    let message = format!("{error:#}");
    assert!(message.contains("kube-apiserver does not run"), "{message}");
    assert!(message.contains("unknown flag: --no-such-flag"), "{message}");
    Ok(())
}

/// Set for the process that the next test starts and kills.
const VICTIM: &str = "CONTROL_PLANE_TEST_VICTIM";

#[tokio::test]
async fn control_plane_is_gone_when_its_test_is_killed() -> Result<()> {
    if std::env::var_os(VICTIM).is_some() {
        let control_plane = ControlPlane::start(Options::default()).await?;
        control_plane.pause(Component::Etcd).await?;
        println!("\ndirectory:{}", control_plane.directory().display());
        std::future::pending::<()>().await;
    }
    let mut victim = Command::new(std::env::current_exe()?)
        .args(["--exact", "--nocapture"])
        .arg("control_plane_is_gone_when_its_test_is_killed")
        .env(VICTIM, "yes")
        .stdout(Stdio::piped())
        .spawn()?;
    let output = BufReader::new(victim.stdout.take().context("no output")?);
    let mut lines = output.lines().map_while(std::result::Result::ok);
    let directory = lines.find_map(|line| line.strip_prefix("directory:").map(str::to_owned));
    victim.kill()?;
    victim.wait()?;
    let directory = directory.context("the victim did not start")?;
    let directory = Path::new(&directory);

    let deadline = Instant::now() + Duration::from_secs(20);
    while directory.exists() || !processes_of(directory)?.is_empty() {
        ensure!(Instant::now() < deadline, "left over: {:?}", processes_of(directory)?);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}
