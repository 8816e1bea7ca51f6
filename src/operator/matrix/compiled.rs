//! The PlatformSupportMatrix objects: compiled, and told what is wrong with them.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use kube::{
    Api, ResourceExt,
    api::{Patch, PatchParams, ValidationDirective},
};
use serde_json::json;

use crate::operator::{
    calls::{CallError, call},
    context::Context,
    guarded::Guarded,
};
use passcode_core::{
    api::{
        conditions::{self, Truth, kind, reason},
        matrix::PlatformSupportMatrix,
        tenant::IntuneTenantSpec,
    },
    lifecycle::observed::NotReady,
    platform::Matrix,
};

/// The compiled matrices, by name.
pub struct Matrices {
    builtin: Arc<Matrix>,
    by_name: RwLock<HashMap<String, Compiled>>,
}

/// A matrix that can be used, or what is wrong with it.
type Compiled = Result<Arc<Matrix>, String>;

impl Default for Matrices {
    fn default() -> Self {
        Self { builtin: Arc::new(Matrix::builtin()), by_name: RwLock::default() }
    }
}

impl Matrices {
    /// The matrix that decides for a tenant.
    ///
    /// # Errors
    /// The tenant's trouble, where its matrix is missing or bad.
    pub fn of(&self, tenant: &IntuneTenantSpec) -> Result<Arc<Matrix>, NotReady> {
        let Some(reference) = &tenant.platform_support_matrix_ref else { return Ok(self.builtin.clone()) };
        let name = &reference.name;
        let message = match self.named(name) {
            Some(Ok(matrix)) => return Ok(matrix),
            Some(Err(problems)) => format!("The PlatformSupportMatrix \"{name}\" cannot be used: {problems}"),
            None => format!(
                "There is no PlatformSupportMatrix \"{name}\" (spec.platformSupportMatrixRef): create it, or leave the reference out to use \
                 the built-in one."
            ),
        };
        Err(NotReady { reason: reason::MATRIX_NOT_READY.to_owned(), message })
    }

    fn named(&self, name: &str) -> Option<Compiled> {
        self.by_name.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    fn put(&self, name: &str, compiled: Compiled) {
        self.by_name.write().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), compiled);
    }

    /// Forgets those that are not in the cluster any more; answers whether there was one.
    pub fn retain(&self, names: &[String]) -> bool {
        let mut known = self.by_name.write().unwrap_or_else(PoisonError::into_inner);
        let before = known.len();
        known.retain(|name, _| names.contains(name));
        known.len() != before
    }
}

/// Compiles a matrix: from here on it decides for the tenants that refer to it.
pub fn compile(matrix: &Guarded<PlatformSupportMatrix>, matrices: &Matrices) {
    let name = matrix.name_any();
    let compiled = match &matrix.0 {
        Ok(matrix) => Matrix::compile(&name, &matrix.spec).map(Arc::new).map_err(|problems| problems.join("; ")),
        Err(unread) => Err(unread.sentence()),
    };
    matrices.put(&name, compiled);
}

/// Writes into a matrix's status what compiling it showed.
///
/// # Errors
/// [`CallError`]: it is tried again.
pub async fn tell(
    matrix: &Guarded<PlatformSupportMatrix>,
    context: &Context,
    matrices: &Matrices,
) -> Result<(), CallError> {
    let matrix = match &matrix.0 {
        Ok(matrix) => matrix,
        Err(unread) => {
            let (client, now) = (context.client.clone(), context.clock.wall());
            return unread.tell::<PlatformSupportMatrix>(client, now, reason::INVALID_MATRIX).await;
        }
    };
    let name = matrix.name_any();
    let (truth, why, message) = match matrices.named(&name) {
        None => return Ok(()),
        Some(Ok(matrix)) => {
            let usable = "The matrix can be used; it counts where an IntuneTenant refers to it.".to_owned();
            let sentences: Vec<String> = std::iter::once(usable).chain(matrix.warnings()).collect();
            (Truth::True, reason::READY, sentences.join(" "))
        }
        Some(Err(problems)) => (Truth::False, reason::INVALID_MATRIX, problems),
    };
    let old = matrix.status.clone().unwrap_or_default();
    let mut new = old.clone();
    let (generation, now) = (matrix.metadata.generation, context.clock.wall());
    new.observed_generation = generation;
    conditions::set(&mut new.conditions, kind::READY, truth, why, &message, generation, now);
    if new == old {
        return Ok(());
    }
    let api: Api<PlatformSupportMatrix> = Api::all(context.client.clone());
    let params = PatchParams { field_validation: Some(ValidationDirective::Warn), ..PatchParams::default() };
    let patch = json!({
        "metadata": {"uid": matrix.uid(), "resourceVersion": matrix.resource_version()},
        "status": new,
    });
    match call(api.patch_status(&name, &params, &Patch::Merge(patch))).await {
        // Not so a conflict: a label moves the version too, and nothing but another try would say the status.
        Err(CallError::Gone) => Ok(()),
        // It is compiled all the same, and counts.
        Err(CallError::Denied(denial)) => {
            context.metrics.write_denied("matrix");
            tracing::warn!(matrix = name, %denial, "a matrix's status could not be written");
            Err(CallError::Denied(denial))
        }
        other => other.map(|_| ()),
    }
}
