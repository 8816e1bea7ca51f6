//! Texts of Graph's and Entra's, made fit for people to read.
//!
//! What lives here: the encodings in which a text is quoted within another, the comparison of names, the removal of what identifies a
//! person or a device, and the one sentence that is left. What does not: the documents in which the texts come.

mod decoding;
mod hiding;
mod names;
mod sentence;

pub(in crate::graph) use hiding::without;
pub(in crate::graph) use names::comparable;
#[cfg(test)]
pub(in crate::graph) use sentence::tests::holds;
pub(in crate::graph) use sentence::tidy;
