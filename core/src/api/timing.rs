//! The bounds on which once-only rests, and the settle window that follows from them.

use kube_derive::KubeSchema;
use serde::{Deserialize, Serialize};

use super::{Duration, rules};

/// The bounds on which once-only rests; the settle window is 2 * clockError + sendGrace + ledgerLag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[x_kube(crates(kube_core = "::kube_core"))]
#[serde(rename_all = "camelCase")]
pub struct Timing {
    /// How wrong this operator's idea of Graph's clock may be.
    #[serde(default = "default_clock_error")]
    #[x_kube(validation = rules::within("clockError", "1s", "5m"))]
    pub clock_error: Duration,
    /// How long after it was sent a request may still be carried out.
    #[serde(default = "default_send_grace")]
    #[x_kube(validation = rules::within("sendGrace", "1s", "1h"))]
    pub send_grace: Duration,
    /// How long Intune may hide a new entry of its record.
    #[serde(default = "default_ledger_lag")]
    #[x_kube(validation = rules::within("ledgerLag", "1s", "1h"))]
    pub ledger_lag: Duration,
    /// How far Intune's clock, which dates the entries, may be from Graph's.
    #[serde(default = "default_ledger_clock_error")]
    #[x_kube(validation = rules::within("ledgerClockError", "0s", "30m"))]
    pub ledger_clock_error: Duration,
}

const fn default_clock_error() -> Duration {
    Duration::from_secs(5)
}

const fn default_send_grace() -> Duration {
    Duration::from_secs(150)
}

const fn default_ledger_lag() -> Duration {
    Duration::from_secs(120)
}

const fn default_ledger_clock_error() -> Duration {
    Duration::from_secs(120)
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            clock_error: default_clock_error(),
            send_grace: default_send_grace(),
            ledger_lag: default_ledger_lag(),
            ledger_clock_error: default_ledger_clock_error(),
        }
    }
}

impl Timing {
    /// How long after its send deadline an attempt is sure to show in Intune's record: `2·S + D + L`. S counts twice, the
    /// sender's clock behind and the verifier's ahead.
    #[must_use]
    pub fn settle_window(&self) -> Duration {
        Duration::from(2 * self.clock_error.as_std() + self.send_grace.as_std() + self.ledger_lag.as_std())
    }

    /// The settle window of a tenant whose spec cannot be read, as long as it may be: what is missing of its `timing` has the default, and
    /// what cannot be read the longest that this version admits.
    #[must_use]
    pub fn settle_window_at_most(timing: &serde_json::Value) -> Duration {
        let read = |field: &str, default: Duration, longest: u64| match timing.get(field) {
            None if timing.is_object() || timing.is_null() => default,
            Some(value) => Duration::deserialize(value).unwrap_or(Duration::from_secs(longest)),
            None => Duration::from_secs(longest),
        };
        let longest = Self {
            clock_error: read("clockError", default_clock_error(), 5 * 60),
            send_grace: read("sendGrace", default_send_grace(), 3600),
            ledger_lag: read("ledgerLag", default_ledger_lag(), 3600),
            ledger_clock_error: default_ledger_clock_error(),
        };
        longest.settle_window()
    }
}
