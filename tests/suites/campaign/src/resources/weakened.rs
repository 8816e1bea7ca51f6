//! The campaign on definitions without some of their rules: what those rules are for has to be found missing.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    catalogue::fields,
    places::Place,
    server::Manner,
    specimens::resets,
    stage::Stage,
    values::{Change, Sort, Write},
};

/// Runs it; answers what was found.
pub async fn run(stage: &mut Stage) -> Vec<String> {
    stage.first_word = Duration::from_secs(3);
    let stage = &*stage;
    let device = stage.phone(false);
    let reset = resets("altered", &device).remove(0);
    stage.must_create(&reset).await;
    weaken(stage).await;
    let mut found = Vec::new();

    // A time without its sentence: a bare pattern.
    let (request, timeout) = (place("requestTime"), place("completionTimeout"));
    let change = Change { sort: Sort::Injection, write: Write::Put(json!("now")) };
    let object = change.applied_to(request, &resets("pattern", &device)[0]).unwrap();
    found.extend(stage.judge(
        request,
        &change,
        "weakened",
        stage.server.create(&object, Manner::DryRun).await.as_ref(),
    ));

    // A spec that may be changed.
    let change = Change { sort: Sort::Valid, write: Write::Put(json!("another")) };
    let altered = place("justification");
    stage.server.replace(&reset, Manner::Strict, |stored| change.applied_to(altered, stored)).await.unwrap().unwrap();

    // A length of time that nobody can read.
    let mut unreadable = resets("unreadable", &stage.phone(true)).remove(0);
    timeout.put(&mut unreadable, json!("7d"));
    stage.must_create(&unreadable).await;
    found.extend(stage.settled(&unreadable).await);
    found.extend(stage.at_large());
    found
}

fn place(name: &str) -> &'static Place {
    let of_resets = fields().iter().filter(|field| field.kind == "PasscodeReset");
    of_resets.map(|field| &field.place).find(|place| place.name() == name).unwrap()
}

/// Takes the rules away and waits until they are.
async fn weaken(stage: &Stage) {
    let definition = json!({
        "kind": "CustomResourceDefinition", "metadata": {"name": "passcoderesets.passcode-operator.dev"},
    });
    let weaker = stage.server.replace(&definition, Manner::Strict, |stored| {
        let mut weaker = stored.clone();
        let spec = &mut weaker["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"];
        drop_rules(spec);
        drop_rules(&mut spec["properties"]["requestTime"]);
        spec["properties"]["completionTimeout"] = json!({"type": "string"});
        Some(weaker)
    });
    weaker.await.unwrap().unwrap();
    let mut probe = resets("probe", &stage.phone(false)).remove(0);
    probe["spec"]["completionTimeout"] = json!("7d");
    for _ in 0..100 {
        if stage.server.create(&probe, Manner::DryRun).await.is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the weaker definition is not served");
}

fn drop_rules(schema: &mut Value) {
    schema.as_object_mut().unwrap().remove("x-kubernetes-validations");
}
