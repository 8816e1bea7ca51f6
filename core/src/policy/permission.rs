//! What is answered.

use jiff::Timestamp;

use crate::api::{conditions::reason, policy::Enforcement};

/// What is said where no policy is about a request.
pub(super) const NO_POLICY: &str = "No policy applies.";

/// The answer, and how it came about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permission {
    /// The answer.
    pub answer: Answer,
    /// What each policy that selects the request says of it on its own, in the order of their names; those that only warn or audit too.
    pub reports: Vec<Report>,
    /// The approvals that override a policy which enforces, by name. Each use of one is to be reported.
    pub overrides: Vec<String>,
    /// Approvals of this request that do not count, each with the sentence for it, in the order of their names.
    pub not_counted: Vec<(String, String)>,
}

impl Permission {
    /// The answer where there is no policy.
    #[must_use]
    pub fn without_policies() -> Self {
        let answer = Answer::Permitted { reason: reason::NO_POLICY, what: NO_POLICY.to_owned() };
        Self { answer, reports: Vec::new(), overrides: Vec::new(), not_counted: Vec::new() }
    }
}

/// The answer: a reason and sentences for it. Between `what` and `next` fits a sentence about what was sent so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Nothing is against it.
    Permitted {
        /// `NoPolicy`, `PermittedByPolicy` or `Overridden`.
        reason: &'static str,
        /// Which policies said so.
        what: String,
    },
    /// Not now.
    Held {
        /// Why.
        reason: &'static str,
        /// What it waits for.
        what: String,
        /// What to do.
        next: String,
        /// When the answer may be another one without anybody doing anything; `None`: when something changes.
        until: Option<Timestamp>,
    },
    /// No, and that is final.
    Refused {
        /// Why.
        reason: &'static str,
        /// Who refuses it.
        what: String,
        /// What to do.
        next: String,
    },
}

impl Answer {
    /// Whether it may be carried out.
    #[must_use]
    pub const fn is_permitted(&self) -> bool {
        matches!(self, Self::Permitted { .. })
    }

    /// The reason.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Permitted { reason, .. } | Self::Held { reason, .. } | Self::Refused { reason, .. } => reason,
        }
    }

    /// All of its sentences.
    #[must_use]
    pub fn message(&self) -> String {
        match self {
            Self::Permitted { what, .. } => what.clone(),
            Self::Held { what, next, .. } | Self::Refused { what, next, .. } => format!("{what} {next}"),
        }
    }
}

/// What one policy says on its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Its name.
    pub policy: String,
    /// What comes of its word.
    pub enforcement: Enforcement,
    /// The rule that decided; none where no rule matches.
    pub rule: Option<String>,
    /// Its word.
    pub verdict: PolicyVerdict,
}

/// One policy's word, from the one that ends a request to the one that is for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PolicyVerdict {
    /// It cannot be used.
    NotReady,
    /// It denies the request.
    Denied,
    /// It asks for people whose approvals do not count at the moment.
    IdentityNotEnforced,
    /// Somebody who was asked said no.
    ApprovalDenied,
    /// It asks for more people.
    AwaitingApproval,
    /// Its hours are over, or have not begun.
    OutsideHours,
    /// A budget is used up.
    LimitReached,
    /// It permits the request.
    Permitted,
}

impl PolicyVerdict {
    /// The word as a status has it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotReady => "NotReady",
            Self::Denied => "Denied",
            Self::IdentityNotEnforced => "IdentityNotEnforced",
            Self::ApprovalDenied => "ApprovalDenied",
            Self::AwaitingApproval => "AwaitingApproval",
            Self::OutsideHours => "OutsideHours",
            Self::LimitReached => "LimitReached",
            Self::Permitted => "Permitted",
        }
    }
}
