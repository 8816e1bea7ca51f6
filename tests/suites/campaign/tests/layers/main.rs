//! The campaign's layers, small and with a fixed seed, and what they rest on. Those in real time mostly wait: in one program with the others
//! they cost little time of their own.
#![allow(clippy::unwrap_used, clippy::panic)]

mod audit;
mod in_real_time;
mod paused;
mod replicas;
