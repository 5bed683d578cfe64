//! A scrape, read as Prometheus reads it.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

/// What a scrape showed.
#[derive(Clone, Debug, Default)]
pub struct Scrape {
    /// As it came.
    pub text: String,
    /// The kind of each metric, by its name.
    pub kinds: BTreeMap<String, String>,
    /// The value of each series as it stands, by its name with its labels, which are in the order of their names.
    pub series: BTreeMap<String, String>,
}

impl Scrape {
    /// Reads the text format, version 0.0.4.
    ///
    /// # Panics
    /// It is none: a line is odd, a series has no kind or stands twice.
    #[track_caller]
    pub fn read(text: &str) -> Self {
        let mut scrape = Self {
            text: text.to_owned(),
            ..Self::default()
        };
        let mut explained = BTreeSet::new();
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                let (name, help) = rest.split_once(' ').expect("a metric is explained");
                assert!(!help.is_empty(), "{name}");
                assert!(explained.insert(name.to_owned()), "{name} stands twice");
            } else if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').expect("a metric has a kind");
                scrape.kinds.insert(name.to_owned(), kind.to_owned());
            } else {
                let (series, value) = line.rsplit_once(' ').expect("a series has a value");
                let name = series.split('{').next().unwrap_or_default();
                assert!(scrape.kinds.contains_key(name), "{line}");
                assert!(explained.contains(name), "{line}");
                assert!(value.parse::<f64>().is_ok(), "{line}");
                let twice = scrape.series.insert(series.to_owned(), value.to_owned());
                assert_eq!(twice, None, "{series} stands twice");
            }
        }
        scrape
    }

    /// Whether a series is there, such as `name{label="value"}`.
    pub fn has(&self, series: &str) -> bool {
        self.series.contains_key(series)
    }

    /// The value of a series.
    ///
    /// # Panics
    /// It is not there.
    #[track_caller]
    pub fn value(&self, series: &str) -> f64 {
        self.parsed(series)
    }

    /// The value of a series that counts.
    ///
    /// # Panics
    /// It is not there, or no whole number.
    #[track_caller]
    pub fn count(&self, series: &str) -> i64 {
        self.parsed(series)
    }

    /// The sum of the series of a metric that have a text among their labels; each must be a whole number.
    ///
    /// # Panics
    /// One is none.
    #[track_caller]
    pub fn sum(&self, metric: &str, label: &str) -> i64 {
        let series = self
            .series
            .keys()
            .filter(|series| series.split('{').next() == Some(metric) && series.contains(label));
        series.map(|series| self.count(series)).sum()
    }

    #[track_caller]
    fn parsed<T: FromStr>(&self, series: &str) -> T {
        let value = self.series.get(series);
        let value = value.unwrap_or_else(|| panic!("there is no {series} in {:#?}", self.series));
        let parsed = value.parse().ok();
        parsed.unwrap_or_else(|| panic!("{series} is {value}"))
    }
}
