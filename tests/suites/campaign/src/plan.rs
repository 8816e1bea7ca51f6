//! Plans and how they are run: each in a paused runtime of its own, several at once.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Mutex,
    time::{Duration, Instant},
};

use crate::report::{Report, Tally};

/// How long a plan may take by the machine's own clock. Paused time makes hours a moment, so a plan that takes this long hangs.
const STUCK: Duration = Duration::from_secs(120);

/// One world and what goes wrong in it.
pub struct Plan {
    /// What goes wrong, in words by which it is found again.
    pub name: String,
    body: Box<dyn FnOnce() -> Tally + Send>,
}

impl Plan {
    /// A plan. The body runs in paused time and panics where something does not hold.
    pub fn new<F>(name: impl Into<String>, body: impl FnOnce() -> F + Send + 'static) -> Self
    where
        F: Future<Output = Tally> + 'static,
    {
        Self::bare(name, move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
            runtime.block_on(body())
        })
    }

    /// A plan that makes its own runtimes.
    pub fn bare(name: impl Into<String>, body: impl FnOnce() -> Tally + Send + 'static) -> Self {
        Self { name: name.into(), body: Box::new(body) }
    }

    /// Runs it; what panics is a violation.
    #[must_use]
    pub fn run(self) -> Tally {
        let Self { name, body } = self;
        let began = Instant::now();
        let ran = catch_unwind(AssertUnwindSafe(body));
        let mut tally = ran.unwrap_or_else(|panic| Tally { violations: vec![words(&*panic)], ..Tally::default() });
        if began.elapsed() > STUCK {
            tally.violations.push(format!("it took {:?}", began.elapsed()));
        }
        for violation in &mut tally.violations {
            *violation = format!("{name}: {violation}");
        }
        tally
    }
}

/// What a panic says.
pub(crate) fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_else(|| "a panic".to_owned())
}

/// Runs the plans, as many at once as the machine has cores.
pub fn run<I>(layer: &str, plans: I) -> Report
where
    I: IntoIterator<Item = Plan>,
    I::IntoIter: Send,
{
    let jobs = std::thread::available_parallelism().map_or(1, usize::from);
    let plans = Mutex::new(plans.into_iter());
    let total = Mutex::new((0, Tally::default()));
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                loop {
                    let next = plans.lock().unwrap().next();
                    let Some(plan) = next else { return };
                    let tally = plan.run();
                    let mut total = total.lock().unwrap();
                    total.0 += 1;
                    total.1 += tally;
                }
            });
        }
    });
    let (plans, tally) = total.into_inner().unwrap();
    Report { layer: layer.to_owned(), plans, seeds: None, tally }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_panics_is_a_violation_under_the_plans_name() {
        let plans = (0..3).map(|number| {
            Plan::new(format!("plan {number}"), move || async move {
                tokio::time::sleep(Duration::from_secs(86_400)).await;
                assert_ne!(number, 1, "the second fails");
                Tally { carried_out: 1, ..Tally::default() }
            })
        });
        let report = run("example", plans);
        assert_eq!((report.plans, report.tally.carried_out, report.holds()), (3, 2, false));
        let [violation] = &report.tally.violations[..] else { panic!("{report}") };
        assert!(violation.starts_with("plan 1: ") && violation.contains("the second fails"), "{violation}");
    }
}
