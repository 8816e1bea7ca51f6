//! `passcode-operator check`: manifests as the API server would judge them, and devices as the operator would. Offline.

mod admission;
mod base;
mod claims;
mod devices;
mod documents;
mod expressions;
mod finding;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod git;
mod labels;
mod lines;
mod metadata;
mod place;
mod policies;
mod report;
mod requests;
mod rule;
mod sarif;
mod structure;
#[cfg(test)]
mod tests;
mod walk;

use std::{collections::HashMap, process::ExitCode};

use clap::{
    ArgGroup, Args,
    builder::{PossibleValuesParser, TypedValueParser},
};

pub(super) use self::structure::Problem;
use self::{
    admission::{Checked, Kinds},
    base::{Base, Current},
    claims::Admission,
    documents::Document,
    place::Place,
    policies::Policies,
    report::{Format, Report},
    rule::Rule,
};
use super::Misuse;
use crate::graph::devices_from_json;
use passcode_core::{
    api::reset::{PasscodeReset, RequestedAction},
    platform::{Matrix, builtin_names},
};

/// What is judged by a time.
const DATED: &str = "dated";

#[derive(Debug, Args)]
#[command(after_help = MORE, group(ArgGroup::new(DATED).args(["policies", "base", "admission"]).multiple(true)))]
pub(super) struct Arguments {
    /// Manifests, YAML or JSON, with any number of documents. A directory stands for all that ends in .yaml, .yml or .json
    /// below it, - for standard input. Files have at most 16 MiB.
    #[arg(short, long = "file", value_name = "FILE|DIRECTORY", num_args = 1.., required_unless_present_any = ["device", "tests"])]
    files: Vec<String>,
    /// A Git revision, such as origin/main: what is as there is passed over, and what must not be merged is found. Needs the program git.
    #[arg(long, value_name = "REVISION", requires = "files")]
    base: Option<String>,
    /// A device, JSON, as Graph answers GET .../beta/deviceManagement/managedDevices/ID; - is standard input.
    #[arg(long, value_name = "FILE")]
    device: Option<String>,
    /// The matrix that the device is judged by: intune, intune-2020-07, or a file with a PlatformSupportMatrix.
    #[arg(long, value_name = "NAME|FILE", default_value = "intune", requires = "device")]
    matrix: String,
    /// What is asked for of the device. Default: what the PasscodeResets of --file ask for, else UnlockDevice.
    #[arg(long, requires = "device", conflicts_with = "files", value_parser = actions())]
    action: Option<RequestedAction>,
    #[command(flatten)]
    policies: policies::Options,
    #[command(flatten)]
    admission: claims::Options,
    /// How to print what was found: for people, for programs, or as SARIF 2.1.0, which code scanning shows in a pull request.
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value_t)]
    output: Format,
}

fn actions() -> impl TypedValueParser<Value = RequestedAction> {
    use RequestedAction::{
        RemoveDevicePasscode, ResetDevicePasscode, ResetDevicePin, ResetWorkProfilePasscode, UnlockDevice,
    };
    let all = [UnlockDevice, RemoveDevicePasscode, ResetDevicePasscode, ResetWorkProfilePasscode, ResetDevicePin]
        .map(RequestedAction::as_str);
    PossibleValuesParser::new(all).try_map(|name| serde_json::from_value(name.into()))
}

/// What is printed below the options.
const MORE: &str = "\
Exit code: 0 if all is well, 1 if something is refused or would not be sent, 2 if the command line is wrong or a file \
cannot be read, 3 if nothing of that is so and something can be decided by the API server only (--admission).

Examples:
  passcode-operator check -f resets
  kubectl kustomize overlays/prod | passcode-operator check -f -
  passcode-operator check -f inc0012345.yaml --device ipad.json
  passcode-operator check -f resets --base origin/main --output sarif";

/// What a file for --device has to be.
const A_DEVICE: &str =
    "Save what GET https://graph.microsoft.com/beta/deviceManagement/managedDevices/ID answers, as it is";

pub(super) fn execute(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let report = check(arguments)?;
    report.print(arguments.output)?;
    Ok(report.exit_code())
}

/// What the API server would refuse in a manifest that this program has made.
pub(super) fn problems(text: &str) -> anyhow::Result<Vec<Problem>> {
    let kinds = Kinds::load()?;
    let mut problems = Vec::new();
    for document in documents::split("", text) {
        let value = document.value.map_err(anyhow::Error::msg)?;
        problems.extend(kinds.check(&value).err().into_iter().flatten());
    }
    Ok(problems)
}

fn check(arguments: &Arguments) -> anyhow::Result<Report> {
    let matrix = arguments.device.is_some().then_some(&arguments.matrix);
    let of_policies =
        arguments.policies.policies.iter().chain(&arguments.policies.tests).chain(&arguments.admission.admission);
    let files = arguments.files.iter().chain(&arguments.device).chain(matrix).chain(of_policies);
    let stdin = files.filter(|file| *file == "-").count();
    if stdin > 1 {
        return Err(Misuse("standard input can be read once: name one file only as -".to_owned()).into());
    }
    let mut report = Report::default();
    let kinds = Kinds::load()?;
    let base = arguments.base.as_deref().map(|revision| Base::read(revision, &arguments.files, &kinds)).transpose()?;
    let objects = manifests(&kinds, &arguments.files, base.as_ref(), &mut report);
    if let Some(base) = &base {
        base.compare(&objects, &kinds, arguments.policies.at(), &mut report);
    }
    let policies = Policies::read(&arguments.policies, &mut report)?;
    if let Some(policies) = &policies {
        policies.test(&arguments.policies.tests, &mut report);
    }
    if let Some(file) = &arguments.device {
        let resets = objects.into_iter().filter_map(new_reset).collect();
        let asked = devices::asked_for(arguments.action, resets, !arguments.files.is_empty());
        let admission = Admission::read(&arguments.admission, &mut report);
        device(file, arguments, policies.as_ref(), admission.as_ref(), &asked, &mut report)?;
    }
    Ok(report)
}

/// Checks every document of every file and returns the objects that are in order. What is as in the base is not complained about.
fn manifests(kinds: &Kinds, files: &[String], base: Option<&Base>, report: &mut Report) -> Vec<Current> {
    let mut objects = Vec::new();
    let mut places = HashMap::new();
    for file in files {
        let mut passed_over = 0;
        for document in walk::objects(file, report) {
            let unchanged = base.is_some_and(|base| base.has(&document));
            passed_over += usize::from(unchanged);
            let mut untold = Report::default();
            let Some(checked) = one(kinds, &document, if unchanged { &mut untold } else { report }) else { continue };
            if let Some(identity) = checked.identity()
                && let Some((other, other_unchanged)) =
                    places.insert(identity.clone(), (document.place.clone(), unchanged))
                && !(unchanged && other_unchanged)
            {
                let (place, other) = if unchanged { (&other, &document.place) } else { (&document.place, &other) };
                let why = "is written twice, and only one of them would count: rename one. The other is";
                report.refuse(place, Rule::DuplicateObject, format!("{identity} {why} {other}"));
            }
            objects.push(Current { document, checked, unchanged });
        }
        base.into_iter().for_each(|base| base.tell_unchanged(file, passed_over, report));
    }
    objects
}

/// A request that the base does not have.
fn new_reset(object: Current) -> Option<(Place, PasscodeReset)> {
    match object.checked {
        Checked::Reset(reset) if !object.unchanged => Some((object.document.place, *reset)),
        _ => None,
    }
}

fn one(kinds: &Kinds, document: &Document, report: &mut Report) -> Option<Checked> {
    let value = match &document.value {
        Ok(value) => value,
        Err(problem) => {
            report.refuse(&document.place, Rule::Syntax, problem);
            return None;
        }
    };
    match kinds.check(value) {
        Ok(checked) => {
            checked.warnings().iter().for_each(|warning| report.warn(&document.place, Rule::OddObject, warning));
            let rule = if matches!(checked, Checked::Skipped { .. }) { Rule::Skipped } else { Rule::ValidObject };
            report.note(&document.place, rule, &checked);
            Some(checked)
        }
        Err(problems) => {
            problems
                .iter()
                .for_each(|problem| report.refuse(&document.at(&problem.path), Rule::InvalidObject, problem));
            None
        }
    }
}

fn device(
    file: &str,
    arguments: &Arguments,
    policies: Option<&Policies>,
    admission: Option<&Admission>,
    asked: &[devices::Asked],
    report: &mut Report,
) -> anyhow::Result<()> {
    let Some(matrix) = matrix_named(&arguments.matrix, report)? else { return Ok(()) };
    let judges = devices::Judges { matrix: &matrix, policies, admission, now: arguments.policies.at() };
    let Some(text) = walk::text(file, report) else { return Ok(()) };
    let place = &Place::file(file);
    if devices::is_of_v1(&text) {
        report.warn(place, Rule::Device, format!("it is of v1.0, where some devices cannot be told apart. {A_DEVICE}"));
    }
    match devices_from_json(&text) {
        _ if text.trim().is_empty() => report.refuse(place, Rule::Device, format!("it is empty. {A_DEVICE}")),
        Ok(found) if found.is_empty() => {
            report.refuse(place, Rule::Device, format!("there is no device in it. {A_DEVICE}"))
        }
        Ok(found) => found.iter().for_each(|device| devices::judge(file, device, &judges, asked, report)),
        Err(problem) => report.refuse(place, Rule::Device, format!("{problem}. {A_DEVICE}")),
    }
    Ok(())
}

/// A built-in matrix, or the only one of a file; none where what the file has is refused.
fn matrix_named(name: &str, report: &mut Report) -> anyhow::Result<Option<Matrix>> {
    match name {
        "intune" => return Ok(Some(Matrix::builtin())),
        "intune-2020-07" => return Ok(Some(Matrix::builtin_2020_07())),
        _ => {}
    }
    let text = match documents::read(name) {
        Ok(text) => text,
        Err(problem) => {
            report.unreadable(
                &Place::file(name),
                format!("it is none of {}, nor a file: {problem:#}", builtin_names().join(", ")),
            );
            return Ok(None);
        }
    };
    let kinds = Kinds::load()?;
    let mut matrices = Vec::new();
    for document in documents::split(name, &text).into_iter().flat_map(Document::unpack) {
        match one(&kinds, &document, report) {
            Some(Checked::Matrix(matrix)) => matrices.push(*matrix),
            Some(_) => {}
            None => return Ok(None),
        }
    }
    if matrices.len() != 1 {
        let why = format!("--matrix takes a file with one PlatformSupportMatrix; it has {}", matrices.len());
        report.refuse(&Place::file(name), Rule::InvalidObject, why);
        return Ok(None);
    }
    Ok(matrices.pop())
}
