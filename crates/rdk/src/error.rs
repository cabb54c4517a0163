//! Errors: one struct for all, and codes whose names and texts come from librdkafka's own table.
//!
//! This file must not invent a code or a text that librdkafka has a word for.

use std::ffi::c_int;
use std::fmt;
use std::ptr;
use std::sync::OnceLock;

use crate::advice::{ADVICE, UNLISTED};
use crate::handle::{Handle, Line, Resource};
use crate::sys;

/// A librdkafka or broker error number (`rd_kafka_resp_err_t`): negative numbers are librdkafka's
/// own, positive ones come from brokers, 0 is no error. Any number is allowed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Code(pub i32);

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $c:ident;)*) => {
        impl Code {
            $($(#[$doc])* pub const $name: Code = Code(sys::rd_kafka_resp_err_t::$c as i32);)*
        }
    };
}

codes! {
    /// No error.
    NO_ERROR = RD_KAFKA_RESP_ERR_NO_ERROR;
    /// The end of a partition was reached (only with `enable.partition.eof`).
    PARTITION_EOF = RD_KAFKA_RESP_ERR__PARTITION_EOF;
    /// Nothing came, or nothing was done, in the time given.
    TIMED_OUT = RD_KAFKA_RESP_ERR__TIMED_OUT;
    /// A message was not delivered within `message.timeout.ms`.
    MSG_TIMED_OUT = RD_KAFKA_RESP_ERR__MSG_TIMED_OUT;
    /// The local producer queue is full.
    QUEUE_FULL = RD_KAFKA_RESP_ERR__QUEUE_FULL;
    /// The object is not in a state that allows this call.
    STATE = RD_KAFKA_RESP_ERR__STATE;
    /// An argument or a setting is wrong.
    INVALID_ARG = RD_KAFKA_RESP_ERR__INVALID_ARG;
    /// The topic does not exist, as far as this client knows.
    UNKNOWN_TOPIC = RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC;
    /// The partition does not exist, as far as this client knows.
    UNKNOWN_PARTITION = RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION;
    /// The broker does not know the topic or the partition.
    UNKNOWN_TOPIC_OR_PART = RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    /// The message is larger than `message.max.bytes` (seen locally or by the broker).
    MSG_SIZE_TOO_LARGE = RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE;
    /// The user may not do that with the topic.
    TOPIC_AUTHORIZATION_FAILED = RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED;
    /// The group is rebalancing; what was asked can be asked again afterwards.
    REBALANCE_IN_PROGRESS = RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS;
    /// The partition has no leader at the moment.
    LEADER_NOT_AVAILABLE = RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE;
    /// The broker that was asked is not the leader of the partition any more.
    NOT_LEADER_FOR_PARTITION = RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION;
    /// Two requests or settings exclude each other.
    CONFLICT = RD_KAFKA_RESP_ERR__CONFLICT;
    /// The client has raised a fatal error and cannot go on.
    FATAL = RD_KAFKA_RESP_ERR__FATAL;
    /// Something that this call needs was not configured.
    NOT_CONFIGURED = RD_KAFKA_RESP_ERR__NOT_CONFIGURED;
    /// This kind of client or build cannot do it.
    NOT_IMPLEMENTED = RD_KAFKA_RESP_ERR__NOT_IMPLEMENTED;
    /// A rebalance event: these partitions are to be assigned.
    ASSIGN_PARTITIONS = RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
    /// A rebalance event: these partitions are to be given up.
    REVOKE_PARTITIONS = RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS;
    /// There is no offset to commit.
    NO_OFFSET = RD_KAFKA_RESP_ERR__NO_OFFSET;
    /// The consumer has no `group.id`.
    UNKNOWN_GROUP = RD_KAFKA_RESP_ERR__UNKNOWN_GROUP;
    /// The connection to a broker failed.
    TRANSPORT = RD_KAFKA_RESP_ERR__TRANSPORT;
    /// A broker name could not be resolved.
    RESOLVE = RD_KAFKA_RESP_ERR__RESOLVE;
    /// No broker can be reached at the moment.
    ALL_BROKERS_DOWN = RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN;
    /// No broker with that id in the cluster, says the cluster.
    BROKER_NOT_AVAILABLE = RD_KAFKA_RESP_ERR_BROKER_NOT_AVAILABLE;
    /// No broker with that id.
    UNKNOWN_BROKER = RD_KAFKA_RESP_ERR__UNKNOWN_BROKER;
    /// The message was purged from the queue before it was sent.
    PURGE_QUEUE = RD_KAFKA_RESP_ERR__PURGE_QUEUE;
    /// The message was purged while it was on its way; it may have arrived.
    PURGE_INFLIGHT = RD_KAFKA_RESP_ERR__PURGE_INFLIGHT;
    /// The broker refused the credentials.
    AUTHENTICATION = RD_KAFKA_RESP_ERR__AUTHENTICATION;
    /// A TLS error.
    SSL = RD_KAFKA_RESP_ERR__SSL;
    /// The client or queue is being destroyed.
    DESTROY = RD_KAFKA_RESP_ERR__DESTROY;
    /// It failed for a reason that has no code.
    FAIL = RD_KAFKA_RESP_ERR__FAIL;
    /// The system is out of something (threads, memory).
    CRIT_SYS_RESOURCE = RD_KAFKA_RESP_ERR__CRIT_SYS_RESOURCE;
    /// The application did not poll within `max.poll.interval.ms`.
    MAX_POLL_EXCEEDED = RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED;
    /// No usable offset and `auto.offset.reset=error`.
    AUTO_OFFSET_RESET = RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET;
    /// The same thing was asked for before.
    PREV_IN_PROGRESS = RD_KAFKA_RESP_ERR__PREV_IN_PROGRESS;
    /// The topic exists already.
    TOPIC_ALREADY_EXISTS = RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS;
}

const PREFIX: &str = "RD_KAFKA_RESP_ERR_";

/// A row of librdkafka's table of errors, with what to do next.
#[derive(Clone, Debug)]
pub struct Row {
    /// The number.
    pub code: Code,
    /// The whole name, `RD_KAFKA_RESP_ERR__TIMED_OUT`.
    pub name: String,
    /// librdkafka's text.
    pub text: String,
    /// What the author of a program should do next.
    pub advice: &'static str,
    /// Can the same call, or sending the same message, succeed later without a change?
    pub retriable: bool,
}

/// librdkafka's table, read once.
fn table() -> &'static [Row] {
    static TABLE: OnceLock<Vec<Row>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut first: *const sys::RawErrDesc = ptr::null();
        let mut count = 0;
        // SAFETY: the function stores the address and length of a constant table of the library.
        unsafe { sys::coded::rd_kafka_get_err_descs(&mut first, &mut count) };
        // SAFETY: the table just announced; it is constant and lives as long as the process.
        let rows = unsafe { sys::slice_at(first, count) };
        rows.iter()
            .filter(|row| !row.name.is_null()) // numbers without an error are gaps in the table
            .map(|row| {
                // SAFETY: names in the table are constant C strings.
                let name = unsafe { sys::lossy(row.name) };
                // SAFETY: takes any number; returns a NUL-terminated string that is copied at once.
                let text = unsafe { sys::lossy(sys::coded::rd_kafka_err2str(row.code)) };
                let advice = ADVICE.iter().find(|a| a.name == name);
                Row {
                    code: Code(row.code),
                    name: format!("{PREFIX}{name}"),
                    text,
                    advice: advice.map_or(UNLISTED, |a| a.next),
                    retriable: advice.is_some_and(|a| a.retriable),
                }
            })
            .collect()
    })
}

impl Code {
    fn row(self) -> Option<&'static Row> {
        table().iter().find(|row| row.code == self)
    }

    /// The symbolic name, `RD_KAFKA_RESP_ERR__TIMED_OUT` (`rd_kafka_get_err_descs`). A number that
    /// the table does not list is `RD_KAFKA_RESP_ERR_<number>`.
    pub fn name(self) -> String {
        self.row()
            .map_or_else(|| format!("{PREFIX}{}", self.0), |row| row.name.clone())
    }

    /// The text for people (`rd_kafka_err2str`); also for unknown numbers.
    pub fn text(self) -> String {
        match self.row() {
            Some(row) => row.text.clone(),
            // SAFETY: takes any number; returns a NUL-terminated string that is copied at once.
            None => unsafe { sys::lossy(sys::coded::rd_kafka_err2str(self.0)) },
        }
    }

    /// What the author of a program should do next: a sentence that can follow a semicolon.
    pub fn advice(self) -> &'static str {
        self.row().map_or(UNLISTED, |row| row.advice)
    }

    /// The whole table, in the order of the numbers.
    pub fn all() -> &'static [Row] {
        table()
    }

    /// The code with that name; with or without the prefix `RD_KAFKA_RESP_ERR_`. Also takes the
    /// form that [`Code::name`] gives to unknown numbers.
    pub fn from_name(name: &str) -> Option<Code> {
        let short = name.strip_prefix(PREFIX).unwrap_or(name);
        match table().iter().find(|row| row.name[PREFIX.len()..] == *short) {
            Some(row) => Some(row.code),
            None if short.len() < name.len() => short.parse().ok().map(Code),
            None => None,
        }
    }

    /// Whether this is [`Code::NO_ERROR`].
    pub fn is_ok(self) -> bool {
        self == Code::NO_ERROR
    }
}

/// What went wrong.
#[derive(Clone, Debug)]
pub struct Error {
    /// What was attempted: one static word, such as `produce`.
    pub op: &'static str,
    /// The number, with its name.
    pub code: Code,
    /// The detail, for people. Never the value of a secret.
    pub text: String,
    /// The client cannot go on (`rd_kafka_error_is_fatal`).
    pub fatal: bool,
    /// The same call may succeed later (`rd_kafka_error_is_retriable`).
    pub retriable: bool,
    /// The transaction must be aborted (`rd_kafka_error_txn_requires_abort`).
    pub abort: bool,
}

/// A result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({})", self.op, self.text, self.code.name())
    }
}

impl std::error::Error for Error {}

impl Error {
    /// An error with a text of ours.
    pub(crate) fn new(op: &'static str, code: Code, text: impl Into<String>) -> Error {
        Error {
            op,
            code,
            text: text.into(),
            fatal: code == Code::FATAL,
            retriable: false,
            abort: false,
        }
    }

    /// An error with librdkafka's text for the code.
    pub(crate) fn of(op: &'static str, code: Code) -> Error {
        Error::new(op, code, code.text())
    }

    /// Ok for 0, else the error of that number.
    #[inline]
    pub(crate) fn check(op: &'static str, code: c_int) -> Result<()> {
        if code == 0 {
            Ok(())
        } else {
            Err(Error::of(op, Code(code)))
        }
    }

    /// The error that the last failed legacy call on this thread left (`rd_kafka_last_error`).
    pub(crate) fn last(op: &'static str) -> Error {
        // SAFETY: reads a thread-local number.
        let code = Code(unsafe { sys::coded::rd_kafka_last_error() });
        Error::of(op, if code.is_ok() { Code::FAIL } else { code })
    }

    /// Ok when `raw` is NULL, else the decoded error object; the object is freed.
    ///
    /// # Safety
    /// `raw` is NULL or an error object that librdkafka gave to the caller to destroy.
    pub(crate) unsafe fn take(op: &'static str, raw: *mut sys::rd_kafka_error_t) -> Result<()> {
        // SAFETY: the caller's promise is the same.
        let Some(error) = (unsafe { Handle::<ErrorObject>::own(raw) }) else {
            return Ok(());
        };
        let raw = error.as_ptr();
        // SAFETY: the object lives until `error` is dropped at the end of this function.
        let code = Code(unsafe { sys::coded::rd_kafka_error_code(raw) });
        // SAFETY: the string belongs to the object and is copied at once.
        let text = unsafe { sys::lossy(sys::rd_kafka_error_string(raw)) };
        // SAFETY: these three only read flags of the live object.
        let (fatal, retriable, abort) = unsafe {
            (
                sys::rd_kafka_error_is_fatal(raw) != 0,
                sys::rd_kafka_error_is_retriable(raw) != 0,
                sys::rd_kafka_error_txn_requires_abort(raw) != 0,
            )
        };
        Err(Error {
            op,
            code,
            text,
            fatal,
            retriable,
            abort,
        })
    }
}

struct ErrorObject;

impl Resource for ErrorObject {
    type Raw = sys::rd_kafka_error_t;
    const LINE: Line = Line::Error;
    unsafe fn destroy(raw: *mut Self::Raw) {
        // SAFETY: the caller gives up an owned error object.
        unsafe { sys::rd_kafka_error_destroy(raw) }
    }
}
