//! The page of reasons.

use passcode_core::api::reasons::{Place, Reason, all};

use crate::markdown::{cell, code, table};

pub(crate) fn page() -> String {
    let mut text = "# Reasons\nThe reason of a condition is the word for a state; its message says the rest. Where a matter needs more than a line, see \
                    [troubleshooting](../troubleshooting.md).\n\n"
        .to_owned();
    for place in Place::ALL {
        text += &section(place);
    }
    text
}

fn section(place: Place) -> String {
    let (title, note) = heading(place);
    let own: Vec<&Reason> = all().filter(|reason| reason.place == place).collect();
    let statuses = own.iter().filter_map(|reason| reason.status).map(|status| status.as_str());
    let mut different: Vec<_> = statuses.collect();
    different.dedup();
    let rows = |reason: &&Reason| {
        let more = reason.more.map_or_else(String::new, |page| format!(" [More](../{page})."));
        [
            code(reason.reason),
            cell(reason.meaning),
            format!("{}{more}", cell(reason.advice)),
            reason.who.as_str().to_owned(),
        ]
    };
    // The status is worth a column where it is not the same for all.
    let table = if different.len() > 1 {
        let rows = own.iter().map(|reason| {
            let [word, meaning, advice, who] = rows(reason);
            [word, reason.status.map_or("", |status| status.as_str()).to_owned(), meaning, advice, who]
        });
        table(["reason", "status", "meaning", "what to do", "who acts"], rows)
    } else {
        table(["reason", "meaning", "what to do", "who acts"], own.iter().map(rows))
    };
    format!("## {title}\n\n{note}\n\n{table}")
}

/// The heading of a place, and what is true of all its reasons.
const fn heading(place: Place) -> (&'static str, &'static str) {
    match place {
        Place::Waiting => (
            "PasscodeReset: waiting",
            "`Ready` is Unknown. None of these needs a new object; each goes on by itself once its cause is gone.",
        ),
        Place::Complete => (
            "PasscodeReset: Complete",
            "`Ready` is True. The reason is that of the [matrix](#reasons-of-the-built-in-matrices) if the device has carried out the reset, or:",
        ),
        Place::Rejected => (
            "PasscodeReset: Rejected",
            "`Ready` is False, and no reset was carried out for this object. The reason is that of the \
             [matrix](#reasons-of-the-built-in-matrices) if Intune cannot reset a device of this kind, or:",
        ),
        Place::Failed => (
            "PasscodeReset: Failed",
            "`Ready` is False. A reset was asked for, and it did not happen, or nobody can tell.",
        ),
        Place::Matrix => (
            "Reasons of the built-in matrices",
            "The reason of `Supported`; also of `Ready` where a supported reset is Complete or an unsupported one is Rejected. A matrix of \
             your own brings its own reasons.",
        ),
        Place::Permitted => ("PasscodeReset: Permitted", "The reason of `Permitted`."),
        Place::Undecided => ("PasscodeReset: not decided", "The reason of a condition that is not decided yet."),
        Place::Tenant => (
            "IntuneTenant: Ready",
            "A tenant that is not ready never rejects a reset: all its objects wait with `TenantNotReady`. Such a tenant is tried every 15 s, \
             otherwise every minute. If it showed in use, one request a minute of the kind that was refused is let through to see \
             whether it is over: a look-up of a device, a look at Intune's record, or a reset. What it does not concern goes on: while only \
             resets are refused, devices are still looked up, unsupported ones rejected, and dry runs ended. Graph's clock is known from answers that refuse, too, so a reset whose device could never be looked up still ends by its \
             `expirationTime`. Graph being slow or out of reach does not make the \
             tenant not ready; it shows on the resets as `LookingUp` and `LimitReached`.",
        ),
        Place::TenantPermissions => {
            ("IntuneTenant: PermissionsVerified", "What the token says of itself; advice only.")
        }
        Place::TenantLedger => ("IntuneTenant: LedgerReadable", "Whether Intune's record of actions can be relied on."),
        Place::TenantIdentity => (
            "IntuneTenant: IdentityEnforced",
            "Whether it is proved who approves and who asks ([how](../guide/approvals.md#what-is-tried)). The same at every IntuneTenant, and only \
             where it is needed.",
        ),
        Place::SupportMatrix => ("PlatformSupportMatrix: Ready", "The reason of `Ready`."),
        Place::Policy => ("PasscodeResetPolicy: Ready", "The reason of `Ready`."),
        Place::Event => {
            ("Events of their own", "The other [events](../guide/events-and-logs.md) have the reason of a condition.")
        }
    }
}
