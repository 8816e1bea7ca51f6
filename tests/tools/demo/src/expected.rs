//! What the samples are declared for: how each ends, and what that means for its device.

use graph_simulator::DeviceClass;

/// What is expected of one declaration.
#[derive(Debug)]
pub struct Expected {
    /// The object's name.
    pub name: &'static str,
    /// What kind of device Intune has for it, if any.
    pub class: Option<DeviceClass>,
    /// `status.outcome`.
    pub outcome: &'static str,
    /// The reason of the condition Ready.
    pub reason: &'static str,
    /// How many resets the device has had in the end, whoever asked for them.
    pub resets: usize,
    /// A reason that it waits with before.
    pub before: Option<&'static str>,
    /// The category that Intune's administrators gave the device.
    pub category: Option<&'static str>,
    /// Something that its message has to say.
    pub says: Option<&'static str>,
}

const fn complete(name: &'static str, class: DeviceClass, reason: &'static str) -> Expected {
    Expected {
        name,
        class: Some(class),
        outcome: "Complete",
        reason,
        resets: 1,
        before: None,
        category: None,
        says: None,
    }
}

const fn rejected(
    name: &'static str,
    class: Option<DeviceClass>,
    reason: &'static str,
    says: Option<&'static str>,
) -> Expected {
    Expected { name, class, outcome: "Rejected", reason, resets: 0, before: None, category: None, says }
}

use DeviceClass::{
    AndroidCorporateWorkProfile, AndroidDedicated, AndroidFullyManaged, AndroidPersonalWorkProfile, IPad, IPhone,
    MacBook, Windows10Mobile,
};

/// What waits for a team lead, who agrees to the one and not to the other.
pub const APPROVED: &str = "android-dedicated";
/// Likewise.
pub const DENIED: &str = "android-dedicated-denied";

/// Every sample, in the order in which it is told.
pub const EXPECTED: [Expected; 16] = [
    complete("iphone", IPhone, "PasscodeRemoved"),
    complete("ipad", IPad, "PasscodeRemoved"),
    complete("android-fully-managed", AndroidFullyManaged, "TemporaryPasscode"),
    Expected { before: Some("AwaitingApproval"), ..complete(APPROVED, AndroidDedicated, "TemporaryPasscode") },
    Expected {
        before: Some("AwaitingApproval"),
        ..rejected(DENIED, Some(AndroidDedicated), "ApprovalDenied", Some("nobody called back"))
    },
    Expected {
        category: Some("Executives"),
        ..rejected("executive-ipad", Some(IPad), "DeniedByAdmission", Some("category Executives"))
    },
    rejected(
        "work-profile-corporate",
        Some(AndroidCorporateWorkProfile),
        "WorkProfileOnly",
        Some("ResetWorkProfilePasscode"),
    ),
    complete("work-profile-corporate-named", AndroidCorporateWorkProfile, "WorkProfileOnly"),
    rejected(
        "work-profile-personal",
        Some(AndroidPersonalWorkProfile),
        "WorkProfileOnly",
        Some("ResetWorkProfilePasscode"),
    ),
    complete("work-profile-personal-named", AndroidPersonalWorkProfile, "WorkProfileOnly"),
    complete("windows-10-mobile", Windows10Mobile, "NewPin"),
    rejected("macbook", Some(MacBook), "PlatformNotSupported", Some("FileVault")),
    rejected("unknown-serial-number", None, "DeviceNotFound", None),
    rejected("expired", Some(IPhone), "Expired", None),
    Expected { before: Some("Scheduled"), ..complete("scheduled", IPad, "PasscodeRemoved") },
    rejected("dry-run", Some(IPhone), "DryRun", None),
];

/// The declaration that is deleted when it is done, and applied again: its device's one reset is adopted.
pub const AGAIN: Expected =
    Expected { says: Some("Nothing was sent for this object"), ..complete("iphone", IPhone, "Adopted") };

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::samples;

    #[test]
    fn there_is_one_expectation_for_each_sample() {
        let samples: BTreeSet<String> = samples::resets().unwrap().into_iter().map(|sample| sample.name).collect();
        let expected: BTreeSet<String> = EXPECTED.iter().map(|expected| expected.name.to_owned()).collect();
        assert_eq!(samples, expected);
        assert!(expected.contains(AGAIN.name));
    }
}
