//! `deviceActionResults`: Intune's record of the actions on one device, and what the device will answer.

use crate::clock::{graph_time, later, shifted};
use crate::settings::{History, Lag};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::time::Duration;

/// `actionState` (v1.0-enums.json), and whatever a later version may add.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ActionState {
    /// "Not a valid action state".
    None,
    /// The device has not taken it yet.
    Pending,
    /// The device works on it.
    Active,
    /// Completed without errors.
    Done,
    /// Failed on the device.
    Failed,
    /// The device, or its management mode, does not offer it.
    NotSupported,
    /// Cancelled, usually by a wipe or a newer action.
    Canceled,
    /// A member of a later version.
    Other(String),
}

impl ActionState {
    /// As on the wire.
    pub fn as_str(&self) -> &str {
        match self {
            Self::None => "none",
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::NotSupported => "notSupported",
            Self::Canceled => "canceled",
            Self::Other(state) => state,
        }
    }
}

impl From<String> for ActionState {
    fn from(state: String) -> Self {
        let known =
            [Self::None, Self::Pending, Self::Active, Self::Done, Self::Failed, Self::NotSupported, Self::Canceled];
        known.into_iter().find(|known| known.as_str() == state).unwrap_or(Self::Other(state))
    }
}

/// What the device will answer to an action.
#[derive(Clone, Debug)]
pub struct DevicePlan {
    /// From execution to the answer; `None`: the device never answers.
    pub delay: Option<Duration>,
    /// The state until then.
    pub waiting_state: ActionState,
    /// When the device takes the action without having answered yet: the state is `active` from then on.
    pub active_after: Option<Duration>,
    /// The answer.
    pub final_state: ActionState,
    /// `errorCode` from the answer on. No list of values exists.
    pub error_code: i32,
}

impl Default for DevicePlan {
    fn default() -> Self {
        Self {
            delay: Some(Duration::from_secs(5)),
            waiting_state: ActionState::Pending,
            active_after: None,
            final_state: ActionState::Done,
            error_code: 0,
        }
    }
}

impl DevicePlan {
    /// The device answers `state` after `delay`.
    pub fn answering(state: ActionState, delay: Duration) -> Self {
        Self { delay: Some(delay), final_state: state, ..Self::default() }
    }

    /// The device is switched off for good.
    pub fn never() -> Self {
        Self { delay: None, ..Self::default() }
    }

    /// The device fails with this `errorCode` after `delay`.
    pub fn failing(error_code: i32, delay: Duration) -> Self {
        Self { error_code, ..Self::answering(ActionState::Failed, delay) }
    }

    /// The state `age` after execution.
    fn state_at(&self, age: Duration) -> &ActionState {
        if self.delay.is_some_and(|delay| age >= delay) {
            &self.final_state
        } else if self.active_after.is_some_and(|taken| age >= taken) {
            &ActionState::Active
        } else {
            &self.waiting_state
        }
    }

    /// How long after execution the state last changed, seen `age` after it.
    fn last_change(&self, age: Duration) -> Duration {
        [self.delay, self.active_after]
            .into_iter()
            .flatten()
            .filter(|change| *change <= age)
            .max()
            .unwrap_or(Duration::ZERO)
    }
}

/// How a single read shows the array.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ArrayShape {
    /// As documented.
    #[default]
    Normal,
    /// `null`: `Collection` properties are not marked `Nullable="false"` in the schema.
    Null,
    /// The property is left out although it was selected.
    Missing,
}

/// The ledger of one device.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    /// Instead of the world's lag.
    pub lag: Option<Lag>,
    /// The lags of the next actions, before `lag` applies again.
    pub next_lags: VecDeque<Lag>,
    /// Instead of the world's setting.
    pub history: Option<History>,
    /// How the array is shown.
    pub shape: ArrayShape,
    /// Entries of resets start in year 0001 for good: a sentinel that must not be taken for a time.
    pub year_one_start: bool,
    /// Action names begin with a capital: clients must compare without regard to case.
    pub capital_names: bool,
    /// Instead of the world's planted secret.
    pub passcode: Option<String>,
    pub(crate) entries: Vec<Entry>,
    pub(crate) reads: u64,
}

/// One element of the array.
#[derive(Clone, Debug)]
pub(crate) enum Entry {
    /// Put there by a test, shown as it is.
    Planted(Value),
    /// Of a reset that was carried out.
    Reset(ResetEntry),
}

/// The entry of a reset.
#[derive(Clone, Debug)]
pub(crate) struct ResetEntry {
    pub action: &'static str,
    /// True time.
    pub executed_at: Timestamp,
    /// Intune's clock at that time was this far ahead.
    pub intune_offset: SignedDuration,
    pub lag: Lag,
    pub plan: DevicePlan,
    pub passcode: Option<String>,
}

impl ResetEntry {
    fn age(&self, now: Timestamp) -> Duration {
        Duration::try_from(now.duration_since(self.executed_at)).unwrap_or(Duration::ZERO)
    }

    fn visible(&self, now: Timestamp, read: u64) -> bool {
        let age = self.age(now);
        age >= self.lag.everywhere || (age >= self.lag.first && read % 2 == 1)
    }

    /// When the device answered, in true time, if it has.
    pub fn answered_at(&self, now: Timestamp) -> Option<Timestamp> {
        let delay = self.plan.delay?;
        (self.age(now) >= delay).then(|| later(self.executed_at, delay))
    }
}

impl Ledger {
    /// Whether a test put an entry into it.
    pub fn has_planted(&self) -> bool {
        self.entries.iter().any(|entry| matches!(entry, Entry::Planted(_)))
    }

    /// The lag of the next action.
    pub(crate) fn take_lag(&mut self, world: Lag) -> Lag {
        self.next_lags.pop_front().or(self.lag).unwrap_or(world)
    }

    /// The array as a single read shows it; `None`: the property is left out.
    pub(crate) fn shown(&mut self, now: Timestamp, world: History) -> Option<Value> {
        self.reads += 1;
        match self.shape {
            ArrayShape::Missing => return None,
            ArrayShape::Null => return Some(Value::Null),
            ArrayShape::Normal => {}
        }
        let visible = self.entries.iter().filter(|entry| match entry {
            Entry::Planted(_) => true,
            Entry::Reset(reset) => reset.visible(now, self.reads),
        });
        let mut shown: Vec<&Entry> = Vec::new();
        for entry in visible {
            if let Entry::Reset(reset) = entry
                && self.history.unwrap_or(world) == History::OnePerAction
            {
                shown.retain(|earlier| !named(earlier, reset.action));
            }
            shown.push(entry);
        }
        Some(shown.into_iter().map(|entry| self.rendered(entry, now)).collect())
    }

    /// When the device last answered a reset.
    pub(crate) fn last_answer(&self, now: Timestamp) -> Option<Timestamp> {
        self.entries
            .iter()
            .filter_map(|entry| match entry {
                Entry::Reset(reset) => reset.answered_at(now),
                Entry::Planted(_) => None,
            })
            .max()
    }

    fn rendered(&self, entry: &Entry, now: Timestamp) -> Value {
        let reset = match entry {
            Entry::Planted(value) => return value.clone(),
            Entry::Reset(reset) => reset,
        };
        let age = reset.age(now);
        let start = shifted(reset.executed_at, reset.intune_offset);
        let started = if self.year_one_start { YEAR_ONE.to_owned() } else { graph_time(start) };
        let name = if self.capital_names { capitalised(reset.action) } else { reset.action.to_owned() };
        let answered = reset.answered_at(now).is_some();
        let mut shown = json!({
            "actionName": name,
            "actionState": reset.plan.state_at(age).as_str(),
            "startDateTime": started,
            "lastUpdatedDateTime": graph_time(later(start, reset.plan.last_change(age))),
        });
        // The schema has a result type with a passcode for resetPasscode only (v1.0-Prod.subset.csdl). The passcode is readable by
        // anyone who may read devices; it stands here from the beginning, the worst case.
        if reset.action == "resetPasscode" {
            shown["@odata.type"] = json!("#microsoft.graph.resetPasscodeActionResult");
            shown["errorCode"] = json!(if answered { reset.plan.error_code } else { 0 });
            shown["passcode"] = json!(reset.passcode);
        }
        shown
    }
}

/// "Not set" in Intune's times.
pub(crate) const YEAR_ONE: &str = "0001-01-01T00:00:00Z";

/// Entries of other actions, to plant with [`crate::Simulator::plant_entry`].
pub mod planted {
    use super::{Value, json};

    /// A remote lock, whose PIN stands in the same array.
    pub fn remote_lock(started: &str, unlock_pin: &str) -> Value {
        json!({
            "@odata.type": "#microsoft.graph.remoteLockActionResult",
            "actionName": "remoteLock",
            "actionState": "done",
            "startDateTime": started,
            "lastUpdatedDateTime": started,
            "unlockPin": unlock_pin,
        })
    }

    /// A virus scan; several of them may stand side by side.
    pub fn defender_scan(started: &str, scan_type: &str) -> Value {
        json!({
            "@odata.type": "#microsoft.graph.windowsDefenderScanActionResult",
            "actionName": "windowsDefenderScan",
            "actionState": "done",
            "startDateTime": started,
            "lastUpdatedDateTime": started,
            "scanType": scan_type,
        })
    }

    /// An earlier reset, finished in `state`.
    pub fn reset(started: &str, state: &str, passcode: &str) -> Value {
        json!({
            "@odata.type": "#microsoft.graph.resetPasscodeActionResult",
            "actionName": "resetPasscode",
            "actionState": state,
            "startDateTime": started,
            "lastUpdatedDateTime": started,
            "errorCode": 0,
            "passcode": passcode,
        })
    }
}

fn named(entry: &Entry, action: &str) -> bool {
    match entry {
        Entry::Reset(reset) => reset.action == action,
        Entry::Planted(value) => value["actionName"].as_str().is_some_and(|name| name.eq_ignore_ascii_case(action)),
    }
}

fn capitalised(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_ascii_uppercase().to_string() + letters.as_str()).unwrap_or_default()
}
