//! The Kubernetes resources that make the operator use this simulator.

use graph_simulator::admin::Selectors;
use graph_simulator::{EXAMPLE_CLIENT, EXAMPLE_SECRET, EXAMPLE_TENANT, Server};

/// A Secret and an IntuneTenant, ready for `kubectl apply -f -`; the devices to try are comments.
pub fn manifest(server: &Server, namespace: &str, devices: &[Selectors]) -> String {
    let ca = server.ca_pem().trim_end().replace('\n', "\n      ");
    let devices: String = devices.iter().map(comment).collect();
    format!(
        "\
apiVersion: v1
kind: Secret
metadata: {{name: graph-simulator, namespace: {namespace}}}
type: Opaque
stringData:
  clientSecret: {secret:?}
---
apiVersion: passcode-operator.dev/v1alpha1
kind: IntuneTenant
metadata: {{name: default}}
spec:
  tenantId: {EXAMPLE_TENANT}
  clientId: {EXAMPLE_CLIENT}
  endpoints:
    graph: {graph}
    authority: {authority}
    caBundle: |
      {ca}
  auth:
    clientSecretRef: {{name: graph-simulator, key: clientSecret}}
  allowedNamespaces: {{}}
# Devices:
{devices}",
        secret = EXAMPLE_SECRET,
        graph = server.graph_origin(),
        authority = server.authority_origin(),
    )
}

fn comment(device: &Selectors) -> String {
    let mut line = format!("# {:?}: managedDeviceId: {}", device.class, device.managed_device_id);
    for (name, value) in [
        ("serialNumber", &device.serial_number),
        ("imei", &device.imei),
        ("userPrincipalName", &device.user_principal_name),
    ] {
        if !value.is_empty() {
            line += &format!(", {name}: {value}");
        }
    }
    line + "\n"
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;
    use graph_simulator::{Device, DeviceClass, ServeOptions, Simulator, serve};
    use serde_json::Value;

    #[tokio::test]
    async fn the_manifest_is_yaml_for_this_server() {
        let server = serve(&Simulator::new(), ServeOptions::default()).await.unwrap();
        let device = Selectors::of(&Device::example(DeviceClass::IPhone, 0));
        let text = manifest(&server, "here", &[device]);
        let documents: Vec<Value> = serde_saphyr::from_multiple(&text).unwrap();
        assert_eq!(documents[0]["stringData"]["clientSecret"], EXAMPLE_SECRET);
        assert_eq!(documents[0]["metadata"]["namespace"], "here");
        let spec = &documents[1]["spec"];
        assert_eq!(spec["endpoints"]["graph"], server.graph_origin());
        assert_eq!(spec["endpoints"]["caBundle"].as_str().unwrap().trim(), server.ca_pem().trim());
        assert_eq!(spec["allowedNamespaces"], serde_json::json!({}));
        assert!(text.contains("# IPhone: managedDeviceId: "));
    }
}
