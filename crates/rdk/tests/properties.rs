//! Property tests: what holds for every list of partitions, every setting, every key, every message. How many inputs, and
//! how to see one that failed again, is in `property.rs`.

mod support;

#[path = "../../property.rs"]
mod property;

use property::{holds, Verdict};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use rdk::*;
use std::collections::BTreeSet;
use support::*;

/// A text of any characters, mostly short, with NUL among them.
fn text() -> impl Strategy<Value = String> {
    let character = prop_oneof![4 => (0u8..0x80).prop_map(char::from), 1 => any::<char>(), 1 => select(vec!['\0', '.', ',', '^', '\u{10FFFF}'])];
    vec(character, 0..20).prop_map(String::from_iter)
}

/// Numbers near the borders of 16, 32 and 64 bits, and the offsets that mean something.
fn number() -> impl Strategy<Value = i64> {
    let border = select(vec![
        0,
        -1,
        -2,
        -1000,
        -1001,
        -2000,
        1 << 15,
        1 << 31,
        -(1 << 31),
        1 << 32,
        i64::MIN,
        i64::MAX,
    ]);
    prop_oneof![3 => (border, -2i64..=2).prop_map(|(at, near)| at.saturating_add(near)), 1 => any::<i64>(), 1 => -100i64..100_000]
}

fn offset() -> impl Strategy<Value = Offset> {
    prop_oneof![
        select(vec![Offset::Beginning, Offset::End, Offset::Stored, Offset::Invalid]),
        number().prop_map(Offset::At),
        number().prop_map(Offset::Tail),
    ]
}

fn fine<T>(result: rdk::Result<T>) -> std::result::Result<T, TestCaseError> {
    result.map_err(|error| TestCaseError::fail(error.to_string()))
}

// --- lists of partitions ---------------------------------------------------------------------------------------------

#[test]
fn offsets_are_numbers_and_back() {
    holds("offsets", 10_000, (number(), offset()), |(raw, offset)| {
        prop_assert_eq!(Offset::from_raw(raw).raw(), raw);
        // What has two names keeps its meaning under the other one.
        prop_assert_eq!(Offset::from_raw(offset.raw()).raw(), offset.raw());
        if let Offset::Tail(count @ 0..=1_000_000) = offset {
            prop_assert_eq!(Offset::from_raw(offset.raw()), Offset::Tail(count));
        }
        Ok(())
    });
}

#[test]
fn lists_keep_what_is_added() {
    let _alone = alone();
    let partition = prop_oneof![2 => -3i32..5, 1 => any::<i32>(), 1 => select(vec![i32::MIN, i32::MAX])];
    let rows = vec((text(), partition, prop::option::of(offset())), 0..40);
    holds("lists", 5_000, (rows, offset()), |(rows, all)| {
        let mut list = PartitionList::new();
        let mut wanted = Vec::new();
        for (topic, partition, offset) in rows {
            let right = !topic.is_empty() && !topic.contains('\0') && partition >= -1;
            match list.add(&topic, partition, offset) {
                Ok(()) => {
                    prop_assert!(right, "{:?} was taken", (topic, partition));
                    wanted.push(Entry {
                        topic,
                        partition,
                        offset: Offset::from_raw(offset.unwrap_or(Offset::Invalid).raw()),
                        error: Code::NO_ERROR,
                        metadata: None,
                    });
                }
                Err(error) => {
                    prop_assert!(!right, "{}", error);
                    prop_assert_eq!(error.code, Code::INVALID_ARG);
                }
            }
        }
        prop_assert_eq!((list.len(), list.is_empty()), (wanted.len(), wanted.is_empty()));
        let copy = list.clone();
        prop_assert_eq!(list.iter().collect::<Vec<_>>(), wanted.as_slice());
        list.set_all_offsets(all);
        drop(list.add("one more", 0, None));
        prop_assert_eq!(
            copy.iter().collect::<Vec<_>>(),
            wanted.as_slice(),
            "a copy is of its own"
        );
        prop_assert!(list
            .iter()
            .take(wanted.len())
            .all(|entry| entry.offset.raw() == all.raw()));
        drop(list);
        prop_assert_eq!(copy.iter().collect::<Vec<_>>(), wanted);
        Ok(())
    });
}

// --- settings --------------------------------------------------------------------------------------------------------

/// Every property that has a value by itself, and some that have none.
fn names() -> Vec<String> {
    let mut all: Vec<String> = [Config::new().dump(), TopicConfig::new().dump()]
        .concat()
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    all.extend(
        "bootstrap.servers client.id group.id debug acks linger.ms retries topic.blacklist ssl.ca.location \
         compression.type enable.auto.commit sasl.mechanism delivery.timeout.ms client.rack topic.acks \
         sasl.oauthbearer.scope group.instance.id transactional.id no.such topic.no.such"
            .split(' ')
            .map(str::to_string),
    );
    all
}

const SECRETS: [&str; 14] = [
    "sasl.jaas.config",
    "sasl.username",
    "sasl.password",
    "ssl.key.location",
    "ssl.key.password",
    "ssl.key.pem",
    "ssl.ca.pem",
    "ssl.keystore.password",
    "sasl.oauthbearer.config",
    "sasl.oauthbearer.client.secret",
    "sasl.oauthbearer.client.credentials.client.secret",
    "sasl.oauthbearer.assertion.private.key.file",
    "sasl.oauthbearer.assertion.private.key.passphrase",
    "sasl.oauthbearer.assertion.private.key.pem",
];

const FORBIDDEN: [&str; 14] = [
    "log_cb",
    "rebalance_cb",
    "dr_msg_cb",
    "partitioner_cb",
    "opaque",
    "default_topic_conf",
    "interceptors",
    "ut_handle_ProduceResponse",
    "test.mock.num.brokers",
    "plugin.library.paths",
    "ssl.engine.location",
    "ssl_key",
    "enabled_events",
    "internal.termination.signal",
];

fn value() -> impl Strategy<Value = String> {
    let word = select(
        "true false all none gzip zstd earliest latest error broker,topic broker,nosuch -broker,+msg range,roundrobin \
         sasl_ssl PLAIN random murmur2 consistent_random inherit v4 use_all_dns_ips nan inf 1e3 0x10 010 5s 08 ^a,^b ( a{9"
            .split(' ')
            .map(str::to_string)
            .collect::<Vec<_>>(),
    );
    prop_oneof![2 => word, 2 => number().prop_map(|n| n.to_string()), 1 => text(), 1 => (0i64..200).prop_map(|n| n.to_string())]
}

/// A name as somebody might write it to get around a rule.
fn disguised(names: Vec<String>) -> impl Strategy<Value = String> {
    (select(names), 0usize..12, any::<u64>()).prop_map(|(name, how, bits)| match how {
        0 => name.to_uppercase(),
        1 => name
            .chars()
            .enumerate()
            .map(|(at, c)| {
                if bits >> (at % 64) & 1 == 1 {
                    c.to_ascii_uppercase()
                } else {
                    c
                }
            })
            .collect(),
        2 => format!("topic.{name}"),
        3 => format!("topic.topic.{name}"),
        4 => format!("{name} "),
        5 => format!(" {name}"),
        6 => name.replace('.', "_"),
        7 => name.replace('_', "."),
        8 => format!("Topic.{name}"),
        9 => format!("{name}\0"),
        _ => name,
    })
}

#[test]
fn settings_are_kept_or_refused() {
    let _alone = alone();
    let known = || prop_oneof![8 => select(names()), 1 => disguised(names()), 1 => text()];
    holds("settings", 2_000, vec((known(), value()), 0..8), |settings| {
        let mut config = Config::new();
        for (name, value) in &settings {
            let before = (config.dump(), config.get(name).ok());
            let copy = config.duplicate();
            prop_assert_eq!(&copy.dump(), &before.0);
            match config.set(name, value) {
                Ok(()) => {
                    prop_assert!(refused(name).is_none() && scope(name) != Scope::Unknown && config.was_set(name));
                    let now = fine(config.get(name))?;
                    // What is given back means the same again.
                    if !is_secret(name) && !now.is_empty() && name != "builtin.features" {
                        let mut other = Config::new();
                        fine(other.set(name, &now))?;
                        prop_assert_eq!(fine(other.get(name))?, now.as_str());
                    }
                }
                Err(error) => {
                    prop_assert_eq!(error.code, Code::INVALID_ARG);
                    prop_assert!(!error.text.is_empty());
                    prop_assert_eq!(refused(name).is_some(), error.text.contains("is refused"));
                    prop_assert_eq!(
                        (config.dump(), config.get(name).ok()),
                        before.clone(),
                        "after {}",
                        error
                    );
                }
            }
            prop_assert_eq!(copy.dump(), before.0, "a copy is of its own");
            let dump = config.dump();
            prop_assert_eq!(dump.iter().map(|row| &row.0).collect::<BTreeSet<_>>().len(), dump.len());
            prop_assert!(dump
                .iter()
                .all(|(_, value)| !value.starts_with("0x") || settings.iter().any(|set| set.1 == *value)));
        }
        Ok(())
    });
}

#[test]
fn topic_settings_are_kept_or_refused() {
    let _alone = alone();
    let known = || prop_oneof![8 => select(names()), 1 => disguised(names()), 1 => text()];
    holds("topic settings", 2_000, vec((known(), value()), 0..8), |settings| {
        let mut config = TopicConfig::new();
        for (name, value) in &settings {
            let before = config.dump();
            match config.set(name, value) {
                Ok(()) => {
                    prop_assert!(matches!(scope(name), Scope::Topic | Scope::Both) && config.was_set(name));
                    let now = fine(config.get(name))?;
                    if !now.is_empty() {
                        let mut other = TopicConfig::new();
                        fine(other.set(name, &now))?;
                        prop_assert_eq!(fine(other.get(name))?, now);
                    }
                }
                Err(error) => {
                    prop_assert_eq!(error.code, Code::INVALID_ARG);
                    prop_assert_eq!(config.dump(), before);
                }
            }
            prop_assert_eq!(config.duplicate().dump(), config.dump());
        }
        Ok(())
    });
}

/// A number is taken as it is or not at all.
#[test]
fn numbers_are_not_cut() {
    let _alone = alone();
    let integer = |row: &(String, String)| row.1.parse::<i64>().is_ok();
    let names: Vec<String> = Config::new()
        .dump()
        .into_iter()
        .filter(integer)
        .map(|row| row.0)
        .chain(["acks".into(), "retries".into()])
        .collect();
    assert!(names.len() > 50, "{names:?}");
    let tail = select(vec!["", "", "", "s", " s", ".5", "e3", "_", "k", " ", "\t"]);
    holds(
        "numbers",
        5_000,
        (select(names), number(), 0..3, tail),
        |(name, number, base, tail)| {
            let size = number.unsigned_abs();
            let sign = if number < 0 { "-" } else { "" };
            let digits = match base {
                0 => format!("{sign}0x{size:x}"),
                1 => format!("{sign}0{size:o}"),
                _ => format!("{sign}{size}"),
            };
            let tail = if base == 0 && tail == "e3" { "" } else { tail }; // those would be two more digits
            let fraction = name == "queue.buffering.max.ms";
            let plain = tail.trim().is_empty() || (fraction && base != 0 && [".5", "e3"].contains(&tail));
            let mut config = Config::new();
            match config.set(&name, &format!("{digits}{tail}")) {
                Ok(()) => {
                    prop_assert!(plain, "{}{} was taken", digits, tail);
                    let now = fine(config.get(&name))?;
                    prop_assert!(fraction || now == number.to_string(), "{} became {}", digits, now);
                }
                Err(error) if error.text.contains("not a number") => {
                    prop_assert!(!plain || fraction || i32::try_from(number).is_err(), "{}", error);
                }
                Err(_) => {} // librdkafka's own opinion
            }
            Ok(())
        },
    );
}

#[test]
fn refused_names_stay_refused() {
    let _alone = alone();
    let names = disguised(FORBIDDEN.map(str::to_string).to_vec());
    holds("refused names", 5_000, (names, value()), |(name, value)| {
        let (mut config, mut topic) = (Config::new(), TopicConfig::new());
        prop_assert!(config.set(&name, &value).is_err() && topic.set(&name, &value).is_err());
        prop_assert!(!config.was_set(&name) && !topic.was_set(&name));
        // Nor can they be looked at: their values are addresses.
        prop_assert!(config.get(&name).is_err() && topic.get(&name).is_err());
        Ok(())
    });
}

#[test]
fn secrets_are_never_shown() {
    let _alone = alone();
    let names = disguised(SECRETS.map(str::to_string).to_vec());
    let other = (select(names_without_files()), value());
    holds(
        "secrets",
        2_000,
        (names, text(), text(), vec(other, 0..3)),
        |(name, head, tail, others)| {
            let canary = "canary-4711";
            let value = format!("{head}{canary}{tail}");
            let mut config = Config::new();
            let mut topic = TopicConfig::new();
            let mut all = String::new();
            for error in [config.set(&name, &value).err(), topic.set(&name, &value).err()]
                .into_iter()
                .flatten()
            {
                all += &format!("{error}{error:?}");
            }
            for (name, value) in &others {
                let _ = config.set(name, value);
            }
            let copy = config.duplicate();
            for config in [&config, &copy] {
                all += &format!(
                    "{config:?}{:?}{:?}{topic:?}{:?}",
                    config.dump(),
                    config.get(&name),
                    topic.dump()
                );
            }
            prop_assert!(!all.contains(canary), "{}", all);
            if config.was_set(&name) && is_secret(&name) {
                prop_assert_eq!(fine(copy.get(&name))?, "[redacted]");
            }
            Ok(())
        },
    );
}

fn names_without_files() -> Vec<String> {
    names().into_iter().filter(|name| !name.ends_with("location")).collect()
}

/// Long values, and expressions that grow when they are compiled: an error or not, never the end of the process.
#[test]
fn large_values_are_survived() {
    let _alone = alone();
    let names: Vec<&str> = "topic.blacklist client.id bootstrap.servers sasl.password ssl.ca.pem debug linger.ms acks \
                            partition.assignment.strategy ssl.cipher.suites partitioner"
        .split(' ')
        .collect();
    let unit = select(vec!["a", "ab,", "(", "^a{9}", "+", ",", "€", "0", " "]);
    let size = prop_oneof![
        0usize..70_000,
        select(vec![32_767, 32_768, 1 << 20, (1 << 20) + 1, 20_000_000])
    ];
    holds(
        "large values",
        200,
        (select(names), unit, size),
        |(name, unit, size)| {
            let value = unit.repeat(size / unit.len());
            let mut config = Config::new();
            if config.set(name, &value).is_ok() {
                prop_assert!(value.len() <= 1 << 20);
                let shown = fine(config.duplicate().get(name))?;
                prop_assert!(is_secret(name) || shown.len() <= value.len().max(32));
            }
            Ok(())
        },
    );
    let piece = select(vec![
        "(", ")", "{9}", "{99}", "{255}", "+", "*", "?", "a", "[ab]", "|", ".", "[", "]", "^", "\\", "{1", ",", "}",
    ]);
    holds("expressions", 500, vec(piece, 0..20), |pieces| {
        let _ = Config::new().set("topic.blacklist", &pieces.concat());
        Ok(())
    });
    for value in ["((a{255}){255}){255}", "^ok,^(((((a{99}){99}){99}){99}){99})"] {
        assert_eq!(code_of(Config::new().set("topic.blacklist", value)), Code::INVALID_ARG);
    }
}

// --- partitioners ----------------------------------------------------------------------------------------------------

/// CRC-32 as in zlib, bit by bit.
fn crc32(key: &[u8]) -> u32 {
    !key.iter().fold(!0u32, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| {
            if crc & 1 == 1 {
                crc >> 1 ^ 0xEDB8_8320
            } else {
                crc >> 1
            }
        })
    })
}

/// FNV-1a with 32 bits.
fn fnv1a(key: &[u8]) -> u32 {
    key.iter().fold(0x811C_9DC5, |hash: u32, &byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}

/// Murmur2 with the seed that the Java client uses, by the published description of the algorithm.
fn murmur2(key: &[u8]) -> u32 {
    const M: u32 = 0x5BD1_E995;
    let words = key.chunks_exact(4);
    let rest = words.remainder();
    let mut hash = words.fold(0x9747_B28C ^ key.len() as u32, |hash, word| {
        let mixed = u32::from_le_bytes([word[0], word[1], word[2], word[3]]).wrapping_mul(M);
        hash.wrapping_mul(M) ^ (mixed ^ mixed >> 24).wrapping_mul(M)
    });
    if !rest.is_empty() {
        hash ^= rest.iter().rev().fold(0, |word, &byte| word << 8 | u32::from(byte));
        hash = hash.wrapping_mul(M);
    }
    hash = (hash ^ hash >> 13).wrapping_mul(M);
    hash ^ hash >> 15
}

#[test]
fn partitioners_agree_with_others() {
    let count = prop_oneof![2 => 1i32..200, 1 => any::<i32>(), 1 => select(vec![0, -1, i32::MIN, i32::MAX])];
    holds(
        "partitioners",
        20_000,
        (vec(any::<u8>(), 0..40), count),
        |(key, count)| {
            for name in Partitioner::NAMES {
                let partitioner = Partitioner::from_name(name).expect("its own name");
                let at = partitioner.partition(&key, count);
                if count <= 0 {
                    prop_assert_eq!(at, -1);
                    continue;
                }
                prop_assert!((0..count).contains(&at), "{} gives {}", name, at);
                let wanted = match partitioner {
                    Partitioner::Random => continue,
                    Partitioner::ConsistentRandom if key.is_empty() => continue,
                    Partitioner::Consistent | Partitioner::ConsistentRandom => (crc32(&key) % count as u32) as i32,
                    Partitioner::Murmur2 | Partitioner::Murmur2Random => (murmur2(&key) & 0x7FFF_FFFF) as i32 % count,
                    // Sarama takes the hash as a signed number and drops the sign of the rest.
                    Partitioner::Fnv1a | Partitioner::Fnv1aRandom => (fnv1a(&key) as i32 % count).abs(),
                };
                prop_assert_eq!(at, wanted, "{}", name);
            }
            Ok(())
        },
    );
}

// --- times and codes -------------------------------------------------------------------------------------------------

#[test]
fn timeouts_are_cut_at_the_longest() {
    holds("timeouts", 10_000, (number(), number()), |(one, other)| {
        let wait = Timeout::ms(one);
        if one < 0 {
            prop_assert_eq!((wait, wait.as_ms()), (Timeout::FOREVER, -1));
        } else {
            prop_assert_eq!(i64::from(wait.as_ms()), one.min(i64::from(i32::MAX)));
        }
        if 0 <= one && one <= other {
            prop_assert!(wait.as_ms() <= Timeout::ms(other).as_ms());
        }
        Ok(())
    });
}

#[test]
fn every_code_has_a_name() {
    let code = prop_oneof![2 => -200i32..150, 1 => any::<i32>(), 1 => select(vec![i32::MIN, i32::MAX])];
    holds("codes", 10_000, (code, text()), |(number, word)| {
        let code = Code(number);
        let name = code.name();
        prop_assert!(name.starts_with("RD_KAFKA_RESP_ERR_") && !name.contains(char::is_whitespace));
        prop_assert_eq!(Code::from_name(&name), Some(code));
        prop_assert!(!code.text().is_empty());
        prop_assert_eq!(code.is_ok(), number == 0);
        for word in [word.clone(), format!("RD_KAFKA_RESP_ERR_{word}")] {
            if let Some(found) = Code::from_name(&word) {
                prop_assert_eq!(Code::from_name(&found.name()), Some(found));
            }
        }
        Ok(())
    });
    let all = Code::all();
    assert_eq!(
        all.iter().map(|row| &row.name).collect::<BTreeSet<_>>().len(),
        all.len()
    );
    for row in all {
        let short = row.name.strip_prefix("RD_KAFKA_RESP_ERR_").expect("the prefix");
        assert_eq!(
            (Code::from_name(short), row.code.name()),
            (Some(row.code), row.name.clone())
        );
    }
}

// --- messages --------------------------------------------------------------------------------------------------------

type Bytes = Option<Vec<u8>>;

/// What is produced is reported and read: byte by byte, in order, null and empty told apart.
#[test]
fn messages_come_as_they_went() {
    let _alone = alone();
    let mock = mock(1);
    mock.create_topic("t", 1, 1).unwrap();
    let client = producer(&mock, Delivery::All, &[("linger.ms", "0")]);
    let reports = client.main_queue().unwrap();
    let out = client.topic("t", None).unwrap();
    let reader = consumer(&mock, quiet(), &[("fetch.wait.max.ms", "10")]);
    let queue = reader.new_queue().unwrap();
    let topic = reader.topic("t", None).unwrap();
    topic.start(0, Offset::Beginning, &queue).unwrap();

    let bytes = || prop_oneof![4 => vec(any::<u8>(), 0..40), 1 => vec(any::<u8>(), 0..5000)];
    let row = (prop::option::of(bytes()), prop::option::of(bytes()));
    let compare = |what: &str, queue: &Queue, wanted: &[(Bytes, Bytes)]| -> Verdict {
        let mut got = Vec::new();
        until(what, queue, |event| {
            got.extend(
                event
                    .messages()
                    .map(|m| (m.payload().map(<[u8]>::to_vec), m.key().map(<[u8]>::to_vec))),
            );
            (got.len() >= wanted.len()).then_some(())
        });
        prop_assert_eq!(got.as_slice(), wanted, "{}", what);
        Ok(())
    };
    holds("messages", 40, (vec(row, 1..30), any::<bool>()), |(mut rows, batch)| {
        if batch {
            // A batch has no null payloads.
            for (payload, _) in &mut rows {
                payload.get_or_insert_with(Vec::new);
            }
            let batch: Vec<Row<'_>> = rows
                .iter()
                .map(|(payload, key)| Row {
                    payload: payload.as_deref().unwrap_or_default(),
                    key: key.as_deref(),
                })
                .collect();
            prop_assert!(fine(out.produce_batch(0, &batch))?.is_empty());
        } else {
            for (payload, key) in &rows {
                fine(out.produce(0, payload.as_deref(), key.as_deref()))?;
            }
        }
        compare("report", &reports, &rows)?;
        compare("message", &queue, &rows)
    });
    topic.stop(0).unwrap();
}
