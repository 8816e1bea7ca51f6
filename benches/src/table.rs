//! A workload's figures as a table: a line a run, then median and range of each contestant.

use std::{collections::BTreeMap, fmt::Write};

use crate::statistics::Spread;

/// One figure of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// What it says, with its unit.
    pub name: &'static str,
    /// The figure.
    pub value: f64,
}

/// What a run came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Run {
    /// Who was measured.
    pub who: &'static str,
    /// Which round of the interleaved ones.
    pub round: usize,
    /// Resets beyond one for each phone.
    pub duplicates: usize,
    /// Phones without a reset, and objects without an end.
    pub missing: usize,
    /// The figures, in the table's order.
    pub figures: Vec<Figure>,
}

impl Run {
    /// Adds a figure.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: f64) -> Self {
        self.figures.push(Figure { name, value });
        self
    }

    /// Whether each phone was reset once: otherwise there are no figures.
    #[must_use]
    pub fn is_safe(&self) -> bool {
        self.duplicates == 0 && self.missing == 0
    }

    fn figure(&self, name: &str) -> Option<f64> {
        self.figures.iter().find(|figure| figure.name == name).map(|figure| figure.value).filter(|_| self.is_safe())
    }
}

/// All runs of a workload.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// Name and meaning of the workload.
    pub title: String,
    /// The runs, in the order they were made.
    pub runs: Vec<Run>,
}

impl Table {
    /// As Markdown.
    #[must_use]
    pub fn markdown(&self) -> String {
        let names = self.names();
        let mut text = format!("### {}\n\n| who | duplicates | missing |", self.title);
        for name in &names {
            let _ = write!(text, " {name} |");
        }
        text += "\n|---|---|---|";
        text += &"---|".repeat(names.len());
        for run in &self.runs {
            let _ = write!(text, "\n| {}, run {} | {} | {} |", run.who, run.round, run.duplicates, run.missing);
            for name in &names {
                let cell = match run.figure(name) {
                    Some(value) => number(value),
                    None if run.is_safe() => String::new(),
                    None => "no figure".to_owned(),
                };
                let _ = write!(text, " {cell} |");
            }
        }
        for (who, runs) in self.by_who() {
            let sum = |count: fn(&Run) -> usize| runs.iter().map(|run| count(run)).sum::<usize>();
            let (duplicates, missing) = (sum(|run| run.duplicates), sum(|run| run.missing));
            let _ = write!(text, "\n| **{who}**, median | **{duplicates}** | {missing} |");
            for name in &names {
                let values: Vec<f64> = runs.iter().filter_map(|run| run.figure(name)).collect();
                let cell = Spread::of(&values).map_or_else(String::new, spread);
                let _ = write!(text, " {cell} |");
            }
        }
        text + "\n"
    }

    /// How many times a figure of `who` is that of `base`, each within one round: comparisons over rounds compare the machine's moods.
    #[must_use]
    pub fn ratio(&self, name: &str, who: &str, base: &str) -> Option<Spread> {
        let of = |who: &str, round| self.runs.iter().find(|run| run.who == who && run.round == round);
        let rounds = self.runs.iter().filter(|run| run.who == base);
        let ratios: Vec<f64> =
            rounds.filter_map(|base| Some(of(who, base.round)?.figure(name)? / base.figure(name)?)).collect();
        Spread::of(&ratios)
    }

    /// The ratios of everybody's figures to those of `base`, a line each.
    #[must_use]
    pub fn ratios(&self, base: &str, names: &[&str]) -> String {
        let mut text = String::new();
        for who in self.by_who().keys().filter(|who| **who != base) {
            for name in names {
                if let Some(ratio) = self.ratio(name, who, base) {
                    let _ = writeln!(text, "* {who}, {name}: {} times that of {base}", spread(ratio));
                }
            }
        }
        text
    }

    fn names(&self) -> Vec<&'static str> {
        let mut names = Vec::new();
        for figure in self.runs.iter().flat_map(|run| &run.figures) {
            if !names.contains(&figure.name) {
                names.push(figure.name);
            }
        }
        names
    }

    fn by_who(&self) -> BTreeMap<&'static str, Vec<&Run>> {
        let mut all: BTreeMap<&str, Vec<&Run>> = BTreeMap::new();
        for run in &self.runs {
            all.entry(run.who).or_default().push(run);
        }
        all
    }
}

fn spread(spread: Spread) -> String {
    let Spread { median, least, most } = spread;
    if least == most {
        return number(median);
    }
    format!("{} ({}–{})", number(median), number(least), number(most))
}

/// Three significant digits, and whole numbers whole.
fn number(value: f64) -> String {
    match value.abs() {
        whole if whole.fract() == 0.0 || whole >= 100.0 => format!("{value:.0}"),
        tens if tens >= 10.0 => format!("{value:.1}"),
        ones if ones >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn run(who: &'static str, round: usize, duplicates: usize, value: f64) -> Run {
        Run { who, round, duplicates, ..Run::default() }.with("CPU", value)
    }

    fn table() -> Table {
        let runs = vec![run("ours", 1, 0, 1.0), run("peer", 1, 0, 3.0), run("ours", 2, 0, 2.0), run("peer", 2, 0, 4.0)];
        Table { title: "W0".into(), runs }
    }

    #[test]
    fn ratios_are_taken_within_a_round() {
        let ratio = table().ratio("CPU", "peer", "ours").unwrap();
        assert_eq!(ratio, Spread { median: 2.5, least: 2.0, most: 3.0 });
    }

    #[test]
    fn a_run_with_a_duplicate_has_no_figure() {
        let mut table = table();
        table.runs.push(run("peer", 3, 7, 9.0));
        let text = table.markdown();
        assert!(text.contains("| peer, run 3 | 7 | 0 | no figure |"), "{text}");
        assert!(text.contains("| **peer**, median | **7** | 0 | 3.50 (3–4) |"), "{text}");
        assert_eq!(table.ratio("CPU", "peer", "ours").unwrap().most, 3.0);
        let missing = Run { missing: 1, ..run("ours", 4, 0, 1.0) };
        assert!(!missing.is_safe() && missing.figure("CPU").is_none());
    }

    #[test]
    fn numbers_have_three_digits() {
        let shown = [0.98765, 1.2345, 12.345, 123.45, 12345.0, 0.0].map(number);
        assert_eq!(shown, ["0.988", "1.23", "12.3", "123", "12345", "0"]);
    }
}
