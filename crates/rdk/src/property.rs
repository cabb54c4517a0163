//! Facts about configuration properties that librdkafka knows but does not tell: which are
//! refused here, which are secret, and which of the two scopes knows a name.
//!
//! This file must not hold settings; see `config.rs`.

use std::ffi::CString;
use std::ptr;

use crate::handle::Handle;
use crate::sys;

/// Where librdkafka knows a property.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scope {
    /// Only as a property of the client.
    Global,
    /// Only as a property of a topic (or with the prefix `topic.`).
    Topic,
    /// As both: `compression.codec`, `compression.type`, `enable.auto.commit`,
    /// `auto.commit.interval.ms`, `opaque`. A client setting stays the client's; it does not reach
    /// topics, except that a topic's `compression.codec` is `inherit` unless set.
    Both,
    /// Nowhere.
    Unknown,
}

/// Where librdkafka knows `name` (aliases count; names it refuses to set count too).
///
/// Found by asking: `rd_kafka_conf_set` tries the client's table first and, only if the name is not
/// there, creates a default topic configuration and tries the topic's table.
pub fn scope(name: &str) -> Scope {
    let Ok(name) = CString::new(name) else {
        return Scope::Unknown;
    };
    // SAFETY: both functions return a new object for the caller to destroy.
    let made = unsafe {
        (
            Handle::<sys::Conf>::own(sys::rd_kafka_conf_new()),
            Handle::<sys::TopicConf>::own(sys::rd_kafka_topic_conf_new()),
        )
    };
    let (Some(conf), Some(topic)) = made else {
        return Scope::Unknown;
    };
    // SAFETY: the empty value means "default": no plugin is loaded, no pointer stored; the object,
    // which is thrown away below, and both strings live through the call; no error text is asked for.
    unsafe { sys::rd_kafka_conf_set(conf.as_ptr(), name.as_ptr(), sys::EMPTY.as_ptr(), ptr::null_mut(), 0) };
    // SAFETY: only reads a field of the live object.
    let fell_through = !unsafe { sys::rd_kafka_conf_get_default_topic_conf(conf.as_ptr()) }.is_null();
    // SAFETY: as for the client's table above.
    let answer =
        unsafe { sys::rd_kafka_topic_conf_set(topic.as_ptr(), name.as_ptr(), sys::EMPTY.as_ptr(), ptr::null_mut(), 0) };
    let in_topic = answer != sys::rd_kafka_conf_res_t::RD_KAFKA_CONF_UNKNOWN;
    match (!fell_through, in_topic) {
        (true, true) => Scope::Both,
        (true, false) => Scope::Global,
        (false, true) => Scope::Topic,
        (false, false) => Scope::Unknown,
    }
}

const POINTER: &str = "it holds a pointer of the program, not a text";
const INTERNAL: &str = "it belongs to librdkafka's own tests";
const CODE: &str = "it loads a library or runs a program";
const OURS: &str = "this package sets it itself";
const SIGNAL: &str = "librdkafka would send this signal to the process";

/// The names refused here, with the reason. `topic.` in front of a name does not help.
const REFUSED: &[(&str, &str)] = &[
    ("background_event_cb", POINTER),
    ("closesocket_cb", POINTER),
    ("connect_cb", POINTER),
    ("consume_cb", POINTER),
    ("default_topic_conf", POINTER),
    ("dr_cb", POINTER),
    ("dr_msg_cb", POINTER),
    ("error_cb", POINTER),
    ("interceptors", POINTER),
    ("log_cb", POINTER),
    ("msg_order_cmp", POINTER),
    ("oauthbearer_token_refresh_cb", POINTER),
    ("offset_commit_cb", POINTER),
    ("opaque", POINTER),
    ("open_cb", POINTER),
    ("partitioner_cb", POINTER),
    ("rebalance_cb", POINTER),
    ("resolve_cb", POINTER),
    ("socket_cb", POINTER),
    ("ssl.certificate.verify_cb", POINTER),
    ("ssl_ca", POINTER),
    ("ssl_certificate", POINTER),
    ("ssl_engine_callback_data", POINTER),
    ("ssl_key", POINTER),
    ("stats_cb", POINTER),
    ("throttle_cb", POINTER),
    ("ut_handle_ProduceResponse", INTERNAL),
    ("test.mock.num.brokers", INTERNAL),
    ("test.mock.broker.rtt", INTERNAL),
    ("plugin.library.paths", CODE),
    ("ssl.engine.location", CODE),
    ("ssl.engine.id", CODE),
    ("ssl.providers", CODE),
    ("sasl.kerberos.kinit.cmd", CODE),
    ("internal.termination.signal", SIGNAL),
    ("enabled_events", OURS),
    ("enable_sasl_queue", OURS),
    ("log.queue", OURS),
];

/// Why a property cannot be set here, or None if it can (or is unknown).
///
/// Refused are pointers, librdkafka's test hooks, everything that loads or runs code, the
/// termination signal, and what [`crate::Client::open`] sets itself.
pub fn refused(name: &str) -> Option<&'static str> {
    let name = bare(name);
    if let Some((_, reason)) = REFUSED.iter().find(|(known, _)| *known == name) {
        return Some(*reason);
    }
    if name.ends_with("_cb") {
        return Some(POINTER);
    }
    if name.starts_with("test.mock.") || name.starts_with("ut_") {
        return Some(INTERNAL);
    }
    None
}

/// Whether a dump may show a property at all: no pointers, no test hooks, nothing of ours.
pub(crate) fn shown(name: &str) -> bool {
    !matches!(refused(name), Some(reason) if reason != CODE)
}

/// librdkafka's own list of sensitive properties (`_RK_SENSITIVE` in `rdkafka_conf.c`), with aliases.
const SECRET: &[&str] = &[
    "sasl.jaas.config",
    "sasl.oauthbearer.assertion.private.key.file",
    "sasl.oauthbearer.assertion.private.key.passphrase",
    "sasl.oauthbearer.assertion.private.key.pem",
    "sasl.oauthbearer.client.credentials.client.secret",
    "sasl.oauthbearer.client.secret",
    "sasl.oauthbearer.config",
    "sasl.password",
    "sasl.username",
    "ssl.ca.pem",
    "ssl.key.location",
    "ssl.key.password",
    "ssl.key.pem",
    "ssl.keystore.password",
    "ssl_key",
];

/// Whether the value of a property must not be shown. Secrets are printed as `[redacted]` and
/// never quoted in an error.
pub fn is_secret(name: &str) -> bool {
    SECRET.contains(&bare(name))
}

/// The name without the prefix `topic.`, which `rd_kafka_topic_conf_set` strips. (Names that begin
/// with it in their own right, such as `topic.metadata.refresh.interval.ms`, are in no list here.)
fn bare(name: &str) -> &str {
    name.strip_prefix("topic.").unwrap_or(name)
}

/// The canonical name of a topic property, so that a setting is found under each of its names.
pub(crate) fn topic_property(name: &str) -> &str {
    match name.strip_prefix("topic.").unwrap_or(name) {
        "acks" => "request.required.acks",
        "delivery.timeout.ms" => "message.timeout.ms",
        "compression.type" => "compression.codec",
        "enable.auto.commit" => "auto.commit.enable",
        other => other,
    }
}
