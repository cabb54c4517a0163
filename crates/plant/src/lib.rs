//! Planted faults: named places in the other crates that fail when a test asks for it, so that the tests of the fences, and
//! the tests themselves, can be tested. The crates use this one only with their feature `plant`, which is off by default;
//! it must not be part of a shipped library, and it takes no lock, because some places are in a forked child or inside
//! librdkafka's locks.
//!
//! Faults are written `point`, `point:n` (fails at the n-th pass) or `point:n+` (at the n-th and each later one); several
//! are separated by commas. They come from the environment variable `KAFKATCL_PLANT` when the package is loaded, or from
//! [`arm`] later.

#![forbid(unsafe_code)]

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Once, OnceLock};

/// A place that shall fail.
struct Fault {
    point: String,
    at: u64,
    onward: bool,
    passes: AtomicU64,
}

/// Each call of [`arm`] fills the next place; the last one counts.
static SETS: [OnceLock<Vec<Fault>>; 256] = [const { OnceLock::new() }; 256];
static ARMED: AtomicUsize = AtomicUsize::new(0);

/// Arms these faults in place of those before; passes are counted from now on.
///
/// # Errors
/// A number that is none; more calls than there are places.
pub fn arm(faults: &str) -> Result<(), String> {
    let mut set = Vec::new();
    for word in faults.split(',').filter(|word| !word.is_empty()) {
        let (point, pass) = word.split_once(':').unwrap_or((word, "1"));
        let number = pass.strip_suffix('+').unwrap_or(pass);
        set.push(Fault {
            point: point.to_string(),
            at: number.parse().map_err(|_| format!("bad fault \"{word}\""))?,
            onward: pass.ends_with('+'),
            passes: AtomicU64::new(0),
        });
    }
    let index = ARMED.load(Ordering::Acquire);
    let place = SETS.get(index).ok_or("armed too often")?;
    place.set(set).map_err(|_| "armed by two threads at once")?;
    ARMED.store(index + 1, Ordering::Release);
    Ok(())
}

/// Arms what the environment asks for. The first call counts.
///
/// # Panics
/// The environment asks for something that cannot be read: a test that names no fault must not pass.
pub fn arm_from_environment() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        if let Ok(faults) = std::env::var("KAFKATCL_PLANT") {
            arm(&faults).unwrap();
        }
    });
}

/// Counts a pass of `point`; true if it shall fail now.
pub fn hit(point: &str) -> bool {
    let Some(index) = ARMED.load(Ordering::Acquire).checked_sub(1) else {
        return false;
    };
    let mut hit = false;
    for fault in SETS[index].get().into_iter().flatten().filter(|f| f.point == point) {
        let pass = fault.passes.fetch_add(1, Ordering::AcqRel) + 1;
        hit |= pass == fault.at || fault.onward && pass > fault.at;
    }
    hit
}

/// Panics if `point` shall fail now.
///
/// # Panics
/// That is what it is for.
#[track_caller]
pub fn point(point: &str) {
    if hit(point) {
        panic!("planted panic in {point}");
    }
}

/// A payload that panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("planted panic in a payload");
    }
}

/// Like [`point`], with a payload that is no text and panics when it is dropped.
///
/// # Panics
/// That is what it is for.
#[track_caller]
pub fn odd_point(point: &str) {
    if hit(point) {
        std::panic::panic_any(Bomb);
    }
}

#[cfg(test)]
mod tests {
    use super::{arm, hit};

    #[test]
    fn faults_are_read_and_counted() {
        assert!(!hit("a"));
        arm("a,b:2,c:2+").unwrap();
        assert_eq!([hit("a"), hit("a"), hit("a")], [true, false, false]);
        assert_eq!([hit("b"), hit("b"), hit("b")], [false, true, false]);
        assert_eq!([hit("c"), hit("c"), hit("c")], [false, true, true]);
        assert!(!hit("d"));
        arm("").unwrap();
        assert!(!hit("c"));
        assert!(arm("a:x").is_err());
    }
}
