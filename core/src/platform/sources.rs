//! Where the rows of this room's tables come from. Tables name them by letter and number; manifests carry them in full.

/// The article that spoke of Windows 10 Mobile's PIN beside the passcodes of the others.
pub(super) const S0: &str =
    "S0: Microsoft, article on removing or resetting a passcode with Intune, Dutch edition, 2020-07-27";
pub(super) const S1: &str = "S1: Microsoft Learn, Intune device action: remove passcode, 2026-04-21";
pub(super) const S2: &str = "S2: MicrosoftDocs/memdocs, Intune device action: reset passcode, 2025-10-27";
pub(super) const S3: &str =
    "S3: MicrosoftDocs/memdocs, device-passcode-reset.md, 2025-02-28, the last full table of yes and no";
pub(super) const S4: &str = "S4: MicrosoftDocs/memdocs, device-passcode-reset.md, 2020-02-27, in force in July 2020";
pub(super) const S5: &str = "S5: MicrosoftDocs/memdocs, device-windows-pin-reset.md, 2018-05-30 and 2020-12-22";
pub(super) const S6: &str = "S6: Apple, apple/device-management, mdm/commands/passcode.clear.yaml, 2024-10-21";
pub(super) const S7: &str = "S7: Android, DevicePolicyManager reference";
pub(super) const S8: &str = "S8: Microsoft Intune support article on passcode reset, 2023-12-05";
pub(super) const S9: &str = "S9: MicrosoftDocs/memdocs, Intune device actions, index.md, 2026-04-30";
pub(super) const S10: &str = "S10: MicrosoftDocs/memdocs, troubleshoot-device-actions.md, 2019-08-02";
pub(super) const S11: &str =
    "S11: Microsoft, RemoteLock CSP (LockAndRecoverPIN) and Microsoft Graph's remoteAction enumeration";
pub(super) const S12: &str = "S12: Microsoft, Windows Hello for Business, PIN reset, 2024-04-23";
