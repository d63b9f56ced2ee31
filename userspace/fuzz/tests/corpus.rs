// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Every target over every file of its corpus, without a fuzzer.

use std::fs;
use std::path::{Path, PathBuf};

use kallmodsyms_fuzz::TARGETS;

fn directory(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn names(path: &str) -> Vec<String> {
    let entries = fs::read_dir(directory(path)).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn each_target_takes_its_corpus() {
    for (name, target) in TARGETS {
        let files = names(&format!("corpus/{name}"));
        for file in &files {
            let path = directory(&format!("corpus/{name}/{file}"));
            let bytes = fs::read(&path).unwrap();
            let ran = std::panic::catch_unwind(|| target(&bytes));
            assert!(ran.is_ok(), "{}: see above", path.display());
        }
        assert!(files.len() >= 10, "corpus/{name} has {} files", files.len());
        println!("{name}: {} files", files.len());
    }
}

/// A target that is in one list and not in another would not be fuzzed, or not be replayed.
#[test]
fn each_target_is_a_program_and_has_a_corpus() {
    let mut targets: Vec<String> = TARGETS
        .iter()
        .map(|(name, _)| (*name).to_string())
        .collect();
    targets.sort();
    let programs: Vec<String> = targets.iter().map(|name| format!("{name}.rs")).collect();
    assert_eq!(names("fuzz_targets"), programs);
    assert_eq!(names("corpus"), targets);
    let manifest = fs::read_to_string(directory("Cargo.toml")).unwrap();
    for name in targets {
        let program = fs::read_to_string(directory(&format!("fuzz_targets/{name}.rs"))).unwrap();
        assert!(
            program.contains(&format!("kallmodsyms_fuzz::{name}(")),
            "{name}"
        );
        assert!(
            manifest.contains(&format!("path = \"fuzz_targets/{name}.rs\"")),
            "{name}"
        );
    }
}

#[test]
fn the_corpus_stays_small() {
    let bytes: u64 = TARGETS
        .iter()
        .flat_map(|(name, _)| {
            let files = names(&format!("corpus/{name}"));
            files
                .into_iter()
                .map(move |file| directory(&format!("corpus/{name}/{file}")))
        })
        .map(|path| fs::metadata(path).unwrap().len())
        .sum();
    assert!(bytes < 500_000, "{bytes} bytes");
}
