//! Log lines on librdkafka's threads: which are written, and the last failure of a connection, which the error that
//! "all brokers are down" is given as its cause. Nothing here may call librdkafka for a client, or run a program's code.

use std::borrow::Cow;
use std::ffi::{c_char, c_int, c_void, CStr};
use std::sync::{Arc, Mutex, PoisonError};

use crate::config::Config;
use crate::fence::fence;
use crate::sys;
use crate::wants::LogTo;

/// What a client's log has said; librdkafka keeps one reference as the client's opaque pointer.
#[derive(Default)]
struct Heard {
    last_failure: Mutex<String>,
    last_certificate: Mutex<String>,
}

type Log = unsafe extern "C" fn(*const sys::rd_kafka_t, c_int, *const c_char, *const c_char);

/// Choose where the log of a client to be goes (`rd_kafka_conf_set_log_cb`, `rd_kafka_conf_set_opaque`). The pointer
/// is for [`end`], when the client is destroyed or was never made.
pub(crate) fn listen(config: &Config, to: LogTo) -> *mut c_void {
    let log: Log = match to {
        LogTo::Stderr => to_stderr,
        LogTo::Syslog => to_syslog,
        LogTo::None | LogTo::Queue => nowhere,
    };
    let heard = Arc::into_raw(Arc::new(Heard::default())).cast_mut().cast::<c_void>();
    // SAFETY: stores a function that lives as long as the program, and a reference that `end` takes back.
    unsafe {
        sys::rd_kafka_conf_set_log_cb(config.as_ptr(), Some(log));
        sys::rd_kafka_conf_set_opaque(config.as_ptr(), heard);
        // Fails only in a build without TLS, which has no certificates to look at.
        sys::rd_kafka_conf_set_ssl_cert_verify_cb(config.as_ptr(), Some(look_at_certificate));
    }
    heard
}

/// OpenSSL's judgement of a broker's certificate, kept and not changed: librdkafka would tell all of them as "could not
/// be verified", whatever was wrong.
unsafe extern "C" fn look_at_certificate(
    _rk: *mut sys::rd_kafka_t,
    _broker_name: *const c_char,
    _broker_id: i32,
    x509_error: *mut c_int,
    _depth: c_int,
    _certificate: *const c_char,
    _size: usize,
    text: *mut c_char,
    text_size: usize,
    heard: *mut c_void,
) -> c_int {
    let judge = || {
        #[cfg(feature = "plant")]
        plant::point("look_at_certificate");
        // SAFETY: librdkafka's own arguments, passed on.
        unsafe { keep_judgement(x509_error, text, text_size, heard) }
    };
    // After a panic the certificate counts as bad.
    c_int::from(fence(judge) == Some(true))
}

/// Is the certificate good? If not, `text` and what was heard say why.
///
/// # Safety
/// librdkafka's own arguments of a certificate callback.
unsafe fn keep_judgement(x509_error: *mut c_int, text: *mut c_char, text_size: usize, heard: *mut c_void) -> bool {
    // SAFETY: the header promises a live int; it is only read.
    let code = unsafe { *x509_error };
    if code == 0 {
        return true;
    }
    let why = x509_text(code);
    if text_size > 0 {
        let len = why.len().min(text_size - 1);
        // SAFETY: the header promises `text_size` bytes there; the text and its NUL fit.
        unsafe {
            std::ptr::copy_nonoverlapping(why.as_ptr().cast::<c_char>(), text, len);
            *text.add(len) = 0;
        }
    }
    // SAFETY: the opaque pointer of the client: the reference that it holds as long as it lives.
    if let Some(heard) = unsafe { heard.cast::<Heard>().as_ref() } {
        *heard.last_certificate.lock().unwrap_or_else(PoisonError::into_inner) = why;
    }
    false
}

/// OpenSSL's verification errors (`X509_V_ERR_*`) that a user can do something about.
fn x509_text(code: c_int) -> String {
    match code {
        2 | 20 => "the issuer of the certificate is unknown: is ssl.ca.location right?",
        18 | 19 => "the certificate is self-signed and not trusted: is ssl.ca.location right?",
        21 => "the certificate cannot be verified: is ssl.ca.location right?",
        9 => "the certificate is not yet valid",
        10 => "the certificate has expired",
        23 => "the certificate has been revoked",
        26 => "the certificate is not for this purpose",
        62 => "hostname mismatch: the certificate is for another host name",
        64 => "IP address mismatch: the certificate is for another address",
        _ => return format!("certificate verification error {code}"),
    }
    .to_string()
}

/// What was wrong with a broker's certificate last; empty when nothing was.
///
/// # Safety
/// `rk` is a client that is alive.
pub(crate) unsafe fn last_certificate(rk: *const sys::rd_kafka_t) -> String {
    // SAFETY: the caller's promise; reads one field.
    let heard = unsafe { sys::rd_kafka_opaque(rk) }.cast::<Heard>();
    // SAFETY: NULL, or the reference that the client holds as long as it lives.
    let heard = unsafe { heard.as_ref() };
    heard.map_or(String::new(), |h| {
        h.last_certificate
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    })
}

/// Give back the reference that a client held.
///
/// # Safety
/// `heard` came from [`listen`], or from `rd_kafka_opaque` of a client that is destroyed by now; called once for it.
pub(crate) unsafe fn end(heard: *mut c_void) {
    if !heard.is_null() {
        // SAFETY: the one reference that `listen` has given away.
        drop(unsafe { Arc::from_raw(heard.cast::<Heard>()) });
    }
}

/// Keep a failed connection in mind.
///
/// # Safety
/// `rk` is a client that is alive; the texts are NUL-terminated or NULL.
unsafe fn note(rk: *const sys::rd_kafka_t, facility: &[u8], message: &[u8]) {
    if facility != b"FAIL" {
        return;
    }
    // SAFETY: the caller's promise; reads one field.
    let heard = unsafe { sys::rd_kafka_opaque(rk) }.cast::<Heard>();
    // SAFETY: NULL, or the reference that the client holds as long as it lives.
    if let Some(heard) = unsafe { heard.as_ref() } {
        let text = String::from_utf8_lossy(message);
        // Without the name of the thread that librdkafka puts in front.
        let text = text.split_once("]: ").map_or(&*text, |(_, rest)| rest);
        *heard.last_failure.lock().unwrap_or_else(PoisonError::into_inner) = text.to_string();
    }
}

/// The same for a log line that came as an event.
///
/// # Safety
/// `rk` is a client that is alive.
pub(crate) unsafe fn note_event(rk: *const sys::rd_kafka_t, facility: &str, message: &str) {
    // SAFETY: the caller's promise.
    unsafe { note(rk, facility.as_bytes(), message.as_bytes()) }
}

/// Why connections failed last, with a hint where the settings look wrong; empty when none has failed.
///
/// # Safety
/// `rk` is a client that is alive.
pub(crate) unsafe fn last_failure(rk: *const sys::rd_kafka_t) -> String {
    // SAFETY: the caller's promise; reads one field.
    let heard = unsafe { sys::rd_kafka_opaque(rk) }.cast::<Heard>();
    // SAFETY: NULL, or the reference that the client holds as long as it lives.
    let Some(heard) = (unsafe { heard.as_ref() }) else {
        return String::new();
    };
    let mut text = heard
        .last_failure
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    // librdkafka has these hints, and loses them on the way.
    if text.contains("Disconnected") && text.contains("APIVERSION_QUERY") {
        text.push_str("; is security.protocol right? The port may want TLS");
    } else if text.contains("Disconnected") && young(&text) {
        text.push_str("; is security.protocol right? The port may want SASL");
    }
    text
}

/// Does `(after 12ms in state UP)` say that the connection ended in its first two seconds?
fn young(text: &str) -> bool {
    let ms = text
        .split_once("(after ")
        .and_then(|(_, rest)| rest.split_once("ms in state UP"));
    ms.and_then(|(ms, _)| ms.parse::<u64>().ok())
        .is_some_and(|ms| ms < 2000)
}

/// A text of librdkafka without what it should not show: one message quotes a secret property.
pub(crate) fn scrub(text: &str) -> Cow<'_, str> {
    const QUOTES: &str = "beginning at: ";
    match text
        .find("sasl.oauthbearer.config")
        .and_then(|at| text[at..].find(QUOTES).map(|more| at + more))
    {
        Some(at) => Cow::Owned(format!("{}{QUOTES}[redacted]", &text[..at])),
        None => Cow::Borrowed(text),
    }
}

/// Warnings of librdkafka about what is no mistake here: a client may be made without brokers and get them afterwards
/// ([`crate::Client::add_brokers`]), and one set of properties may serve producers and consumers. They are not logged.
pub(crate) fn is_noise(facility: &[u8], message: &[u8]) -> bool {
    const NOISE: [&[u8]; 3] = [
        b"No `bootstrap.servers` configured",
        b"is a consumer property and will be ignored by this producer",
        b"is a producer property and will be ignored by this consumer",
    ];
    facility == b"CONFWARN"
        && NOISE
            .iter()
            .any(|noise| message.windows(noise.len()).any(|w| w == *noise))
}

/// Note a line, and let `write` have it if it says something.
///
/// # Safety
/// librdkafka's own arguments of a log callback.
unsafe fn pass(
    rk: *const sys::rd_kafka_t,
    level: c_int,
    facility: *const c_char,
    message: *const c_char,
    write: Option<Log>,
) {
    if facility.is_null() || message.is_null() {
        return;
    }
    // SAFETY: the header promises NUL-terminated strings that live through the callback.
    let (facility_text, message_text) =
        unsafe { (CStr::from_ptr(facility).to_bytes(), CStr::from_ptr(message).to_bytes()) };
    // SAFETY: the client calls this, so it is alive.
    unsafe { note(rk, facility_text, message_text) };
    let Some(write) = write.filter(|_| !is_noise(facility_text, message_text)) else {
        return;
    };
    let text = String::from_utf8_lossy(message_text);
    match scrub(&text) {
        // SAFETY: librdkafka's own arguments, passed on.
        Cow::Borrowed(_) => unsafe { write(rk, level, facility, message) },
        Cow::Owned(clean) => {
            let clean = std::ffi::CString::new(clean).unwrap_or_default();
            // SAFETY: as above, with a text that lives through the call.
            unsafe { write(rk, level, facility, clean.as_ptr()) }
        }
    }
}

unsafe extern "C" fn to_stderr(
    rk: *const sys::rd_kafka_t,
    level: c_int,
    facility: *const c_char,
    message: *const c_char,
) {
    fence(|| {
        #[cfg(feature = "plant")]
        plant::point("to_stderr");
        // SAFETY: librdkafka's own arguments, passed on.
        unsafe { pass(rk, level, facility, message, Some(sys::rd_kafka_log_print)) }
    });
}

unsafe extern "C" fn to_syslog(
    rk: *const sys::rd_kafka_t,
    level: c_int,
    facility: *const c_char,
    message: *const c_char,
) {
    fence(|| {
        #[cfg(feature = "plant")]
        plant::point("to_syslog");
        // SAFETY: librdkafka's own arguments, passed on.
        unsafe { pass(rk, level, facility, message, Some(sys::rd_kafka_log_syslog)) }
    });
}

unsafe extern "C" fn nowhere(
    rk: *const sys::rd_kafka_t,
    level: c_int,
    facility: *const c_char,
    message: *const c_char,
) {
    fence(|| {
        #[cfg(feature = "plant")]
        plant::point("nowhere");
        // SAFETY: librdkafka's own arguments, passed on.
        unsafe { pass(rk, level, facility, message, None) }
    });
}

#[cfg(test)]
mod tests {
    use super::{scrub, young};

    #[test]
    fn secrets_are_cut() {
        let text = "Failed to acquire: Unrecognized sasl.oauthbearer.config beginning at: MY-SECRET";
        assert!(!scrub(text).contains("MY-SECRET"));
        assert_eq!(scrub("plain text"), "plain text");
    }

    #[test]
    fn early_ends_are_seen() {
        assert!(young("Disconnected (after 37ms in state UP)"));
        assert!(!young("Disconnected (after 60037ms in state UP)"));
        assert!(!young("Connect failed (after 3ms in state CONNECT)"));
    }
}
