//! The figures: collected, written as JSON, shown as a table.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context as _;
use serde::Serialize;
use serde_json::{Value, json};

/// The function that all others are compared with.
pub const HELLO: &str = "hello";

/// One figure.
#[derive(Clone, Debug, Serialize)]
pub struct Figure {
    /// What was measured.
    pub name: String,
    /// Of which function.
    pub function: String,
    /// The value, a median where there are several runs.
    pub value: f64,
    /// `ms`, `MB` (10⁶ bytes), `calls` or `ratio`.
    pub unit: &'static str,
    /// How many runs or invocations it comes from.
    pub runs: usize,
    /// The value divided by that of the hello-world function of the same run of the benchmarks.
    pub ratio_to_hello: Option<f64>,
}

/// All figures, in the order in which they were taken.
#[derive(Default)]
pub struct Figures {
    all: Vec<Figure>,
    /// What the project aims at, by name and function.
    aims: BTreeMap<(String, String), String>,
}

impl Figures {
    /// Adds a figure. Its ratio is that to hello's figure of the same name, which must have been added before.
    pub fn add(&mut self, name: &str, function: &str, value: f64, unit: &'static str, runs: usize) {
        let hello = self.value(name, HELLO).filter(|hello| *hello > 0.0);
        self.all.push(Figure {
            name: name.to_owned(),
            function: function.to_owned(),
            value: rounded(value),
            unit,
            runs,
            ratio_to_hello: hello.map(|hello| rounded(value / hello)),
        });
    }

    /// Says what a figure should be. It is shown beside it; nothing fails.
    pub fn aim(&mut self, name: &str, function: &str, aim: &str) {
        self.aims.insert((name.to_owned(), function.to_owned()), aim.to_owned());
    }

    /// A figure's value.
    pub fn value(&self, name: &str, function: &str) -> Option<f64> {
        self.all.iter().find(|figure| figure.name == name && figure.function == function).map(|figure| figure.value)
    }

    /// Writes `{"machine", "figures"}`.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, machine: &Value, file: &Path) -> anyhow::Result<()> {
        let text = format!("{:#}\n", json!({"machine": machine, "figures": self.all}));
        std::fs::write(file, text).with_context(|| file.display().to_string())
    }

    /// The table.
    pub fn table(&self) -> String {
        let mut text = String::new();
        let width = self.all.iter().map(|figure| figure.name.len()).max().unwrap_or_default();
        let _ = writeln!(text, "{:width$}  function     value         runs  ÷ hello  aim", "figure");
        for figure in &self.all {
            let ratio = figure.ratio_to_hello.map(|ratio| format!("{ratio:.2}")).unwrap_or_default();
            let aim = self.aims.get(&(figure.name.clone(), figure.function.clone())).map_or("", String::as_str);
            let digits = if figure.value.fract() == 0.0 { 0 } else { 2 };
            let line = format!(
                "{:width$}  {:9}  {:>9.digits$} {:5}  {:>4}  {ratio:>7}  {aim}",
                figure.name, figure.function, figure.value, figure.unit, figure.runs
            );
            let _ = writeln!(text, "{}", line.trim_end());
        }
        text
    }
}

fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

/// The value below which this share of the samples lies (nearest rank); 0 of none.
pub fn percentile(samples: &[f64], share: f64) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}

/// The middle one of the samples.
pub fn median(samples: &[f64]) -> f64 {
    percentile(samples, 0.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks() {
        let samples: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        assert_eq!((median(&samples), percentile(&samples, 0.99), percentile(&samples, 1.0)), (50.0, 99.0, 100.0));
        assert_eq!((median(&[3.0]), median(&[])), (3.0, 0.0));
    }

    #[test]
    fn ratios_are_to_hellos_figure_of_the_same_name() {
        let mut figures = Figures::default();
        figures.add("cold_next", HELLO, 2.0, "ms", 15);
        figures.add("cold_next", "intake", 5.0, "ms", 15);
        figures.add("provision_wall", "provision", 5.0, "ms", 15);
        let ratios: Vec<Option<f64>> = figures.all.iter().map(|figure| figure.ratio_to_hello).collect();
        assert_eq!(ratios, [None, Some(2.5), None]);
        figures.aim("cold_next", "intake", "≤ 6 × hello");
        assert!(figures.table().contains("≤ 6 × hello"));
    }
}
