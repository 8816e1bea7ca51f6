//! The device that an object means: looked up, not found, one of several, or gone.

use super::{SoFar, joined, second};
use crate::api::{Time, reset::DeviceSelector, reset_status::Candidate};

pub(in crate::lifecycle) const LOOKING_UP: &str = "Reading what Intune knows of the device. Nothing was sent.";
pub(in crate::lifecycle) const DEVICE_NOT_FOUND_YET: &str =
    "Intune lists no device with this selector; looking once more in 30 s before this is a verdict. Nothing was sent.";
pub(in crate::lifecycle) const AMBIGUOUS_YET: &str =
    "Several devices match this selector; looking once more in 30 s before this is a verdict. Nothing was sent.";
pub(in crate::lifecycle) const CANNOT_CLASSIFY_YET: &str =
    "Intune did not say whether this iPad is a Shared iPad; reading it once more in 30 s. Nothing was sent.";
pub(in crate::lifecycle) const DEVICE_GONE_YET: &str = "Intune does not find the device any more; looking once more in 30 s before this is a verdict. Nothing is sent meanwhile.";
pub(in crate::lifecycle) const DEVICE_GONE_BEFORE: &str = "The device's record disappeared from Intune before anything was sent: it was retired, wiped or deleted there. Look for the device in \
     the Intune admin center; if it was enrolled again, create a new PasscodeReset.";

pub(in crate::lifecycle) fn could_not_tell(why: &str, so_far: SoFar) -> String {
    let why = why.trim_end_matches('.');
    joined(&[
        &format!("Graph could not be read: {why}."),
        so_far.waiting(),
        "It is asked again by itself; if this lasts, ask the platform team.",
    ])
}

/// What to look at depends on how the device was named.
pub(in crate::lifecycle) fn device_not_found(selector: &DeviceSelector) -> String {
    let (field, advice) = if selector.serial_number.is_some() {
        (
            "serialNumber",
            "Check it letter by letter (O and 0, I and 1). Personally-owned work profiles on Android 12 and later and devices in Apple \
             User Enrollment have none: name such a device by managedDeviceId, or by userPrincipalName",
        )
    } else if selector.imei.is_some() {
        (
            "imei",
            "Check it digit by digit (*#06# shows it). Of a phone with two SIM slots Intune holds one IMEI, mostly that of the first slot: try the \
             other one. A device without a modem, or whose IMEI Intune was never told, is named by its serialNumber",
        )
    } else if selector.managed_device_id.is_some() {
        (
            "managedDeviceId",
            "An Entra device id goes into azureADDeviceId. Intune's id is in the address of the device's page in the Intune admin center; a device \
             that was enrolled again has a new one",
        )
    } else if selector.azure_ad_device_id.is_some() {
        (
            "azureADDeviceId",
            "Intune's id of the device goes into managedDeviceId. The Entra device id is on the device's page in the Intune admin center; \
             it is not the object id",
        )
    } else {
        (
            "userPrincipalName (with this deviceName and operatingSystem, where they are given)",
            "Check what Intune shows as the device's user, its name and its system; a device without a user in Intune is named by its \
             serialNumber",
        )
    };
    format!("No managed device has this {field}. Nothing was sent. {advice}. Then create a new PasscodeReset.")
}

/// The list comes last: it is the longest, and what is too long is cut at its end.
pub(in crate::lifecycle) fn ambiguous(total: usize, candidates: &[Candidate]) -> String {
    let list: Vec<String> = candidates.iter().map(described).collect();
    format!(
        "At least {total} devices match this selector. Nothing was sent. Ask which device it is, and create a new PasscodeReset with its \
         managedDeviceId. Latest sync first: {}.",
        list.join("; ")
    )
}

pub(in crate::lifecycle) fn ambiguous_and_hidden(total: usize) -> String {
    format!(
        "At least {total} devices match this selector. Nothing was sent. This tenant does not list them (its spec.candidates is Hide): find the \
         device in the Intune admin center, or ask for its serial number, and create a new PasscodeReset with its managedDeviceId or serialNumber."
    )
}

fn described(candidate: &Candidate) -> String {
    let time = |time: Option<Time>| time.map_or_else(|| "never".to_owned(), |time| second(time).to_string());
    let known = [&candidate.model, &candidate.platform, &candidate.management_state];
    let known: String = known.iter().filter(|text| !text.is_empty()).map(|text| format!("{text}, ")).collect();
    format!(
        "{} ({known}last sync {}, enrolled {})",
        candidate.managed_device_id,
        time(candidate.last_sync_time),
        time(candidate.enrolled_time)
    )
}

pub(in crate::lifecycle) fn with_raw_values(guidance: &str, values: &str) -> String {
    format!("{guidance} Reported by Intune: {values}.").trim_start().to_owned()
}

pub(in crate::lifecycle) fn device_gone_after(answer: Option<&str>) -> String {
    format!(
        "{} The device's record disappeared from Intune before it showed the result, so that is unknown. It was probably retired, wiped or \
         deleted there. Ask the person whether the old passcode still works; if the device was enrolled again and is locked, create a new \
         PasscodeReset.",
        answer.unwrap_or("A request was sent, or a reset was followed.")
    )
}
