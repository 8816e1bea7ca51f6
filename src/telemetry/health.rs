//! What the probes are told.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// How long the API server may be silent before readiness says so.
const SILENCE: Duration = Duration::from_secs(60);

/// Before the served schemas were compared.
const NOT_COMPARED: &str = "the CustomResourceDefinitions of the cluster were not compared with this version's yet; nothing is sent until then";

/// The watches that readiness depends on while this replica leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Watch {
    /// Namespaces.
    Namespaces,
    /// Tenants.
    Tenants,
    /// Matrices.
    Matrices,
    /// Policies.
    Policies,
    /// Approvals.
    Approvals,
    /// PasscodeResets.
    Resets,
}

/// What is known of this process's health.
#[derive(Debug, Default)]
pub struct Health(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// `None`: not compared yet.
    schema: Option<Result<(), String>>,
    /// When the API server last answered, by boot time.
    heard: Option<Duration>,
    /// Since when a watch has failed, by boot time.
    failing: HashMap<Watch, (Duration, String)>,
    /// Since when this replica could not take part in the election, by boot time, and why; `None`: it can.
    cannot_lead: Option<(Duration, String)>,
    /// Whether it ever could.
    took_part: bool,
}

impl State {
    /// Why this replica cannot lead. A failure or two at the API server's restart are no reason to say so, but one that never could does.
    fn cannot_lead(&self, now: Duration) -> Option<&str> {
        let (since, why) = self.cannot_lead.as_ref()?;
        (!self.took_part || now.saturating_sub(*since) >= SILENCE).then_some(why)
    }
}

impl Health {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The served schemas were compared: what is missing in them.
    pub fn schema_compared(&self, missing: Option<String>) {
        self.state().schema = Some(missing.map_or(Ok(()), Err));
    }

    /// A write showed that the served schema lacks something.
    pub fn schema_is_stale(&self, how: &str) {
        tracing::error!(
            how,
            "the served CustomResourceDefinition is older than this operator; nothing is sent until it is current"
        );
        self.state().schema = Some(Err(format!(
            "the served CustomResourceDefinition is older than this operator ({how}): apply crds/ of this version"
        )));
    }

    /// Whether claims may be written.
    #[must_use]
    pub fn schema_is_current(&self) -> bool {
        matches!(self.state().schema, Some(Ok(())))
    }

    /// The API server answered.
    pub fn heard_from_api_server(&self, now: Duration) {
        let mut state = self.state();
        state.heard = Some(now);
        // A watch that failed before is made again by itself, in silence as long as nothing changes.
        state.failing.retain(|_, (since, _)| now.saturating_sub(*since) < SILENCE);
    }

    /// This replica took part in the election of a leader, or why it could not; answers whether it cannot for so long that it says so.
    pub fn took_part(&self, failed: Option<String>, now: Duration) -> bool {
        let mut state = self.state();
        state.took_part |= failed.is_none();
        state.cannot_lead = failed.map(|why| (state.cannot_lead.as_ref().map_or(now, |(since, _)| *since), why));
        state.cannot_lead(now).is_some()
    }

    /// A watch brought something, or failed; answers whether it brought something.
    pub fn watched<T>(&self, watch: Watch, event: Result<T, String>, now: Duration) -> bool {
        let mut state = self.state();
        match event {
            Ok(_) => {
                state.failing.remove(&watch);
                state.heard = Some(now);
                true
            }
            Err(error) => {
                state.failing.entry(watch).or_insert((now, error));
                false
            }
        }
    }

    /// Why this process is not ready; `Ok`: it is.
    ///
    /// # Errors
    /// A sentence for people.
    pub fn ready(&self, now: Duration) -> Result<(), String> {
        let state = self.state();
        match &state.schema {
            None => return Err(NOT_COMPARED.to_owned()),
            Some(Err(missing)) => return Err(missing.clone()),
            Some(Ok(())) => {}
        }
        if let Some(why) = state.cannot_lead(now) {
            return Err(format!("this replica cannot take part in the election of a leader: {why}"));
        }
        match state.heard {
            Some(heard) if now.saturating_sub(heard) <= SILENCE => {}
            _ => return Err(format!("the API server has not answered for {} s", SILENCE.as_secs())),
        }
        match state.failing.iter().next() {
            Some((watch, (_, error))) => Err(format!("the watch of {watch:?} fails: {error}")),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readiness() {
        let health = Health::default();
        let second = Duration::from_secs;
        assert!(health.ready(second(0)).unwrap_err().contains("not compared"));
        health.schema_compared(Some("apply crds/".into()));
        assert_eq!(health.ready(second(0)), Err("apply crds/".into()));
        health.schema_compared(None);
        health.heard_from_api_server(second(1));
        assert_eq!(health.ready(second(61)), Ok(()));
        assert!(health.ready(second(62)).is_err());
        assert!(!health.watched::<()>(Watch::Tenants, Err("gone".into()), second(62)));
        assert!(health.ready(second(30)).unwrap_err().contains("Tenants"));
        assert!(health.watched(Watch::Tenants, Ok(()), second(63)));
        assert_eq!(health.ready(second(63)), Ok(()));
        health.schema_is_stale("status.attempt was dropped");
        assert!(!health.schema_is_current());
    }

    #[test]
    fn who_cannot_lead_says_why() {
        let health = Health::default();
        let second = Duration::from_secs;
        health.schema_compared(None);
        health.heard_from_api_server(second(1));
        assert!(health.took_part(Some("no namespace".into()), second(1)), "at once, as long as it never could");
        assert!(health.ready(second(1)).unwrap_err().ends_with(": no namespace"));
        assert!(!health.took_part(None, second(2)));
        assert_eq!(health.ready(second(2)), Ok(()));
        for at in 3..63 {
            assert!(!health.took_part(Some("down".into()), second(at)));
        }
        health.heard_from_api_server(second(62));
        assert_eq!(health.ready(second(62)), Ok(()));
        assert!(health.took_part(Some("not allowed".into()), second(63)));
        assert!(health.ready(second(63)).unwrap_err().ends_with(": not allowed"));
        assert!(!health.took_part(None, second(64)));
        assert_eq!(health.ready(second(64)), Ok(()));
    }
}
