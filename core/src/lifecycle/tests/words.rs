//! What every sentence has to keep to, whatever it says.

use super::facts::Facts;
use crate::{
    api::{Time, reset_status::Candidate},
    lifecycle::{
        messages::{self, Expiry, SoFar},
        observed::NotReady,
    },
    platform::Platform,
};

#[test]
fn no_sentence_shows_a_fraction_of_a_second() {
    let time: Time = "2026-11-28T09:00:00.1234567Z".parse().unwrap();
    let not_ready = NotReady { reason: "TokenRefused".to_owned(), message: "Entra refuses.".to_owned() };
    let candidate = Candidate {
        managed_device_id: "1".to_owned(),
        platform: "iOS 17.5".to_owned(),
        model: "iPhone".to_owned(),
        management_state: "managed".to_owned(),
        last_sync_time: Some(time),
        enrolled_time: Some(time),
    };
    let spec = Facts::new().object.spec;
    let apple = Platform::IosDeviceEnrollment;
    for sentence in [
        messages::tenant_not_ready(&not_ready, SoFar::Nothing, time, time.0),
        messages::suspended("default", SoFar::Nothing, time),
        messages::expired_while_suspended("default", time, time),
        messages::too_far(time),
        messages::ambiguous(2, &[candidate]),
        messages::recently_reset(time, time),
        messages::verifying(None, time),
        messages::verifying(Some("Microsoft Graph answered 500."), time),
        messages::refused_until(None, time, apple),
        messages::device_busy(time),
        messages::enrolled_after(time, true, SoFar::Nothing),
        messages::expired(Expiry::new(&spec, time), SoFar::Nothing, None),
        messages::expired_without_tenant("default", Expiry::new(&spec, time)),
        messages::limit_reached("The limit is reached.", SoFar::Nothing, None, time),
        messages::scheduled(time, None),
        messages::quarantine(time),
        messages::issued(true, time, None),
        messages::issued(false, time, None),
        messages::waiting("", apple, time),
        messages::complete(true, time, apple, None),
        messages::deadline_exceeded(time),
    ] {
        assert!(sentence.contains("2026-11-28T09:00:00Z") && !sentence.contains(".123"), "{sentence}");
    }
}
