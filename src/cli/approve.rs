//! `passcode-operator approve` and `passcode-operator deny`

mod shown;

use std::{
    io::{IsTerminal, Write, stdin},
    process::ExitCode,
};

use anyhow::{anyhow, bail};
use clap::Args;
use kube::{
    Api, Error, ResourceExt,
    api::{ListParams, ObjectMeta, PostParams},
};

use super::{
    Misuse,
    cluster::{Cluster, ClusterArguments, said},
    output,
};
use passcode_core::api::{
    REQUESTED_BY,
    approval::{ApprovalDecision, PasscodeResetApproval, PasscodeResetApprovalSpec, RequestKind, RequestRef},
    reset::PasscodeReset,
};

/// Nothing is left to decide.
const FINISHED: u8 = 3;
/// The question was answered with no.
const NOT_CONFIRMED: u8 = 4;
/// How the API server begins the names of what is no person.
const NOT_PEOPLE: &str = "system:";
/// How much of the request's name its approvals' names begin with: a name has 63 characters, and the API server adds five.
const STEM: usize = 57;

/// What is printed below the options of approve.
const MORE: &str = "\
It shows the request, asks whether you mean it, and creates a PasscodeResetApproval in your name. To take
it back as long as the reset is not sent: kubectl delete pcra NAME.

Exit codes: 0 it is stored; 1 it is not, and the message says why; 2 the command line cannot be meant;
3 the request is finished or being deleted, nothing is left to decide; 4 you answered no.

Examples:
  kubectl pcr approve -n helpdesk inc0012345 --role lead
  kubectl pcr approve -n helpdesk inc0012345 --override --reason \"INC0012345, plant manager locked out\"";

/// What is printed below the options of deny.
const MORE_OF_DENY: &str = "\
It shows the request, asks whether you mean it, and creates a PasscodeResetApproval with the decision
Denied in your name. Whoever asked for the reset reads the reason. A request that is denied by somebody
whose approval its policies ask for ends as Rejected.

Exit codes: as those of approve.

Example:
  kubectl pcr deny -n helpdesk inc0012345 --role lead --reason \"not called back, see INC0012345\"";

#[derive(Debug, Args)]
#[command(after_help = MORE)]
pub(super) struct Approve {
    #[command(flatten)]
    common: Common,
    /// Why. Required with --override.
    #[arg(long, value_name = "TEXT", required_if_eq("override", "true"))]
    reason: Option<String>,
    /// Set approvals, hours, budgets and overridable rules aside. It takes a right of its own and is reported every time.
    #[arg(long)]
    r#override: bool,
}

#[derive(Debug, Args)]
#[command(after_help = MORE_OF_DENY)]
pub(super) struct Deny {
    #[command(flatten)]
    common: Common,
    /// Why.
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

#[derive(Debug, Args)]
#[group(skip)]
struct Common {
    /// The PasscodeReset's name.
    name: String,
    /// The role in which you decide, as the request's message names it.
    #[arg(long)]
    role: Option<String>,
    /// Do not ask whether you mean it.
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    cluster: ClusterArguments,
}

pub(super) async fn approve(arguments: Approve) -> anyhow::Result<ExitCode> {
    let decision = if arguments.r#override { ApprovalDecision::Overridden } else { ApprovalDecision::Approved };
    decide(arguments.common, decision, arguments.reason).await
}

pub(super) async fn deny(arguments: Deny) -> anyhow::Result<ExitCode> {
    decide(arguments.common, ApprovalDecision::Denied, Some(arguments.reason)).await
}

async fn decide(
    Common { name, role, yes, cluster }: Common,
    decision: ApprovalDecision,
    reason: Option<String>,
) -> anyhow::Result<ExitCode> {
    if !yes && !stdin().is_terminal() {
        return Err(Misuse("nobody can be asked whether this is meant: add --yes".to_owned()).into());
    }
    let cluster = cluster.connect().await?;
    let approver = cluster.own_name().await?;
    let reset = request(&cluster, &name).await?;
    output::print(&shown::request(&reset))?;
    if let Some(why) = nothing_left(&reset) {
        eprintln!("Nothing is left to decide: {why}");
        return Ok(ExitCode::from(FINISHED));
    }
    may_decide(&reset, &approver, decision)?;
    if !yes && !is_meant(decision, role.as_deref(), &approver)? {
        eprintln!("Nothing was created.");
        return Ok(ExitCode::from(NOT_CONFIRMED));
    }
    let approval = approval(
        &reset,
        PasscodeResetApprovalSpec {
            request: RequestRef { kind: RequestKind::PasscodeReset, name, uid: reset.uid().unwrap_or_default() },
            decision,
            role,
            managed_device_id: reset
                .status
                .as_ref()
                .and_then(|status| Some(status.device.as_ref()?.managed_device_id.clone())),
            reason,
            approver,
        },
    );
    let stored = create(&cluster, &approval).await?;
    output::print(&shown::stored(&stored))?;
    Ok(ExitCode::SUCCESS)
}

/// The request, or why there is none.
async fn request(cluster: &Cluster, name: &str) -> anyhow::Result<PasscodeReset> {
    let namespace = &cluster.namespace;
    let resets: Api<PasscodeReset> = Api::namespaced(cluster.client.clone(), namespace);
    match resets.get_opt(name).await {
        Ok(Some(reset)) => Ok(reset),
        Ok(None) => {
            let elsewhere = elsewhere(cluster, name).await;
            let advice = match elsewhere.as_slice() {
                [] => "name its namespace with -n".to_owned(),
                all => format!("did you mean -n {}?", all.join(" or -n ")),
            };
            Err(anyhow!("there is no PasscodeReset \"{name}\" in namespace \"{namespace}\": {advice}"))
        }
        Err(error) => Err(said(error, &format!("read PasscodeResets in namespace \"{namespace}\""))),
    }
}

/// The other namespaces that have a request of this name, where one may see them.
async fn elsewhere(cluster: &Cluster, name: &str) -> Vec<String> {
    let resets: Api<PasscodeReset> = Api::all(cluster.client.clone());
    let same = ListParams::default().fields(&format!("metadata.name={name}")).limit(3);
    let found = resets.list_metadata(&same).await.map(|list| list.items).unwrap_or_default();
    found.iter().filter_map(ResourceExt::namespace).collect()
}

fn nothing_left(reset: &PasscodeReset) -> Option<String> {
    if reset.metadata.deletion_timestamp.is_some() {
        return Some("it is being deleted.".to_owned());
    }
    let status = reset.status.as_ref()?;
    status.outcome.as_ref()?;
    Some(format!("it is finished. {}", shown::state(status)))
}

/// What the API server would store, and the operator not count.
fn may_decide(reset: &PasscodeReset, approver: &str, decision: ApprovalDecision) -> anyhow::Result<()> {
    if approver.starts_with(NOT_PEOPLE) {
        bail!(
            "you are signed in as {approver}: service accounts and other parts of the cluster do not approve, a person has to"
        );
    }
    if decision != ApprovalDecision::Overridden
        && reset.annotations().get(REQUESTED_BY).is_some_and(|by| by == approver)
    {
        bail!(
            "you asked for this reset yourself: somebody else has to decide about it. To cancel it: kubectl delete pcr -n {} {}",
            reset.namespace().unwrap_or_default(),
            reset.name_any()
        );
    }
    Ok(())
}

fn is_meant(decision: ApprovalDecision, role: Option<&str>, approver: &str) -> anyhow::Result<bool> {
    let what = match decision {
        ApprovalDecision::Approved => "Approve it",
        ApprovalDecision::Denied => "Deny it",
        ApprovalDecision::Overridden => "Override the policies for it",
    };
    let role = role.map(|role| format!(", in the role {role}")).unwrap_or_default();
    eprint!("{what} as {approver}{role}? [y/N] ");
    std::io::stderr().flush()?;
    let mut answer = String::new();
    stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

fn approval(reset: &PasscodeReset, spec: PasscodeResetApprovalSpec) -> PasscodeResetApproval {
    let stem: String = reset.name_any().chars().take(STEM).collect();
    let stem = stem.trim_end_matches(['.', '-']);
    let metadata =
        ObjectMeta { generate_name: Some(format!("{stem}-")), namespace: reset.namespace(), ..ObjectMeta::default() };
    PasscodeResetApproval { metadata, spec }
}

async fn create(cluster: &Cluster, approval: &PasscodeResetApproval) -> anyhow::Result<PasscodeResetApproval> {
    let approvals: Api<PasscodeResetApproval> = Api::namespaced(cluster.client.clone(), &cluster.namespace);
    approvals.create(&PostParams::default(), approval).await.map_err(|error| match &error {
        Error::Api(status) if status.code == 404 => {
            anyhow!(
                "this cluster has no PasscodeResetApprovals: ask whoever installed the operator for its definitions"
            )
        }
        _ => said(error, &format!("create PasscodeResetApprovals in namespace \"{}\"", cluster.namespace)),
    })
}
