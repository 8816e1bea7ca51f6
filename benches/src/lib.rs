//! The bench: what the operator costs, and how near it comes to Graph's limit, beside what people would have written instead.
//!
//! What lives here: the workloads, the stage that they are played on (a real kube-apiserver and etcd, the Graph simulator, processes), and the
//! arithmetic of their figures. What does not: any test of the operator (`tests/`), and the peers themselves (`benches/peers`).
//!
//! Every run ends with the safety check: each phone that was declared is reset once. A run that fails it has no figure.

pub mod contestant;
pub mod counters;
pub mod decisions;
pub mod neighbour;
pub mod process;
pub mod sdk;
pub mod stage;
pub mod statistics;
pub mod stock;
pub mod table;
pub mod workloads;
