//! Replays every corpus and the octets of every wire vector on stable, and mutates them a little.
//!
//! The mutation run is no fuzzing: it is seeded and counted, so that it is the same on every run
//! and takes about two seconds. What real fuzzing finds is put into `corpus/<target>/` and stays
//! found.

use std::fs;
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;

use sealane_fuzz::{chunked, connection_operations, encrypted_key, head, pkcs12, proxy_protocol};
use sealane_testkit::vector::vectors;

/// A target and the folder of its corpus.
type Target = (&'static str, fn(&[u8]));

/// Every target there is.
const TARGETS: [Target; 6] = [
    ("head", head),
    ("chunked", chunked),
    ("connection_operations", connection_operations),
    ("pkcs12", pkcs12),
    ("encrypted_key", encrypted_key),
    ("proxy_protocol", proxy_protocol),
];

/// The files of one corpus by name, in order.
fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(target);
    let mut files: Vec<_> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.expect("a readable folder").path())
        .map(|path| {
            (
                path.display().to_string(),
                fs::read(&path).expect("a readable file"),
            )
        })
        .collect();
    files.sort();
    files
}

/// Runs a target, and on failure says on what.
fn run((name, target): Target, origin: &str, input: &[u8]) {
    let outcome = panic::catch_unwind(AssertUnwindSafe(|| target(input)));
    let shown = || input.iter().take(2000).copied().collect::<Vec<u8>>();
    assert!(
        outcome.is_ok(),
        "{name} fails on {origin}: \"{}\"",
        shown().escape_ascii()
    );
}

#[test]
fn every_corpus_passes() {
    for target in TARGETS {
        let files = corpus(target.0);
        assert!(
            files.len() >= 24,
            "{} has only {} seeds",
            target.0,
            files.len()
        );
        for (path, input) in files {
            run(target, &path, &input);
        }
    }
}

#[test]
fn every_vector_passes() {
    for vector in vectors().expect("the vector files read") {
        let octets = &vector.octets[..];
        run(TARGETS[0], &vector.id, octets);
        let blank = octets.windows(4).position(|four| four == b"\r\n\r\n");
        run(
            TARGETS[1],
            &vector.id,
            blank.map_or(octets, |blank| &octets[blank + 4..]),
        );
        run(TARGETS[2], &vector.id, octets);
    }
}

#[test]
fn a_short_mutation_run_passes() {
    let mut random = Random(0x5ea1_a9e5_5ea1_a9e5);
    for target in TARGETS {
        let seeds: Vec<_> = corpus(target.0)
            .into_iter()
            .map(|(_, input)| input)
            .collect();
        for round in 0..ROUNDS {
            let mut input = random.pick(&seeds).clone();
            for _ in 0..=random.below(4) {
                mutate(&mut input, &seeds, &mut random);
            }
            input.truncate(LONGEST);
            run(target, &format!("mutation {round}"), &input);
        }
    }
}

/// Changes an input in one small way.
fn mutate(input: &mut Vec<u8>, seeds: &[Vec<u8>], random: &mut Random) {
    let at = random.below(input.len() + 1);
    let end = (at + random.below(16)).min(input.len());
    match random.below(7) {
        0 if at < input.len() => input[at] ^= 1 << random.below(8),
        1 if at < input.len() => input[at] = *random.pick(TELLING),
        2 => input.insert(at, *random.pick(TELLING)),
        3 => drop(input.drain(at..end)),
        4 => {
            let repeated = input[at..end].repeat(1 + random.below(8));
            input.splice(at..at, repeated);
        }
        5 => {
            let other = random.pick(seeds);
            let from = random.below(other.len() + 1);
            input.splice(at.., other[from..].iter().copied());
        }
        _ => input.truncate(at),
    }
}

/// A small generator (xorshift): what it gives depends on nothing but its seed.
struct Random(u64);

impl Random {
    /// A number below `bound`, which is not 0.
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % bound as u64).expect("below a usize")
    }

    /// One of several.
    fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}

/// Octets that mean something to a parser of HTTP/1.1.
const TELLING: &[u8] = b"\r\n\r\n \t:;,=\"\\0159afgAF/*.#?@[]%+-_\0\x7f\x80\xff";
/// Inputs for each target: about two seconds for all of them.
const ROUNDS: usize = 2000;
/// Octets of a mutated input at most: longer ones say no more in a short run.
const LONGEST: usize = 3000;
