//! What can be found, by the names under which pipelines know it. They are stable: a name is never given to anything else.

use serde::{Serialize, Serializer};

/// What a finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    Unreadable,
    NoManifest,
    Syntax,
    InvalidObject,
    OddObject,
    ValidObject,
    Skipped,
    DuplicateObject,
    Device,
    Policy,
    PolicyTest,
    Admission,
    ImmutableField,
    RenamedObject,
    SameDevice,
    ExpiredRequest,
    RequestTimeTooFar,
}

impl Rule {
    /// All of them, in the order in which they are documented.
    pub(super) const ALL: [Self; 17] = [
        Self::Unreadable,
        Self::NoManifest,
        Self::Syntax,
        Self::InvalidObject,
        Self::OddObject,
        Self::ValidObject,
        Self::Skipped,
        Self::DuplicateObject,
        Self::Device,
        Self::Policy,
        Self::PolicyTest,
        Self::Admission,
        Self::ImmutableField,
        Self::RenamedObject,
        Self::SameDevice,
        Self::ExpiredRequest,
        Self::RequestTimeTooFar,
    ];

    /// Its name.
    pub(super) const fn id(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::NoManifest => "no-manifest",
            Self::Syntax => "syntax",
            Self::InvalidObject => "invalid-object",
            Self::OddObject => "odd-object",
            Self::ValidObject => "valid-object",
            Self::Skipped => "skipped",
            Self::DuplicateObject => "duplicate-object",
            Self::Device => "device",
            Self::Policy => "policy",
            Self::PolicyTest => "policy-test",
            Self::Admission => "admission",
            Self::ImmutableField => "immutable-field",
            Self::RenamedObject => "renamed-object",
            Self::SameDevice => "same-device",
            Self::ExpiredRequest => "expired-request",
            Self::RequestTimeTooFar => "request-time-too-far",
        }
    }

    /// What it means, in a sentence.
    pub(super) const fn description(self) -> &'static str {
        match self {
            Self::Unreadable => "The file cannot be read, so nobody knows what is in it.",
            Self::NoManifest => "There is nothing to check in the file or directory.",
            Self::Syntax => "The document is neither YAML nor JSON.",
            Self::InvalidObject => "The API server would refuse the object, or the operator cannot use it.",
            Self::OddObject => "The object can be used, but hardly means what was intended.",
            Self::ValidObject => "The object is valid.",
            Self::Skipped => "It is of another kind, or unchanged, and was not looked at.",
            Self::DuplicateObject => "The same object is written twice, and only one of them would count.",
            Self::Device => {
                "What the platform support matrix says of the device, and whether what is asked for would be sent."
            }
            Self::Policy => "What the policies say of what is asked for.",
            Self::PolicyTest => "A test of the policies, and whether it passed.",
            Self::Admission => "What admission policies say of the claim, or that only the API server can tell.",
            Self::ImmutableField => "With --base: the change of a field that cannot be changed.",
            Self::RenamedObject => "With --base: a request under another name or namespace, which is a new object.",
            Self::SameDevice => "With --base: two requests for one device at the same time.",
            Self::ExpiredRequest => "With --base: a new request that has expired already.",
            Self::RequestTimeTooFar => "With --base: a new request for a time more than 30 days ahead.",
        }
    }
}

impl Serialize for Rule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.id())
    }
}
