//! The C declarations this crate uses, and the three conversions every file needs.
//!
//! Most come from `rdkafka-sys`. Functions that return or take an error code are declared here
//! again with a plain `c_int`: the generated bindings use a Rust enum, and a broker may send a code
//! that this enum does not list, which would be undefined behaviour. For the same reason no Rust
//! reference to a C struct with an error field is ever made; fields are read one by one through
//! raw pointers ([`code_at`]). Nothing in this file leaves the crate.

use std::ffi::{c_char, c_int, c_void, CStr, CString};

pub(crate) use rdkafka_sys::bindings::*;

use crate::error::{Code, Error, Result};
use crate::handle::{Line, Resource, Shared};

/// `rd_kafka_message_t` with the error as a plain number, for arrays that we fill ourselves.
#[repr(C)]
pub(crate) struct RawMessage {
    pub(crate) err: c_int,
    pub(crate) rkt: *mut rd_kafka_topic_t,
    pub(crate) partition: i32,
    pub(crate) payload: *mut c_void,
    pub(crate) len: usize,
    pub(crate) key: *mut c_void,
    pub(crate) key_len: usize,
    pub(crate) offset: i64,
    pub(crate) private: *mut c_void,
}

/// `struct rd_kafka_err_desc` with the code as a plain number.
#[repr(C)]
pub(crate) struct RawErrDesc {
    pub(crate) code: c_int,
    pub(crate) name: *const c_char,
    pub(crate) desc: *const c_char,
}

// The layouts above must be the generated ones.
const _: () = {
    assert!(std::mem::size_of::<RawMessage>() == std::mem::size_of::<rd_kafka_message_t>());
    assert!(std::mem::size_of::<RawErrDesc>() == std::mem::size_of::<rd_kafka_err_desc>());
    assert!(std::mem::size_of::<rd_kafka_resp_err_t>() == std::mem::size_of::<c_int>());
};

type List = rd_kafka_topic_partition_list_t;
type MockHandle = rd_kafka_mock_cluster_t;

/// Functions with an error code in their signature, as plain numbers.
pub(crate) mod coded {
    use super::*;

    extern "C" {
        pub(crate) fn rd_kafka_last_error() -> c_int;
        pub(crate) fn rd_kafka_err2str(err: c_int) -> *const c_char;
        pub(crate) fn rd_kafka_get_err_descs(descs: *mut *const RawErrDesc, cnt: *mut usize);
        pub(crate) fn rd_kafka_error_code(error: *const rd_kafka_error_t) -> c_int;
        pub(crate) fn rd_kafka_event_error(event: *mut rd_kafka_event_t) -> c_int;
        pub(crate) fn rd_kafka_fatal_error(rk: *mut rd_kafka_t, buf: *mut c_char, size: usize) -> c_int;
        pub(crate) fn rd_kafka_test_fatal_error(rk: *mut rd_kafka_t, err: c_int, why: *const c_char) -> c_int;
        pub(crate) fn rd_kafka_flush(rk: *mut rd_kafka_t, ms: c_int) -> c_int;
        pub(crate) fn rd_kafka_purge(rk: *mut rd_kafka_t, flags: c_int) -> c_int;
        pub(crate) fn rd_kafka_set_log_queue(rk: *mut rd_kafka_t, queue: *mut rd_kafka_queue_t) -> c_int;
        pub(crate) fn rd_kafka_metadata(
            rk: *mut rd_kafka_t,
            all: c_int,
            only: *mut rd_kafka_topic_t,
            out: *mut *const rd_kafka_metadata,
            ms: c_int,
        ) -> c_int;
        pub(crate) fn rd_kafka_query_watermark_offsets(
            rk: *mut rd_kafka_t,
            topic: *const c_char,
            partition: i32,
            low: *mut i64,
            high: *mut i64,
            ms: c_int,
        ) -> c_int;
        pub(crate) fn rd_kafka_get_watermark_offsets(
            rk: *mut rd_kafka_t,
            topic: *const c_char,
            partition: i32,
            low: *mut i64,
            high: *mut i64,
        ) -> c_int;
        pub(crate) fn rd_kafka_subscribe(rk: *mut rd_kafka_t, list: *const List) -> c_int;
        pub(crate) fn rd_kafka_unsubscribe(rk: *mut rd_kafka_t) -> c_int;
        pub(crate) fn rd_kafka_subscription(rk: *mut rd_kafka_t, out: *mut *mut List) -> c_int;
        pub(crate) fn rd_kafka_assign(rk: *mut rd_kafka_t, list: *const List) -> c_int;
        pub(crate) fn rd_kafka_assignment(rk: *mut rd_kafka_t, out: *mut *mut List) -> c_int;
        pub(crate) fn rd_kafka_commit(rk: *mut rd_kafka_t, list: *const List, asynchronous: c_int) -> c_int;
        pub(crate) fn rd_kafka_commit_queue(
            rk: *mut rd_kafka_t,
            list: *const List,
            queue: *mut rd_kafka_queue_t,
            callback: Option<unsafe extern "C" fn()>,
            opaque: *mut c_void,
        ) -> c_int;
        pub(crate) fn rd_kafka_committed(rk: *mut rd_kafka_t, list: *mut List, ms: c_int) -> c_int;
        pub(crate) fn rd_kafka_position(rk: *mut rd_kafka_t, list: *mut List) -> c_int;
        pub(crate) fn rd_kafka_offsets_store(rk: *mut rd_kafka_t, list: *mut List) -> c_int;
        pub(crate) fn rd_kafka_pause_partitions(rk: *mut rd_kafka_t, list: *mut List) -> c_int;
        pub(crate) fn rd_kafka_resume_partitions(rk: *mut rd_kafka_t, list: *mut List) -> c_int;
        pub(crate) fn rd_kafka_offsets_for_times(rk: *mut rd_kafka_t, list: *mut List, ms: c_int) -> c_int;
        pub(crate) fn rd_kafka_message_headers(
            message: *const rd_kafka_message_t,
            out: *mut *mut rd_kafka_headers_t,
        ) -> c_int;
        pub(crate) fn rd_kafka_header_get_all(
            headers: *const rd_kafka_headers_t,
            index: usize,
            name: *mut *const c_char,
            value: *mut *const c_void,
            size: *mut usize,
        ) -> c_int;
        pub(crate) fn rd_kafka_mock_push_request_errors_array(
            cluster: *mut MockHandle,
            api_key: i16,
            cnt: usize,
            errors: *const c_int,
        );
        pub(crate) fn rd_kafka_mock_broker_push_request_error_rtts(
            cluster: *mut MockHandle,
            broker: i32,
            api_key: i16,
            cnt: usize,
            ...
        ) -> c_int;
        pub(crate) fn rd_kafka_mock_topic_set_error(cluster: *mut MockHandle, topic: *const c_char, err: c_int);
        pub(crate) fn rd_kafka_mock_topic_create(
            cluster: *mut MockHandle,
            topic: *const c_char,
            partitions: c_int,
            replication: c_int,
        ) -> c_int;
        pub(crate) fn rd_kafka_mock_partition_set_leader(
            cluster: *mut MockHandle,
            topic: *const c_char,
            partition: i32,
            broker: i32,
        ) -> c_int;
        pub(crate) fn rd_kafka_mock_broker_set_down(cluster: *mut MockHandle, broker: i32) -> c_int;
        pub(crate) fn rd_kafka_mock_broker_set_up(cluster: *mut MockHandle, broker: i32) -> c_int;
        pub(crate) fn rd_kafka_mock_broker_set_rtt(cluster: *mut MockHandle, broker: i32, ms: c_int) -> c_int;
        pub(crate) fn rd_kafka_mock_broker_set_rack(
            cluster: *mut MockHandle,
            broker: i32,
            rack: *const c_char,
        ) -> c_int;
        pub(crate) fn rd_kafka_mock_coordinator_set(
            cluster: *mut MockHandle,
            kind: *const c_char,
            key: *const c_char,
            broker: i32,
        ) -> c_int;
        pub(crate) fn rd_kafka_mock_set_apiversion(cluster: *mut MockHandle, api_key: i16, min: i16, max: i16)
            -> c_int;
    }
}

/// An owned `rd_kafka_conf_t`.
pub(crate) struct Conf;

impl Resource for Conf {
    type Raw = rd_kafka_conf_t;
    const LINE: Line = Line::Config;
    unsafe fn destroy(raw: *mut Self::Raw) {
        // SAFETY: the caller gives up an owned configuration that no client has taken.
        unsafe { rd_kafka_conf_destroy(raw) }
    }
}

// SAFETY: a configuration is plain data; it is written only through `&mut` and read-only otherwise.
unsafe impl Shared for Conf {}

/// An owned `rd_kafka_topic_conf_t`.
pub(crate) struct TopicConf;

impl Resource for TopicConf {
    type Raw = rd_kafka_topic_conf_t;
    const LINE: Line = Line::TopicConfig;
    unsafe fn destroy(raw: *mut Self::Raw) {
        // SAFETY: the caller gives up an owned topic configuration that nothing has taken.
        unsafe { rd_kafka_topic_conf_destroy(raw) }
    }
}

// SAFETY: as for Conf.
unsafe impl Shared for TopicConf {}

/// The empty C string.
pub(crate) const EMPTY: &CStr = constant(b"\0");

/// A constant C string; the build fails if the bytes do not end in their only NUL.
pub(crate) const fn constant(bytes: &'static [u8]) -> &'static CStr {
    match CStr::from_bytes_with_nul(bytes) {
        Ok(text) => text,
        Err(_) => panic!("not a C string"),
    }
}

/// A copy of a C string; bytes that are not UTF-8 become U+FFFD, NULL becomes the empty string.
///
/// # Safety
/// `text` is NULL or points to a NUL-terminated string that lives until this returns.
pub(crate) unsafe fn lossy(text: *const c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: not NULL, and the caller promises a NUL-terminated string.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

/// Text for C. A NUL inside would cut it silently, so it is an error that names `what`.
pub(crate) fn cstring(op: &'static str, what: &str, text: &str) -> Result<CString> {
    CString::new(text).map_err(|_| {
        Error::new(
            op,
            Code::INVALID_ARG,
            format!("{what} must not contain a NUL character"),
        )
    })
}

/// The error code stored at `field`.
///
/// # Safety
/// `field` is the address of an initialised `rd_kafka_resp_err_t` inside a live C object.
pub(crate) unsafe fn code_at(field: *const rd_kafka_resp_err_t) -> Code {
    // SAFETY: same size (asserted above) and alignment; reading it as a number is valid for any value.
    Code(unsafe { field.cast::<c_int>().read() })
}

/// The slice of `len` elements at `start`, empty when `start` is NULL or `len` is not positive.
///
/// # Safety
/// If `start` is not NULL it points to `len` initialised elements that live and stay unchanged for `'a`.
pub(crate) unsafe fn slice_at<'a, T>(start: *const T, len: usize) -> &'a [T] {
    if start.is_null() || len == 0 {
        return &[];
    }
    // SAFETY: not NULL, and the caller promises the length and the lifetime.
    unsafe { std::slice::from_raw_parts(start, len) }
}
