//! Graph's documents, as far as they are read. Properties that are not named here, `passcode` and `unlockPin` among
//! them, are never deserialised. None of these types has `Debug`: they hold personal data.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::request::Action;
use crate::graph::http::Object;
use passcode_core::platform::{ActionResult, ManagedDevice};

/// A row of a list, or a single device, of beta.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DeviceRow {
    pub(super) id: Option<String>,
    pub(super) operating_system: Option<String>,
    os_version: Option<String>,
    device_enrollment_type: Option<String>,
    device_type: Option<String>,
    management_agent: Option<String>,
    managed_device_owner_type: Option<String>,
    management_state: Option<String>,
    model: Option<String>,
    manufacturer: Option<String>,
    device_category_display_name: Option<String>,
    enrollment_profile_name: Option<String>,
    compliance_state: Option<String>,
    pub(super) serial_number: Option<String>,
    pub(super) imei: Option<String>,
    #[serde(rename = "azureADDeviceId")]
    pub(super) azure_ad_device_id: Option<String>,
    user_id: Option<String>,
    pub(super) user_principal_name: Option<String>,
    pub(super) device_name: Option<String>,
    is_supervised: Option<bool>,
    last_sync_date_time: Option<String>,
    enrolled_date_time: Option<String>,
    hardware_information: Option<Object<HardwareInformation>>,
    /// Empty in lists, whatever there is.
    device_action_results: Option<Vec<Object<ActionRow>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HardwareInformation {
    is_shared_device: Option<bool>,
}

/// A page of a list.
#[derive(Deserialize)]
pub(super) struct Page {
    pub(super) value: Option<Vec<Object<DeviceRow>>>,
    /// Where the next page is.
    #[serde(rename = "@odata.nextLink")]
    pub(super) next_link: Option<Value>,
}

/// What a single read shows of a device's ledger.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LookRow {
    pub(super) id: Option<String>,
    pub(super) device_action_results: Option<Vec<Object<ActionRow>>>,
    pub(super) enrolled_date_time: Option<String>,
    pub(super) last_sync_date_time: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ActionRow {
    action_name: Option<String>,
    action_state: Option<String>,
    start_date_time: Option<String>,
    last_updated_date_time: Option<String>,
    /// A number in the entries of this project's actions; what it is in others must not make a look unreadable.
    error_code: Option<Value>,
}

/// The property of a document that is not what Graph promises, for messages.
pub(super) struct Broken(pub(super) &'static str);

/// Why a text is no device of Graph's.
#[derive(Debug, thiserror::Error)]
pub enum BadDevices {
    /// It is no JSON.
    #[error("this is no JSON: {0}")]
    NoJson(serde_json::Error),
    /// It is JSON of something else.
    #[error("this is JSON, but neither a device nor a list of devices in \"value\"")]
    NoObject,
    /// Graph refused to return one.
    #[error("this is an error of Graph in the place of a device")]
    Refused,
    /// A property has another type than Graph gives it.
    #[error("this is no managedDevice as Graph returns it: {0}")]
    OtherType(#[from] serde_json::Error),
    /// A property is missing or cannot be read.
    #[error("this is no managedDevice as Graph returns it: its {0} is missing or cannot be read")]
    Broken(&'static str),
}

/// The devices of a saved answer of Graph: one managedDevice, or one or several in `value`.
///
/// # Errors
/// If it is not what Graph returns.
pub fn devices_from_json(text: &str) -> Result<Vec<ManagedDevice>, BadDevices> {
    let Value::Object(mut document) = serde_json::from_str(text).map_err(BadDevices::NoJson)? else {
        return Err(BadDevices::NoObject);
    };
    let rows: Vec<DeviceRow> = match document.remove("value") {
        Some(Value::Array(rows)) => rows.into_iter().map(of_a_list).collect::<Result<_, _>>()?,
        Some(row) => vec![serde_json::from_value::<Object<_>>(row)?.0],
        None if document.contains_key("error") => return Err(BadDevices::Refused),
        None => vec![serde_json::from_value(Value::Object(document))?],
    };
    rows.into_iter().map(|row| row.device().map_err(|Broken(what)| BadDevices::Broken(what))).collect()
}

/// A row of a list. Lists hold defaults in some properties, so that an iPad is not shared means nothing there.
fn of_a_list(row: Value) -> Result<DeviceRow, serde_json::Error> {
    let Object::<DeviceRow>(mut row) = serde_json::from_value(row)?;
    row.hardware_information = row.hardware_information.filter(|hardware| hardware.0.is_shared_device == Some(true));
    Ok(row)
}

impl DeviceRow {
    /// What it shows of the ledger, which it holds no longer then.
    pub(super) fn take_ledger(&mut self) -> LookRow {
        LookRow {
            id: self.id.clone(),
            device_action_results: self.device_action_results.take(),
            enrolled_date_time: self.enrolled_date_time.clone(),
            last_sync_date_time: self.last_sync_date_time.clone(),
        }
    }

    /// The row as plain data.
    pub(super) fn device(self) -> Result<ManagedDevice, Broken> {
        let has = |value: &Option<String>| value.as_ref().is_some_and(|v| !v.trim().is_empty());
        Ok(ManagedDevice {
            has_serial_number: has(&self.serial_number),
            has_user: has(&self.user_id) || has(&self.user_principal_name),
            id: self.id.filter(|id| !id.is_empty()).ok_or(Broken("id"))?,
            operating_system: self.operating_system.unwrap_or_default(),
            os_version: self.os_version.unwrap_or_default(),
            enrollment_type: self.device_enrollment_type.unwrap_or_default(),
            device_type: self.device_type.unwrap_or_default(),
            management_agent: self.management_agent.unwrap_or_default(),
            owner_type: self.managed_device_owner_type.unwrap_or_default(),
            management_state: self.management_state.unwrap_or_default(),
            model: self.model.unwrap_or_default(),
            manufacturer: self.manufacturer.unwrap_or_default(),
            category: self.device_category_display_name.unwrap_or_default(),
            enrollment_profile: self.enrollment_profile_name.unwrap_or_default(),
            compliance_state: self.compliance_state.unwrap_or_default(),
            is_supervised: self.is_supervised,
            is_shared_device: self.hardware_information.and_then(|h| h.0.is_shared_device),
            last_sync: time(self.last_sync_date_time.as_deref()).ok_or(Broken("lastSyncDateTime"))?,
            enrolled: time(self.enrolled_date_time.as_deref()).ok_or(Broken("enrolledDateTime"))?,
        })
    }
}

impl ActionRow {
    /// The entry as plain data.
    ///
    /// An entry of one of our actions without any start would not count, and its reset be asked for again; the schema
    /// has none (`startDateTime` is not nullable), so it is no answer. Entries of other actions do not matter.
    pub(super) fn result(self) -> Result<ActionResult, Broken> {
        let name = self.action_name.unwrap_or_default();
        let ours = [Action::ResetPasscode, Action::RecoverPasscode]
            .iter()
            .any(|action| action.name().eq_ignore_ascii_case(name.trim()));
        if ours && self.start_date_time.is_none() {
            return Err(Broken("startDateTime"));
        }
        Ok(ActionResult {
            name,
            state: self.action_state.unwrap_or_default(),
            start: time(self.start_date_time.as_deref()).ok_or(Broken("startDateTime"))?,
            last_updated: time(self.last_updated_date_time.as_deref()).ok_or(Broken("lastUpdatedDateTime"))?,
            error_code: self.error_code.as_ref().and_then(Value::as_i64),
        })
    }
}

/// `Some(None)` for no date and for the sentinels of years 0001 and 9999, which Intune sends for "not set" and "never"
/// (insightconnect-plugins PR 553); `None` for what is no date.
pub(super) fn time(text: Option<&str>) -> Option<Option<Timestamp>> {
    match text {
        None => Some(None),
        Some(text) if text.starts_with("0001-") || text.starts_with("9999-") => Some(None),
        Some(text) => text.parse().ok().map(Some),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    #[test]
    fn dates_with_their_sentinels() {
        let parsed = time(Some("2016-12-31T23:58:46.7156189-08:00")).unwrap();
        assert_eq!(parsed.unwrap().to_string(), "2017-01-01T07:58:46.7156189Z");
        for sentinel in
            [None, Some("0001-01-01T00:00:00Z"), Some("9999-12-31T23:59:59Z"), Some("9999-12-31T23:59:59.9999999Z")]
        {
            assert_eq!(time(sentinel), Some(None), "{sentinel:?}");
        }
        for wrong in ["", "String (timestamp)", "2026-13-01T00:00:00Z", "2026-11-22"] {
            assert_eq!(time(Some(wrong)), None, "{wrong}");
        }
    }

    #[test]
    fn a_device_of_the_documentation() {
        let row: DeviceRow = serde_json::from_value(json!({
            "@odata.type": "#microsoft.graph.managedDevice", "id": "705c034c", "userId": "", "deviceName": "x",
            "userPrincipalName": "a@b.test", "deviceType": "iPad", "hardwareInformation": {"isSharedDevice": true, "passcode": "1"},
            "enrolledDateTime": "2016-12-31T23:59:43.797191-08:00", "lastSyncDateTime": "0001-01-01T00:00:00Z",
            "deviceEnrollmentType": "aMemberAddedLater", "isSupervised": null, "serialNumber": " ",
        }))
        .unwrap();
        let device = row.device().ok().unwrap();
        assert_eq!(device.id, "705c034c");
        assert_eq!(device.enrollment_type, "aMemberAddedLater");
        assert_eq!(device.is_shared_device, Some(true));
        assert_eq!(device.is_supervised, None);
        assert!(device.has_user && !device.has_serial_number);
        assert_eq!(device.last_sync, None);
        assert!(device.enrolled.is_some());
    }

    #[test]
    fn a_device_without_id_or_with_a_broken_date_is_none() {
        for (row, what) in [
            (json!({}), "id"),
            (json!({"id": ""}), "id"),
            (json!({"id": "1", "lastSyncDateTime": "soon"}), "lastSyncDateTime"),
            (json!({"id": "1", "enrolledDateTime": ""}), "enrolledDateTime"),
        ] {
            let row: DeviceRow = serde_json::from_value(row).unwrap();
            assert_eq!(row.device().err().unwrap().0, what);
        }
    }

    #[test]
    fn a_saved_answer_has_its_devices_in_it_or_in_value() {
        let ipad = json!({"id": "1", "deviceType": "iPad", "hardwareInformation": {"isSharedDevice": false}});
        let read = |document: Value| devices_from_json(&document.to_string());
        assert_eq!(read(ipad.clone()).unwrap()[0].is_shared_device, Some(false));
        assert_eq!(read(json!({"value": ipad})).unwrap()[0].is_shared_device, Some(false));
        let list = read(json!({"@odata.context": "x", "value": [ipad, {"id": "2"}]})).unwrap();
        assert_eq!(list.iter().map(|device| device.id.as_str()).collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(list[0].is_shared_device, None);
        let list = json!({"value": [["1", "iOS", null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null]]});
        for wrong in [json!({}), json!({"value": 1}), json!([]), json!({"id": 1}), list] {
            assert!(read(wrong.clone()).is_err(), "{wrong}");
        }
        assert!(devices_from_json("id: 1").is_err());
    }

    fn action(document: Value) -> Result<ActionResult, &'static str> {
        let row: ActionRow = serde_json::from_value(document).unwrap();
        row.result().map_err(|broken| broken.0)
    }

    #[test]
    fn entries_of_any_state_and_of_other_actions() {
        let entry = action(json!({
            "actionName": "resetPasscode", "actionState": "timedOut", "startDateTime": "2026-11-22T09:00:00.1234567Z",
            "lastUpdatedDateTime": "0001-01-01T00:00:00Z", "passcode": "planted", "errorCode": 5,
        }))
        .unwrap();
        assert_eq!(entry.state, "timedOut");
        assert_eq!(entry.error_code, Some(5));
        assert!(entry.start.is_some() && entry.last_updated.is_none());
        assert!(!format!("{entry:?}").contains("planted"));
        let other = action(json!({"actionName": "remoteLock", "unlockPin": "planted", "errorCode": "x"}));
        assert_eq!(other.unwrap().start, None);
    }

    #[test]
    fn an_entry_of_ours_needs_a_start_that_can_be_read() {
        let broken = Err("startDateTime");
        assert_eq!(action(json!({"actionName": "ResetPasscode"})), broken);
        assert_eq!(action(json!({"actionName": "recoverPasscode", "startDateTime": null})), broken);
        assert_eq!(action(json!({"actionName": "remoteLock", "startDateTime": "soon"})), broken);
        let unset = json!({"actionName": "resetPasscode", "startDateTime": "0001-01-01T00:00:00Z"});
        assert_eq!(action(unset).unwrap().start, None);
        let update = json!({"actionName": "x", "lastUpdatedDateTime": "soon"});
        assert_eq!(action(update), Err("lastUpdatedDateTime"));
    }
}
