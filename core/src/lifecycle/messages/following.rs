//! A reset that Intune has, until the device has answered.

use super::second;
use crate::{
    api::{
        Time,
        reset_status::{Attempt, SupportStatus},
    },
    platform::{Family, Platform},
};

pub(in crate::lifecycle) const NOT_LISTED_ANY_MORE: &str =
    "Intune does not list the reset that was followed at the moment. It is not sent again.";

pub(in crate::lifecycle) fn earlier_reset(latest: Time) -> String {
    format!(
        "A reset of this device that answers this request was accepted or seen earlier, carried out by {} at the latest, and Intune's record does not \
         show it. It is not sent again.",
        second(latest)
    )
}

pub(in crate::lifecycle) fn earlier_reset_not_shown(latest: Time) -> String {
    format!(
        "A reset of this device that answers this request was accepted or seen earlier, carried out by {} at the latest, and Intune's record never \
         showed what became of it. It was not sent again. Ask the person whether the old passcode still works. If the device is still locked, create \
         a new PasscodeReset with requestTime now.",
        second(latest)
    )
}

pub(in crate::lifecycle) fn issued(adopted: bool, start: Time, attempt: Option<&Attempt>) -> String {
    let start = second(start);
    if adopted {
        return format!(
            "Nothing was sent for this object: Intune already had a reset of this device, started at {start}."
        );
    }
    let id = attempt.and_then(|attempt| attempt.request_id.as_deref()).unwrap_or("not given");
    format!("Intune lists the reset, started at {start} (Graph's request id {id}).")
}

pub(in crate::lifecycle) fn waiting(note: &str, platform: Platform, deadline: Time) -> String {
    let advice = match platform.family() {
        Family::Apple => {
            "Keep the device charged and on mobile data: after a restart it joins no Wi-Fi before it is first unlocked."
        }
        Family::Android => {
            "Keep the device powered and online; the temporary passcode works only after this says Complete."
        }
        Family::WorkProfile => {
            "Unlock the phone and turn the work profile on; where it asks for the forgotten passcode, choose \"Forgot my password\" \
             and leave that screen open."
        }
        Family::WindowsPhone | Family::Other => "Keep the device powered and online.",
    };
    let note = if note.is_empty() { "Intune has the reset; the device has not answered yet." } else { note };
    format!("{note} {advice} It is followed until {}.", second(deadline))
}

pub(in crate::lifecycle) fn complete(
    adopted: bool,
    start: Time,
    platform: Platform,
    support: Option<&SupportStatus>,
) -> String {
    let told = match platform.family() {
        Family::Apple => {
            "The passcode is gone: unlock the device without one and set a new one at once; until then anyone holding it can \
             open it. Face ID or Touch ID has to be set up again."
        }
        Family::Android => {
            "The temporary passcode is shown in the Intune admin center, on the device's overview, for seven days: enter it on the \
             lock screen, then set a passcode of your own."
        }
        Family::WorkProfile => {
            "Only the work profile's passcode changed. The temporary one is shown in the Intune admin center, on the device's \
             overview, for seven days: open a work app, enter it, then set a new one."
        }
        Family::WindowsPhone => {
            "The new PIN is shown in the Intune admin center, on the device's overview, for seven days: enter it on the phone, then \
             change it in Settings."
        }
        Family::Other => support.map_or("", |support| support.guidance.as_str()),
    };
    if adopted {
        return format!(
            "Nothing was sent for this object: Intune has a reset of this device from {}, which answers it. {told} Locked out again \
             since? A new PasscodeReset with a later requestTime asks again.",
            second(start)
        );
    }
    format!("The device has carried it out. {told}")
}

/// How to ask again: said differently of an entry that somebody else asked for.
fn again(adopted: bool) -> &'static str {
    if adopted {
        "It was not sent for this object but adopted; a new PasscodeReset with a later requestTime asks again."
    } else {
        "To try again, create a new PasscodeReset with requestTime now."
    }
}

pub(in crate::lifecycle) fn device_refused(adopted: bool, platform: Platform, code: i64) -> String {
    let cause = match platform.family() {
        Family::Apple => "Intune may hold a wrong unlock token for it; then only a wipe helps.",
        Family::Android => {
            "The usual cause: no device configuration policy requires a passcode. Or the device never activated its reset token: it has to be \
             unlocked once after it was enrolled or the policy came, without a restart in between; some models never do, and then only a \
             wipe helps."
        }
        Family::WorkProfile => "The usual cause: no device configuration policy requires a passcode.",
        Family::WindowsPhone | Family::Other => "Intune gives no further reason.",
    };
    format!("The device answered that the reset failed (error code {code}). {cause} {}", again(adopted))
}

pub(in crate::lifecycle) fn not_supported(adopted: bool, platform: Platform) -> String {
    let cause = match platform.family() {
        Family::WorkProfile => {
            "Its reset token is not active, which cannot be cured while it is locked out: remove the work profile and enrol \
             again; a company-owned device may need a wipe."
        }
        Family::Android => {
            "Its reset token may never have been activated: that takes one unlock after it was enrolled or the policy came, without a restart \
             in between, and cannot be cured while it is locked out."
        }
        _ => "Intune gives no further reason. Look at the device in the Intune admin center.",
    };
    let adopted = if adopted { again(true) } else { "" };
    super::joined(&["The device answered that it does not support the reset.", cause, adopted])
}

pub(in crate::lifecycle) fn canceled(adopted: bool) -> String {
    format!(
        "Intune cancelled the reset, usually for a wipe, a retire or a newer action: look at the device's actions in the Intune admin center. {}",
        again(adopted)
    )
}

pub(in crate::lifecycle) fn deadline_exceeded(deadline: Time) -> String {
    format!(
        "The device did not answer until {}. The reset cannot be cancelled and may still happen: then the old passcode stops \
         working. Still locked out? Charge the device and bring it online, then create a new PasscodeReset with requestTime now.",
        second(deadline)
    )
}
