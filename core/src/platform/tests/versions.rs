//! Versions and bounds.

use crate::platform::{OsVersion, VersionBound};

fn version(text: &str) -> OsVersion {
    text.parse().unwrap()
}

#[test]
fn leading_dotted_numbers_are_read() {
    for (text, parts) in [
        ("14.4.1 (23E224)", &[14, 4, 1][..]),
        ("17.5.1", &[17, 5, 1]),
        ("8", &[8]),
        ("8.0", &[8]),
        ("8.0.0", &[8]),
        ("10.0.15063.0", &[10, 0, 15063]),
        ("10.0.19045.4412", &[10, 0, 19045, 4412]),
        ("08.01", &[8, 1]),
        (" 13", &[13]),
        ("7.x", &[7]),
        ("7.1.2-r3", &[7, 1, 2]),
        ("7..2", &[7]),
        ("8beta.5", &[8]),
        ("12.", &[12]),
        ("0.9", &[0, 9]),
    ] {
        assert_eq!(version(text), OsVersion::new(parts), "{text:?}");
    }
}

#[test]
fn what_does_not_begin_with_a_version_is_unreadable() {
    for text in
        ["", " ", "unknown", "v8.0", "Android 8", ".5", "-1", "٨.0", "99999999999999999999", "0", "0.0", "0.0.0.0"]
    {
        let error = text.parse::<OsVersion>().unwrap_err();
        assert_eq!(error.to_string(), format!("{text:?} does not begin with a version, such as 17.5.1"));
    }
}

#[test]
fn versions_are_ordered_by_number_not_by_letter() {
    let rising =
        ["0.9", "1", "1.0.5", "1.1", "6.0.1", "7.0", "7.1.2", "8", "9", "10", "10.0.15062", "10.0.15063", "10.1"];
    for pair in rising.windows(2) {
        assert!(version(pair[0]) < version(pair[1]), "{pair:?}");
    }
}

#[test]
fn bounds_take_their_edge_or_leave_it() {
    for (bound, within, without) in [
        (">=8.0", ["8", "8.0.0", "8.1", "10"], ["7.9.9", "7", "0.1", "1"]),
        ("<7.0", ["6.0.1", "6.9", "0.1", "1"], ["7", "7.0", "7.0.0", "10"]),
        (">=10.0.15063", ["10.0.15063.0", "10.0.15254", "10.1", "11"], ["10.0.15062.9", "10", "10.0", "8.1"]),
    ] {
        let bound: VersionBound = bound.parse().unwrap();
        for text in within {
            assert!(bound.admits(&version(text)), "{bound} {text}");
        }
        for text in without {
            assert!(!bound.admits(&version(text)), "{bound} {text}");
        }
    }
}

#[test]
fn a_bound_is_one_of_two_operators_and_a_version() {
    for (text, shown) in [(">=8", ">=8.0"), (">=8.0", ">=8.0"), ("<7.0.0", "<7.0"), (">=10.0.15063", ">=10.0.15063")] {
        assert_eq!(text.parse::<VersionBound>().unwrap().to_string(), shown);
    }
    for text in [
        "", "8.0", ">8.0", "<=8.0", "=8.0", "=>8.0", ">= 8.0", ">=8.", ">=8.x", ">=", "<", "<0", ">=0.0", ">=8,<9",
        "<-7",
    ] {
        let error = text.parse::<VersionBound>().unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "{text:?} is no bound on a version: write >= or < and a version other than 0, such as \">=8.0\" or \"<7.0\""
            )
        );
    }
}
