//! A few walks from end to end, what a pass does where reads and writes fail, and how the election goes.

mod election;
mod failures;
mod toy;
mod walks;
