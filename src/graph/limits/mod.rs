//! How much is sent to Graph, and what comes next.
//!
//! What lives here: the limits and their sliding windows, what a 429 says about the part of them that is ours, the priorities of reads,
//! the queue of resets in which namespaces take turns, and the scheduler that gives reads their turn. What does not: what a request is,
//! how it is sent and what its answer means (`calls`). Nothing here knows Graph's wire format.

mod adaptive_limit;
mod budget;
mod configured;
mod fair_queue;
mod priority;
mod read_scheduler;
mod window;

pub use budget::{Budget, Full, Reservation};
pub use configured::Limits;
pub use fair_queue::FairQueue;
pub use priority::Priority;

pub(in crate::graph) use read_scheduler::{Outcome, Paused, ReadScheduler, Reader};
pub(in crate::graph) use window::Throttle;
