//! libFuzzer on the target that `TARGET` names.
#![no_main]

use std::sync::LazyLock;

static RUN: LazyLock<fn(&[u8])> = LazyLock::new(|| {
    let name = std::env::var("TARGET").unwrap_or_default();
    fuzz::target(&name).unwrap_or_else(|| panic!("TARGET names no target: {name:?}")).run
});

libfuzzer_sys::fuzz_target!(|data: &[u8]| RUN(data));
