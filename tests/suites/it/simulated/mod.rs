//! The whole operator in paused time, over an API server in process that keeps every version.

mod admission;
mod authority;
mod bounds;
mod credentials;
mod crowd;
mod devices;
mod endings;
mod faults;
mod finding;
mod graph_answers;
mod holds;
mod inputs;
mod limits;
mod lost_entries;
mod main_path;
mod not_ready;
mod once_only;
mod panics;
mod restores;
mod rotation;
mod secrets;
mod signing_in;
mod tenants;
mod untrue_answers;
mod versions;
mod without_tenant;
