//! Where nobody can tell whether a reset happened.

/// What people can do where nobody can tell.
pub(super) const ASK_THE_PERSON: &str = "Ask the person whether the old passcode still works, look at the device's actions in the Intune admin center, \
     and if it is still needed create a new PasscodeReset with requestTime now.";
/// Why a refusal is not believed.
pub(in crate::lifecycle) const AN_EARLIER_ATTEMPT: &str =
    "an earlier request for this object left no trace and no answer that tells";
pub(in crate::lifecycle) const RECORD_IN_DOUBT: &str =
    "Intune's record of actions cannot be relied on at the moment (LedgerReadable of the IntuneTenant is False)";
pub(in crate::lifecycle) const RECORD_BEGUN_SINCE: &str = "the device was enrolled since, and its record is new";

pub(in crate::lifecycle) fn outcome_unknown(answer: Option<&str>) -> String {
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

pub(in crate::lifecycle) fn unknown_instead_of(answer: Option<&str>, verdict: &str) -> String {
    format!("{} (Nothing more is sent, because: {verdict})", outcome_unknown(answer))
}

/// Whatever is known of the object may be older than what was sent for it.
pub(in crate::lifecycle) fn forgotten_without_tenant(name: &str) -> String {
    format!(
        "The time to send it is over, and there is no IntuneTenant \"{name}\" by which Intune could be asked. Whether anything was sent is not known: \
         since this object was created the operator was killed or away for a while, or the cluster was restored from a backup. {ASK_THE_PERSON} \
         Write the tenantRef of an IntuneTenant that exists (ask the platform team)."
    )
}
