//! The properties that the classification reads, and the few conclusions that several of its rows share.

use super::{device::ManagedDevice, known_values};

/// A value of Graph, compared without regard to letter case: Graph's own documents and answers differ in it.
#[derive(Clone, Copy)]
pub(super) struct Word<'a>(&'a str);

impl Word<'_> {
    pub(super) fn is(self, name: &str) -> bool {
        self.0.eq_ignore_ascii_case(name)
    }

    pub(super) fn any(self, names: &[&str]) -> bool {
        names.iter().any(|name| self.is(name))
    }

    pub(super) fn starts(self, beginning: &str) -> bool {
        // `get` is None inside a character: such a text cannot begin with an ASCII word.
        self.0.get(..beginning.len()).is_some_and(|head| head.eq_ignore_ascii_case(beginning))
    }

    pub(super) fn absent(self) -> bool {
        self.0.is_empty()
    }
}

/// Apple User Enrollment by `deviceEnrollmentType`: with the Company Portal, with an enrolment manager, account-driven.
const USER_ENROLLMENT: &[&str] =
    &["appleUserEnrollment", "appleUserEnrollmentWithServiceAccount", "appleAccountDrivenUserEnrollment"];

/// A device as the rows of the table see it; the names are those of the table in the documentation.
pub(super) struct Facts<'a> {
    /// `deviceEnrollmentType`.
    pub(super) et: Word<'a>,
    /// `deviceType`.
    pub(super) dt: Word<'a>,
    /// `managementAgent`.
    pub(super) ag: Word<'a>,
    /// `managedDeviceOwnerType`.
    pub(super) own: Word<'a>,
    /// `operatingSystem`.
    pub(super) os: Word<'a>,
    /// `managementState`.
    pub(super) state: Word<'a>,
    /// `model`.
    pub(super) model: Word<'a>,
    /// What is no text.
    pub(super) device: &'a ManagedDevice,
}

impl<'a> Facts<'a> {
    pub(super) fn of(device: &'a ManagedDevice) -> Self {
        Self {
            et: Word(&device.enrollment_type),
            dt: Word(&device.device_type),
            ag: Word(&device.management_agent),
            own: Word(&device.owner_type),
            os: Word(&device.operating_system),
            state: Word(&device.management_state),
            model: Word(&device.model),
            device,
        }
    }

    /// A state that was sent and that Graph does not document.
    ///
    /// An absent one is not meant. The property is never null, so absence says how the device was read (or, in a manifest
    /// that is checked offline, what its author left out), not what state it is in; its zero value is `managed`. To refuse
    /// would end a locked-out person's request for a reason that nobody at the desk can cure, and letting it pass risks
    /// little: if a wipe is pending after all, Intune lets that wipe win over a reset (S9), whatever we send.
    pub(super) fn state_not_recognised(&self) -> bool {
        !self.state.absent() && !self.state.any(known_values::MANAGEMENT_STATES)
    }

    /// No agent that Graph documents. Absence counts here: without an agent nothing says that a reset can arrive.
    pub(super) fn agent_not_recognised(&self) -> bool {
        !self.ag.any(known_values::MANAGEMENT_AGENTS)
    }

    /// Real tenants send `operatingSystem: Android` for every mode, `deviceType` only in beta; any sign of Android counts.
    pub(super) fn android(&self) -> bool {
        self.dt.starts("android")
            || self.os.starts("android")
            || self.et.starts("android")
            || self.ag.any(&["googleCloudDevicePolicyController", "intuneAosp"])
    }

    /// The three corporate kinds of Android Enterprise must not contradict their `deviceType`.
    pub(super) fn android_enterprise_or_silent(&self) -> bool {
        self.dt.absent() || self.dt.is("androidEnterprise")
    }

    pub(super) fn user_enrollment(&self) -> bool {
        self.et.any(USER_ENROLLMENT)
    }

    /// An iPhone, iPad or iPod touch.
    pub(super) fn ios(&self) -> bool {
        self.dt.any(&["iPhone", "iPad", "iPod"]) || self.os.any(&["ios", "ipados"])
    }

    pub(super) fn vision(&self) -> bool {
        self.dt.is("visionOS") || self.os.is("visionos")
    }

    pub(super) fn apple_mobile(&self) -> bool {
        self.ios() || self.vision()
    }

    /// An iPad by any sign. Intune writes `operatingSystem: iOS` for it, so where `deviceType` is absent only the model
    /// tells; taking one iPad too many asks for one more read, one too few would send a reset that Apple forbids.
    pub(super) fn ipad(&self) -> bool {
        self.dt.is("iPad") || self.os.is("ipados") || (self.apple_mobile() && self.model.starts("iPad"))
    }

    /// Enrolled through Apple's bulk or automated enrolment, the only way in which an iPad becomes a shared one.
    pub(super) fn bulk_enrolled(&self) -> bool {
        self.et.starts("appleBulk") || self.et.starts("appleACMEDEP")
    }
}
