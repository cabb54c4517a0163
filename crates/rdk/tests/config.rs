//! Settings: what is refused, what is hidden, what goes where.

mod support;

use rdk::*;
use std::collections::BTreeMap;
use support::*;

#[test]
fn set_and_get() {
    let _alone = alone();
    let mut config = Config::new();
    config.set("client.id", "me").unwrap();
    assert_eq!(config.get("client.id").unwrap(), "me");
    assert_eq!(config.get("group.id").unwrap(), "");
    assert_eq!(config.get("debug").unwrap(), "");
    config.set("debug", "broker,topic").unwrap();
    assert_eq!(config.get("debug").unwrap(), "broker,topic");
    config.set("linger.ms", "7").unwrap();
    assert_eq!(config.get("queue.buffering.max.ms").unwrap(), "7");
    let copy = config.clone();
    config.set("client.id", "").unwrap();
    assert_eq!(config.get("client.id").unwrap(), "rdkafka");
    assert_eq!(copy.get("client.id").unwrap(), "me");
    assert_eq!(copy.get("debug").unwrap(), "broker,topic");
    assert!(config.get("builtin.features").unwrap().contains("ssl"));
    assert!(config.get("builtin.features").unwrap().contains("zstd"));
    for (name, value) in [
        ("no.such", "x"),
        ("linger.ms", "fast"),
        ("linger.ms", "-1"),
        ("a\0b", "x"),
        ("client.id", "a\0b"),
        ("", ""),
    ] {
        let error = config.set(name, value).unwrap_err();
        assert_eq!(error.code, Code::INVALID_ARG);
        assert!(!error.text.is_empty());
    }
    assert!(config
        .set("no.such", "x")
        .unwrap_err()
        .text
        .contains("No such configuration property"));
    assert_eq!(code_of(config.get("no.such")), Code::INVALID_ARG);
}

/// librdkafka copies values onto stacks, and starts a thread for each broker.
#[test]
fn values_have_a_longest_length() {
    let _alone = alone();
    let mut config = Config::new();
    let mut topic = TopicConfig::new();
    let long = "x,".repeat(1 << 20);
    for name in [
        "topic.blacklist",
        "bootstrap.servers",
        "partition.assignment.strategy",
        "ssl.ca.pem",
    ] {
        assert_eq!(code_of(config.set(name, &long)), Code::INVALID_ARG);
    }
    assert_eq!(code_of(topic.set("partitioner", &long)), Code::INVALID_ARG);
    config.set("ssl.ca.pem", &"x".repeat(1 << 20)).unwrap();
    for name in ["bootstrap.servers", "metadata.broker.list"] {
        config.set(name, &["h"; 1000].join(",")).unwrap();
        assert_eq!(code_of(config.set(name, &["h"; 1001].join(","))), Code::INVALID_ARG);
    }
    config.set("topic.blacklist", "a,^b{3}").unwrap();
    assert_eq!(code_of(config.set("topic.blacklist", "a,^b{3000}")), Code::INVALID_ARG);
}

#[test]
fn ids_have_a_longest_length() {
    let _alone = alone();
    let mut config = Config::new();
    for name in [
        "client.id",
        "group.id",
        "transactional.id",
        "group.instance.id",
        "client.rack",
    ] {
        config.set(name, &"x".repeat(32_767)).unwrap();
        assert_eq!(code_of(config.set(name, &"x".repeat(32_768))), Code::INVALID_ARG);
    }
    let deep = "(".repeat(20_000);
    assert_eq!(
        code_of(config.set("topic.blacklist", &format!("ok,{deep}"))),
        Code::INVALID_ARG
    );
    config.set("topic.blacklist", "^a,^b").unwrap();
}

#[test]
fn refused_by_name() {
    let _alone = alone();
    let names = [
        "ut_handle_ProduceResponse",
        "topic.ut_handle_ProduceResponse",
        "opaque",
        "topic.opaque",
        "log_cb",
        "some_new_cb",
        "default_topic_conf",
        "interceptors",
        "ssl_key",
        "ssl_engine_callback_data",
        "topic.partitioner_cb",
        "msg_order_cmp",
        "plugin.library.paths",
        "ssl.engine.location",
        "ssl.engine.id",
        "ssl.providers",
        "sasl.kerberos.kinit.cmd",
        "internal.termination.signal",
        "enabled_events",
        "test.mock.num.brokers",
        "test.mock.broker.rtt",
        "log.queue",
        "enable_sasl_queue",
    ];
    let mut config = Config::new();
    let mut topic = TopicConfig::new();
    for name in names {
        assert!(refused(name).is_some(), "{name}");
        for error in [config.set(name, "1").unwrap_err(), topic.set(name, "1").unwrap_err()] {
            assert_eq!(error.code, Code::INVALID_ARG);
            assert!(error.text.contains("is refused"), "{error}");
        }
    }
    assert_eq!(refused("client.id"), None);
    let shown = [config.dump(), topic.dump()].concat();
    for (name, value) in shown {
        assert!(!value.starts_with("0x"), "{name} {value}");
        assert!(
            !name.ends_with("_cb") && !name.contains("opaque") && !name.contains("mock"),
            "{name}"
        );
    }
}

#[test]
fn secrets_stay_inside() {
    let _alone = alone();
    const CANARY: &str = "canary-4711";
    let secrets = [
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
    let mut config = Config::new();
    for name in secrets {
        assert!(is_secret(name));
        assert_eq!(Config::new().get(name).unwrap(), "");
        config.set(name, CANARY).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(config.get(name).unwrap(), "[redacted]");
        let error = config.set(name, &format!("{CANARY}\0")).unwrap_err();
        assert!(!error.to_string().contains(CANARY), "{error}");
    }
    if let Err(error) = config.set("sasl.jaas.config", CANARY) {
        assert!(!error.to_string().contains(CANARY), "{error}");
    }
    assert!(!is_secret("client.id"));
    let mut all = format!("{config:?}{:?}", config.dump());
    let mut open = Config::new();
    open.set("sasl.password", CANARY).unwrap();
    open.set("sasl.username", CANARY).unwrap();
    let client = Client::open(Kind::Producer, open, TopicConfig::new(), quiet()).unwrap();
    all += &format!("{:?}{client:?}", client.effective());
    assert!(!all.contains(CANARY));
    assert!(client
        .effective()
        .contains(&("sasl.password".to_string(), "[redacted]".to_string())));
}

#[test]
fn where_a_property_lives() {
    let _alone = alone();
    for (name, expected) in [
        ("client.id", Scope::Global),
        ("bootstrap.servers", Scope::Global),
        ("metadata.broker.list", Scope::Global),
        ("enable.partition.eof", Scope::Global),
        ("topic.metadata.refresh.interval.ms", Scope::Global),
        ("linger.ms", Scope::Global),
        ("plugin.library.paths", Scope::Global),
        ("ut_handle_ProduceResponse", Scope::Global),
        ("acks", Scope::Topic),
        ("request.required.acks", Scope::Topic),
        ("auto.offset.reset", Scope::Topic),
        ("topic.auto.offset.reset", Scope::Topic),
        ("partitioner", Scope::Topic),
        ("delivery.timeout.ms", Scope::Topic),
        ("compression.codec", Scope::Both),
        ("compression.type", Scope::Both),
        ("enable.auto.commit", Scope::Both),
        ("auto.commit.interval.ms", Scope::Both),
        ("opaque", Scope::Both),
        ("auto.commit.enable", Scope::Topic),
        ("compression.level", Scope::Topic),
        ("request.timeout.ms", Scope::Topic),
        ("no.such", Scope::Unknown),
        ("", Scope::Unknown),
        ("a\0b", Scope::Unknown),
    ] {
        assert_eq!(scope(name), expected, "{name}");
    }
}

#[test]
fn topic_settings_made_on_a_client() {
    let _alone = alone();
    let mut config = Config::new();
    assert_eq!(config.get("acks").unwrap(), "-1");
    config.set("acks", "all").unwrap();
    config.set("auto.offset.reset", "earliest").unwrap();
    assert_eq!(config.get("auto.offset.reset").unwrap(), "smallest");
    let mut topic = TopicConfig::new();
    topic.set("topic.acks", "1").unwrap();
    assert_eq!(topic.get("request.required.acks").unwrap(), "1");
    assert_eq!(topic.get("topic.acks").unwrap(), "1");
    assert!(topic.was_set("acks") && !topic.was_set("partitioner"));
    assert_eq!(code_of(topic.set("client.id", "x")), Code::INVALID_ARG);
    assert_eq!(code_of(topic.get("client.id")), Code::INVALID_ARG);
    let dump: BTreeMap<_, _> = topic.dump().into_iter().collect();
    assert_eq!(dump["request.required.acks"], "1");
    let client = Client::open(Kind::Consumer, config, TopicConfig::new(), quiet()).unwrap();
    assert_eq!(client.topic_defaults().get("auto.offset.reset").unwrap(), "smallest");
}

#[test]
fn partitioners() {
    assert_eq!(Partitioner::NAMES.len(), 7);
    for name in Partitioner::NAMES {
        let partitioner = Partitioner::from_name(name).unwrap();
        assert_eq!(partitioner.name(), name);
        for count in [0, -1, i32::MIN] {
            assert_eq!(partitioner.partition(b"k", count), -1);
            assert_eq!(partitioner.partition(b"", count), -1);
        }
        for key in [&b""[..], b"k", &[0xff; 1000]] {
            assert_eq!(partitioner.partition(key, 1), 0);
            assert!((0..12).contains(&partitioner.partition(key, 12)));
            assert!(partitioner.partition(key, i32::MAX) >= 0);
        }
        let mut topic = TopicConfig::new();
        topic.set_partitioner(partitioner).unwrap();
        assert_eq!(topic.get("partitioner").unwrap(), name);
    }
    assert_eq!(Partitioner::from_name("Random"), None);
    // Java's own test vectors for murmur2: "21" is -973932308, "a little bit long string" ...
    assert_eq!(
        Partitioner::Murmur2.partition(b"21", i32::MAX),
        -973932308i32 & 0x7fffffff
    );
    assert_eq!(
        Partitioner::Murmur2.partition(b"foobar", i32::MAX),
        -790332482i32 & 0x7fffffff
    );
    assert_eq!(
        Partitioner::Consistent.partition(b"123456789", i32::MAX),
        (0xcbf43926u32 % 0x7fffffff) as i32
    );
    let spread: std::collections::BTreeSet<i32> = (0..200).map(|_| Partitioner::Random.partition(b"k", 4)).collect();
    assert_eq!(spread.len(), 4);
}
