//! Settings before a client or a topic exists (set, get, dump, duplicate), and those of a running client.
//!
//! Any property works and librdkafka's own messages are kept; what must not be set is refused by
//! name first (`property.rs`). No value of a secret leaves this file, except into librdkafka. It is long because settings
//! of clients and of topics have the same calls, and each has the checks that librdkafka leaves out.

use std::ffi::{c_char, CStr};
use std::ptr;

use crate::client::Client;
use crate::error::{Code, Error, Result};
use crate::handle::Handle;
use crate::partitioner::Partitioner;
use crate::property::{self, is_secret, scope, Scope};
use crate::regex;
use crate::sys::{self, cstring, rd_kafka_conf_res_t};

const HIDDEN: &str = "[redacted]";

/// The longest value, in bytes. librdkafka copies values onto stacks, whose size is not ours; a bundle of certificates
/// is a quarter of it.
const LONGEST_VALUE: usize = 1 << 20;

/// Checks the length of a value of `what`.
pub(crate) fn fits(op: &'static str, what: &str, value: &str) -> Result<()> {
    if value.len() <= LONGEST_VALUE {
        return Ok(());
    }
    let text = format!("{what} is longer than {LONGEST_VALUE} bytes");
    Err(Error::new(op, Code::INVALID_ARG, text))
}

fn refuse(op: &'static str, name: &str) -> Result<()> {
    match property::refused(name) {
        Some(reason) => Err(Error::new(
            op,
            Code::INVALID_ARG,
            format!("property \"{name}\" is refused: {reason}"),
        )),
        None => Ok(()),
    }
}

/// The most brokers in a list: librdkafka starts a thread for each, and aborts where there can be no more.
const MOST_BROKERS: usize = 1000;

/// Checks a list of brokers.
pub(crate) fn few_brokers(op: &'static str, list: &str) -> Result<()> {
    if list.split(',').count() <= MOST_BROKERS {
        return Ok(());
    }
    let text = format!("a list of brokers may have {MOST_BROKERS} elements");
    Err(Error::new(op, Code::INVALID_ARG, text))
}

/// As much of a name as a message needs.
fn short(name: &str) -> String {
    name.chars().take(60).collect()
}

/// Checks that librdkafka leaves out.
fn check(op: &'static str, name: &str, value: &str) -> Result<()> {
    refuse(op, name)?;
    fits(op, &format!("the value of property \"{}\"", short(name)), value)?;
    if ["bootstrap.servers", "metadata.broker.list"].contains(&name) {
        few_brokers(op, value)?;
    }
    let longest = property::longest(name);
    if value.len() > longest {
        let text = format!("property \"{name}\" is longer than {longest} bytes");
        return Err(Error::new(op, Code::INVALID_ARG, text));
    }
    if name == "topic.blacklist" {
        for text in value.split(',') {
            if let Some(fault) = regex::fault(text) {
                let start: String = text.chars().take(40).collect();
                let text = format!("the expression {start} in \"topic.blacklist\" cannot be used: {fault}");
                return Err(Error::new(op, Code::INVALID_ARG, text));
            }
        }
    }
    Ok(())
}

/// librdkafka takes `5s` for 5 and 4294967297 for 1. So what it has made of a number (`made`) is compared with it.
fn check_number(op: &'static str, name: &str, value: &str, made: &str) -> Result<()> {
    if is_secret(name) || property::same_number(name, value, made) {
        return Ok(());
    }
    let text = format!("Invalid value \"{value}\" for configuration property \"{name}\": not a number, or too large");
    Err(Error::new(op, Code::INVALID_ARG, text))
}

/// Ok, or librdkafka's text; for a secret a text of ours, since librdkafka's quotes the value.
fn judge(op: &'static str, name: &str, answer: rd_kafka_conf_res_t, said: &[u8]) -> Result<()> {
    if answer == rd_kafka_conf_res_t::RD_KAFKA_CONF_OK {
        return Ok(());
    }
    let text = if is_secret(name) {
        format!("Invalid value for configuration property \"{name}\"")
    } else {
        let said = CStr::from_bytes_until_nul(said)
            .map(CStr::to_string_lossy)
            .unwrap_or_default();
        said.trim_end().to_string()
    };
    Err(Error::new(op, Code::INVALID_ARG, text))
}

/// Run a two-step getter: first the size, then the text. None when librdkafka has no value.
fn fetch(mut ask: impl FnMut(*mut c_char, &mut usize) -> rd_kafka_conf_res_t) -> Option<String> {
    let mut size = 0;
    if ask(ptr::null_mut(), &mut size) != rd_kafka_conf_res_t::RD_KAFKA_CONF_OK {
        return None;
    }
    let mut room = vec![0u8; size.saturating_add(1)];
    let mut size = room.len();
    if ask(room.as_mut_ptr().cast(), &mut size) != rd_kafka_conf_res_t::RD_KAFKA_CONF_OK {
        return None;
    }
    room.push(0);
    CStr::from_bytes_until_nul(&room)
        .ok()
        .map(|text| text.to_string_lossy().into_owned())
}

fn get(
    op: &'static str,
    name: &str,
    mut ask: impl FnMut(*mut c_char, &mut usize) -> rd_kafka_conf_res_t,
) -> Result<String> {
    refuse(op, name)?;
    if is_secret(name) {
        let mut size = 0; // with the NUL; the text itself is not asked for
        let there = ask(ptr::null_mut(), &mut size) == rd_kafka_conf_res_t::RD_KAFKA_CONF_OK && size > 1;
        return Ok(if there { HIDDEN.to_string() } else { String::new() });
    }
    match fetch(ask) {
        Some(value) => Ok(value),
        None if scope(name) != Scope::Unknown => Ok(String::new()),
        None => Err(Error::new(
            op,
            Code::INVALID_ARG,
            format!("No such configuration property: \"{name}\""),
        )),
    }
}

/// Decode and free an array of `count` strings, name and value in turn.
///
/// # Safety
/// `words` and `count` came from a `rd_kafka_*conf_dump` call and were not freed.
unsafe fn listed(words: *mut *const c_char, count: usize) -> Vec<(String, String)> {
    // SAFETY: the caller promises the array; it lives until the free below.
    let all = unsafe { sys::slice_at(words.cast_const(), count) };
    let mut rows = Vec::with_capacity(count / 2);
    for pair in all.chunks_exact(2) {
        // SAFETY: each element is a NUL-terminated string (or NULL) of the array.
        let name = unsafe { sys::lossy(pair[0]) };
        if !property::shown(&name) {
            continue;
        }
        let value = if is_secret(&name) {
            HIDDEN.to_string()
        } else {
            // SAFETY: as above.
            unsafe { sys::lossy(pair[1]) }
        };
        rows.push((name, value));
    }
    if !words.is_null() {
        // SAFETY: the header asks for exactly this call, once, after a dump.
        unsafe { sys::rd_kafka_conf_dump_free(words, count) };
    }
    rows
}

/// The settings of a running client: [`Config::dump`] of `rd_kafka_conf`.
///
/// # Safety
/// `conf` is a configuration that lives through this call and is not changed meanwhile.
unsafe fn dump_of(conf: *mut sys::rd_kafka_conf_t) -> Vec<(String, String)> {
    let mut count = 0;
    // SAFETY: the caller promises a live object; the function only reads it and stores the count.
    let words = unsafe { sys::rd_kafka_conf_dump(conf, &mut count) };
    // SAFETY: straight from the dump call.
    unsafe { listed(words, count) }
}

/// The settings of a client to be (`rd_kafka_conf_t`).
///
/// Properties that only a topic has (`acks`, `auto.offset.reset`, ...) may be set here too; they
/// are kept apart and become defaults of the client's topics, unless the `TopicConfig` given to
/// [`Client::open`] sets the same property.
pub struct Config {
    raw: Handle<sys::Conf>,
    topic: TopicConfig,
    named: Vec<String>,
}

impl Config {
    /// librdkafka's defaults (`rd_kafka_conf_new`).
    #[allow(clippy::new_without_default)] // librdkafka allocates; `Config::default()` would hide that
    pub fn new() -> Config {
        Config {
            raw: Config::empty(),
            topic: TopicConfig::new(),
            named: Vec::new(),
        }
    }

    /// A copy that can be changed alone (`rd_kafka_conf_dup`).
    pub fn duplicate(&self) -> Config {
        // SAFETY: copies a live object; the copy is for the caller to destroy and never NULL.
        let raw = unsafe { Handle::own(sys::rd_kafka_conf_dup(self.raw.as_ptr())) };
        Config {
            raw: solid(raw),
            topic: self.topic.duplicate(),
            named: self.named.clone(),
        }
    }

    /// Set a property (`rd_kafka_conf_set`); an empty value means librdkafka's default, where it has one.
    ///
    /// Errors (code `__INVALID_ARG`): an unknown name, a wrong value, a refused name
    /// (see [`crate::refused`]), a NUL, an id (`client.id`, `group.id`, ...) longer than 32,767 bytes, any value longer
    /// than 1 MiB, more than 1,000 brokers, or in `topic.blacklist` an expression that [`Client::subscribe`] would refuse.
    pub fn set(&mut self, name: &str, value: &str) -> Result<()> {
        check("config", name, value)?;
        if scope(name) == Scope::Topic {
            return self.topic.set(name, value);
        }
        let c_name = cstring("config", "a property name", name)?;
        let c_value = cstring("config", "a property value", value)?;
        // On a new object first: of a list of words, librdkafka keeps those before the one that it refuses.
        let spare = Config::empty();
        let outcome = Config::put(&spare, name, &c_name, &c_value)
            .and_then(|()| {
                let made = get("config", name, |room, size| {
                    // SAFETY: reads a live object; `room` is NULL or has `*size` bytes, as the header wants.
                    unsafe { sys::rd_kafka_conf_get(spare.as_ptr(), c_name.as_ptr(), room, size) }
                })?;
                check_number("config", name, value, &made)
            })
            .and_then(|()| Config::put(&self.raw, name, &c_name, &c_value));
        if is_secret(name) {
            let mut bytes = c_value.into_bytes();
            bytes.fill(0); // our copy; librdkafka keeps its own
            std::hint::black_box(&bytes);
        }
        outcome?;
        if !self.named.iter().any(|known| known == name) {
            self.named.push(name.to_string());
        }
        Ok(())
    }

    fn empty() -> Handle<sys::Conf> {
        // SAFETY: returns a new object for the caller to destroy; librdkafka aborts rather than return NULL.
        solid(unsafe { Handle::own(sys::rd_kafka_conf_new()) })
    }

    fn put(raw: &Handle<sys::Conf>, name: &str, c_name: &CStr, c_value: &CStr) -> Result<()> {
        let mut said = [0u8; 512];
        // SAFETY: a live object that nobody else uses now; the strings and the buffer live through the call.
        let answer = unsafe {
            sys::rd_kafka_conf_set(
                raw.as_ptr(),
                c_name.as_ptr(),
                c_value.as_ptr(),
                said.as_mut_ptr().cast(),
                said.len(),
            )
        };
        judge("config", name, answer, &said)
    }

    /// The value of a property (`rd_kafka_conf_get`); empty if it has none, `[redacted]` for a secret.
    /// A property that only a topic has is looked up among the topic settings made here.
    pub fn get(&self, name: &str) -> Result<String> {
        if scope(name) == Scope::Topic {
            return self.topic.get(name);
        }
        let c_name = cstring("config", "a property name", name)?;
        get("config", name, |room, size| {
            // SAFETY: reads a live object; `room` is NULL or has `*size` bytes, as the header wants.
            unsafe { sys::rd_kafka_conf_get(self.raw.as_ptr(), c_name.as_ptr(), room, size) }
        })
    }

    /// All properties with a value, in librdkafka's order (`rd_kafka_conf_dump`), without aliases,
    /// pointers and test hooks; secrets read `[redacted]`. Topic settings are not in it.
    pub fn dump(&self) -> Vec<(String, String)> {
        // SAFETY: a live object of ours; nobody can change it during the call.
        unsafe { dump_of(self.raw.as_ptr()) }
    }

    /// Whether [`Config::set`] was called with this very name; for a topic's property, an alias counts.
    pub fn was_set(&self, name: &str) -> bool {
        if scope(name) == Scope::Topic {
            return self.topic.was_set(name);
        }
        self.named.iter().any(|known| known == name)
    }

    /// For [`Client::open`]: the pointer, while `self` lives.
    pub(crate) fn as_ptr(&self) -> *mut sys::rd_kafka_conf_t {
        self.raw.as_ptr()
    }

    /// For [`Client::open`]: a property that scripts may not set.
    pub(crate) fn force(&mut self, name: &CStr, value: &CStr) {
        // SAFETY: the object is ours and mutably borrowed; constant strings; no error text is asked for.
        unsafe { sys::rd_kafka_conf_set(self.raw.as_ptr(), name.as_ptr(), value.as_ptr(), ptr::null_mut(), 0) };
    }

    /// For [`Client::open`]: why the file of a property cannot be used, when `text` says that the property failed.
    /// librdkafka shows OpenSSL's last words, which are about anything but the file. The path itself is not shown.
    pub(crate) fn unreadable(&self, text: &str) -> Option<String> {
        use std::io::Read as _;
        let name = text.split(' ').next().filter(|name| name.ends_with(".location"))?;
        let c_name = cstring("config", "a property name", name).ok()?;
        let path = fetch(|room, size| {
            // SAFETY: reads a live object; `room` is NULL or has `*size` bytes, as the header wants.
            unsafe { sys::rd_kafka_conf_get(self.raw.as_ptr(), c_name.as_ptr(), room, size) }
        })?;
        let mut start = Vec::new();
        match std::fs::File::open(path).and_then(|file| file.take(65_536).read_to_end(&mut start)) {
            Err(why) => Some(format!("{name}: {why}")),
            Ok(_) if start.windows(9).any(|w| w == b"ENCRYPTED") => {
                Some(format!("{name}: the key is encrypted: is ssl.key.password right?"))
            }
            Ok(_) => None,
        }
    }

    /// For [`Client::open`]: the client has taken the C object.
    pub(crate) fn taken(self) {
        let _ = self.raw.into_raw();
    }

    /// For [`Client::open`]: `topic` on top of the topic settings made here.
    pub(crate) fn topic_defaults(&self, mut topic: TopicConfig) -> Result<TopicConfig> {
        for (name, value) in &self.topic.named {
            if !topic.was_set(name) {
                topic.set(name, value)?;
            }
        }
        Ok(topic)
    }
}

impl Clone for Config {
    fn clone(&self) -> Config {
        self.duplicate()
    }
}

impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.dump()).finish()
    }
}

/// The settings of a topic to be (`rd_kafka_topic_conf_t`).
pub struct TopicConfig {
    raw: Handle<sys::TopicConf>,
    /// What was set, in order: no topic property is a secret.
    named: Vec<(String, String)>,
}

impl TopicConfig {
    /// librdkafka's defaults (`rd_kafka_topic_conf_new`).
    #[allow(clippy::new_without_default)] // as for Config
    pub fn new() -> TopicConfig {
        // SAFETY: returns a new object for the caller to destroy; librdkafka aborts rather than return NULL.
        let raw = unsafe { Handle::own(sys::rd_kafka_topic_conf_new()) };
        TopicConfig {
            raw: solid(raw),
            named: Vec::new(),
        }
    }

    /// A copy that can be changed alone (`rd_kafka_topic_conf_dup`).
    pub fn duplicate(&self) -> TopicConfig {
        // SAFETY: copies a live object; the copy is for the caller to destroy and never NULL.
        let raw = unsafe { Handle::own(sys::rd_kafka_topic_conf_dup(self.raw.as_ptr())) };
        TopicConfig {
            raw: solid(raw),
            named: self.named.clone(),
        }
    }

    /// Set a property (`rd_kafka_topic_conf_set`); a leading `topic.` is ignored. Errors as for [`Config::set`].
    pub fn set(&mut self, name: &str, value: &str) -> Result<()> {
        check("topic_config", name, value)?;
        let c_name = cstring("topic_config", "a property name", name)?;
        let c_value = cstring("topic_config", "a property value", value)?;
        let spare = TopicConfig::new();
        spare.put(name, &c_name, &c_value)?;
        check_number("topic_config", name, value, &spare.get(name)?)?;
        self.put(name, &c_name, &c_value)?;
        // The last one counts, and stands where it was said.
        self.named.retain(|(known, _)| known != name);
        self.named.push((name.to_string(), value.to_string()));
        Ok(())
    }

    fn put(&self, name: &str, c_name: &CStr, c_value: &CStr) -> Result<()> {
        let mut said = [0u8; 512];
        // SAFETY: a live object of ours; its two callers change one that nobody else uses now. The strings and the
        // buffer live through the call.
        let answer = unsafe {
            sys::rd_kafka_topic_conf_set(
                self.raw.as_ptr(),
                c_name.as_ptr(),
                c_value.as_ptr(),
                said.as_mut_ptr().cast(),
                said.len(),
            )
        };
        judge("topic_config", name, answer, &said)
    }

    /// The value of a property (`rd_kafka_topic_conf_get`); empty if it has none.
    pub fn get(&self, name: &str) -> Result<String> {
        let bare = name.strip_prefix("topic.").unwrap_or(name); // the C getter does not strip it
        let c_name = cstring("topic_config", "a property name", bare)?;
        if scope(bare) == Scope::Global {
            let text = format!("No such topic configuration property: \"{name}\"");
            return Err(Error::new("topic_config", Code::INVALID_ARG, text));
        }
        get("topic_config", bare, |room, size| {
            // SAFETY: reads a live object; `room` is NULL or has `*size` bytes, as the header wants.
            unsafe { sys::rd_kafka_topic_conf_get(self.raw.as_ptr(), c_name.as_ptr(), room, size) }
        })
    }

    /// All properties with a value (`rd_kafka_topic_conf_dump`), without aliases and pointers.
    pub fn dump(&self) -> Vec<(String, String)> {
        let mut count = 0;
        // SAFETY: only reads the live object and stores the count.
        let words = unsafe { sys::rd_kafka_topic_conf_dump(self.raw.as_ptr(), &mut count) };
        // SAFETY: straight from the dump call.
        unsafe { listed(words, count) }
    }

    /// Choose how messages without a partition are spread: the property `partitioner`.
    pub fn set_partitioner(&mut self, partitioner: Partitioner) -> Result<()> {
        self.set("partitioner", partitioner.name())
    }

    /// Whether [`TopicConfig::set`] was called with this name or an alias of it.
    pub fn was_set(&self, name: &str) -> bool {
        let wanted = property::topic_property(name);
        self.named
            .iter()
            .any(|(known, _)| property::topic_property(known) == wanted)
    }

    /// For the C calls that take ownership of a topic configuration.
    pub(crate) fn into_raw(self) -> *mut sys::rd_kafka_topic_conf_t {
        self.raw.into_raw()
    }

    /// Own a topic configuration that librdkafka made.
    ///
    /// # Safety
    /// `raw` is NULL or a topic configuration for the caller to destroy.
    pub(crate) unsafe fn adopt(raw: *mut sys::rd_kafka_topic_conf_t) -> TopicConfig {
        // SAFETY: the caller's promise is the same.
        match unsafe { Handle::own(raw) } {
            Some(raw) => TopicConfig { raw, named: Vec::new() },
            None => TopicConfig::new(),
        }
    }
}

impl Clone for TopicConfig {
    fn clone(&self) -> TopicConfig {
        self.duplicate()
    }
}

impl std::fmt::Debug for TopicConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.dump()).finish()
    }
}

impl Client {
    /// The settings in force (`rd_kafka_conf`), as [`Config::dump`] shows them.
    pub fn effective(&self) -> Vec<(String, String)> {
        match self.ptr("effective") {
            // SAFETY: a live client's settings; only set_log_level changes one while it runs, a number.
            Ok(rk) => unsafe { dump_of(sys::rd_kafka_conf(rk).cast_mut()) },
            Err(_) => Vec::new(),
        }
    }

    /// The topic settings in force for topics without settings of their own
    /// (`rd_kafka_default_topic_conf_dup`).
    pub fn topic_defaults(&self) -> TopicConfig {
        match self.ptr("topic_defaults") {
            // SAFETY: a live client; returns a copy for the caller to destroy, or NULL.
            Ok(rk) => unsafe { TopicConfig::adopt(sys::rd_kafka_default_topic_conf_dup(rk)) },
            Err(_) => TopicConfig::new(),
        }
    }
}

/// librdkafka's allocator aborts when memory is out, so its constructors never return NULL; should
/// that ever change, do here what it does there.
pub(crate) fn solid<T>(made: Option<T>) -> T {
    made.unwrap_or_else(|| std::process::abort())
}
