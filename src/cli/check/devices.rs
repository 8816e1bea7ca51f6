//! A device as the operator would judge it: its class, the matrix's word, and whether that is what was asked for.

use jiff::Timestamp;

use super::{
    claims::{Admission, Facts},
    place::Place,
    policies::Policies,
    report::Report,
    rule::Rule,
};
use passcode_core::{
    api::{
        reset::{PasscodeReset, RequestedAction},
        reset_status::SupportStatus,
    },
    lifecycle::{action_check, device::facts},
    platform::{Classification, ManagedDevice, Matrix, Platform, Row, Verdict, deciding_row, raw_values},
};

/// Something that is asked for of a device.
pub(super) struct Asked {
    /// Where it is asked for, for the line about it.
    by: Option<Place>,
    action: RequestedAction,
    /// The manifest that asks for it.
    reset: Option<Box<PasscodeReset>>,
}

impl Asked {
    fn is_dry_run(&self) -> bool {
        self.reset.as_ref().is_some_and(|reset| reset.spec.dry_run)
    }
}

/// What is asked for: what the manifests say, else the action of the command line, else what a PasscodeReset without an
/// action means. Where there are manifests and none of them is a valid PasscodeReset, nothing is.
pub(super) fn asked_for(
    action: Option<RequestedAction>,
    resets: Vec<(Place, PasscodeReset)>,
    manifests: bool,
) -> Vec<Asked> {
    if !manifests {
        return vec![Asked { by: None, action: action.unwrap_or_default(), reset: None }];
    }
    let asked = |(place, reset): (Place, PasscodeReset)| Asked {
        by: Some(place),
        action: reset.spec.action,
        reset: Some(Box::new(reset)),
    };
    resets.into_iter().map(asked).collect()
}

/// Whether an answer of Graph is of v1.0, by the address of its description.
pub(super) fn is_of_v1(text: &str) -> bool {
    text.contains("/v1.0/$metadata")
}

/// By what a device is judged.
pub(super) struct Judges<'a> {
    pub(super) matrix: &'a Matrix,
    pub(super) policies: Option<&'a Policies>,
    pub(super) admission: Option<&'a Admission>,
    /// The time of the check.
    pub(super) now: Timestamp,
}

/// Judges one device.
pub(super) fn judge(file: &str, device: &ManagedDevice, judges: &Judges<'_>, asked: &[Asked], report: &mut Report) {
    let matrix = judges.matrix;
    let place = Place::file(file).within(format_args!("device {}", device.id));
    let row = deciding_row(device);
    let Classification::Class(platform) = row.is else {
        let alone = "Save what Graph's beta answers for this device read alone";
        return report.refuse(
            &place,
            Rule::Device,
            format!("its class cannot be told from this file: {}. {alone}", row.because),
        );
    };
    report.note(&place, Rule::Device, format!("class {platform} ({})", decided_by(row)));
    if platform == Platform::Unknown {
        report.note(&place, Rule::Device, format!("reported by Intune: {}", raw_values(device)));
    }
    let verdict = matrix.verdict(platform, &device.os_version, &device.owner_type);
    tell(&place, matrix, &verdict, report);
    // A refusal has the guidance in its own sentence.
    if verdict.supported || asked.is_empty() {
        explain(&place, &verdict, report);
    }
    for asked in asked {
        let by = asked.by.as_ref().map_or_else(|| place.clone(), |by| by.within(format_args!("with {place}")));
        answer(&by, asked, &verdict, report);
        let Some(action) = verdict.action.filter(|action| asked.action.accepts(*action)) else { continue };
        if let Some(policies) = judges.policies {
            policies.judge(&by, device, platform, action, asked.reset.as_deref(), report);
        }
        if let (Some(admission), Some(reset)) = (judges.admission, &asked.reset) {
            let at = judges.now.max(reset.spec.request_time.0);
            let facts = Facts { device: facts(device, platform, at), support: support(matrix, &verdict), at };
            admission.judge(&by, reset, &facts, report);
        }
    }
}

/// The matrix's word as the status has it.
fn support(matrix: &Matrix, verdict: &Verdict) -> SupportStatus {
    SupportStatus {
        matrix: matrix.name().to_owned(),
        revision: matrix.revision().to_owned(),
        supported: verdict.supported,
        action: verdict.action.map(|action| action.as_str().to_owned()),
        rule: verdict.rule.clone(),
        reason: verdict.reason.clone(),
        certainty: verdict.certainty.map(|certainty| certainty.as_str().to_owned()),
        guidance: verdict.guidance.clone(),
        prerequisites: verdict.prerequisites.clone(),
    }
}

fn decided_by(row: &Row) -> String {
    match row.certainty {
        Some(certainty) => format!("certainty {}: {}", certainty.as_str(), row.because),
        None => row.because.to_owned(),
    }
}

fn tell(place: &Place, matrix: &Matrix, verdict: &Verdict, report: &mut Report) {
    let rule = verdict.rule.as_ref().map_or_else(|| "no rule".to_owned(), |rule| format!("rule {rule}"));
    let what =
        verdict.action.map_or_else(|| "unsupported".to_owned(), |action| format!("supported, {}", action.as_str()));
    let certainty =
        verdict.certainty.map_or_else(String::new, |certainty| format!(", certainty {}", certainty.as_str()));
    let by = format!("matrix {} {}, {rule}{certainty}", matrix.name(), matrix.revision());
    let text = format!("{what}, reason {} ({by})", verdict.reason);
    if verdict.supported {
        report.note(place, Rule::Device, text);
    } else {
        report.refuse(place, Rule::Device, text);
    }
}

fn explain(place: &Place, verdict: &Verdict, report: &mut Report) {
    if !verdict.guidance.is_empty() {
        report.note(place, Rule::Device, format!("guidance: {}", verdict.guidance));
    }
    if !verdict.prerequisites.is_empty() {
        report.note(place, Rule::Device, format!("prerequisites, not checked: {}", verdict.prerequisites.join(", ")));
    }
}

fn answer(place: &Place, asked: &Asked, verdict: &Verdict, report: &mut Report) {
    let action = asked.action.as_str();
    match action_check::refusal(asked.action, verdict.action, &verdict.reason, &verdict.guidance) {
        Some(refusal) => {
            report.refuse(
                place,
                Rule::Device,
                format!("{action} would be Rejected/{}: {}", refusal.reason, refusal.message),
            );
        }
        None if asked.is_dry_run() => {
            report.note(
                place,
                Rule::Device,
                format!("{action} is what the device offers; a dry run sends nothing and ends Rejected/DryRun"),
            );
        }
        None => report.note(
            place,
            Rule::Device,
            format!("{action} would be sent. Intune's record, policies, limits and times are looked at when it runs"),
        ),
    }
}
