//! The whole operator in paused time, over an API server in process that keeps every version.

mod faults;
mod main_path;
mod once_only;
