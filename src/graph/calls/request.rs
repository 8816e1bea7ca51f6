//! Every request that can be made of Graph: three reads, with the further pages of a list, and one action.
//! There is no way to build another.

use bytes::Bytes;
use http::{HeaderValue, Method, Request, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

/// RFC 3986's unreserved characters need no encoding.
const QUERY_VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What identifies and classifies a device. `hardwareInformation` is asked for in single reads only: lists fill it with
/// defaults (beta schema, its description).
const DEVICE: &str = "id,operatingSystem,osVersion,deviceEnrollmentType,deviceType,managementAgent,\
     managedDeviceOwnerType,managementState,model,serialNumber,imei,azureADDeviceId,userId,userPrincipalName,\
     deviceName,isSupervised,lastSyncDateTime,enrolledDateTime";

/// What a single read asks for besides, for the cluster's own rules about a claim.
const FACTS: &str = "hardwareInformation,manufacturer,deviceCategoryDisplayName,enrollmentProfileName,complianceState";

/// What it shows of the ledger, so that it is a look, too.
const RECORD: &str = "deviceActionResults";

/// What a look reads.
const LEDGER: &str = "id,deviceActionResults,enrolledDateTime,lastSyncDateTime";

/// The list of devices.
const DEVICES: &str = "/beta/deviceManagement/managedDevices";

/// The longest link that is followed, in bytes.
const MAX_LINK: usize = 8_192;

/// Rows of a list read; it is only there to tell one device from several.
const TOP: usize = 25;

/// Longest id of a device record that is accepted. Intune's are GUIDs.
const MAX_ID: usize = 64;

/// Without it Graph hides enum members added since the version was published (its best practices article).
const ALL_MEMBERS: &str = "include-unknown-enum-members";

/// What can be asked of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// `resetPasscode`: removes the passcode of an iOS device, replaces that of an Android one.
    ResetPasscode,
    /// `recoverPasscode`: resets the PIN of Windows 10 Mobile.
    RecoverPasscode,
}

impl Action {
    /// Graph's name of it, also in `deviceActionResults`.
    pub fn name(self) -> &'static str {
        match self {
            Self::ResetPasscode => "resetPasscode",
            Self::RecoverPasscode => "recoverPasscode",
        }
    }
}

/// The id of a device record, safe as a segment of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DeviceId(String);

impl DeviceId {
    /// `None` for anything but `[0-9A-Za-z-]{1,64}`.
    pub(super) fn parse(id: &str) -> Option<Self> {
        let safe = id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        (safe && (1..=MAX_ID).contains(&id.len())).then(|| Self(id.to_owned()))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `id` is the same id; Graph's are GUIDs, whose letters have no case.
    pub(super) fn is(&self, id: &str) -> bool {
        self.0.eq_ignore_ascii_case(id)
    }
}

/// A further page of the list of devices, as the link in an earlier one names it.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct NextPage(String);

impl NextPage {
    /// `None` for a link that leads to anywhere but that list at `graph` (an origin): a token is sent with it. Its query is Graph's own and is
    /// taken as it is.
    pub(super) fn parse(link: &str, graph: &str) -> Option<Self> {
        if link.len() > MAX_LINK {
            return None;
        }
        let url = Url::parse(link).ok()?;
        let is_list = url.origin().ascii_serialization() == graph && url.path().eq_ignore_ascii_case(DEVICES);
        let bare = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
        url.query().filter(|_| is_list && bare).map(|query| Self(query.to_owned()))
    }
}

/// One call to Graph.
#[derive(Clone)]
pub(super) enum Call {
    /// The devices that `filter` finds (beta).
    List { filter: String },
    /// More of them (beta).
    Page { page: NextPage },
    /// One device, to classify it, and its ledger (beta: v1.0 lacks `deviceType` and the enrolment types of Android Enterprise).
    Device { id: DeviceId },
    /// One device's ledger (v1.0).
    Look { id: DeviceId },
    /// The one call that changes something (v1.0).
    Act { id: DeviceId, action: Action },
}

impl Call {
    fn method(&self) -> Method {
        match self {
            Self::List { .. } | Self::Page { .. } | Self::Device { .. } | Self::Look { .. } => Method::GET,
            Self::Act { .. } => Method::POST,
        }
    }

    /// The path without what identifies a device or a person, for logs.
    pub(super) fn template(&self) -> &'static str {
        match self {
            Self::List { .. } | Self::Page { .. } => DEVICES,
            Self::Device { .. } => "/beta/deviceManagement/managedDevices/{id}",
            Self::Look { .. } => "/v1.0/deviceManagement/managedDevices/{id}",
            Self::Act { action, .. } => match action {
                Action::ResetPasscode => "/v1.0/deviceManagement/managedDevices/{id}/resetPasscode",
                Action::RecoverPasscode => "/v1.0/deviceManagement/managedDevices/{id}/recoverPasscode",
            },
        }
    }

    fn path_and_query(&self) -> String {
        let path = self.template();
        match self {
            Self::List { filter } => {
                let filter = utf8_percent_encode(filter, QUERY_VALUE);
                format!("{path}?$filter={filter}&$select={DEVICE}&$top={TOP}")
            }
            Self::Page { page: NextPage(query) } => format!("{path}?{query}"),
            Self::Device { id } => {
                format!("{}?$select={DEVICE},{FACTS},{RECORD}", fill(path, id))
            }
            Self::Look { id } => format!("{}?$select={LEDGER}", fill(path, id)),
            Self::Act { id, .. } => fill(path, id),
        }
    }

    /// The request, to `graph` (an origin) and nowhere else, with the bearer token.
    pub(super) fn request(
        &self,
        graph: &str,
        bearer: &HeaderValue,
        client_request_id: &str,
    ) -> Result<Request<Bytes>, http::Error> {
        let request = Request::builder()
            .method(self.method())
            .uri(format!("{graph}{}", self.path_and_query()))
            .header(header::AUTHORIZATION, bearer)
            .header(header::ACCEPT, "application/json")
            .header("client-request-id", client_request_id);
        match self {
            Self::Act { .. } => request.header(header::CONTENT_LENGTH, 0).body(Bytes::new()),
            _ => request.header("Prefer", ALL_MEMBERS).body(Bytes::new()),
        }
    }
}

fn fill(template: &str, id: &DeviceId) -> String {
    template.replacen("{id}", &id.0, 1)
}

/// A string as an OData literal.
pub(super) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    const GRAPH: &str = "https://graph.test";

    fn calls(id: &str, filter: &str) -> Vec<Call> {
        let id = DeviceId::parse(id).unwrap();
        vec![
            Call::List { filter: filter.to_owned() },
            Call::Device { id: id.clone() },
            Call::Look { id: id.clone() },
            Call::Act { id: id.clone(), action: Action::ResetPasscode },
            Call::Act { id, action: Action::RecoverPasscode },
        ]
    }

    fn build(call: &Call) -> Request<Bytes> {
        let bearer = HeaderValue::from_static("Bearer t");
        call.request(GRAPH, &bearer, "c-1").unwrap()
    }

    #[test]
    fn the_requests_word_for_word() {
        let lines: Vec<String> = calls("a1-B2", "serialNumber eq 'O''Neil & 1'")
            .iter()
            .map(build)
            .map(|request| format!("{} {}", request.method(), request.uri()))
            .collect();
        let devices = "https://graph.test/beta/deviceManagement/managedDevices";
        let device = "https://graph.test/v1.0/deviceManagement/managedDevices/a1-B2";
        assert_eq!(
            lines,
            [
                format!(
                    "GET {devices}?$filter=serialNumber%20eq%20%27O%27%27Neil%20%26%201%27&$select={DEVICE}&$top=25"
                ),
                format!("GET {devices}/a1-B2?$select={DEVICE},{FACTS},{RECORD}"),
                format!("GET {device}?$select={LEDGER}"),
                format!("POST {device}/resetPasscode"),
                format!("POST {device}/recoverPasscode"),
            ]
        );
    }

    #[test]
    fn headers_of_reads_and_of_actions() {
        for call in calls("a1", "x") {
            let request = build(&call);
            let header = |name: &str| request.headers().get(name).map(|v| v.to_str().unwrap());
            assert_eq!(header("authorization"), Some("Bearer t"));
            assert_eq!(header("client-request-id"), Some("c-1"));
            assert!(request.body().is_empty());
            if request.method() == Method::POST {
                assert_eq!(header("content-length"), Some("0"));
                assert_eq!(header("prefer"), None);
            } else {
                assert_eq!(header("prefer"), Some("include-unknown-enum-members"));
            }
        }
    }

    #[test]
    fn a_next_page_is_of_the_same_list_at_the_same_graph() {
        let good =
            "https://Graph.test:443/beta/deviceManagement/managedDevices?$filter=a%20eq%20%27b%27&$skiptoken=X%3d";
        let page = NextPage::parse(good, GRAPH).unwrap();
        let request = build(&Call::Page { page });
        assert_eq!(request.method(), Method::GET);
        let line = "https://graph.test/beta/deviceManagement/managedDevices?$filter=a%20eq%20%27b%27&$skiptoken=X%3d";
        assert_eq!(request.uri(), line);
        for bad in [
            "x",
            "",
            "/beta/deviceManagement/managedDevices?$skiptoken=x",
            "http://graph.test/beta/deviceManagement/managedDevices?$skiptoken=x",
            "https://graph.test:444/beta/deviceManagement/managedDevices?$skiptoken=x",
            "https://graph.test.evil.test/beta/deviceManagement/managedDevices?$skiptoken=x",
            "https://evil.test/beta/deviceManagement/managedDevices?$skiptoken=x",
            "https://graph.test@evil.test/beta/deviceManagement/managedDevices?$skiptoken=x",
            "https://user@graph.test/beta/deviceManagement/managedDevices?$skiptoken=x",
            "https://graph.test/v1.0/deviceManagement/managedDevices?$skiptoken=x",
            "https://graph.test/beta/deviceManagement/managedDevices/1?$skiptoken=x",
            "https://graph.test/beta/deviceManagement/managedDevices/../../users?$skiptoken=x",
            "https://graph.test/beta/deviceManagement/managedDevices",
            &format!("{good}{}", "x".repeat(MAX_LINK)),
        ] {
            assert!(NextPage::parse(bad, GRAPH).is_none(), "{bad}");
        }
    }

    #[test]
    fn an_id_is_letters_digits_and_hyphens() {
        for bad in ["", "a/b", "..", "a b", "a%2f", "a?b", "ä", "a'b", &"a".repeat(65)] {
            assert_eq!(DeviceId::parse(bad), None, "{bad}");
        }
        let id = DeviceId::parse("0A-f").unwrap();
        assert!(id.is("0a-F") && !id.is("0a-e"));
    }

    #[test]
    fn a_quote_cannot_end_a_literal() {
        assert_eq!(literal("x' or 'a' eq 'a"), "'x'' or ''a'' eq ''a'");
    }

    proptest! {
        /// Whatever is asked: no method but GET, except for the two actions; no host but Graph's; no other path.
        #[test]
        fn nothing_else_can_be_built(id in "[0-9A-Za-z-]{1,64}", filter in any::<String>(), link in "\\PC{0,40}") {
            let mut seen = BTreeSet::new();
            let list = format!("{GRAPH}{DEVICES}");
            let links = [link.clone(), format!("{list}{link}"), format!("{list}?{link}")];
            let pages = links.iter().filter_map(|link| NextPage::parse(&link.replace('&', ""), GRAPH));
            for call in calls(&id, &filter).into_iter().chain(pages.map(|page| Call::Page { page })) {
                let request = build(&call);
                let uri = request.uri();
                prop_assert_eq!(uri.scheme_str(), Some("https"));
                prop_assert_eq!(uri.authority().unwrap().as_str(), "graph.test");
                prop_assert_eq!(uri.path(), call.template().replace("{id}", &id));
                prop_assert!(uri.query().unwrap_or_default().matches('&').count() <= 2);
                seen.insert((request.method().to_string(), call.template()));
            }
            let posts: Vec<_> = seen.iter().filter(|(method, _)| method != "GET").collect();
            prop_assert_eq!(posts.len(), 2);
            let ours = |path: &str| path.ends_with("/resetPasscode") || path.ends_with("/recoverPasscode");
            let only_ours = posts.iter().all(|(method, path)| method == "POST" && ours(path));
            prop_assert!(only_ours);
        }
    }
}
