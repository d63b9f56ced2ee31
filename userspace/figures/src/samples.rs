// SPDX-License-Identifier: Apache-2.0 OR MIT

//! What criterion keeps of a run.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// The directory of one run, with the list of what the benches skipped.
#[derive(Debug)]
pub struct Samples {
    home: PathBuf,
    skipped: Vec<(String, String)>,
}

#[derive(Deserialize)]
struct Sample {
    iters: Vec<f64>,
    times: Vec<f64>,
}

#[derive(Deserialize)]
struct Benchmark {
    throughput: Throughput,
}

/// What one iteration goes through.
#[derive(Clone, Copy, Deserialize)]
enum Throughput {
    Bytes(f64),
    Elements(f64),
}

/// How long something took, or why it was not done.
#[derive(Clone, Debug, PartialEq)]
pub enum Time {
    /// Nanoseconds: for one element where the bench counts elements, else for one iteration. Of all samples the fastest
    /// one, since what else runs on the machine only ever adds to a time.
    Measured(f64),
    /// The reason that the bench gave.
    Skipped(String),
}

impl Samples {
    /// Opens what was kept in a directory.
    ///
    /// # Errors
    ///
    /// If the benches did not run to their end there.
    pub fn open(home: &Path) -> Result<Self> {
        let path = home.join("skipped");
        let skipped = fs::read_to_string(&path)
            .with_context(|| format!("cannot read {}: did the benches run?", path.display()))?;
        let pair = |line: &str| {
            let (bench, reason) = line.split_once('\t')?;
            Some((bench.to_owned(), reason.to_owned()))
        };
        Ok(Self {
            home: home.into(),
            skipped: skipped.lines().filter_map(pair).collect(),
        })
    }

    /// The captures that were measured, by name.
    ///
    /// # Errors
    ///
    /// If the directory cannot be listed.
    pub fn captures(&self) -> Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.home)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            names.extend(name.strip_suffix("-parse").map(ToOwned::to_owned));
        }
        names.sort();
        // The one that everybody can make comes first.
        names.sort_by_key(|name| name != "standard");
        Ok(names)
    }

    /// The time of a bench, `GROUP/NAME`.
    ///
    /// # Errors
    ///
    /// If it was neither measured nor skipped.
    pub fn time(&self, bench: &str) -> Result<Time> {
        let directory = self.home.join(bench).join("new");
        if !directory.exists() {
            let reason = self.skipped.iter().find(|(skipped, _)| skipped == bench);
            let (_, reason) = reason.with_context(|| format!("no bench {bench}"))?;
            return Ok(Time::Skipped(reason.clone()));
        }
        let sample: Sample = read(&directory.join("sample.json"))?;
        let each = sample.iters.iter().zip(&sample.times);
        let least = each.map(|(iters, time)| time / iters).reduce(f64::min);
        let least = least.with_context(|| format!("{bench}: no sample"))?;
        ensure!(least > 0.0, "{bench}: no time");
        let elements = match self.throughput(bench)? {
            Throughput::Elements(elements) => elements,
            Throughput::Bytes(_) => 1.0,
        };
        Ok(Time::Measured(least / elements))
    }

    /// How many bytes one iteration goes through.
    ///
    /// # Errors
    ///
    /// If the bench was not run or does not say.
    pub fn bytes(&self, bench: &str) -> Result<f64> {
        match self.throughput(bench)? {
            Throughput::Bytes(bytes) => Ok(bytes),
            Throughput::Elements(_) => bail!("{bench} counts no bytes"),
        }
    }

    fn throughput(&self, bench: &str) -> Result<Throughput> {
        let benchmark: Benchmark = read(&self.home.join(bench).join("new/benchmark.json"))?;
        Ok(benchmark.throughput)
    }
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let text = fs::read_to_string(path);
    let text = text.with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("cannot read {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A bench of two samples: 1,000 and 750 ns.
    fn home(test: &str, throughput: &str) -> PathBuf {
        let home = std::env::temp_dir().join(format!("figures-{test}-{}", std::process::id()));
        let new = home.join("standard-parse/ours/new");
        fs::create_dir_all(&new).unwrap();
        let sample = r#"{"sampling_mode":"Flat","iters":[2.0,4.0],"times":[2000.0,3000.0]}"#;
        fs::write(new.join("sample.json"), sample).unwrap();
        let benchmark = format!(r#"{{"group_id":"standard-parse","throughput":{throughput}}}"#);
        fs::write(new.join("benchmark.json"), benchmark).unwrap();
        fs::write(home.join("skipped"), "standard-parse/perf\tno perf\n").unwrap();
        home
    }

    #[test]
    fn the_fastest_sample_counts() {
        let home = home("fastest", r#"{"Bytes":1500}"#);
        let samples = Samples::open(&home).unwrap();
        let time = |bench| samples.time(bench).unwrap();
        assert_eq!(time("standard-parse/ours"), Time::Measured(750.0));
        let bytes = samples.bytes("standard-parse/ours").unwrap();
        assert_eq!(bytes.to_bits(), 1500_f64.to_bits());
        assert_eq!(time("standard-parse/perf"), Time::Skipped("no perf".into()));
        assert_eq!(samples.captures().unwrap(), ["standard"]);
        let error = samples.time("standard-parse/other").unwrap_err();
        assert_eq!(error.to_string(), "no bench standard-parse/other");
        fs::remove_dir_all(home).unwrap();
    }

    #[test]
    fn elements_are_counted() {
        let home = home("elements", r#"{"Elements":10}"#);
        let samples = Samples::open(&home).unwrap();
        let time = samples.time("standard-parse/ours").unwrap();
        assert_eq!(time, Time::Measured(75.0));
        assert!(samples.bytes("standard-parse/ours").is_err());
        fs::remove_dir_all(home).unwrap();
    }

    #[test]
    fn benches_that_did_not_end_are_an_error() {
        let home = home("end", "null");
        assert!(
            Samples::open(&home)
                .unwrap()
                .time("standard-parse/ours")
                .is_err()
        );
        fs::remove_file(home.join("skipped")).unwrap();
        assert!(Samples::open(&home).is_err());
        fs::remove_dir_all(home).unwrap();
    }
}
