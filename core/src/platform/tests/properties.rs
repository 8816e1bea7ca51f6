//! What holds for every input.

use std::cmp::Ordering;

use proptest::prelude::*;

use crate::{
    api::matrix::{MatrixMatch, MatrixRule, PlatformSupportMatrixSpec, Support},
    platform::{
        Classification, ManagedDevice, Matrix, OsVersion, Platform, VersionBound, classify, deciding_row, raw_values,
    },
};

/// A value that rows ask for, or anything at all.
fn value(known: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop_oneof![
        3 => prop::sample::select(known).prop_map(str::to_owned),
        1 => any::<String>(),
    ]
}

fn any_device() -> impl Strategy<Value = ManagedDevice> {
    let texts = (
        value(&["", "iOS", "iPadOS", "Android", "AndroidForWork", "Windows", "macOS", "visionOS", "Linux"]),
        value(&["", "iPhone", "iPad", "android", "androidForWork", "androidEnterprise", "androidnGMS", "desktop"]),
        value(&["", "mdm", "easMdm", "googleCloudDevicePolicyController", "intuneAosp", "google", "jamf"]),
        value(&["", "userEnrollment", "unknown", "appleBulkWithUser", "appleUserEnrollment", "appleACMEBasicBYOD"]),
        value(&["company", "personal", "unknown"]),
        value(&["", "managed", "wipePending", "discovered"]),
        value(&["", "Cloud PC Enterprise", "iPad Pro", "Pixel 8"]),
    );
    let flags = (any::<bool>(), any::<bool>(), any::<Option<bool>>(), any::<Option<bool>>());
    (texts, flags).prop_map(|((os, dt, ag, et, own, state, model), (serial, user, supervised, shared))| ManagedDevice {
        operating_system: os,
        device_type: dt,
        management_agent: ag,
        enrollment_type: et,
        owner_type: own,
        management_state: state,
        model,
        has_serial_number: serial,
        has_user: user,
        is_supervised: supervised,
        is_shared_device: shared,
        ..ManagedDevice::default()
    })
}

fn any_bound() -> impl Strategy<Value = Option<String>> {
    prop_oneof![
        Just(None),
        (prop::sample::select(&[">=", "<"][..]), 1_u64..12, 0_u64..3)
            .prop_map(|(operator, major, minor)| Some(format!("{operator}{major}.{minor}"))),
    ]
}

/// Matrices that are right, of rules that refuse.
fn any_matrix() -> impl Strategy<Value = Matrix> {
    let owner = prop::sample::select(&[None, Some("company"), Some("personal")][..]);
    let rule = (prop::collection::vec(prop::sample::select(Platform::ALL), 1..4), any_bound(), owner);
    prop::collection::vec(rule, 1..8).prop_map(|rules| {
        let rules = rules.into_iter().enumerate().map(|(index, (platforms, os_version, owner))| MatrixRule {
            name: format!("r{index}"),
            matches: MatrixMatch {
                platforms: platforms.iter().map(Platform::to_string).collect(),
                os_version,
                ownership: owner.map(str::to_owned),
            },
            support: Support::Unsupported,
            action: None,
            reason: "NotHere".into(),
            guidance: None,
            prerequisites: Vec::new(),
            certainty: None,
            source: None,
        });
        let spec = PlatformSupportMatrixSpec { revision: "any".into(), sources: Vec::new(), rules: rules.collect() };
        Matrix::compile("any", &spec).unwrap()
    })
}

fn any_version() -> impl Strategy<Value = OsVersion> {
    prop::collection::vec(0_u64..4, 0..5).prop_map(|parts| OsVersion::new(&parts))
}

proptest! {
    #[test]
    fn every_device_has_a_class_and_values_to_print(device in any_device()) {
        prop_assert_eq!(deciding_row(&device).is, classify(&device));
        prop_assert!(!raw_values(&device).is_empty());
    }

    /// Reading the device alone settles it: then nothing is left that cannot be told.
    #[test]
    fn a_device_read_alone_can_be_told(device in any_device(), shared: bool) {
        let alone = ManagedDevice { is_shared_device: Some(shared), ..device };
        prop_assert_ne!(classify(&alone), Classification::CannotTellYet);
    }

    /// The id, the version and the times say nothing about the class.
    #[test]
    fn only_the_printed_values_decide(device in any_device(), id: String, version: String) {
        let other = ManagedDevice { id, os_version: version, ..device.clone() };
        prop_assert_eq!(classify(&other), classify(&device));
        prop_assert_eq!(raw_values(&other), raw_values(&device));
    }

    #[test]
    fn any_text_is_a_version_or_unreadable(text: String) {
        if let Ok(version) = text.parse::<OsVersion>() {
            prop_assert_eq!(version.to_string().parse(), Ok(version));
        }
    }

    #[test]
    fn the_order_of_versions_is_total(a in any_version(), b in any_version(), c in any_version()) {
        prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
        prop_assert_eq!(a.cmp(&b) == Ordering::Equal, a == b);
        prop_assert!(!(a <= b && b <= c) || a <= c);
    }

    #[test]
    fn missing_parts_are_zero(parts in prop::collection::vec(0_u64..4, 0..5), zeros in 0_usize..4) {
        let longer: Vec<u64> = parts.iter().copied().chain(std::iter::repeat_n(0, zeros)).collect();
        prop_assert_eq!(OsVersion::new(&parts), OsVersion::new(&longer));
    }

    /// `>=v` and `<v` leave no version to both and none to neither.
    #[test]
    fn two_bounds_at_one_edge_divide_the_versions(edge in any_version(), version in any_version()) {
        let (at_least, below) = (VersionBound::AtLeast(edge.clone()), VersionBound::Below(edge));
        prop_assert_ne!(at_least.admits(&version), below.admits(&version));
    }

    #[test]
    fn a_bound_is_read_as_it_is_printed(major in 1_u64.., rest in prop::collection::vec(any::<u64>(), 0..4), low: bool) {
        let version = OsVersion::new(&[&[major][..], &rest].concat());
        let bound = if low { VersionBound::AtLeast(version) } else { VersionBound::Below(version) };
        prop_assert_eq!(bound.to_string().parse(), Ok(bound));
    }

    #[test]
    fn any_text_is_a_bound_or_bad(text: String) {
        let _ = text.parse::<VersionBound>();
    }

    /// Every question has an answer, with an action exactly where it is yes and words in every case.
    #[test]
    fn a_verdict_is_always_given(
        platform in prop::sample::select(Platform::ALL),
        version in prop_oneof![any::<String>(), "[0-9]{1,2}(\\.[0-9]{1,3}){0,3}"],
        owner in value(&["company", "personal", "unknown", ""]),
        written in any_matrix(),
    ) {
        for matrix in [Matrix::builtin(), Matrix::builtin_2020_07(), written] {
            let verdict = matrix.verdict(platform, &version, &owner);
            prop_assert_eq!(verdict.supported, verdict.action.is_some());
            prop_assert!(!verdict.reason.is_empty() && !verdict.guidance.is_empty());
            prop_assert!(verdict.supported || verdict.prerequisites.is_empty());
        }
    }

    /// What is warned of is true, and nothing else: a rule that decides somewhere is not called idle.
    #[test]
    fn no_rule_that_decides_is_called_idle(
        matrix in any_matrix(),
        platform in prop::sample::select(Platform::ALL),
        version in any_version(),
        owner in value(&["company", "personal", "unknown"]),
    ) {
        if let Some(rule) = matrix.verdict(platform, &version.to_string(), &owner).rule {
            let idle = matrix.warnings().iter().any(|warning| warning.starts_with(&format!("rule {rule:?} ")));
            prop_assert!(!idle, "{} decides", rule);
        }
    }

    /// Whatever is written where platforms stand is read or refused with a sentence.
    #[test]
    fn any_platform_name_is_read_or_refused(name: String) {
        let known = name.parse::<Platform>().is_ok();
        let rule = MatrixRule {
            name: "r".into(),
            matches: MatrixMatch { platforms: vec![name], os_version: None, ownership: None },
            support: Support::Unsupported,
            action: None,
            reason: "NotHere".into(),
            guidance: None,
            prerequisites: Vec::new(),
            certainty: None,
            source: None,
        };
        let spec = PlatformSupportMatrixSpec { revision: "any".into(), sources: Vec::new(), rules: vec![rule] };
        prop_assert_eq!(Matrix::compile("any", &spec).is_ok(), known);
    }
}
