//! The policies, in tables and by properties.

mod approvals;
mod bad_policies;
mod budgets;
mod hours;
mod modes;
mod properties;
mod quorums;
mod rules;
mod scenarios;
mod support;
mod zones;
