//! The rules' tables written down a second time, what holds for any facts at all, and a few walks from end to end.

mod admission;
mod adoption;
mod announcements;
mod answers;
mod any_facts;
mod attempts;
mod before_the_look;
mod devices;
mod facts;
mod following;
mod invariants;
mod looks;
mod memory;
mod properties;
mod samples;
mod sending;
mod support;
mod toy;
mod verdicts_of_time;
mod walks;
mod without_tenant;
mod words;
