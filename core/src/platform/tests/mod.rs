//! The tables, written down a second time from the documentation and compared.

mod bad_matrices;
mod devices;
mod matrices;
mod order;
mod properties;
mod rows_android;
mod rows_apple;
mod rows_first;
mod versions;
mod words;
