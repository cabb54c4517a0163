//! The ways to spread messages over partitions, as pure functions.
//!
//! A partitioner here is librdkafka's own function, chosen by name; no user code runs in one.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::ptr;

use crate::sys;

/// How messages that name no partition are spread.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Partitioner {
    /// Any partition, whatever the key (`rd_kafka_msg_partitioner_random`).
    Random,
    /// CRC32 of the key; no key and an empty key always go to the same partition.
    Consistent,
    /// CRC32 of the key; no key and an empty key go anywhere. librdkafka's default.
    ConsistentRandom,
    /// The Java client's hash of the key.
    Murmur2,
    /// The Java client's hash of the key; no key goes anywhere. The Java client's default.
    Murmur2Random,
    /// FNV-1a of the key (the hash of Sarama, a Go client).
    Fnv1a,
    /// FNV-1a of the key; no key goes anywhere.
    Fnv1aRandom,
}

impl Partitioner {
    /// The values of the property `partitioner`.
    pub const NAMES: [&'static str; 7] = [
        "random",
        "consistent",
        "consistent_random",
        "murmur2",
        "murmur2_random",
        "fnv1a",
        "fnv1a_random",
    ];

    const ALL: [Partitioner; 7] = [
        Partitioner::Random,
        Partitioner::Consistent,
        Partitioner::ConsistentRandom,
        Partitioner::Murmur2,
        Partitioner::Murmur2Random,
        Partitioner::Fnv1a,
        Partitioner::Fnv1aRandom,
    ];

    /// The partitioner with that name.
    pub fn from_name(name: &str) -> Option<Partitioner> {
        Self::NAMES
            .iter()
            .position(|known| *known == name)
            .map(|at| Self::ALL[at])
    }

    /// The value of the property `partitioner`.
    pub fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }

    /// The partition, from 0 to `count - 1`, that a message with this key goes to; -1 if `count` is
    /// not positive (the C functions divide by it).
    ///
    /// An empty key is a key: as in C, only `random` and `consistent_random` choose at random for
    /// it. A random choice here does not know which partitions have a leader, as a producer's does,
    /// and a producer sends messages without a key to one partition for a while
    /// (`sticky.partitioning.linger.ms`).
    pub fn partition(self, key: &[u8], count: i32) -> i32 {
        if count <= 0 {
            return -1;
        }
        let hash = match self {
            // The C functions look at the topic for a random choice, and there is none here.
            Partitioner::Random => return anywhere(count),
            Partitioner::ConsistentRandom if key.is_empty() => return anywhere(count),
            Partitioner::Consistent | Partitioner::ConsistentRandom => sys::rd_kafka_msg_partitioner_consistent,
            Partitioner::Murmur2 | Partitioner::Murmur2Random => sys::rd_kafka_msg_partitioner_murmur2,
            Partitioner::Fnv1a | Partitioner::Fnv1aRandom => sys::rd_kafka_msg_partitioner_fnv1a,
        };
        // SAFETY: these three read the key's bytes and the count (not zero) and nothing else: see
        // rdkafka_msg.c, where topic and opaques are unused parameters. The slice lives through the call.
        unsafe {
            hash(
                ptr::null(),
                key.as_ptr().cast(),
                key.len(),
                count,
                ptr::null_mut(),
                ptr::null_mut(),
            )
        }
    }
}

/// Any number from 0 to `count - 1`; `count` is positive.
fn anywhere(count: i32) -> i32 {
    let noise = RandomState::new().build_hasher().finish();
    (noise % count as u64) as i32
}
