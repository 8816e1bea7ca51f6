//! Which PasscodeResets have to be looked at again, because something changed that they may wait for.

use std::collections::HashSet;

use tokio::sync::mpsc;

/// The objects that a change concerns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wake {
    /// All that name this tenant.
    Tenant(String),
    /// Those of this namespace that name this tenant.
    Namespace {
        /// The namespace.
        namespace: String,
        /// The tenant.
        tenant: String,
    },
    /// Those of one of these namespaces that name the tenant beside it.
    Pairs(HashSet<(String, String)>),
    /// This one.
    Object {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
}

impl Wake {
    /// Whether it concerns every object of this namespace that names this tenant.
    #[must_use]
    pub fn concerns(&self, of_namespace: &str, of_tenant: &str) -> bool {
        match self {
            Self::Tenant(tenant) => tenant == of_tenant,
            Self::Namespace { namespace, tenant } => namespace == of_namespace && tenant == of_tenant,
            Self::Pairs(pairs) => pairs.contains(&(of_namespace.to_owned(), of_tenant.to_owned())),
            Self::Object { .. } => false,
        }
    }
}

/// Wakes the objects of one term.
#[derive(Clone)]
pub struct Wakes(mpsc::UnboundedSender<Wake>);

impl Wakes {
    /// Nobody is woken yet; the receiver gets who is to be.
    #[must_use]
    pub fn new() -> (Self, mpsc::UnboundedReceiver<Wake>) {
        let (sender, wakes) = mpsc::unbounded_channel();
        (Self(sender), wakes)
    }

    /// Something changed that these objects may wait for.
    pub fn wake(&self, wake: Wake) {
        // Where nobody listens any more, the term is over.
        let _ = self.0.send(wake);
    }
}
