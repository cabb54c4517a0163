//! How long a call may wait. Nothing in this crate blocks on the network without one.

/// A number of milliseconds, or forever.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Timeout(i64);

impl Timeout {
    /// Do not wait at all.
    pub const NONE: Timeout = Timeout(0);
    /// Wait as long as it takes.
    pub const FOREVER: Timeout = Timeout(-1);

    /// Wait at most `ms` milliseconds; any negative number means forever.
    pub const fn ms(ms: i64) -> Timeout {
        if ms < 0 {
            Timeout::FOREVER
        } else {
            Timeout(ms)
        }
    }

    /// The number for C: milliseconds, -1 for forever. More than 2^31-1 ms becomes 2^31-1 ms (24 days).
    pub const fn as_ms(self) -> i32 {
        if self.0 < 0 {
            -1
        } else if self.0 > i32::MAX as i64 {
            i32::MAX
        } else {
            self.0 as i32
        }
    }
}
