//! Whom the script is played to: this operator, or what people would have written instead.

use serde_json::{Value, json};
use world::objects::{HELPDESK, with};

use super::{cluster::Cluster, intune::Intune, program::Program};

/// Makes a replica of this name.
type Start<'a> = Box<dyn Fn(&Cluster, &Intune, &str) -> Program + Send + Sync + 'a>;

/// An operator that is put to the test.
pub struct Contestant<'a> {
    /// What it is called in the report.
    pub name: &'static str,
    /// How many run side by side.
    pub replicas: usize,
    /// The API group of its PasscodeResets.
    pub group: &'static str,
    /// Its own definition, where it needs one.
    pub definition: Option<String>,
    /// Makes a replica.
    pub start: Start<'a>,
}

/// Where the object's own word for its end is: `status.outcome`, or a peer's `status.phase`.
#[must_use]
pub fn end_of(object: &Value) -> Option<&str> {
    let status = &object["status"];
    status["outcome"].as_str().or_else(|| status["phase"].as_str().filter(|phase| *phase == "Complete"))
}

impl<'a> Contestant<'a> {
    /// This operator's binary, two of it.
    pub fn ours(binary: &'a std::path::Path) -> Self {
        Self {
            name: "passcode-operator",
            replicas: 2,
            group: super::cluster::GROUP,
            definition: None,
            start: Box::new(move |cluster, intune, name| Program::operator(cluster, &[intune], name, binary)),
        }
    }

    /// A declaration, the same for all but for its group.
    #[must_use]
    pub fn declaration(&self, name: &str, device: &str, requested: k8s_openapi::jiff::Timestamp) -> Value {
        let mut object =
            with(world::objects::reset(name, "", requested), json!({"device": {"managedDeviceId": device}}));
        let version = object["apiVersion"].as_str().unwrap().split('/').nth(1).unwrap().to_owned();
        object["apiVersion"] = json!(format!("{}/{version}", self.group));
        object["metadata"]["namespace"] = json!(HELPDESK);
        object
    }
}
