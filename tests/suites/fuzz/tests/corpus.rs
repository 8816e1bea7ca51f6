//! Every target on its seeds, and on small changes of them, the same ones in every run: what a fuzzer found once is found here without one.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::{
    fs,
    panic::catch_unwind,
    path::{Path, PathBuf},
};

use fuzz::{TARGETS, Target, target};

/// How many changed inputs a target is given.
const CHANGED: usize = 400;

fn directory(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target)
}

/// The seeds by name, in order.
fn seeds(target: &str) -> Vec<(String, Vec<u8>)> {
    let mut seeds: Vec<(String, Vec<u8>)> = fs::read_dir(directory(target))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(&path).unwrap()))
        .collect();
    seeds.sort();
    seeds
}

#[track_caller]
fn holds(target: &Target, name: &str, input: &[u8]) {
    if catch_unwind(|| (target.run)(input)).is_err() {
        panic!("{} fails on {name}:\n{}", target.name, String::from_utf8_lossy(input));
    }
}

fn try_out(name: &str) {
    let target = target(name).unwrap();
    let seeds = seeds(name);
    assert!(seeds.len() >= 10, "{} seeds", seeds.len());
    for (seed, input) in &seeds {
        holds(target, seed, input);
    }
    let mut dice = Dice(20_261_122);
    for round in 0..CHANGED {
        let (seed, input) = &seeds[round % seeds.len()];
        let (_, other) = &seeds[dice.below(seeds.len())];
        holds(target, &format!("{seed}, changed"), &changed(input, other, &mut dice));
    }
}

/// One to three slips: a byte other, bytes gone, the end gone, or a piece of another seed in between.
fn changed(input: &[u8], other: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut input = input.to_vec();
    for _ in 0..=dice.below(3) {
        let at = dice.below(input.len() + 1);
        let end = (at + 1 + dice.below(8)).min(input.len());
        match dice.below(4) {
            0 if at < input.len() => input[at] = *b"\0\n\"\\{}[]:,0919-aZ\xff".get(dice.below(20)).unwrap_or(&b' '),
            1 if at < end => drop(input.drain(at..end)),
            2 if dice.below(4) == 0 => input.truncate(at),
            _ => {
                let from = dice.below(other.len() + 1);
                let until = (from + dice.below(40)).min(other.len());
                input.splice(at..at, other[from..until].iter().copied());
            }
        }
    }
    input
}

/// xorshift64.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % bound.max(1) as u64).unwrap()
    }
}

#[test]
fn every_target_has_a_test_and_a_corpus() {
    let tested = ["look", "find", "saved", "send", "sign-in", "retry-after", "claims", "resources"];
    assert_eq!(TARGETS.map(|target| target.name), tested);
    let mut corpora: Vec<String> = fs::read_dir(directory(""))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    corpora.sort();
    let mut names = tested.map(str::to_owned);
    names.sort();
    assert_eq!(corpora, names);
}

#[test]
fn look() {
    try_out("look");
}

#[test]
fn find() {
    try_out("find");
}

#[test]
fn saved() {
    try_out("saved");
}

#[test]
fn send() {
    try_out("send");
}

#[test]
fn sign_in() {
    try_out("sign-in");
}

#[test]
fn retry_after() {
    try_out("retry-after");
}

#[test]
fn claims() {
    try_out("claims");
}

#[test]
fn resources() {
    try_out("resources");
}
