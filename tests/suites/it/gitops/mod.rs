//! The samples of `deploy/samples/gitops/`, as they are, with the tools that they are for.
//!
//! `tests/tools/gitops` builds Flux's kustomize-controller and a runner for Argo CD's health scripts where they are missing.

mod argo_cd;
mod flux;
mod flux_commits;
mod programs;
