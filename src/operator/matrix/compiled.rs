//! The matrices as they decide: compiled from the cache, once for each version.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use kube::{
    ResourceExt,
    runtime::reflector::{ObjectRef, Store},
};

use crate::operator::{
    calls::CallError,
    guarded::Guarded,
    watches::{Filled, Version, version},
};
use passcode_core::{
    api::{conditions::reason, matrix::PlatformSupportMatrix, tenant::IntuneTenantSpec},
    lifecycle::observed::NotReady,
    platform::Matrix,
};

/// A matrix that can be used, or what is wrong with it.
pub type Compiled = Result<Arc<Matrix>, String>;

/// How long a tenant waits for the first list of matrices.
const LISTED_WITHIN: Duration = Duration::from_secs(10);

/// The matrices of one term.
pub struct Matrices {
    builtin: Arc<Matrix>,
    objects: Store<Guarded<PlatformSupportMatrix>>,
    filled: Filled,
    compiled: Mutex<HashMap<String, (Version, Compiled)>>,
}

impl Matrices {
    /// Those of this cache, and the built-in one.
    #[must_use]
    pub fn new(objects: Store<Guarded<PlatformSupportMatrix>>, filled: Filled) -> Self {
        Self { builtin: Arc::new(Matrix::builtin()), objects, filled, compiled: Mutex::default() }
    }

    /// Resolves once the cache has been filled, within ten seconds: a matrix that is not known yet must not look as if it were missing. Where
    /// matrices cannot be listed, the tenants that refer to one say so, and no others wait.
    ///
    /// # Errors
    /// If the watch has ended, and with it the term.
    pub async fn are_known(&self) -> Result<(), CallError> {
        let Ok(known) = tokio::time::timeout(LISTED_WITHIN, self.filled.wait()).await else { return Ok(()) };
        known.map_err(|_| CallError::Unclear("the PlatformSupportMatrices are not watched any more".to_owned()))
    }

    /// The matrix that decides for a tenant.
    ///
    /// # Errors
    /// The tenant's trouble, where its matrix is missing or bad.
    pub fn of(&self, tenant: &IntuneTenantSpec) -> Result<Arc<Matrix>, NotReady> {
        let Some(reference) = &tenant.platform_support_matrix_ref else { return Ok(self.builtin.clone()) };
        let name = &reference.name;
        let message = match self.objects.get(&ObjectRef::new(name)).map(|object| self.compiled(&object)) {
            Some(Ok(matrix)) => return Ok(matrix),
            Some(Err(problems)) => format!("The PlatformSupportMatrix \"{name}\" cannot be used: {problems}"),
            None => format!(
                "There is no PlatformSupportMatrix \"{name}\" (spec.platformSupportMatrixRef): create it, or leave the reference out to use \
                 the built-in one."
            ),
        };
        Err(NotReady { reason: reason::MATRIX_NOT_READY.to_owned(), message })
    }

    /// The matrix of this object. The latest version of each is kept, for compiling is dear.
    pub fn compiled(&self, object: &Guarded<PlatformSupportMatrix>) -> Compiled {
        let (name, version) = (object.name_any(), version(object));
        let mut all = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, compiled)) = all.get(&name)
            && *known == version
        {
            return compiled.clone();
        }
        let compiled = match &object.0 {
            Ok(matrix) => Matrix::compile(&name, &matrix.spec).map(Arc::new).map_err(|problems| problems.join("; ")),
            Err(unread) => Err(unread.sentence()),
        };
        all.insert(name, (version, compiled.clone()));
        compiled
    }

    /// Forgets one that does not exist any more.
    pub fn forget(&self, name: &str) {
        self.compiled.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
    }
}
