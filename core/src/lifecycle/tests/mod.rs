//! The rules' tables written down a second time, what holds for any facts at all, and a few walks from end to end.

mod admission;
mod adoption;
mod announcements;
mod answers;
mod any_facts;
mod attempts;
mod before_the_look;
pub(crate) mod devices;
pub(crate) mod facts;
mod following;
pub(crate) mod invariants;
mod looks;
mod memory;
mod permitted;
mod properties;
mod refreshed;
pub(crate) mod samples;
mod sending;
mod support;
mod transitions;
mod verdicts_of_time;
mod without_tenant;
mod words;
