//! What policies would say of a request, and the tests of a policy's authors.

use std::collections::BTreeMap;

use clap::Args;
use jiff::Timestamp;
use serde_json::Value;

use super::{
    admission::{Checked, Kinds},
    documents::Document,
    place::Place,
    report::Report,
    rule::Rule,
    walk,
};
use passcode_core::{
    api::{
        Time, approval::RequestKind, matrix::MatrixAction, reset::PasscodeReset, tenant::Defaults, time::saturating_add,
    },
    platform::{ManagedDevice, Platform},
    policy::{Answer, Device, Policy, Question, Request, Requester, evaluate, scenario::Scenarios},
};

#[derive(Debug, Default, Args)]
pub(super) struct Options {
    /// PasscodeResetPolicies that judge what is asked for of the device, and the Namespaces and IntuneTenants by whose labels they select.
    #[arg(short, long = "policies", value_name = "FILE|DIRECTORY", num_args = 1..)]
    pub(super) policies: Vec<String>,
    /// The time for which the policies are asked, and by which --base judges. Default: now; for policies the requestTime of a scheduled request.
    #[arg(long, value_name = "TIME", requires = super::DATED)]
    now: Option<Time>,
    /// Who asks, by the name that the API server knows. Default: nobody knows.
    #[arg(long, value_name = "NAME", requires = "policies")]
    requester: Option<String>,
    /// Tests of the policies: requests, devices and times with the answers that are expected.
    #[arg(long = "test", value_name = "FILE|DIRECTORY", num_args = 1.., requires = "policies")]
    pub(super) tests: Vec<String>,
}

impl Options {
    /// The time of the check.
    pub(super) fn at(&self) -> Timestamp {
        self.now.map_or_else(Timestamp::now, |now| now.0)
    }
}

type Labels = BTreeMap<String, String>;

/// The policies of some files, and what they are asked with.
pub(super) struct Policies {
    policies: Vec<Policy>,
    namespaces: BTreeMap<String, Labels>,
    tenants: BTreeMap<String, Labels>,
    now: Timestamp,
    requester: Option<String>,
}

impl Policies {
    /// The policies that are named; `None` where none is, or one of them cannot be used.
    pub(super) fn read(options: &Options, report: &mut Report) -> anyhow::Result<Option<Self>> {
        if options.policies.is_empty() {
            return Ok(None);
        }
        let mut read = Self {
            policies: Vec::new(),
            namespaces: BTreeMap::new(),
            tenants: BTreeMap::new(),
            now: options.at(),
            requester: options.requester.clone(),
        };
        let kinds = Kinds::load()?;
        let mut usable = true;
        for file in &options.policies {
            for document in walk::objects(file, report) {
                usable &= read.take(&kinds, &document, report);
            }
        }
        if read.policies.is_empty() && usable {
            report.refuse(
                &Place::file(&options.policies.join(", ")),
                Rule::NoManifest,
                "there is no PasscodeResetPolicy in it",
            );
        }
        Ok(usable.then_some(read))
    }

    /// Whether nothing is wrong with it.
    fn take(&mut self, kinds: &Kinds, document: &Document, report: &mut Report) -> bool {
        let Some(checked) = super::one(kinds, document, report) else { return false };
        let value = document.value.as_ref().unwrap_or(&Value::Null);
        let (name, labels) = (value["metadata"]["name"].as_str().unwrap_or_default().to_owned(), labels(value));
        match checked {
            Checked::Policy(policy) => self.policies.push(*policy),
            Checked::Tenant { .. } => drop(self.tenants.insert(name, labels)),
            Checked::Skipped { kind } if kind == "Namespace" => drop(self.namespaces.insert(name, labels)),
            Checked::Skipped { .. } | Checked::Reset(_) | Checked::Matrix(_) | Checked::Approval { .. } => {}
        }
        true
    }

    /// What they say of one request.
    pub(super) fn judge(
        &self,
        place: &Place,
        device: &ManagedDevice,
        platform: Platform,
        action: MatrixAction,
        reset: Option<&PasscodeReset>,
        report: &mut Report,
    ) {
        let namespace = reset.and_then(|reset| reset.metadata.namespace.as_deref()).unwrap_or("default");
        let tenant = reset.map_or("default", |reset| reset.spec.tenant_ref.name.as_str());
        let scheduled = reset.map(|reset| reset.spec.request_time.0).filter(|time| *time > self.now);
        let at = scheduled.unwrap_or(self.now);
        let policies: Vec<&Policy> = self.policies.iter().collect();
        let permission = evaluate(&Question {
            request: Request {
                kind: RequestKind::PasscodeReset,
                namespace,
                namespace_labels: self.namespaces.get(namespace),
                name: reset.and_then(|reset| reset.metadata.name.as_deref()).unwrap_or("NAME"),
                uid: "",
                created: self.now,
                requester: self.requester.as_deref().map(|name| Requester { name, key: name }),
                tenant,
                tenant_labels: self.tenants.get(tenant),
                action: action.into(),
                device: Device {
                    managed_device_id: &device.id,
                    platform,
                    os_version: &device.os_version,
                    ownership: &device.owner_type,
                },
                expiration: expiration(reset, at),
            },
            policies: Some(&policies),
            required: &[],
            approvals: &[],
            // Offline nobody can pretend to be somebody else.
            identity_since: Some(Timestamp::MIN),
            past: &[],
            at,
            at_api_server: at,
            early: scheduled.is_some(),
        });
        let answer = &permission.answer;
        let (reason, message) = (answer.reason(), answer.message());
        match answer {
            Answer::Permitted { .. } => {
                report.note(place, Rule::Policy, format!("policies would permit it ({reason}): {message}"))
            }
            Answer::Held { .. } => {
                report.note(place, Rule::Policy, format!("policies would hold it ({reason}): {message}"))
            }
            Answer::Refused { .. } => {
                report.refuse(place, Rule::Policy, format!("policies would refuse it ({reason}): {message}"))
            }
        }
        for (what, name, known) in [
            ("Namespace", namespace, self.namespaces.contains_key(namespace)),
            ("IntuneTenant", tenant, self.tenants.contains_key(tenant)),
        ] {
            if !known {
                let meant = "policies that select by its labels are taken to be about this request";
                report.note(place, Rule::Policy, format!("{what} {name} is not among the files for -p: {meant}"));
            }
        }
    }

    /// Runs the tests of these files.
    pub(super) fn test(&self, files: &[String], report: &mut Report) {
        for file in files {
            for document in walk::documents(file, report) {
                self.test_document(&document, report);
            }
        }
    }

    fn test_document(&self, document: &Document, report: &mut Report) {
        let policies: Vec<&Policy> = self.policies.iter().collect();
        let read = document.value.clone().and_then(|value| {
            serde_json::from_value::<Scenarios>(value).map_err(|error| format!("this is no file of tests: {error}"))
        });
        let scenarios = match read {
            Ok(scenarios) => scenarios,
            Err(problem) => return report.refuse(&document.place, Rule::PolicyTest, problem),
        };
        if scenarios.tests.is_empty() {
            report.refuse(&document.place, Rule::NoManifest, "there is no test in it");
        }
        for (index, scenario) in scenarios.tests.iter().enumerate() {
            let place = document.at(&format!("tests[{index}]")).within(format_args!("test {:?}", scenario.name));
            match scenario.run(&policies) {
                Ok(()) => report.note(&place, Rule::PolicyTest, "passed"),
                Err(problem) => report.refuse(&place, Rule::PolicyTest, format!("failed: {problem}")),
            }
        }
    }
}

fn labels(object: &Value) -> Labels {
    let labels = object["metadata"]["labels"].as_object();
    let texts =
        labels.into_iter().flatten().filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
    texts.collect()
}

/// Until when it would be sent: as the manifest says, else as a tenant's default does.
fn expiration(reset: Option<&PasscodeReset>, at: Timestamp) -> Timestamp {
    let defaults = Defaults::default();
    match reset {
        Some(reset) => defaults.expiration(&reset.spec).0,
        None => saturating_add(at, defaults.issue_window.as_signed()),
    }
}
