//! What people are told, in whole sentences: what is known, and what to do.
//!
//! A message changes only when its facts change: a count-down in it would be a write a second.

use super::{
    admission::{Denial, DenialKind, DeniedWrite, Refusal},
    observed::Trouble,
};
use crate::{
    api::{
        Time,
        matrix::MatrixAction,
        reset::{DeviceSelector, PasscodeReset, RequestedAction},
        reset_status::{Attempt, Candidate, SupportStatus},
    },
    platform::Platform,
};

pub(super) const UNDECIDED_REASON: &str = "Undecided";
pub(super) const UNDECIDED: &str = "Not decided yet.";
pub(super) const NO_POLICY: &str = "No policy applies.";
pub(super) const LOOKING_UP: &str = "Reading what Intune knows of the device. Nothing was sent.";
pub(super) const SENDING: &str = "Claimed; the request is being sent.";
pub(super) const SUSPENDED: &str =
    "The IntuneTenant is suspended (spec.suspend): nothing is sent. This goes on by itself once it is resumed.";
pub(super) const NAMESPACE_DOUBT: &str = "Checking whether the IntuneTenant allows this namespace. Nothing was sent.";
pub(super) const DEVICE_NOT_FOUND_YET: &str =
    "Intune lists no device with this selector; looking once more in 30 s before this is a verdict. Nothing was sent.";
pub(super) const AMBIGUOUS_YET: &str =
    "Several devices match this selector; looking once more in 30 s before this is a verdict. Nothing was sent.";
pub(super) const CANNOT_CLASSIFY_YET: &str =
    "Intune did not say whether this iPad is a Shared iPad; reading it once more in 30 s. Nothing was sent.";
pub(super) const DEVICE_GONE_YET: &str =
    "Intune does not find the device any more; looking once more in 30 s before this is a verdict.";
pub(super) const DEVICE_GONE_BEFORE: &str =
    "The device's record disappeared from Intune before anything was sent: it was retired, wiped or deleted there.";
pub(super) const NOT_LISTED_ANY_MORE: &str =
    "Intune does not list the reset that was followed at the moment. It is not sent again.";
/// What people can do where nobody can tell.
const ASK_THE_PERSON: &str = "Ask the person whether the old passcode still works, look at the device's actions in the Intune admin center, \
     and if it is still needed create a new PasscodeReset with requestTime now.";
/// Why a refusal is not believed.
pub(super) const AN_EARLIER_ATTEMPT: &str = "an earlier request for this object left no trace and no answer that tells";
pub(super) const RECORD_IN_DOUBT: &str =
    "Intune's record of actions cannot be relied on at the moment (LedgerReadable of the IntuneTenant is False)";
pub(super) const RECORD_BEGUN_SINCE: &str = "the device was enrolled since, and its record is new";
pub(super) const WORK_PROFILE_ONLY: &str = "On this device Intune can only reset the work profile's passcode, which does not unlock the phone. To have that, \
     create a new PasscodeReset with action: ResetWorkProfilePasscode. A forgotten phone lock needs a factory reset.";

pub(super) fn no_such_tenant(name: &str) -> String {
    format!(
        "There is no IntuneTenant named \"{name}\". Nothing was sent; this goes on by itself once it exists, or create a new \
         PasscodeReset with another tenantRef."
    )
}

pub(super) fn expired_without_tenant(name: &str, expiration: Time) -> String {
    format!(
        "Nothing was sent before its expirationTime, {}, for there is no IntuneTenant named \"{name}\". If it is still needed, create a new \
         PasscodeReset with requestTime now and the tenantRef of an IntuneTenant that exists.",
        second(expiration)
    )
}

/// Whatever is known of the object may be older than what was sent for it.
pub(super) fn forgotten_without_tenant(name: &str) -> String {
    format!(
        "It has expired, and there is no IntuneTenant named \"{name}\" by which Intune could be asked. The cluster may have been restored from \
         a backup since this object was created, so it is not certain that nothing was sent. Ask the person whether the old passcode still \
         works, and if a reset is still needed create a new PasscodeReset with requestTime now and the tenantRef of an IntuneTenant that exists."
    )
}

/// Its spec, by which times are reckoned, is not known.
pub(super) fn unreadable_tenant(trouble: &Trouble) -> String {
    format!(
        "{}: {} Nothing is sent for this object until that is mended, nor is anything looked up for it; then it goes on by itself.",
        trouble.reason, trouble.message
    )
}

pub(super) fn unreadable_lock(why: &str) -> String {
    format!(
        "Whether another reset of this device is under way cannot be told, because {why}. Somebody changed that Lease, or another version of \
         the operator wrote it. Nothing is sent for this device meanwhile; once the Lease is older than three hours it can be deleted."
    )
}

pub(super) fn another_entra_tenant(name: &str, tenant_id: &str) -> String {
    format!(
        "The IntuneTenant \"{name}\" names another Entra tenant than when this request began ({tenant_id}). It goes on once that one is back."
    )
}

/// What to look at depends on how the device was named.
pub(super) fn device_not_found(selector: &DeviceSelector) -> String {
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
            "Check it against the device's page in the admin center: a device that is enrolled anew gets another",
        )
    } else if selector.azure_ad_device_id.is_some() {
        ("azureADDeviceId", "Check it against the device's page in the admin center: it is not the object id")
    } else {
        (
            "userPrincipalName (with this deviceName and operatingSystem, where they are given)",
            "Check what Intune shows as the device's user, its name and its system; a device without a user in Intune is named by its \
             serialNumber",
        )
    };
    format!("No managed device has this {field}. {advice}; then create a new PasscodeReset.")
}

/// In trouble nobody can look; what was sent may be carried out all the same.
pub(super) fn blind(trouble: &Trouble) -> String {
    format!(
        "{}: {} A reset was sent for this object, or is followed for it, and the device may carry it out meanwhile; it is looked for again \
         once that is mended.",
        trouble.reason, trouble.message
    )
}

pub(super) fn tenant_trouble(trouble: &Trouble, expiration: Time, now: jiff::Timestamp) -> String {
    let rest = if now > expiration.0 {
        "Its expirationTime has passed: it ends as soon as the tenant answers.".to_owned()
    } else {
        format!("This goes on by itself once that is mended; nothing is sent after {}.", second(expiration))
    };
    format!("{}: {} {rest}", trouble.reason, trouble.message)
}

pub(super) fn too_far(latest: Time) -> String {
    format!(
        "requestTime is more than 30 days after this object's creation. Create a new PasscodeReset with a requestTime not after {}.",
        second(latest)
    )
}

/// Names of fields are what somebody typed, and may be anything.
pub(super) fn dropped(fields: &[String]) -> String {
    let plain = |field: &String| -> String {
        let letters = field.chars().map(|c| if c.is_ascii_alphanumeric() || "._-[]".contains(c) { c } else { '?' });
        letters.take(60).collect()
    };
    let named: Vec<String> = fields.iter().take(5).map(plain).collect();
    format!(
        "The manifest has {}, which a PasscodeReset does not have; the API server dropped it, and what was left may mean something else. \
         Nothing was sent. See kubectl explain pcr.spec for the names (dryRun, expirationTime, …), and create a new PasscodeReset.",
        named.join(" and ")
    )
}

pub(super) fn namespace_not_allowed(object: &PasscodeReset) -> String {
    let namespace = object.metadata.namespace.as_deref().unwrap_or_default();
    let tenant = &object.spec.tenant_ref.name;
    format!(
        "The IntuneTenant \"{tenant}\" does not allow namespace \"{namespace}\" (spec.allowedNamespaces). Ask the platform team to label the \
         namespace, then create a new PasscodeReset."
    )
}

pub(super) fn ambiguous(total: usize, candidates: &[Candidate]) -> String {
    let list: Vec<String> = candidates.iter().map(described).collect();
    format!(
        "At least {total} devices match this selector, latest sync first: {}. Create a new PasscodeReset with the managedDeviceId of the right one.",
        list.join("; ")
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

pub(super) fn could_not_tell(why: &str) -> String {
    let why = why.trim_end_matches('.');
    format!("Graph could not be read: {why}. It is asked again by itself; nothing was sent.")
}

pub(super) fn recently_reset(start: Time, again: Time) -> String {
    format!(
        "The device already had a passcode reset at {}, shortly before requestTime: most likely a second ticket for the same \
         lock-out. If it is locked out again, create a new PasscodeReset with requestTime {} or later.",
        second(start),
        up_to_the_minute(again)
    )
}

/// A time as sentences show it: Intune's have ten-millionths of a second, with which nobody can do anything.
fn second(time: Time) -> Time {
    time.floor_to_second()
}

/// The next whole minute that is not before this time.
fn up_to_the_minute(time: Time) -> Time {
    let second = time.0.as_second() + i64::from(time.0.subsec_nanosecond() > 0);
    let minute = second.div_euclid(60) * 60 + if second.rem_euclid(60) > 0 { 60 } else { 0 };
    Time(jiff::Timestamp::from_second(minute).unwrap_or(time.0))
}

pub(super) fn accepted_not_listed(request_id: Option<&str>) -> String {
    format!(
        "Graph accepted the reset (request id {}); Intune does not list it yet. It is not sent again.",
        request_id.unwrap_or("not given")
    )
}

pub(super) fn earlier_reset(latest: Time) -> String {
    format!(
        "A reset of this device that answers this request was accepted or seen earlier, carried out by {} at the latest, and Intune's record does not \
         show it. It is not sent again.",
        second(latest)
    )
}

pub(super) fn earlier_reset_not_shown(latest: Time) -> String {
    format!(
        "A reset of this device that answers this request was accepted or seen earlier, carried out by {} at the latest, and Intune's record never \
         showed what became of it. It was not sent again. If the device is still locked, create a new PasscodeReset with requestTime now.",
        second(latest)
    )
}

/// An answer that did not decide, as it is kept.
pub(super) fn answer(sentence: &str, request_id: Option<&str>) -> String {
    let id = request_id.map_or_else(String::new, |id| format!(" (request id {id})"));
    format!("{}{id}.", sentence.trim_end_matches('.'))
}

pub(super) fn verifying(answer: Option<&str>, settled: Time) -> String {
    let what = match answer {
        Some(answer) => format!("The request was sent, and the answer does not say what became of it: {answer}"),
        None => "The request was sent, or may have been, and no answer is known.".to_owned(),
    };
    format!(
        "{what} Intune's record is watched until {} before anything else is done; it is not sent again before that.",
        second(settled)
    )
}

pub(super) fn refused_until(answer: Option<&str>, settled: Time, platform: Platform) -> String {
    format!(
        "{} Until {} Intune's record is watched in case it was carried out all the same; it is not sent again.{}",
        answer.unwrap_or(REFUSED),
        second(settled),
        cause_of_a_refusal(platform)
    )
}

pub(super) fn device_busy(until: Time) -> String {
    format!(
        "Another reset of this device is under way, or was sent a few minutes ago. Nothing is sent until that one shows, at the latest until {}.",
        second(until)
    )
}

pub(super) fn unsupported(guidance: &str) -> String {
    if guidance.is_empty() {
        return "Intune cannot reset the passcode of this device.".to_owned();
    }
    guidance.to_owned()
}

pub(super) fn with_raw_values(guidance: &str, values: &str) -> String {
    format!("{guidance} Reported by Intune: {values}.").trim_start().to_owned()
}

pub(super) fn not_offered(requested: RequestedAction, offered: MatrixAction) -> String {
    format!(
        "This device does not offer {}; it offers {}. Create a new PasscodeReset with that action{}.",
        requested.as_str(),
        offered.as_str(),
        if offered == MatrixAction::ResetWorkProfilePasscode { "" } else { ", or without one" }
    )
}

/// `since`: certainly after requestTime; else only Intune's clock may have put it before.
pub(super) fn enrolled_after(enrolled: Time, since: bool) -> String {
    let when = if since { "after requestTime" } else { "at about requestTime" };
    format!(
        "The device was enrolled at {}, {when}, so its passcode is new. If it is locked out again, create a new PasscodeReset with \
         requestTime now.",
        second(enrolled)
    )
}

pub(super) fn expired(expiration: Time, waited_for: Option<&str>) -> String {
    let last = waited_for.map_or_else(String::new, |reason| format!(" It last waited for: {reason}."));
    format!(
        "It was not sent before its expirationTime, {}.{last} If it is still needed, create a new PasscodeReset with requestTime now.",
        second(expiration)
    )
}

pub(super) fn expired_while_suspended(settled: Time) -> String {
    format!(
        "The IntuneTenant is suspended (spec.suspend) and this request's expirationTime has passed: nothing is sent here any more. Another \
         installation may have sent it in time, so Intune's record is watched until {}.",
        second(settled)
    )
}

pub(super) fn scheduled(requested: Time) -> String {
    format!("Nothing was sent yet; it will be at {}. Delete this object to cancel it.", second(requested))
}

pub(super) fn dry_run(support: Option<&SupportStatus>, scheduled: bool) -> String {
    let action = support.and_then(|support| support.action.as_deref()).unwrap_or("the action");
    let when = if scheduled { "at its requestTime" } else { "now" };
    format!("Dry run: nothing was sent. Without dryRun, {action} would be sent {when}.")
}

pub(super) fn quarantine(until: Time) -> String {
    format!(
        "The cluster may have been restored from a backup, or nobody watched it for a while, so a request may be under way that it has \
         forgotten. Nothing is sent until {}; this goes on by itself.",
        second(until)
    )
}

pub(super) fn issued(adopted: bool, start: Time, attempt: Option<&Attempt>) -> String {
    let start = second(start);
    if adopted {
        return format!(
            "Nothing was sent for this object: Intune already had a reset of this device, started at {start}."
        );
    }
    let id = attempt.and_then(|attempt| attempt.request_id.as_deref()).unwrap_or("not given");
    format!("Intune lists the reset, started at {start} (Graph's request id {id}).")
}

pub(super) fn waiting(note: &str, platform: Platform, deadline: Time) -> String {
    let advice = match kind(platform) {
        Kind::Apple => {
            "Keep the device charged and on mobile data: after a restart it joins no Wi-Fi before it is first unlocked."
        }
        Kind::Android => {
            "Keep the device powered and online; the temporary passcode works only after this says Complete."
        }
        Kind::WorkProfile => {
            "Unlock the phone and turn the work profile on; where it asks for the forgotten passcode, choose \"Forgot my password\" \
             and leave that screen open."
        }
        Kind::Windows | Kind::Other => "Keep the device powered and online.",
    };
    let note = if note.is_empty() { "Intune has the reset; the device has not answered yet." } else { note };
    format!("{note} {advice} It is followed until {}.", second(deadline))
}

pub(super) fn complete(adopted: bool, start: Time, platform: Platform, support: Option<&SupportStatus>) -> String {
    let told = match kind(platform) {
        Kind::Apple => {
            "The passcode is gone: unlock the device without one and set a new one at once; until then anyone holding it can \
             open it. Face ID or Touch ID has to be set up again."
        }
        Kind::Android => {
            "The temporary passcode is shown in the Intune admin center, on the device's overview, for seven days."
        }
        Kind::WorkProfile => {
            "Only the work profile's passcode changed. The temporary one is shown in the Intune admin center, on the device's \
             overview, for seven days."
        }
        Kind::Windows => "The new PIN is shown in the Intune admin center, on the device's overview, for seven days.",
        Kind::Other => support.map_or("", |support| support.guidance.as_str()),
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

/// Said of an entry that somebody else asked for.
const ASKED_BY_OTHERS: &str =
    " It was not sent for this object but adopted; a new PasscodeReset with a later requestTime asks again.";

fn after(adopted: bool) -> &'static str {
    if adopted { ASKED_BY_OTHERS } else { "" }
}

pub(super) fn device_refused(adopted: bool, platform: Platform, code: i64) -> String {
    let cause = match kind(platform) {
        Kind::Apple => "Intune may hold a wrong unlock token for it; then only a wipe helps.",
        Kind::Android => {
            "The usual cause: no device configuration policy requires a passcode. Or the device never activated its reset token: it has to be \
             unlocked once after it was enrolled or the policy came, without a restart in between; some models never do, and then only a \
             wipe helps."
        }
        Kind::WorkProfile => "The usual cause: no device configuration policy requires a passcode.",
        Kind::Windows | Kind::Other => "Intune gives no further reason.",
    };
    format!("The device answered that the reset failed (error code {code}). {cause}{}", after(adopted))
}

pub(super) fn not_supported(adopted: bool, platform: Platform) -> String {
    let cause = match kind(platform) {
        Kind::WorkProfile => {
            "Its reset token is not active, which cannot be cured while it is locked out: remove the work profile and enrol \
             again; a company-owned device may need a wipe."
        }
        Kind::Android => {
            "Its reset token may never have been activated: that takes one unlock after it was enrolled or the policy came, without a restart \
             in between, and cannot be cured while it is locked out."
        }
        _ => "Intune gives no further reason.",
    };
    format!("The device answered that it does not support the reset. {cause}{}", after(adopted))
}

pub(super) fn canceled(adopted: bool) -> String {
    format!("Intune cancelled the reset, usually for a wipe, a retire or a newer action.{}", after(adopted))
}

pub(super) fn deadline_exceeded(deadline: Time) -> String {
    format!(
        "The device did not answer until {}. The reset cannot be cancelled and may still happen: then the old passcode stops \
         working.",
        second(deadline)
    )
}

pub(super) fn outcome_unknown(answer: Option<&str>) -> String {
    let what = match answer {
        Some(answer) => format!(
            "A request was sent, and neither an answer nor an entry in Intune's record of the device tells what became of it. The last \
             answer: {answer}"
        ),
        None => "A request was sent, or may have been, and neither an answer nor an entry in Intune's record of the device tells what became \
                 of it."
            .to_owned(),
    };
    format!("{what} {ASK_THE_PERSON}")
}

pub(super) fn unknown_instead_of(answer: Option<&str>, verdict: &str) -> String {
    format!("{} (Nothing more is sent, because: {verdict})", outcome_unknown(answer))
}

pub(super) fn device_gone_after(answer: Option<&str>) -> String {
    format!(
        "{} The device's record disappeared from Intune before it showed the result, so that is unknown. It was probably retired, wiped or \
         deleted there.",
        answer.unwrap_or("A request was sent, or a reset was followed.")
    )
}

/// Where what Graph said was not kept.
const REFUSED: &str = "Microsoft Graph refused the request.";

pub(super) fn refused(answer: Option<&str>, platform: Platform) -> String {
    format!(
        "{} Intune's record of the device shows no reset, so none was carried out.{}",
        answer.unwrap_or(REFUSED),
        cause_of_a_refusal(platform)
    )
}

pub(super) fn refused_in_doubt(answer: Option<&str>, doubt: &str) -> String {
    let answer = answer.unwrap_or(REFUSED);
    format!("{answer} Whether it was carried out all the same is not known: {doubt}. {ASK_THE_PERSON}")
}

fn cause_of_a_refusal(platform: Platform) -> &'static str {
    match kind(platform) {
        Kind::WorkProfile => {
            " Check that a policy requires a work profile passcode and that the \"Secure your work profile\" prompt was accepted."
        }
        Kind::Android => " Check that a device configuration policy requires a passcode.",
        Kind::Apple | Kind::Windows | Kind::Other => "",
    }
}

pub(super) fn not_executed(sentence: &str) -> String {
    format!("Nothing was carried out: {}. It is tried again by itself.", sentence.trim_end_matches('.'))
}

/// The API server reports the first of several policies only.
const ONLY_THE_FIRST: &str = "Only the first policy that refuses is reported; there may be others.";

pub(super) fn denied_by_admission(denial: &Denial) -> String {
    format!(
        "Nothing was sent: {} denied it: {} {ONLY_THE_FIRST} If it is still needed, settle that with whoever keeps the policy and \
         create a new PasscodeReset with requestTime now.",
        denial.by,
        ended(&denial.sentence)
    )
}

pub(super) fn held_by_admission(refusal: &Refusal, expiration: Time) -> String {
    let Denial { by, sentence, kind } = &refusal.denial;
    let what = match refusal.of {
        DeniedWrite::Claim => "this reset",
        DeniedWrite::Lock => "the Lease that keeps two resets of one device apart",
    };
    let why = match kind {
        DenialKind::Denied | DenialKind::NotNow => {
            format!("{by} holds {what} back: {} {ONLY_THE_FIRST}", ended(sentence))
        }
        DenialKind::PolicyBroken => {
            format!(
                "{by} cannot be evaluated, so it denies {what}: {} Whoever keeps it has to mend it.",
                ended(sentence)
            )
        }
        DenialKind::Unavailable => {
            format!("{by} has to agree to {what} and could not be asked: it is down, slow, or answers nonsense.")
        }
        DenialKind::Altered => {
            format!(
                "{by} changes {what} on the way to the API server: {} Whoever keeps it has to exempt it.",
                ended(sentence)
            )
        }
    };
    format!("Nothing was sent: {why} It is tried again by itself, until {}.", second(expiration))
}

/// The text as a sentence that another can follow.
fn ended(sentence: &str) -> String {
    if sentence.ends_with(['.', '!', '?']) { sentence.to_owned() } else { format!("{sentence}.") }
}

/// What a platform means for the person who holds the device.
enum Kind {
    Apple,
    Android,
    WorkProfile,
    Windows,
    Other,
}

fn kind(platform: Platform) -> Kind {
    match platform {
        Platform::IosDeviceEnrollment | Platform::VisionOS => Kind::Apple,
        Platform::Windows10Mobile => Kind::Windows,
        Platform::AndroidDedicated
        | Platform::AndroidFullyManaged
        | Platform::AndroidDeviceAdministrator
        | Platform::AospUserAssociated
        | Platform::AospUserless => Kind::Android,
        Platform::AndroidCorporateWorkProfile | Platform::AndroidPersonalWorkProfile => Kind::WorkProfile,
        _ => Kind::Other,
    }
}
