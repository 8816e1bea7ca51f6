//! How a device is named by people, as filters for Graph and as a check of what Graph returns.
//!
//! A filter that Graph does not support is not refused but *ignored*: every device of the tenant comes back (graph-docs
//! issues 19909, 16027, 19890). So each row is checked against the selector.

use std::fmt;

use super::{request::literal, wire::DeviceRow};
use crate::graph::http::{comparable, without};

/// Longest value that is asked for; Graph's own are shorter.
const MAX_VALUE: usize = 256;

/// What `azureADDeviceId` holds on devices that are not registered in Entra.
const NIL_GUID: &str = "00000000-0000-0000-0000-000000000000";

/// How many digits an IMEI has without its check digit. Some devices report it so, others with it.
const IMEI_DIGITS: usize = 14;

/// Names one device. Values are compared trimmed and without regard to case.
#[derive(Clone, PartialEq, Eq)]
pub enum Selector {
    /// `serialNumber`.
    SerialNumber(String),
    /// `imei`, compared without white space, and with or without its check digit where that fits.
    Imei(String),
    /// `id`: Intune's id of the device record.
    ManagedDeviceId(String),
    /// `azureADDeviceId`: Entra's id of the device.
    AzureAdDeviceId(String),
    /// `userPrincipalName`, and what tells that person's devices apart.
    User {
        /// The user's principal name.
        principal_name: String,
        /// `deviceName`, compared without the differences that typing and storing make.
        device_name: Option<String>,
        /// `operatingSystem`.
        operating_system: Option<String>,
    },
}

/// Values may be personal data: only the kind is printed.
impl fmt::Debug for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SerialNumber(_) => "SerialNumber(..)",
            Self::Imei(_) => "Imei(..)",
            Self::ManagedDeviceId(_) => "ManagedDeviceId(..)",
            Self::AzureAdDeviceId(_) => "AzureAdDeviceId(..)",
            Self::User { .. } => "User(..)",
        })
    }
}

/// One list read on the way to an answer; the next is made if it finds nothing.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ListQuery {
    pub(super) filter: String,
    /// Whether the filter says all that the selector says; else rows are narrowed here.
    pub(super) complete: bool,
    /// Whether it is made although an earlier one found something, because what it finds counts as well.
    pub(super) besides: bool,
}

impl ListQuery {
    fn complete(filter: String) -> Self {
        Self { filter, complete: true, besides: false }
    }
}

impl Selector {
    /// What keeps this selector from being asked for, if anything does.
    pub(super) fn problem(&self) -> Option<&'static str> {
        if matches!(self, Self::AzureAdDeviceId(v) if v.trim() == NIL_GUID) {
            return Some("An azureADDeviceId of zeros is that of every unregistered device.");
        }
        let values = self.values();
        if values.iter().any(|v| v.trim().is_empty()) {
            return Some("The device's selector is empty.");
        }
        let too_long = values.iter().any(|v| v.chars().count() > MAX_VALUE);
        too_long.then_some("The device's selector is longer than any that Intune has.")
    }

    /// A text of Graph's without the values of this selector, in no letter case and no encoding.
    #[must_use]
    pub fn hide(&self, text: &str) -> String {
        let forms = match self {
            Self::Imei(imei) => other_form(&compact(imei)),
            _ => None,
        };
        without(text, self.values().into_iter().chain(forms.as_deref()))
    }

    fn values(&self) -> Vec<&str> {
        match self {
            Self::SerialNumber(v) | Self::Imei(v) | Self::ManagedDeviceId(v) | Self::AzureAdDeviceId(v) => vec![v],
            Self::User { principal_name, device_name, operating_system } => {
                let values = [Some(principal_name), device_name.as_ref(), operating_system.as_ref()];
                values.into_iter().flatten().map(String::as_str).collect()
            }
        }
    }

    /// The list reads to make, in order; none for a `ManagedDeviceId`, which is read directly.
    ///
    /// Whether Graph compares with regard to case is not documented. Serial numbers are mostly upper case; names are
    /// narrowed here if the exact filter finds none. The properties used are those whose descriptions name `eq`,
    /// combined by `and` as the entity's description demands.
    pub(super) fn queries(&self) -> Vec<ListQuery> {
        match self {
            Self::ManagedDeviceId(_) => Vec::new(),
            Self::SerialNumber(serial) => {
                let serial = serial.trim();
                let upper = serial.to_uppercase();
                let mut queries = vec![ListQuery::complete(equals("serialNumber", serial))];
                if upper != serial {
                    queries.push(ListQuery::complete(equals("serialNumber", &upper)));
                }
                queries
            }
            Self::Imei(imei) => {
                let other = other_form(&compact(imei)).map(|other| ListQuery::complete(equals("imei", &other)));
                let other = other.map(|query| ListQuery { besides: true, ..query });
                [ListQuery::complete(equals("imei", imei))].into_iter().chain(other).collect()
            }
            Self::AzureAdDeviceId(id) => vec![ListQuery::complete(equals("azureADDeviceId", id))],
            Self::User { principal_name, device_name, operating_system } => {
                let user = equals("userPrincipalName", principal_name);
                let name = device_name.iter().map(|v| equals("deviceName", v));
                let system = operating_system.iter().map(|v| equals("operatingSystem", v));
                let narrowed = [user.clone()].into_iter().chain(name).chain(system);
                let narrowed = narrowed.collect::<Vec<_>>().join(" and ");
                let by_user = (narrowed != user).then(|| ListQuery { complete: false, ..ListQuery::complete(user) });
                [ListQuery::complete(narrowed)].into_iter().chain(by_user).collect()
            }
        }
    }

    /// Whether `row` is a device that this selector names.
    pub(super) fn matches(&self, row: &DeviceRow) -> bool {
        let narrow = match self {
            Self::User { device_name, operating_system, .. } => {
                let name = device_name.as_deref();
                let system = operating_system.as_deref();
                name.is_none_or(|v| row.device_name.as_deref().is_some_and(|name| comparable(name) == comparable(v)))
                    && system.is_none_or(|v| same(v, row.operating_system.as_deref()))
            }
            _ => true,
        };
        narrow && self.matches_key(row)
    }

    /// Whether `row` has the selector's first property: of a user, whether it is a device of that user.
    pub(super) fn matches_key(&self, row: &DeviceRow) -> bool {
        match self {
            Self::SerialNumber(v) => same(v, row.serial_number.as_deref()),
            Self::Imei(v) => {
                let (wanted, found) = (compact(v), row.imei.as_deref().map(compact).unwrap_or_default());
                wanted == found || other_form(&wanted).is_some_and(|other| other == found)
            }
            Self::ManagedDeviceId(v) => same(v, row.id.as_deref()),
            Self::AzureAdDeviceId(v) => same(v, row.azure_ad_device_id.as_deref()),
            Self::User { principal_name, .. } => same(principal_name, row.user_principal_name.as_deref()),
        }
    }
}

fn compact(imei: &str) -> String {
    imei.split_whitespace().collect()
}

/// An IMEI of 14 digits with its check digit, one of 15 without it; `None` where the check digit does not fit, or it is none.
fn other_form(imei: &str) -> Option<String> {
    let digits: Vec<u32> = imei.chars().map(|c| c.to_digit(10)).collect::<Option<_>>()?;
    let (number, check) = digits.split_at_checked(IMEI_DIGITS)?;
    let sum = number.iter().enumerate().map(|(at, digit)| match at % 2 {
        0 => *digit,
        _ => digit * 2 / 10 + digit * 2 % 10,
    });
    let fits = (10 - sum.sum::<u32>() % 10) % 10;
    match check {
        [] => Some(format!("{imei}{fits}")),
        [check] if *check == fits => Some(imei.chars().take(IMEI_DIGITS).collect()),
        _ => None,
    }
}

fn equals(property: &str, value: &str) -> String {
    format!("{property} eq {}", literal(value.trim()))
}

fn same(wanted: &str, found: Option<&str>) -> bool {
    found.is_some_and(|found| found.trim().to_lowercase() == wanted.trim().to_lowercase())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn filters(selector: &Selector) -> Vec<String> {
        let queries = selector.queries().into_iter();
        queries.map(|query| query.filter).collect()
    }

    fn user(name: Option<&str>, system: Option<&str>) -> Selector {
        Selector::User {
            principal_name: " o'neil@contoso.test ".to_owned(),
            device_name: name.map(str::to_owned),
            operating_system: system.map(str::to_owned),
        }
    }

    #[test]
    fn serial_numbers_are_tried_again_in_upper_case() {
        let selector = Selector::SerialNumber(" f9Fx ".to_owned());
        assert_eq!(filters(&selector), ["serialNumber eq 'f9Fx'", "serialNumber eq 'F9FX'"]);
        let selector = Selector::SerialNumber("F9FX".to_owned());
        assert_eq!(filters(&selector), ["serialNumber eq 'F9FX'"]);
    }

    #[test]
    fn filters_quote_and_combine_by_and() {
        assert_eq!(filters(&user(None, None)), ["userPrincipalName eq 'o''neil@contoso.test'"]);
        assert_eq!(
            filters(&user(Some("o'phone"), Some("iOS"))),
            [
                "userPrincipalName eq 'o''neil@contoso.test' and deviceName eq 'o''phone' and operatingSystem eq 'iOS'",
                "userPrincipalName eq 'o''neil@contoso.test'",
            ]
        );
        assert_eq!(filters(&Selector::AzureAdDeviceId("1-2".to_owned())), ["azureADDeviceId eq '1-2'"]);
        assert_eq!(filters(&Selector::Imei("35 1".to_owned())), ["imei eq '35 1'"]);
        assert!(filters(&Selector::ManagedDeviceId("1".to_owned())).is_empty());
    }

    #[test]
    fn rows_are_compared_trimmed_and_without_case() {
        let row: DeviceRow = serde_json::from_value(serde_json::json!({
            "serialNumber": " F9FX ", "imei": "35 123", "userPrincipalName": "O'Neil@Contoso.test", "deviceName": "Ophone",
            "operatingSystem": "iOS",
        }))
        .unwrap();
        let matching = [
            Selector::SerialNumber("f9fx".to_owned()),
            Selector::Imei("35123".to_owned()),
            user(Some("OPHONE "), Some("ios")),
            user(None, None),
        ];
        assert!(matching.iter().all(|selector| selector.matches(&row)));
        assert!(!user(Some("other"), None).matches(&row));
        assert!(user(Some("other"), None).matches_key(&row));
        assert!(!user(None, Some("Android")).matches(&row));
        assert!(!Selector::AzureAdDeviceId("1".to_owned()).matches(&row));
        assert!(!Selector::SerialNumber("f9f".to_owned()).matches(&row));
    }

    #[test]
    fn what_names_no_device_or_all_is_not_asked() {
        for selector in [
            Selector::SerialNumber(" ".to_owned()),
            Selector::Imei(String::new()),
            Selector::AzureAdDeviceId(NIL_GUID.to_owned()),
            Selector::SerialNumber("x".repeat(MAX_VALUE + 1)),
            user(Some(""), None),
        ] {
            assert!(selector.problem().is_some(), "{selector:?}");
        }
        assert_eq!(user(Some("x"), Some("y")).problem(), None);
    }

    #[test]
    fn debug_prints_no_value() {
        let selector = user(Some("secret-phone"), None);
        assert_eq!(format!("{selector:?}"), "User(..)");
    }
}
