//! The end: declarations and ledger side by side, and every difference.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use graph_simulator::{Executed, PathClass, Simulator, Timestamp};

use crate::expected::{AGAIN, EXPECTED, Expected};
use crate::objects::State;
use crate::table;

const HEADING: [&str; 5] = ["DECLARATION", "EXPECTED", "GOT", "RESETS OF THE DEVICE", ""];
/// What the second declaration of the same object is called.
const AGAIN_LABEL: &str = ", applied again";

/// What was seen of the objects.
pub struct Acts<'a> {
    /// The objects by name, when the one that is declared twice was done for the first time.
    pub first: &'a BTreeMap<String, State>,
    /// The objects by name at the end.
    pub last: &'a BTreeMap<String, State>,
    /// Every reason that was seen, by uid.
    pub words: &'a BTreeMap<String, Vec<String>>,
    /// Each declaration's device.
    pub devices: &'a BTreeMap<&'static str, String>,
}

/// One declaration, and everything that is known of it.
struct Line<'a> {
    label: String,
    expected: &'a Expected,
    state: State,
    resets: Vec<&'a Executed>,
    differences: Vec<String>,
}

/// Prints the comparison.
///
/// # Errors
/// When anything differs.
pub fn print(acts: &Acts<'_>, simulator: &Simulator) -> Result<()> {
    let ledger = simulator.all_resets();
    let mut lines: Vec<Line<'_>> = EXPECTED.iter().map(|expected| line(acts, &ledger, expected, false)).collect();
    lines.insert(1, line(acts, &ledger, &AGAIN, true));
    println!("{}", table::aligned(HEADING, &rows(&lines)));
    let mut differences: Vec<String> = lines.into_iter().flat_map(|line| line.differences).collect();
    differences.extend(of_all(acts, simulator, &ledger));
    if differences.is_empty() {
        println!(
            "{} resets asked of Intune, {} carried out, each device at most once: OK",
            asked(simulator),
            ledger.len()
        );
        return Ok(());
    }
    println!("What differs:");
    for difference in &differences {
        println!("  {difference}");
    }
    bail!("{} of the results are not as expected", differences.len())
}

fn line<'a>(acts: &Acts<'_>, ledger: &'a [Executed], expected: &'a Expected, again: bool) -> Line<'a> {
    let states = if expected.name == AGAIN.name && !again { acts.first } else { acts.last };
    let state = states.get(expected.name).cloned().unwrap_or_default();
    let label = if again { format!("{}{AGAIN_LABEL}", expected.name) } else { expected.name.to_owned() };
    let device = acts.devices.get(expected.name);
    let resets: Vec<&Executed> = ledger.iter().filter(|reset| Some(&reset.device) == device).collect();
    let words = acts.words.get(&state.uid).map_or(&[][..], Vec::as_slice);
    let differences = differences(expected, &state, words, &resets, again);
    let differences = differences.into_iter().map(|difference| format!("{label}: {difference}")).collect();
    Line { label, expected, state, resets, differences }
}

fn rows(lines: &[Line<'_>]) -> Vec<[String; 5]> {
    let row = |line: &Line<'_>| {
        let resets: Vec<String> = line.resets.iter().map(|reset| entry(reset)).collect();
        [
            line.label.clone(),
            format!("{}: {}", line.expected.outcome, line.expected.reason),
            format!("{}: {}", line.state.outcome, line.state.reason),
            if resets.is_empty() { "0".to_owned() } else { format!("{}: {}", resets.len(), resets.join(", ")) },
            if line.differences.is_empty() { "OK".to_owned() } else { "DIFFERS".to_owned() },
        ]
    };
    lines.iter().map(row).collect()
}

fn entry(reset: &Executed) -> String {
    format!("{} at {}", reset.action, reset.at.strftime("%H:%M:%S"))
}

/// What of one declaration is not as expected.
fn differences(expected: &Expected, state: &State, words: &[String], resets: &[&Executed], again: bool) -> Vec<String> {
    let mut found = Vec::new();
    let mut check = |holds: bool, otherwise: String| {
        if !holds {
            found.push(otherwise);
        }
    };
    let got = (state.outcome.as_str(), state.reason.as_str());
    check(got == (expected.outcome, expected.reason), format!("it ended as {}: {}", state.outcome, state.reason));
    let ready = if expected.outcome == "Complete" { "True" } else { "False" };
    check(state.ready == ready, format!("Ready is {}", state.ready));
    if let Some(text) = expected.says {
        check(state.message.contains(text), format!("its message does not say {text:?}: {}", state.message));
    }
    if let Some(word) = expected.before {
        check(words.iter().any(|seen| seen == word), format!("it was never seen as {word}"));
    }
    let wanted = expected.resets;
    check(resets.len() == wanted, format!("its device had {} resets instead of {wanted}", resets.len()));
    let requested: Option<Timestamp> = state.requested.parse().ok();
    for reset in resets {
        check(
            requested.is_some_and(|requested| reset.at >= requested),
            format!("reset before its requestTime, at {}", reset.at),
        );
        // What was adopted was sent for another object.
        let own = again || reset.client_request_id.as_deref() == Some(&state.attempt);
        check(own, format!("the reset at {} is not the attempt {}", reset.at, state.attempt));
    }
    check(!again || state.attempt.is_empty(), format!("it was sent, as attempt {}", state.attempt));
    found
}

/// What is not as expected of everything together.
fn of_all(acts: &Acts<'_>, simulator: &Simulator, ledger: &[Executed]) -> Vec<String> {
    let mut found = Vec::new();
    for reset in ledger.iter().filter(|reset| !acts.devices.values().any(|device| *device == reset.device)) {
        found.push(format!("device {} was reset, which nobody asked for", reset.device));
    }
    let asked = asked(simulator);
    if asked != ledger.len() {
        found.push(format!("{asked} requests for a reset were sent, and {} resets carried out", ledger.len()));
    }
    for refusal in simulator.refusals() {
        found.push(format!("{} {} is not documented: {}", refusal.method, refusal.path, refusal.reason));
    }
    found
}

/// How many requests for a reset arrived.
fn asked(simulator: &Simulator) -> usize {
    simulator.counts().get(&PathClass::Action).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A terminal is often as wide as this.
    const WIDTH: usize = 160;

    #[test]
    fn the_comparison_fits_a_terminal() {
        let row = |expected: &Expected, again: &str| {
            let state = format!("{}: {}", expected.outcome, expected.reason);
            let reset = "1: recoverPasscode at 09:00:00".to_owned();
            [format!("{}{again}", expected.name), state.clone(), state, reset, "DIFFERS".to_owned()]
        };
        let mut rows: Vec<_> = EXPECTED.iter().map(|expected| row(expected, "")).collect();
        rows.push(row(&AGAIN, AGAIN_LABEL));
        let table = table::aligned(HEADING, &rows);
        let widest = table.lines().map(|line| line.chars().count()).max().unwrap();
        assert!((100..=WIDTH).contains(&widest), "{widest} columns:\n{table}");
    }
}
