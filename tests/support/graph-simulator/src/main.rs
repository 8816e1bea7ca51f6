//! `graph-simulator`: Entra and Graph on this machine, to try the operator by hand.

mod manifest;

use anyhow::Context;
use clap::Parser;
use graph_simulator::admin::{self, Selectors};
use graph_simulator::{
    Device, DeviceClass, EXAMPLE_CLIENT, EXAMPLE_SECRET, EXAMPLE_TENANT, Limits, ServeOptions, Server, Simulator,
    Timestamp, serve,
};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::net::TcpListener;

/// Plays Microsoft Entra and Microsoft Graph on loopback HTTPS, with one example device of every class.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Port of Graph; 0 is any free one.
    #[arg(long, default_value_t = 18443)]
    graph_port: u16,
    /// Port of Entra; 0 is any free one.
    #[arg(long, default_value_t = 18444)]
    authority_port: u16,
    /// Port of the admin interface (plain HTTP, JSON: /ledger, /refusals, /requests, /devices); 0 is any free one.
    #[arg(long, default_value_t = 18480)]
    admin_port: u16,
    /// Where to write the certificate to trust.
    #[arg(long, default_value = "graph-simulator-ca.pem")]
    ca_file: PathBuf,
    /// Where to write the Secret and the IntuneTenant; absent: standard output.
    #[arg(long)]
    manifest_file: Option<PathBuf>,
    /// Namespace of the Secret in the printed manifest: the operator's own.
    #[arg(long, default_value = "passcode-operator")]
    namespace: String,
    /// Further devices, of all classes in turn.
    #[arg(long, default_value_t = 0)]
    devices: u32,
    /// Milliseconds from a request to its answer.
    #[arg(long, default_value_t = 30)]
    latency: u64,
    /// Seconds for which Intune hides a new entry of the ledger.
    #[arg(long, default_value_t = 3)]
    ledger_lag: u64,
    /// Seconds until a device answers.
    #[arg(long, default_value_t = 8)]
    answer_delay: u64,
    /// Enforce the published throttling limits.
    #[arg(long)]
    throttle: bool,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let simulator = world(&arguments);
    let options = ServeOptions { graph_port: arguments.graph_port, authority_port: arguments.authority_port };
    let server = serve(&simulator, options).await.context("cannot listen")?;
    let admin = TcpListener::bind((Ipv4Addr::LOCALHOST, arguments.admin_port)).await?;
    announce(&server, admin.local_addr()?.port());
    let manifest = manifest::manifest(&server, &arguments.namespace, &examples(&simulator));
    write(&arguments.ca_file, server.ca_pem()).await?;
    match &arguments.manifest_file {
        Some(path) => write(path, &manifest).await?,
        None => print!("{manifest}"),
    }
    tokio::select! {
        served = admin::serve(simulator, admin) => served.context("the admin interface failed"),
        stopped = tokio::signal::ctrl_c() => stopped.context("cannot wait for a signal"),
    }
}

async fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    let written = tokio::fs::write(path, text).await;
    written.with_context(|| format!("cannot write {}", path.display()))
}

fn world(arguments: &Arguments) -> Simulator {
    let simulator = Simulator::starting_at(Timestamp::now());
    simulator.configure(|settings| {
        settings.latency = Duration::from_millis(arguments.latency);
        settings.ledger_lag = Duration::from_secs(arguments.ledger_lag).into();
        if arguments.throttle {
            settings.limits = Limits::documented();
        }
    });
    let count = u32::try_from(DeviceClass::ALL.len()).unwrap_or(u32::MAX);
    let classes = DeviceClass::ALL.iter().cycle();
    for (&class, number) in classes.zip(0..count.saturating_add(arguments.devices)) {
        let mut device = Device::example(class, number);
        device.plan.delay = Some(Duration::from_secs(arguments.answer_delay));
        simulator.add_device(device);
    }
    simulator
}

fn examples(simulator: &Simulator) -> Vec<Selectors> {
    let devices = simulator.devices();
    devices.iter().take(DeviceClass::ALL.len()).map(Selectors::of).collect()
}

/// Goes to standard error: standard output is the manifest alone.
fn announce(server: &Server, admin_port: u16) {
    eprintln!("graph:         {}", server.graph_origin());
    eprintln!("authority:     {}", server.authority_origin());
    eprintln!("admin:         http://127.0.0.1:{admin_port}");
    eprintln!(
        "operator:      run --allowed-endpoint {} --allowed-endpoint {}",
        server.graph_origin(),
        server.authority_origin()
    );
    eprintln!("tenant id:     {EXAMPLE_TENANT}");
    eprintln!("client id:     {EXAMPLE_CLIENT}");
    eprintln!("client secret: {EXAMPLE_SECRET}");
}
