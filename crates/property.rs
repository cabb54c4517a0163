//! How the property tests of both lower crates run; each includes this file as a module. One seed serves a whole run and
//! is printed with every failure. It must not know what is tested.
//!
//! Nothing is kept between runs: an input that has once failed belongs into a test of its own, where it can be read.

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestRunner};
use std::fmt::Debug;
use std::hash::{BuildHasher, RandomState};
use std::sync::OnceLock;

/// What a test of one input gives back.
pub type Verdict = Result<(), TestCaseError>;

/// Tests `cases` inputs, or as many as the environment's `PROPTEST_CASES` says.
///
/// # Panics
/// When the property does not hold: with the smallest input that was found, and how to see it again.
pub fn holds<S: Strategy>(name: &str, cases: u32, inputs: S, test: impl Fn(S::Value) -> Verdict)
where
    S::Value: Debug,
{
    let set = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    static SEED: OnceLock<u64> = OnceLock::new();
    let seed = *SEED.get_or_init(|| set("PROPTEST_RNG_SEED").unwrap_or_else(|| RandomState::new().hash_one(0)));
    let cases = set("PROPTEST_CASES").map_or(cases, |n| n.try_into().unwrap_or(u32::MAX));
    let mut runner = TestRunner::new(Config {
        cases,
        rng_seed: RngSeed::Fixed(seed),
        failure_persistence: None,
        max_shrink_iters: 4096,
        ..Config::default()
    });
    if let Err(error) = runner.run(&inputs, test) {
        panic!("{name}: {error}\nthe same again: PROPTEST_RNG_SEED={seed} PROPTEST_CASES={cases}");
    }
}
