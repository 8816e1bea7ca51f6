//! W10: how long the operator's own decision takes, and a look-up in the matrix (`make bench W=W10`).
#![allow(clippy::unwrap_used, reason = "a case that cannot be made has no figure")]

use bench::decisions::Case;
use divan::{Bencher, black_box};
use passcode_core::{
    lifecycle::decide::is_over,
    platform::{Matrix, Platform},
};

fn main() {
    divan::main();
}

#[divan::bench]
fn decide_a_fresh_object(bencher: Bencher<'_, '_>) {
    let case = Case::fresh().unwrap();
    bencher.bench_local(|| black_box(&case).decide());
}

#[divan::bench]
fn decide_a_followed_object(bencher: Bencher<'_, '_>) {
    let case = Case::followed().unwrap();
    bencher.bench_local(|| black_box(&case).decide());
}

#[divan::bench]
fn decide_a_finished_object(bencher: Bencher<'_, '_>) {
    let case = Case::finished().unwrap();
    bencher.bench_local(|| black_box(&case).decide());
}

#[divan::bench]
fn a_finished_object_is_over(bencher: Bencher<'_, '_>) {
    let case = Case::finished().unwrap();
    bencher.bench_local(|| is_over(black_box(case.object())));
}

#[divan::bench]
fn look_up_the_first_rule(bencher: Bencher<'_, '_>) {
    let matrix = Matrix::builtin();
    bencher.bench_local(|| black_box(&matrix).verdict(Platform::IosDeviceEnrollment, "18.1", "company"));
}

#[divan::bench]
fn look_up_what_no_rule_names(bencher: Bencher<'_, '_>) {
    let matrix = Matrix::builtin();
    bencher.bench_local(|| black_box(&matrix).verdict(Platform::Unknown, "18.1", "company"));
}
