//! `passcode-operator check`: manifests as the API server would judge them, and devices as the operator would. Offline.

mod admission;
mod devices;
mod documents;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod metadata;
mod report;
mod structure;
#[cfg(test)]
mod tests;

use std::{collections::HashMap, process::ExitCode};

use anyhow::Context;
use clap::{
    Args,
    builder::{PossibleValuesParser, TypedValueParser},
};

use self::{
    admission::{Checked, Kinds},
    documents::Document,
    report::Report,
};
use crate::{
    api::reset::{PasscodeReset, RequestedAction},
    graph::devices_from_json,
    platform::{Matrix, builtin_names},
};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Manifests, YAML or JSON, with any number of documents; a directory stands for all below it, - for standard input.
    #[arg(short, long = "file", value_name = "FILE|DIRECTORY", num_args = 1.., required_unless_present = "device")]
    files: Vec<String>,
    /// A device as Graph (beta) returns it, JSON; - is standard input.
    #[arg(long, value_name = "FILE")]
    device: Option<String>,
    /// The matrix that the device is judged by: intune, intune-2020-07, or a file with a PlatformSupportMatrix.
    #[arg(long, value_name = "NAME|FILE", default_value = "intune", requires = "device")]
    matrix: String,
    /// What is asked for of the device. Default: what the PasscodeResets of --file ask for, else UnlockDevice.
    #[arg(long, requires = "device", conflicts_with = "files", value_parser = actions())]
    action: Option<RequestedAction>,
}

fn actions() -> impl TypedValueParser<Value = RequestedAction> {
    use RequestedAction::{
        RemoveDevicePasscode, ResetDevicePasscode, ResetDevicePin, ResetWorkProfilePasscode, UnlockDevice,
    };
    let all = [UnlockDevice, RemoveDevicePasscode, ResetDevicePasscode, ResetWorkProfilePasscode, ResetDevicePin]
        .map(RequestedAction::as_str);
    PossibleValuesParser::new(all).try_map(|name| serde_json::from_value(name.into()))
}

pub(super) fn execute(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let report = check(arguments)?;
    report.print()?;
    Ok(if report.is_refused() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn check(arguments: &Arguments) -> anyhow::Result<Report> {
    let stdin = arguments.files.iter().chain(&arguments.device).filter(|file| *file == "-").count();
    anyhow::ensure!(stdin <= 1, "standard input can be read once: name one file only as -");
    let mut report = Report::default();
    let resets = manifests(&arguments.files, &mut report)?;
    if let Some(file) = &arguments.device {
        let asked = devices::asked_for(arguments.action, resets, !arguments.files.is_empty());
        device(file, &arguments.matrix, &asked, &mut report)?;
    }
    Ok(report)
}

/// Checks every document of every file and returns the valid PasscodeResets with the places where they are.
fn manifests(files: &[String], report: &mut Report) -> anyhow::Result<Vec<(String, PasscodeReset)>> {
    let kinds = Kinds::load()?;
    let mut resets = Vec::new();
    let mut places = HashMap::new();
    for file in files {
        for document in documents_of(file, report) {
            let Some(checked) = one(&kinds, &document, report) else { continue };
            if let Some(identity) = checked.identity()
                && let Some(other) = places.insert(identity.clone(), document.place.clone())
            {
                let why = "is written twice, and only one of them would count: rename one. The other is";
                report.refuse(&document.place, format!("{identity} {why} {other}"));
            }
            if let Checked::Reset(reset) = checked {
                resets.push((document.place, *reset));
            }
        }
    }
    Ok(resets)
}

/// The documents of a file or a directory; what cannot be read is refused, and hides nothing else.
fn documents_of(file: &str, report: &mut Report) -> Vec<Document> {
    let files = documents::below(file).unwrap_or_else(|problem| {
        report.refuse(file, format!("{problem:#}"));
        Vec::new()
    });
    let mut documents = Vec::new();
    for file in files {
        match documents::read(&file) {
            Ok(text) => documents.extend(documents::split(&file, &text)),
            Err(problem) => report.refuse(&file, format!("{problem:#}")),
        }
    }
    documents
}

fn one(kinds: &Kinds, document: &Document, report: &mut Report) -> Option<Checked> {
    let value = match &document.value {
        Ok(value) => value,
        Err(problem) => {
            report.refuse(&document.place, problem);
            return None;
        }
    };
    match kinds.check(value) {
        Ok(checked) => {
            checked.warnings().iter().for_each(|warning| report.note(&document.place, format!("warning: {warning}")));
            report.note(&document.place, checked.to_string());
            Some(checked)
        }
        Err(problems) => {
            problems.iter().for_each(|problem| report.refuse(&document.place, problem));
            None
        }
    }
}

fn device(file: &str, matrix: &str, asked: &[devices::Asked], report: &mut Report) -> anyhow::Result<()> {
    let Some(matrix) = matrix_named(matrix, report)? else { return Ok(()) };
    match devices_from_json(&documents::read(file).with_context(|| format!("--device {file}"))?) {
        Ok(found) if found.is_empty() => report.refuse(file, "there is no device in it"),
        Ok(found) => found.iter().for_each(|device| devices::judge(file, device, &matrix, asked, report)),
        Err(problem) => report.refuse(file, problem),
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
    let text = documents::read(name)
        .with_context(|| format!("--matrix {name}: it is none of {}, nor a file", builtin_names().join(", ")))?;
    let kinds = Kinds::load()?;
    let mut matrices = Vec::new();
    for document in documents::split(name, &text) {
        match one(&kinds, &document, report) {
            Some(Checked::Matrix(matrix)) => matrices.push(*matrix),
            Some(_) => {}
            None => return Ok(None),
        }
    }
    anyhow::ensure!(matrices.len() == 1, "{name} has {} PlatformSupportMatrices; --matrix takes one", matrices.len());
    Ok(matrices.pop())
}
