//! What people would have written instead (`benches/peers/`), played the same script.
//!
//! They run as one replica, as people run them: none of their frameworks elects a leader by itself. So they have an advantage over the operator,
//! whose second replica waits 15 s before it takes over from a dead leader.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::Command,
};

use graph_simulator::{EXAMPLE_CLIENT, EXAMPLE_SECRET, EXAMPLE_TENANT};

use super::{
    cluster::Cluster,
    contestant::Contestant,
    in_real_time,
    intune::Intune,
    play::{Played, play},
    program::Program,
    script::Script,
};

const GROUP: &str = "peers.example.com";

/// Plays a script to everybody whose name contains `wanted`, and prints a line for each.
pub fn compare(script: Script, operator: &Path, wanted: &str) {
    let binaries = operator.parent().unwrap();
    println!("The same script for each: seed {}, {} resets, {} kills.", script.seed, script.resets, script.kills);
    let kube_rs = binaries.join("peer-kube-rs");
    let python = python(binaries);
    let kopf = repository().join("benches/peers/kopf/operator.py");
    let contestants = [
        Contestant::ours(operator),
        self::kube_rs("kube-rs", &kube_rs, "--claim=none"),
        self::kube_rs("kube-rs, claims and resumes", &kube_rs, "--claim=resume"),
        self::kube_rs("kube-rs, claims and leaves", &kube_rs, "--claim=leave"),
        peer(
            "kopf",
            [python.as_os_str(), "-m".as_ref(), "kopf".as_ref(), "run".as_ref()]
                .map(OsString::from)
                .into_iter()
                .chain(["--standalone", "--all-namespaces"].map(OsString::from))
                .chain([kopf.into()])
                .collect(),
        ),
    ];
    for contestant in contestants.iter().filter(|contestant| contestant.name.contains(wanted)) {
        let mut played = Played::default();
        let tally = in_real_time(contestant.name, async {
            played = play(script, contestant).await;
            played.tally.clone()
        });
        println!("{:<28} {played}", contestant.name);
        for line in tally.violations.iter().chain(&played.last_words) {
            println!("    {line}");
        }
    }
}

/// The operator that is written with kube-rs, in one of its variants.
#[must_use]
pub fn kube_rs(name: &'static str, binary: &Path, variant: &str) -> Contestant<'static> {
    peer(name, vec![binary.into(), variant.into()])
}

fn peer(name: &'static str, command: Vec<OsString>) -> Contestant<'static> {
    let definition = std::fs::read_to_string(repository().join("benches/peers/crd.yaml")).unwrap();
    let start = move |cluster: &Cluster, intune: &Intune, name: &str| {
        let (graph, authority, certificate) = intune.endpoints();
        let trusted = cluster.plane.directory().join("graph-ca.pem");
        std::fs::write(&trusted, certificate).unwrap();
        let environment = [
            ("KUBECONFIG", cluster.plane.admin_kubeconfig().into()),
            ("GRAPH", graph.into()),
            ("AUTHORITY", authority.into()),
            ("TENANT_ID", EXAMPLE_TENANT.into()),
            ("CLIENT_ID", EXAMPLE_CLIENT.into()),
            ("CLIENT_SECRET", EXAMPLE_SECRET.into()),
            ("CA_FILE", trusted.into_os_string()),
            ("PYTHONDONTWRITEBYTECODE", "1".into()),
        ];
        Program::new(cluster, name, &command, &environment)
    };
    Contestant { name, replicas: 1, group: GROUP, definition: Some(definition), start: Box::new(start) }
}

/// The python of a virtual environment with kopf, which is made where it is missing.
fn python(binaries: &Path) -> PathBuf {
    let peers = repository().join("benches/peers");
    let mut command = Command::new("bash");
    command.arg(peers.join("venv.sh")).arg(peers.join("kopf/requirements.txt")).arg(binaries.join("peers-kopf"));
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    PathBuf::from(String::from_utf8(output.stdout).unwrap().trim())
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..").canonicalize().unwrap()
}
