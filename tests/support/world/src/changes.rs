//! What people change in the world, and what tests ask of it.

use std::{collections::BTreeMap, time::Duration};

use graph_simulator::{PathClass, RequestRecord};
use k8s_openapi::{
    ByteString,
    api::core::v1::{Namespace, Secret},
};
use kube::{
    Api,
    api::{ObjectMeta, Patch, PatchParams, PostParams},
};
use passcode_core::api::{
    conditions, matrix::PlatformSupportMatrix, reset_status::PasscodeResetStatus, tenant::IntuneTenant,
};
use serde_json::{Value, json};

use super::{
    objects::{OPERATOR, reset, with},
    world::{World, check},
};

/// How long whatever is to happen by itself may take: a probe a minute, and the reset.
pub const BY_ITSELF: Duration = Duration::from_secs(150);

impl World {
    /// Changes fields of a tenant's spec.
    pub async fn change_tenant(&self, name: &str, spec: Value) {
        let tenants: Api<IntuneTenant> = Api::all(self.client.clone());
        tenants.patch(name, &PatchParams::default(), &Patch::Merge(json!({"spec": spec}))).await.unwrap();
    }

    /// Deletes a tenant.
    pub async fn delete_tenant(&self, name: &str) {
        let tenants: Api<IntuneTenant> = Api::all(self.client.clone());
        tenants.delete(name, &Default::default()).await.unwrap();
    }

    /// The reason of the tenant's Ready condition, and its sentence.
    pub async fn tenant_says(&self, name: &str) -> (String, String) {
        self.tenant_says_of(name, "Ready").await
    }

    /// The reason of a condition of the tenant, and its sentence.
    pub async fn tenant_says_of(&self, name: &str, kind: &str) -> (String, String) {
        let status = self.tenant(name).await.status.unwrap_or_default();
        conditions::get(&status.conditions, kind).map(|c| (c.reason.clone(), c.message.clone())).unwrap_or_default()
    }

    /// Waits until the tenant's Ready condition has this reason.
    pub async fn tenant_becomes(&self, name: &str, reason: &str) -> String {
        for _ in 0..150 {
            let (got, message) = self.tenant_says(name).await;
            if got == reason {
                return message;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        panic!("{name} is not {reason} but {:?}", self.tenant_says(name).await);
    }

    /// Puts the Secret `graph-credentials` into a namespace, in place of the one that is there.
    pub async fn put_secret(&self, namespace: &str, key: &str, value: &str) {
        self.replace_secret(namespace, "graph-credentials", &[(key, value)]).await;
    }

    /// Puts the Secret `graph-tls` into the operator's namespace, in place of the one that is there.
    pub async fn put_certificate(&self, certificate: &str, key: &str) {
        self.replace_secret(OPERATOR, "graph-tls", &[("tls.crt", certificate), ("tls.key", key)]).await;
    }

    async fn replace_secret(&self, namespace: &str, name: &str, values: &[(&str, &str)]) {
        let secrets: Api<Secret> = Api::namespaced(self.client.clone(), namespace);
        let _ = secrets.delete(name, &Default::default()).await;
        let values = values.iter().map(|(key, value)| ((*key).to_owned(), ByteString(value.as_bytes().to_vec())));
        let secret = Secret {
            metadata: ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() },
            data: Some(values.collect::<BTreeMap<_, _>>()),
            ..Secret::default()
        };
        secrets.create(&PostParams::default(), &secret).await.unwrap();
    }

    /// Deletes the Secret `graph-credentials` of the operator's namespace.
    pub async fn delete_secret(&self) {
        let secrets: Api<Secret> = Api::namespaced(self.client.clone(), OPERATOR);
        secrets.delete("graph-credentials", &Default::default()).await.unwrap();
    }

    /// Sets a label of a namespace, or takes it away.
    pub async fn label(&self, namespace: &str, key: &str, value: Option<&str>) {
        let namespaces: Api<Namespace> = Api::all(self.client.clone());
        let patch = json!({"metadata": {"labels": {key: value}}});
        namespaces.patch(namespace, &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
    }

    /// Creates a matrix.
    pub async fn create_matrix(&self, value: Value) {
        let matrices: Api<PlatformSupportMatrix> = Api::all(self.client.clone());
        matrices.create(&PostParams::default(), &serde_json::from_value(value).unwrap()).await.unwrap();
    }

    /// A matrix as it is stored.
    pub async fn matrix(&self, name: &str) -> PlatformSupportMatrix {
        Api::all(self.client.clone()).get(name).await.unwrap()
    }

    /// Changes fields of a matrix's spec.
    pub async fn change_matrix(&self, name: &str, spec: Value) {
        let matrices: Api<PlatformSupportMatrix> = Api::all(self.client.clone());
        matrices.patch(name, &PatchParams::default(), &Patch::Merge(json!({"spec": spec}))).await.unwrap();
    }

    /// Declares a reset, asked for now, of the device that this selector means.
    pub async fn ask(&self, name: &str, device: Value) {
        self.ask_with(name, device, json!({})).await;
    }

    /// The same with further fields of the spec.
    pub async fn ask_with(&self, name: &str, device: Value, fields: Value) {
        let object = with(reset(name, "", self.now()), json!({"device": device}));
        self.create(with(object, fields)).await;
    }

    /// Waits until the object waits for this reason with this in its sentence.
    pub async fn held(&self, name: &str, reason: &str, says: &str) -> PasscodeResetStatus {
        let held = |status: &PasscodeResetStatus| status.reason() == reason && message(status).contains(says);
        let status = self.until(name, BY_ITSELF, held).await;
        check(&status);
        assert_eq!(status.outcome, None);
        status
    }

    /// The requests of this kind that arrived.
    pub fn requests_of(&self, class: PathClass) -> Vec<RequestRecord> {
        self.graph.requests().into_iter().filter(|request| request.class == class).collect()
    }

    /// How many requests of any kind, sign-in excepted, arrived.
    pub fn requests_about_devices(&self) -> usize {
        self.graph.requests().iter().filter(|request| request.class != PathClass::Token).count()
    }
}

/// The sentence of the Ready condition.
pub fn message(status: &PasscodeResetStatus) -> &str {
    conditions::get(&status.conditions, "Ready").map_or("", |ready| ready.message.as_str())
}
