//! Decides one case very often and does nothing else: what `benches/callgrind.sh` counts the instructions of.

use std::hint::black_box;

use anyhow::{Context, Result, bail};
use bench::decisions::Case;
use passcode_core::lifecycle::decide::is_over;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (name, times) = arguments.next().zip(arguments.next()).context("usage: decide_many CASE TIMES")?;
    let times: u32 = times.parse()?;
    let (case, whole) = match name.as_str() {
        "fresh" => (Case::fresh()?, true),
        "followed" => (Case::followed()?, true),
        "over" => (Case::finished()?, false),
        other => bail!("{other}: write fresh, followed or over"),
    };
    for _ in 0..times {
        if whole {
            black_box(black_box(&case).decide());
        } else {
            black_box(is_over(black_box(case.object())));
        }
    }
    Ok(())
}
