//! A client: one producer or consumer, its life, and the calls both kinds have.
//!
//! Consumer group calls are in `group.rs`, producing in `topic.rs`, questions to the cluster in
//! `metadata.rs`, how it ends in `life.rs`. Children (queues, topics) own
//! a clone of their client, so the C object is destroyed after the last of them. This file must not hold calls
//! that only one of the two kinds has.

use std::ffi::{c_char, CStr};
use std::ptr;
use std::sync::{Arc, MutexGuard};

use crate::config::{self, Config, TopicConfig};
use crate::error::{Code, Error, Result};
use crate::fork;
use crate::handle::Handle;
use crate::life::{locked, ClientObject, Inner};
use crate::log;
use crate::queue::Queue;
use crate::sys::{self, coded, constant, cstring};
use crate::timeout::Timeout;
use crate::topic::Topic;
use crate::wants::{Delivery, Kind, LogTo, Wants};

/// One librdkafka client (`rd_kafka_t`). Cloning gives another name for the same client; the last
/// one to go destroys it, without waiting for messages (see [`Client::flush`]) and without a word to
/// the group: the others wait for its session to end unless it was closed (see [`Client::close_start`]).
///
/// In a forked child each call is an error with code `__STATE`, and calls that return no `Result`
/// give an empty answer.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

const TRUE: &CStr = constant(b"true\0");
const FALSE: &CStr = constant(b"false\0");
const LOG_QUEUE: &CStr = constant(b"log.queue\0");
const ONLY_ERROR: &CStr = constant(b"delivery.report.only.error\0");

impl Client {
    /// Start a client (`rd_kafka_new`).
    ///
    /// `topic_config` is the default for all its topics (`rd_kafka_conf_set_default_topic_conf`), on
    /// top of topic properties set through `config`. `log.queue` and the enabled events follow
    /// `wants`. [`Delivery::FailuresOnly`] sets `delivery.report.only.error`, and [`Delivery::All`]
    /// leaves that property as the program set it.
    ///
    /// Error: code and text of librdkafka; nothing is left behind.
    pub fn open(kind: Kind, config: Config, topic_config: TopicConfig, wants: Wants) -> Result<Client> {
        Client::start(kind, config, topic_config, wants, true)
    }

    pub(crate) fn start(
        kind: Kind,
        mut config: Config,
        topic_config: TopicConfig,
        wants: Wants,
        listed: bool,
    ) -> Result<Client> {
        fork::watch();
        crate::wrap::here();
        let topic_config = config.topic_defaults(topic_config)?;
        // SAFETY: sets a field of our configuration, which takes the topic configuration over.
        unsafe { sys::rd_kafka_conf_set_default_topic_conf(config.as_ptr(), topic_config.into_raw()) };

        let mut events = 0;
        let mut want = |wanted: bool, event: i32| events |= if wanted { event } else { 0 };
        want(
            wants.delivery != Delivery::None && kind == Kind::Producer,
            sys::RD_KAFKA_EVENT_DR,
        );
        want(wants.errors, sys::RD_KAFKA_EVENT_ERROR);
        want(wants.statistics, sys::RD_KAFKA_EVENT_STATS);
        want(wants.rebalance, sys::RD_KAFKA_EVENT_REBALANCE);
        want(wants.commits, sys::RD_KAFKA_EVENT_OFFSET_COMMIT);
        want(wants.log == LogTo::Queue, sys::RD_KAFKA_EVENT_LOG);
        // SAFETY: sets a number in our configuration.
        unsafe { sys::rd_kafka_conf_set_events(config.as_ptr(), events) };

        if kind == Kind::Producer
            && wants.delivery == Delivery::FailuresOnly
            && !config.was_set("delivery.report.only.error")
        {
            config.force(ONLY_ERROR, TRUE);
        }
        config.force(LOG_QUEUE, if wants.log == LogTo::Queue { TRUE } else { FALSE });
        let heard = log::listen(&config, wants.log);

        let which = match kind {
            Kind::Producer => sys::rd_kafka_type_t::RD_KAFKA_PRODUCER,
            Kind::Consumer => sys::rd_kafka_type_t::RD_KAFKA_CONSUMER,
        };
        let mut said = [0u8; 1024];
        // SAFETY: the configuration is ours; it is taken only if a client is returned; the buffer
        // lives through the call and its true size is given.
        let raw = unsafe { sys::rd_kafka_new(which, config.as_ptr(), said.as_mut_ptr().cast(), said.len()) };
        let os_error = std::io::Error::last_os_error().raw_os_error();
        // SAFETY: a new client for the caller to destroy, or NULL.
        let Some(raw) = (unsafe { Handle::<ClientObject>::own(raw) }) else {
            let mut error = Error::last("open");
            let said = CStr::from_bytes_until_nul(&said)
                .map(CStr::to_string_lossy)
                .unwrap_or_default();
            if !said.is_empty() {
                error.text = log::scrub(said.trim_end()).into_owned();
                if let Some(why) = config.unreadable(&error.text) {
                    error.text = format!("{why}: {}", error.text);
                }
            }
            if error.code == Code::CRIT_SYS_RESOURCE && os_error == Some(libc::EDEADLK) {
                // The one failure after which librdkafka's threads may still read the settings:
                // its own threads did not start within a minute (end of rd_kafka_new).
                config.taken();
            } else {
                // SAFETY: no client was made, and no thread of it is left: nobody else has it.
                unsafe { log::end(heard) };
            }
            return Err(error);
        };
        config.taken();

        if wants.log == LogTo::Queue {
            // SAFETY: a live client; NULL means its main queue. Fails only without log.queue.
            let code = unsafe { coded::rd_kafka_set_log_queue(raw.as_ptr(), ptr::null_mut()) };
            Error::check("open", code)?;
        }
        let inner = Inner::new(raw, kind, wants, listed);
        Ok(Client { inner })
    }

    /// Another name for a live client.
    pub(crate) fn from_inner(inner: Arc<Inner>) -> Client {
        Client { inner }
    }

    /// Producer or consumer.
    pub fn kind(&self) -> Kind {
        self.inner.kind
    }

    /// Why a connection failed last, with a hint where the settings look wrong; empty when none has failed. With
    /// [`LogTo::Queue`] it knows only of lines that it was told of ([`Client::heard`]).
    pub fn last_failure(&self) -> String {
        match self.ptr("last_failure") {
            // SAFETY: a live client.
            Ok(rk) => unsafe { log::last_failure(rk) },
            Err(_) => String::new(),
        }
    }

    /// What was wrong with a broker's certificate last; empty when nothing was.
    pub fn last_certificate(&self) -> String {
        match self.ptr("last_certificate") {
            // SAFETY: a live client.
            Ok(rk) => unsafe { log::last_certificate(rk) },
            Err(_) => String::new(),
        }
    }

    /// A log line of this client that came as an event, for [`Client::last_failure`].
    pub fn heard(&self, line: &crate::LogLine) {
        if let Ok(rk) = self.ptr("heard") {
            // SAFETY: a live client.
            unsafe { log::note_event(rk, &line.facility, &line.message) }
        }
    }

    /// Was this client made by a parent process (before `fork`)? Then every call on it is refused.
    pub fn inherited(&self) -> bool {
        fork::inherited(self.inner.raw.made())
    }

    /// The error of a client that was made by a parent process, for what would look like success there.
    pub fn check_process(&self, op: &'static str) -> Result<()> {
        fork::check(op, self.inner.raw.made())
    }

    /// The pointer, for calls that the fork check lets through.
    #[inline]
    pub(crate) fn ptr(&self, op: &'static str) -> Result<*mut sys::rd_kafka_t> {
        fork::check(op, self.inner.raw.made())?;
        Ok(self.inner.raw.as_ptr())
    }

    /// The pointer, if this is a client of that kind.
    pub(crate) fn ptr_of(&self, op: &'static str, kind: Kind) -> Result<*mut sys::rd_kafka_t> {
        if self.inner.kind != kind {
            let text = match kind {
                Kind::Producer => "only a producer can do this",
                Kind::Consumer => "only a consumer can do this",
            };
            return Err(Error::new(op, Code::NOT_IMPLEMENTED, text));
        }
        self.ptr(op)
    }

    /// What all clones share.
    pub(crate) fn inner(&self) -> &Inner {
        &self.inner
    }

    /// Whether answers to commits are wanted as events ([`crate::Wants::commits`]).
    pub fn reports_commits(&self) -> bool {
        self.inner.commits
    }

    /// Whether both are the same client.
    pub fn same(&self, other: &Client) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }

    /// The partitions started with [`Topic::start`].
    pub(crate) fn started(&self) -> MutexGuard<'_, Vec<(String, i32)>> {
        locked(&self.inner.started)
    }

    /// The name librdkafka gave it, `<client.id>#producer-1` (`rd_kafka_name`).
    pub fn name(&self) -> String {
        match self.ptr("name") {
            // SAFETY: a live client; the string belongs to it and is copied at once.
            Ok(rk) => unsafe { sys::lossy(sys::rd_kafka_name(rk)) },
            Err(_) => String::new(),
        }
    }

    /// Copy a string that librdkafka allocated for the caller, and free it.
    pub(crate) fn copied(&self, rk: *mut sys::rd_kafka_t, text: *mut c_char) -> Option<String> {
        if text.is_null() {
            return None;
        }
        // SAFETY: a NUL-terminated string for the caller to free with rd_kafka_mem_free.
        unsafe {
            let copy = sys::lossy(text);
            sys::rd_kafka_mem_free(rk, text.cast());
            Some(copy)
        }
    }

    /// The id that the group gave this consumer (`rd_kafka_memberid`); empty before it joined.
    /// Error `__UNKNOWN_GROUP` without a group.
    pub fn member_id(&self) -> Result<String> {
        let rk = self.consumer("member_id")?;
        // SAFETY: a live client; returns a new string or NULL.
        let text = unsafe { sys::rd_kafka_memberid(rk) };
        self.copied(rk, text)
            .ok_or_else(|| Error::of("member_id", Code::UNKNOWN_GROUP))
    }

    /// Add brokers, `host:port,host:port` (`rd_kafka_brokers_add`); returns how many were new or
    /// known and well-formed. Error `__INVALID_ARG` for a list longer than 1 MiB or of more than 1,000.
    pub fn add_brokers(&self, list: &str) -> Result<usize> {
        let rk = self.ptr("add_brokers")?;
        config::fits("add_brokers", "the broker list", list)?;
        config::few_brokers("add_brokers", list)?;
        let c_list = cstring("add_brokers", "a broker list", list)?;
        // SAFETY: a live client and a string that lives through the call.
        let count = unsafe { sys::rd_kafka_brokers_add(rk, c_list.as_ptr()) };
        Ok(usize::try_from(count).unwrap_or(0))
    }

    /// How much is logged, 0 (emergencies) to 7 (debug) (`rd_kafka_set_log_level`).
    pub fn set_log_level(&self, level: i32) {
        if let Ok(rk) = self.ptr("set_log_level") {
            // SAFETY: stores a number in a live client.
            unsafe { sys::rd_kafka_set_log_level(rk, level) }
        }
    }

    /// The queue of delivery reports, errors, statistics and log lines (`rd_kafka_queue_get_main`).
    /// Each call gives another name for the same queue, which has one ring in all.
    pub fn main_queue(&self) -> Result<Queue> {
        let rk = self.ptr("main_queue")?;
        // SAFETY: a live client; returns a reference for the caller to destroy.
        unsafe { Queue::adopt("main_queue", sys::rd_kafka_queue_get_main(rk), self) }
    }

    /// The queue of a group consumer: messages, rebalances, errors of partitions
    /// (`rd_kafka_queue_get_consumer`). Error `__UNKNOWN_GROUP` without `group.id`.
    pub fn consumer_queue(&self) -> Result<Queue> {
        let rk = self.ptr_of("consumer_queue", Kind::Consumer)?;
        // SAFETY: a live client; returns a reference for the caller to destroy, or NULL.
        unsafe { Queue::adopt("consumer_queue", sys::rd_kafka_queue_get_consumer(rk), self) }
            .map_err(|_| Error::new("consumer_queue", Code::UNKNOWN_GROUP, "this consumer has no group.id"))
    }

    /// An empty queue, for [`Topic::start`] or [`Client::close_start`] (`rd_kafka_queue_new`).
    pub fn new_queue(&self) -> Result<Queue> {
        let rk = self.ptr("new_queue")?;
        // SAFETY: a live client; returns a new queue for the caller to destroy.
        unsafe { Queue::adopt("new_queue", sys::rd_kafka_queue_new(rk), self) }.map(Queue::into_plain)
    }

    /// A topic to produce to or to start (`rd_kafka_topic_new`); see [`Topic`]. Without a
    /// configuration the client's topic defaults apply.
    ///
    /// Error `__INVALID_ARG`: the name is not 1 to 249 characters of `a-zA-Z0-9._-` or is `.` or
    /// `..`, or the settings contradict each other (librdkafka tells why only in its log).
    pub fn topic(&self, name: &str, config: Option<TopicConfig>) -> Result<Topic> {
        Topic::open(self, name, config)
    }

    /// Messages not yet sent or not yet acknowledged, plus delivery reports and other events that
    /// wait on the main queue (`rd_kafka_outq_len`). A report counts until its `Event` is dropped.
    pub fn out_queue_len(&self) -> usize {
        match self.ptr("out_queue_len") {
            // SAFETY: a live client; counts under its locks.
            Ok(rk) => usize::try_from(unsafe { sys::rd_kafka_outq_len(rk) }).unwrap_or(0),
            Err(_) => 0,
        }
    }

    /// Messages not yet delivered, or delivered and not yet reported: [`Client::out_queue_len`] without what else
    /// waits on `main`, the main queue of this client (errors, log lines, statistics). While several threads poll that
    /// queue it is an estimate; whether nothing at all waits, [`Client::flush`] knows.
    pub fn messages_waiting(&self, main: &Queue) -> usize {
        // A report that waits is an event there, and its messages still count by themselves. The queue is looked at first:
        // a report that comes between the two looks must not make its message disappear.
        let others = main.len();
        self.out_queue_len().saturating_sub(others)
    }

    /// Wait until every message was delivered or failed (`rd_kafka_flush`), sending without delay.
    ///
    /// With delivery reports a message counts until the `Event` with its report is dropped, so
    /// somebody must drain the main queue meanwhile, on another thread or by calling this in short
    /// turns. Error `__TIMED_OUT` if messages are left. Producers only.
    pub fn flush(&self, timeout: Timeout) -> Result<()> {
        let rk = self.ptr_of("flush", Kind::Producer)?;
        // SAFETY: a live client and a number.
        Error::check("flush", unsafe { coded::rd_kafka_flush(rk, timeout.as_ms()) })
    }

    /// Give up messages: those not yet sent (`queued`), those on their way (`in_flight`)
    /// (`rd_kafka_purge`). Each is reported as failed with `__PURGE_QUEUE` or `__PURGE_INFLIGHT`, soon: the call does
    /// not wait for the threads that do it, of which one may be asking for an address. Producers only.
    pub fn purge(&self, queued: bool, in_flight: bool) -> Result<()> {
        let rk = self.ptr_of("purge", Kind::Producer)?;
        let flags = sys::RD_KAFKA_PURGE_F_NON_BLOCKING
            | if queued { sys::RD_KAFKA_PURGE_F_QUEUE } else { 0 }
            | if in_flight { sys::RD_KAFKA_PURGE_F_INFLIGHT } else { 0 };
        // SAFETY: a live client and a number.
        Error::check("purge", unsafe { coded::rd_kafka_purge(rk, flags) })
    }

    /// Raise a fatal error, to test how a program takes it (`rd_kafka_test_fatal_error`).
    /// Error `__PREV_IN_PROGRESS` if there was one before.
    pub fn test_fatal_error(&self, code: Code, reason: &str) -> Result<()> {
        if code.is_ok() {
            // librdkafka would store the reason and never free it.
            return Err(Error::new(
                "test_fatal_error",
                Code::INVALID_ARG,
                "no error is not a fatal error",
            ));
        }
        let rk = self.ptr("test_fatal_error")?;
        let reason = cstring("test_fatal_error", "a reason", reason)?;
        // SAFETY: a live client and a string that is copied.
        let answer = unsafe { coded::rd_kafka_test_fatal_error(rk, code.0, reason.as_ptr()) };
        Error::check("test_fatal_error", answer)
    }

    /// The fatal error that this client raised, if any (`rd_kafka_fatal_error`).
    pub fn fatal_error(&self) -> Option<Error> {
        let rk = self.ptr("fatal_error").ok()?;
        let mut said = [0u8; 512];
        // SAFETY: a live client; the buffer lives through the call and its true size is given.
        let code = unsafe { coded::rd_kafka_fatal_error(rk, said.as_mut_ptr().cast(), said.len()) };
        if code == 0 {
            return None;
        }
        let said = CStr::from_bytes_until_nul(&said)
            .map(CStr::to_string_lossy)
            .unwrap_or_default();
        let mut error = Error::new("fatal_error", Code(code), said);
        error.fatal = true;
        Some(error)
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client")
            .field("kind", &self.kind())
            .field("name", &self.name())
            .finish()
    }
}
