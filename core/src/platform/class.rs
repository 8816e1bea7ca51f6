//! The platform classes: the kinds of device between which a passcode reset differs.

use std::{fmt, str::FromStr};

/// How a reset shows on a device, and so what people are told. Each class names its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// The passcode disappears.
    Apple,
    /// A temporary passcode takes its place.
    Android,
    /// A temporary passcode takes the place of the work profile's; the phone's own lock stays.
    WorkProfile,
    /// A new PIN takes its place, by another action of Graph.
    WindowsPhone,
    /// Nothing can be reset, or nobody knows.
    Other,
}

/// One list makes the type, its names, [`Platform::ALL`] and [`Platform::family`], so that none of them can miss a class.
macro_rules! platforms {
    ($($(#[$doc:meta])+ $name:ident: $family:ident,)+) => {
        /// A kind of device, as far as a passcode reset differs. Matrices and statuses write these names.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Platform {
            $($(#[$doc])+ $name,)+
        }

        impl Platform {
            /// Every class, in the order in which the classification meets them.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The name as matrices and statuses write it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)+
                }
            }

            /// How a reset shows on such a device.
            #[must_use]
            pub const fn family(self) -> Family {
                match self {
                    $(Self::$name => Family::$family,)+
                }
            }
        }
    };
}

platforms! {
    /// A retire, wipe or delete is pending.
    LeavingManagement: Other,
    /// Intune lists the device, but its MDM cannot reach it.
    NotUnderIntuneMdm: Other,
    /// Intune's record fits no row of the table.
    Unknown: Other,
    /// ChromeOS, known to Intune through Google Admin.
    ChromeOS: Other,
    /// A Mac.
    MacOS: Other,
    /// An Apple TV.
    TvOS: Other,
    /// A HoloLens.
    HoloLens: Other,
    /// A Surface Hub.
    SurfaceHub: Other,
    /// A Cloud PC.
    CloudPC: Other,
    /// Windows 10 Mobile, Windows Phone and what came before them.
    Windows10Mobile: WindowsPhone,
    /// A Windows computer.
    Windows: Other,
    /// A Linux computer.
    Linux: Other,
    /// Android Open Source Project, corporate-owned, associated with a user.
    AospUserAssociated: Android,
    /// Android Open Source Project, corporate-owned, without a user.
    AospUserless: Android,
    /// Android Enterprise, corporate-owned, dedicated (kiosk).
    AndroidDedicated: Android,
    /// Android Enterprise, corporate-owned, fully managed.
    AndroidFullyManaged: Android,
    /// Android Enterprise, corporate-owned with a work profile.
    AndroidCorporateWorkProfile: WorkProfile,
    /// Android Enterprise, personally-owned with a work profile.
    AndroidPersonalWorkProfile: WorkProfile,
    /// Android managed by the old device administrator.
    AndroidDeviceAdministrator: Android,
    /// An Apple device enrolled by Apple User Enrollment, of any of its kinds.
    AppleUserEnrollment: Other,
    /// An iPad on which each user has a partition.
    SharedIPad: Other,
    /// An Apple Vision Pro.
    VisionOS: Apple,
    /// An iPhone, iPad or iPod touch enrolled as a whole device.
    IosDeviceEnrollment: Apple,
}

impl Platform {
    /// Whether Intune can reset only the work profile's passcode there, which does not unlock the phone.
    #[must_use]
    pub const fn is_work_profile_only(self) -> bool {
        matches!(self.family(), Family::WorkProfile)
    }
}

/// The `actionName` that a reset of such a device has in Intune's record, which is also the name of the Graph action.
///
/// The PIN reset of Windows 10 Mobile is Graph's `recoverPasscode` ("reset the pin for passport for work on windows phone
/// device"); everything else is `resetPasscode`, the removal on Apple's devices included.
#[must_use]
pub const fn required_ledger_name(platform: Platform) -> &'static str {
    match platform.family() {
        Family::WindowsPhone => "recoverPasscode",
        Family::Apple | Family::Android | Family::WorkProfile | Family::Other => "resetPasscode",
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A text that names no platform class.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("there is no platform {0:?}")]
pub struct UnknownPlatform(pub String);

impl FromStr for Platform {
    type Err = UnknownPlatform;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .iter()
            .copied()
            .find(|platform| platform.as_str() == name)
            .ok_or_else(|| UnknownPlatform(name.to_owned()))
    }
}
