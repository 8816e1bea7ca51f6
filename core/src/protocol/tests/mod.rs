//! A few walks from end to end, and what a pass does where reads and writes fail.

mod failures;
mod toy;
mod walks;
