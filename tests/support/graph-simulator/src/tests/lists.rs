//! Lists, filters, pages.

use super::*;
use crate::{Device, DeviceClass, planted};

const LIST: &str = "/v1.0/deviceManagement/managedDevices";

async fn ids(client: &Client, filter: &str) -> Vec<String> {
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("$filter", filter)
        .append_pair("$select", "id")
        .finish();
    let answer = client.get(&format!("{LIST}?{query}")).await;
    assert_eq!(answer.status(), 200, "{:?}", answer.body());
    json(&answer)["value"].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
}

/// A client, an iPhone and an Android phone.
async fn two() -> (Client, String, String) {
    let client = client().await;
    let apple = client.simulator.add_device(
        Device::example(DeviceClass::IPhone, 1).with_serial("F9FXK0ABCDEF").of_user("o'neil@contoso.example"),
    );
    let android =
        client.simulator.add_device(Device::example(DeviceClass::AndroidFullyManaged, 2).with_serial("R58N12345"));
    (client, apple, android)
}

#[tokio::test(start_paused = true)]
async fn documented_filters_select_rows() {
    let (client, apple, android) = two().await;
    assert_eq!(ids(&client, "serialNumber eq 'F9FXK0ABCDEF'").await, [apple.as_str()]);
    assert_eq!(ids(&client, "serialNumber eq 'f9fxk0abcdef'").await, [apple.as_str()]);
    assert_eq!(ids(&client, "serialNumber eq 'R58N12345' and operatingSystem eq 'Android'").await, [android.as_str()]);
    assert_eq!(ids(&client, "userPrincipalName eq 'o''neil@contoso.example'").await, [apple.as_str()]);
    assert_eq!(ids(&client, "userPrincipalName ne 'o''neil@contoso.example'").await, [android.as_str()]);
    assert_eq!(ids(&client, "contains(model,'iphone')").await, [apple.as_str()]);
    assert_eq!(ids(&client, "lastSyncDateTime gt 2026-11-22T06:00:00Z").await.len(), 2);
    assert_eq!(ids(&client, "enrolledDateTime lt 2026-03-03T00:00:00Z").await, [apple.as_str()]);
    client.simulator.configure(|settings| settings.serial_case_sensitive = true);
    assert!(ids(&client, "serialNumber eq 'f9fxk0abcdef'").await.is_empty());
    assert!(client.simulator.refusals().is_empty() && client.simulator.ignored_filters().is_empty());
}

#[tokio::test(start_paused = true)]
async fn unsupported_filters_are_ignored_and_everything_comes_back() {
    let (client, ..) = two().await;
    for filter in [
        "deviceEnrollmentType eq 'userEnrollment'",
        "serialNumber eq 'x' or imei eq 'y'",
        "serialNumber ne 'x'",
        "id eq 'x'",
    ] {
        assert_eq!(ids(&client, filter).await.len(), 2, "{filter}");
    }
    assert_eq!(client.simulator.ignored_filters().len(), 4);
    client.simulator.configure(|settings| settings.ignore_every_filter = true);
    assert_eq!(ids(&client, "serialNumber eq 'F9FXK0ABCDEF'").await.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn filters_that_are_not_odata_are_refused() {
    let (client, ..) = two().await;
    for filter in [
        "serialNumber eq 'x",
        "serialNumber",
        "serialNumber is 'x'",
        "colour eq 'red'",
        "serialNumber eq 'x' imei eq 'y'",
        "deviceType eq 'iPhone'",
    ] {
        let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("$filter", filter).finish();
        assert_eq!(client.get(&format!("{LIST}?{query}")).await.status(), 400, "{filter}");
    }
    assert_eq!(client.simulator.refusals().len(), 6);
}

#[tokio::test(start_paused = true)]
async fn a_device_is_found_by_what_it_is_now() {
    let (client, apple, android) = two().await;
    client.simulator.change_device(&apple, |device| {
        device.properties["serialNumber"] = serde_json::json!("NEW");
    });
    assert!(ids(&client, "serialNumber eq 'F9FXK0ABCDEF'").await.is_empty());
    assert_eq!(ids(&client, "serialNumber eq 'new'").await, [apple.as_str()]);
    let new = client.simulator.reenroll(&android, true).unwrap();
    assert_eq!(ids(&client, "serialNumber eq 'R58N12345'").await, [android.as_str(), &new]);
    client.simulator.retire(&android);
    assert_eq!(ids(&client, "serialNumber eq 'R58N12345'").await, [new.as_str()]);
}

#[tokio::test(start_paused = true)]
async fn rows_show_no_results_and_no_hardware() {
    let (client, apple, _) = two().await;
    client.simulator.plant_entry(&apple, planted::remote_lock("2026-11-01T00:00:00Z", "1234"));
    let answer = json(
        &client
            .get(
                "/beta/deviceManagement/managedDevices?$select=id,deviceActionResults,hardwareInformation,isSupervised",
            )
            .await,
    );
    let row = &answer["value"][0];
    assert_eq!(row["deviceActionResults"].as_array().unwrap().len(), 0);
    assert_eq!(
        (row["isSupervised"].as_bool(), row["hardwareInformation"]["isSupervised"].as_bool()),
        (Some(true), Some(false))
    );
    assert_eq!(json(&client.get(LIST).await)["value"][0].as_object().unwrap().len(), 56);
}

#[tokio::test(start_paused = true)]
async fn pages_are_followed_by_their_links() {
    let client = client().await;
    for number in 0..5 {
        client.simulator.add_device(Device::example(DeviceClass::IPhone, number));
    }
    client.simulator.configure(|settings| settings.page_size = 3);
    let first = json(&client.get(&format!("{LIST}?$select=id")).await);
    let link = first["@odata.nextLink"].as_str().unwrap().strip_prefix("https://graph.microsoft.com").unwrap();
    let second = json(&client.get(link).await);
    assert_eq!((first["value"].as_array().unwrap().len(), second["value"].as_array().unwrap().len()), (3, 2));
    assert!(second.get("@odata.nextLink").is_none());
    let top = json(&client.get(&format!("{LIST}?$top=5")).await);
    assert!(top.get("@odata.nextLink").is_none());
    assert!(client.simulator.refusals().is_empty());
    assert_eq!(
        client.get(&link.replace("select=id", "select=imei")).await.status(),
        400,
        "a token belongs to its options"
    );
    for query in
        ["$skiptoken=abc", "$top=0", "$top=1001", "$orderby=id", "$count=true", "$select=id&$select=id", "select=id"]
    {
        assert_eq!(client.get(&format!("{LIST}?{query}")).await.status(), 400, "{query}");
    }
}
