//! A few walks from end to end, what a pass does where reads and writes fail, how the election goes, and what
//! every answer means to a tenant.

mod answers;
mod election;
mod failures;
mod identity;
mod toy;
mod walks;
