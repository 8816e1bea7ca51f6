//! Scripted faults: which requests go wrong, and how.

use crate::dice::Dice;
use crate::settings::RetryAfter;
use http::Method;
use serde::Serialize;
use std::time::Duration;

/// What kind of request it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum PathClass {
    /// Entra's token endpoint.
    Token,
    /// The list of managed devices, its pages too.
    List,
    /// One managed device.
    Read,
    /// `resetPasscode`, `recoverPasscode`.
    Action,
    /// The envelope of a `$batch`; its items have classes of their own.
    Batch,
    /// Anything else, all of it refused.
    Other,
}

/// What happens to a request that a [`Rule`] picked. Unless told otherwise nothing is executed and the answer comes at once.
#[derive(Clone, Debug)]
pub struct Fault {
    pub(crate) reply: Reply,
    pub(crate) execution: Execution,
    pub(crate) delay: Duration,
    pub(crate) without_date: bool,
    pub(crate) without_request_id: bool,
}

#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// Whatever would have been answered.
    Normal,
    Status(FaultStatus),
    RefusedBeforeSending,
    LostAfterSending,
    Reset,
    CutBody,
    MalformedJson,
    /// As an item of a batch: missing from the answer.
    LeftOut,
    /// As an item of a batch: there twice.
    Repeated,
    /// The real page, and a link to a next one.
    WithNextLink,
    /// The real device, and its record of actions is `[]`.
    EmptyLedger,
}

#[derive(Clone, Debug)]
pub(crate) struct FaultStatus {
    pub status: u16,
    pub body: FaultBody,
    pub retry_after: Option<(Duration, RetryAfter)>,
    pub location: Option<String>,
    pub cut: bool,
}

/// The error body that goes with the status.
#[derive(Clone, Debug)]
pub(crate) enum FaultBody {
    /// The one that is usual for the status.
    Usual,
    /// 400 with Intune's own JSON in the message.
    RefusedByIntune,
    UnknownSegment,
    ApprovalRequired,
    /// Another form of Multi Admin Approval, by this sentence of Intune's.
    Approval(&'static str),
    /// Written by a proxy on the way.
    Html,
    /// Graph's error document with this code and message.
    Error(String, String),
}

/// What becomes of the action that the request asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Execution {
    No,
    Once,
    Twice,
    After(Duration),
}

impl Fault {
    fn replying(reply: Reply) -> Self {
        Self { reply, execution: Execution::No, delay: Duration::ZERO, without_date: false, without_request_id: false }
    }

    fn with_body(status: u16, body: FaultBody) -> Self {
        Self::replying(Reply::Status(FaultStatus { status, body, retry_after: None, location: None, cut: false }))
    }

    /// Nothing is wrong with the answer; to be combined with `slow`, `without_date`, …
    pub fn none() -> Self {
        Self { execution: Execution::Once, ..Self::replying(Reply::Normal) }
    }

    /// This status, with the body that is usual for it.
    pub fn status(status: u16) -> Self {
        Self::with_body(status, FaultBody::Usual)
    }

    /// This status, with an HTML page by a proxy on the way: no id of Graph's.
    pub fn html(status: u16) -> Self {
        Self::with_body(status, FaultBody::Html).without_request_id()
    }

    /// This status, with Graph's error document.
    pub fn error(status: u16, code: &str, message: &str) -> Self {
        Self::with_body(status, FaultBody::Error(code.to_owned(), message.to_owned()))
    }

    /// A list's page has a link to a next one, although it holds all that there is: the next one is empty.
    pub fn with_next_link() -> Self {
        Self { execution: Execution::Once, ..Self::replying(Reply::WithNextLink) }
    }

    /// The device's record of actions is shown empty.
    pub fn empty_ledger() -> Self {
        Self { execution: Execution::Once, ..Self::replying(Reply::EmptyLedger) }
    }

    /// 400 as Intune refuses an action: no reason, its own JSON in the message.
    pub fn refused_by_intune() -> Self {
        Self::with_body(400, FaultBody::RefusedByIntune)
    }

    /// 400 "Resource not found for the segment".
    pub fn unknown_segment() -> Self {
        Self::with_body(400, FaultBody::UnknownSegment)
    }

    /// 403 of Multi Admin Approval.
    pub fn approval_required() -> Self {
        Self::with_body(403, FaultBody::ApprovalRequired)
    }

    /// 400 of Multi Admin Approval, to a request without a justification.
    pub fn approval_not_justified() -> Self {
        Self::with_body(
            400,
            FaultBody::Approval("Header 'x-msft-approval-justification' is required to request approval"),
        )
    }

    /// 412 of Multi Admin Approval, which has filed a request for approval.
    pub fn approval_filed() -> Self {
        Self::with_body(412, FaultBody::Approval("Approval is required for this operation"))
    }

    /// 409 of Multi Admin Approval, while a request for approval is pending.
    pub fn approval_pending() -> Self {
        Self::with_body(409, FaultBody::Approval("An active Approval Request already exists for this entity"))
    }

    /// 429.
    pub fn throttled(wait: Duration, form: RetryAfter) -> Self {
        Self::status(429).with_retry_after(wait, form)
    }

    /// 302 to another place.
    pub fn redirect(location: &str) -> Self {
        let mut redirect = Self::status(302);
        if let Reply::Status(status) = &mut redirect.reply {
            status.location = Some(location.to_owned());
        }
        redirect
    }

    /// The connection cannot be made.
    pub fn connection_refused() -> Self {
        Self::replying(Reply::RefusedBeforeSending)
    }

    /// The request is sent, the connection ends before an answer.
    pub fn lost() -> Self {
        Self::replying(Reply::LostAfterSending)
    }

    /// The request is sent, the connection is reset before an answer.
    pub fn reset() -> Self {
        Self::replying(Reply::Reset)
    }

    /// The request is sent and nothing ever comes back. Clients must have a time-out.
    pub fn hang() -> Self {
        Self::lost().slow(Duration::from_secs(86_400))
    }

    /// The real answer, cut in the middle of its body.
    pub fn cut_body() -> Self {
        Self { execution: Execution::Once, ..Self::replying(Reply::CutBody) }
    }

    /// The real answer's body is not JSON.
    pub fn malformed_json() -> Self {
        Self { execution: Execution::Once, ..Self::replying(Reply::MalformedJson) }
    }

    /// A proxy sends the request twice; the answer is as usual.
    pub fn duplicated() -> Self {
        Self::none().executed_twice()
    }

    /// As an item of a `$batch`: the answer does not contain it.
    pub fn left_out_of_batch() -> Self {
        Self::replying(Reply::LeftOut)
    }

    /// As an item of a `$batch`: the answer contains it twice.
    pub fn repeated_in_batch() -> Self {
        Self { execution: Execution::Once, ..Self::replying(Reply::Repeated) }
    }

    /// The action is executed at once, whatever the answer says.
    pub fn executed(mut self) -> Self {
        self.execution = Execution::Once;
        self
    }

    /// The action is executed twice, as where a proxy repeats the request, whatever the answer says.
    pub fn executed_twice(mut self) -> Self {
        self.execution = Execution::Twice;
        self
    }

    /// The action is not executed, whatever the answer says.
    pub fn not_executed(mut self) -> Self {
        self.execution = Execution::No;
        self
    }

    /// The action is executed this much later, whatever the answer says and whether or not the client still waits.
    pub fn executed_after(mut self, delay: Duration) -> Self {
        self.execution = Execution::After(delay);
        self
    }

    /// The answer comes this much later than usual.
    pub fn slow(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// With `Retry-After` in this form.
    pub fn with_retry_after(mut self, wait: Duration, form: RetryAfter) -> Self {
        if let Reply::Status(status) = &mut self.reply {
            status.retry_after = Some((wait, form));
        }
        self
    }

    /// Half of the body does not come: the connection ends in it, or the client's time. Only of a scripted status.
    pub fn cut(mut self) -> Self {
        if let Reply::Status(status) = &mut self.reply {
            status.cut = true;
        }
        self
    }

    /// The answer has no `Date` header.
    pub fn without_date(mut self) -> Self {
        self.without_date = true;
        self
    }

    /// The answer has neither `request-id` nor `client-request-id`.
    pub fn without_request_id(mut self) -> Self {
        self.without_request_id = true;
        self
    }
}

/// Which requests get a [`Fault`]. Rules are tried in the order they were added; the first that picks the request decides.
#[derive(Clone, Debug)]
pub struct Rule {
    class: Option<PathClass>,
    method: Option<Method>,
    device: Option<String>,
    query: Option<String>,
    skip: u64,
    times: Option<u64>,
    chance: Option<(f64, Dice)>,
    fault: Fault,
}

impl Rule {
    /// Every request of this class.
    pub fn on(class: PathClass, fault: Fault) -> Self {
        Self { class: Some(class), ..Self::everywhere(fault) }
    }

    /// Every request.
    pub fn everywhere(fault: Fault) -> Self {
        Self { class: None, method: None, device: None, query: None, skip: 0, times: None, chance: None, fault }
    }

    /// Only with this method.
    pub fn method(mut self, method: Method) -> Self {
        self.method = Some(method);
        self
    }

    /// Only about this managed device.
    pub fn device(mut self, id: &str) -> Self {
        self.device = Some(id.to_owned());
        self
    }

    /// Only where the query has this text, as it is on the wire.
    pub fn asking(mut self, text: &str) -> Self {
        self.query = Some(text.to_owned());
        self
    }

    /// Only the `n`th such request, counted from 1.
    pub fn nth(self, n: u64) -> Self {
        self.after(n.saturating_sub(1)).times(1)
    }

    /// Not the first `count` such requests.
    pub fn after(mut self, count: u64) -> Self {
        self.skip = count;
        self
    }

    /// At most so many times.
    pub fn times(mut self, count: u64) -> Self {
        self.times = Some(count);
        self
    }

    /// Once.
    pub fn once(self) -> Self {
        self.times(1)
    }

    /// In a share of `probability` of the cases, the same ones for the same seed.
    pub fn with_probability(mut self, probability: f64, seed: u64) -> Self {
        self.chance = Some((probability, Dice::seeded(seed)));
        self
    }

    fn picks(&mut self, method: &Method, class: PathClass, device: Option<&str>, query: Option<&str>) -> bool {
        let fits = self.class.is_none_or(|wanted| wanted == class)
            && self.method.as_ref().is_none_or(|wanted| wanted == method)
            && self.query.as_ref().is_none_or(|wanted| query.is_some_and(|query| query.contains(wanted.as_str())))
            && self.device.as_ref().is_none_or(|wanted| device.is_some_and(|id| id.eq_ignore_ascii_case(wanted)));
        if !fits || self.times == Some(0) {
            return false;
        }
        if self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        if let Some((probability, dice)) = &mut self.chance
            && !dice.hits(*probability)
        {
            return false;
        }
        self.times = self.times.map(|left| left - 1);
        true
    }
}

/// The rules in force.
#[derive(Debug, Default)]
pub(crate) struct FaultScript {
    rules: Vec<Rule>,
}

impl FaultScript {
    pub fn add(&mut self, rule: Rule) {
        self.rules.push(rule);
    }

    pub fn clear(&mut self) {
        self.rules.clear();
    }

    pub fn pick(
        &mut self,
        method: &Method,
        class: PathClass,
        device: Option<&str>,
        query: Option<&str>,
    ) -> Option<Fault> {
        self.rules.iter_mut().find_map(|rule| rule.picks(method, class, device, query).then(|| rule.fault.clone()))
    }
}
