//! The API server's own count of what it was asked.

use std::ops::Sub;

use anyhow::Result;
use kube::Client;

/// Requests that were taken, by what they write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Writes {
    /// PasscodeResets, their statuses included, but not their creation.
    pub resets: u64,
    /// Leases: device locks, and the leader's.
    pub leases: u64,
    /// Events.
    pub events: u64,
}

impl Writes {
    /// What the API server has counted since it was started.
    ///
    /// # Errors
    /// If it does not tell.
    pub async fn counted(client: &Client) -> Result<Self> {
        let request = http::Request::get("/metrics").body(Vec::new())?;
        Ok(Self::in_text(&client.request_text(request).await?))
    }

    fn in_text(text: &str) -> Self {
        let mut all = Self::default();
        for line in text.lines().filter(|line| line.starts_with("apiserver_request_total{")) {
            let Some((labels, count)) = line.rsplit_once(' ') else { continue };
            let count = count.parse::<f64>().map_or(0, |count| count as u64);
            let has = |label: &str, value: &str| labels.contains(&format!("{label}=\"{value}\""));
            let changes = ["PUT", "PATCH", "APPLY"].iter().any(|verb| has("verb", verb));
            let taken = has("code", "200") || has("code", "201");
            if !taken {
                continue;
            }
            match () {
                () if has("resource", "passcoderesets") && changes => all.resets += count,
                () if has("resource", "leases") && (changes || has("verb", "POST")) => all.leases += count,
                () if has("resource", "events") && (changes || has("verb", "POST")) => all.events += count,
                () => {}
            }
        }
        all
    }

    /// All of them.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.resets + self.leases + self.events
    }
}

impl Sub for Writes {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        Self {
            resets: self.resets.saturating_sub(earlier.resets),
            leases: self.leases.saturating_sub(earlier.leases),
            events: self.events.saturating_sub(earlier.events),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"
# TYPE apiserver_request_total counter
apiserver_request_total{code="200",component="apiserver",dry_run="",group="passcode-operator.dev",resource="passcoderesets",scope="resource",subresource="status",verb="PATCH",version="v1alpha1"} 40
apiserver_request_total{code="409",component="apiserver",dry_run="",group="passcode-operator.dev",resource="passcoderesets",scope="resource",subresource="status",verb="PATCH",version="v1alpha1"} 3
apiserver_request_total{code="201",component="apiserver",dry_run="",group="passcode-operator.dev",resource="passcoderesets",scope="resource",subresource="",verb="POST",version="v1alpha1"} 10
apiserver_request_total{code="200",component="apiserver",dry_run="",group="peers.example.com",resource="passcoderesets",scope="resource",subresource="",verb="PATCH",version="v1alpha1"} 2
apiserver_request_total{code="200",component="apiserver",dry_run="",group="passcode-operator.dev",resource="passcoderesets",scope="cluster",subresource="",verb="LIST",version="v1alpha1"} 9
apiserver_request_total{code="201",component="apiserver",dry_run="",group="coordination.k8s.io",resource="leases",scope="resource",subresource="",verb="POST",version="v1"} 10
apiserver_request_total{code="201",component="apiserver",dry_run="",group="events.k8s.io",resource="events",scope="resource",subresource="",verb="POST",version="v1"} 1.2e+01
"#;

    #[test]
    fn what_was_taken_is_counted_by_what_it_writes() {
        let counted = Writes::in_text(TEXT);
        assert_eq!(counted, Writes { resets: 42, leases: 10, events: 12 });
        assert_eq!(counted - Writes { resets: 40, leases: 0, events: 0 }, Writes { resets: 2, leases: 10, events: 12 });
        assert_eq!(counted.total(), 64);
    }
}
