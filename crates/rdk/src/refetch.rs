//! Two defects of librdkafka 2.12.1, taken away. When an assignment's committed offsets cannot be had for a reason of the
//! client's own (an answer that cannot be read, a request that this broker does not know), its handler reads a list that
//! was never made, and the process ends: any broker, or whoever speaks in a broker's place, could do that. And when the
//! answer is that the coordinator is elsewhere or not ready, or was read in half, the partitions that it does not name are
//! never read, until the next rebalance. Here such a request is sent again with librdkafka's own pauses; if that fails
//! five times the script gets the error, and the partitions are asked for anew. All else is left as it is.
//!
//! This room stands between functions inside librdkafka, linked like those of `wrap.rs`, on the same systems only. It must
//! not be used by others, and goes when librdkafka has mended `rd_kafka_assignment_handle_OffsetFetch`.

use std::cell::Cell;
use std::ffi::{c_char, c_int, c_void};

use crate::sys::{
    rd_kafka_t, rd_kafka_topic_partition_list_add, rd_kafka_topic_partition_list_destroy,
    rd_kafka_topic_partition_list_new, rd_kafka_topic_partition_list_t as List, RD_KAFKA_VERSION,
};

// The declarations below are no part of librdkafka's interface: with another version, compare them with its
// rdkafka_request.h, rdkafka_buf.h and rdkafka_op.h, and see whether all this is still needed.
const _: () = assert!(RD_KAFKA_VERSION == 0x020c_01ff);

/// `rd_kafka_broker_t`.
#[repr(C)]
pub(crate) struct Broker([u8; 0]);

/// `rd_kafka_buf_t`: a request, or a reply.
#[repr(C)]
pub(crate) struct Buffer([u8; 0]);

/// `rd_kafka_replyq_t`, passed by value.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct ReplyQueue {
    queue: *mut c_void,
    version: i32,
}

/// `rd_kafka_resp_cb_t`, with the error as a plain number.
type Reply = unsafe extern "C" fn(*mut rd_kafka_t, *mut Broker, c_int, *mut Buffer, *mut Buffer, *mut c_void);

extern "C" {
    /// 1: the request is sent again, and its reply function called again, perhaps on another thread and at once; 0: it is
    /// not.
    fn rdk_real_buf_retry(broker: *mut Broker, request: *mut Buffer) -> c_int;
    fn rdk_real_offset_fetch_request(
        broker: *mut Broker,
        group: *const c_char,
        partitions: *mut List,
        use_topic_id: u8,
        generation: i32,
        member: *mut c_void,
        stable: u8,
        timeout: c_int,
        queue: ReplyQueue,
        reply: Option<Reply>,
        opaque: *mut c_void,
    );
    fn rdk_real_handle_offset_fetch(
        client: *mut rd_kafka_t,
        broker: *mut Broker,
        code: c_int,
        answer: *mut Buffer,
        request: *mut Buffer,
        offsets: *mut *mut List,
        update: u8,
        add: u8,
        allow_retry: u8,
    ) -> c_int;
}

/// RD_KAFKA_RESP_ERR__BEGIN to __END: what a client says of itself, and no broker does.
const LOCAL: std::ops::Range<c_int> = -200..-100;
const BAD_MSG: c_int = -199; // RD_KAFKA_RESP_ERR__BAD_MSG
const IN_PROGRESS: c_int = -178; // RD_KAFKA_RESP_ERR__IN_PROGRESS: it is sent again, or a broker says so
/// RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS, _COORDINATOR_NOT_AVAILABLE, _NOT_COORDINATOR: it is soon another answer.
const COORDINATOR: std::ops::RangeInclusive<c_int> = 14..=16;
/// RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT: of one partition, that it be asked for again.
const UNSTABLE: c_int = 88;
const STORED: i64 = -1000; // RD_KAFKA_OFFSET_STORED: to be asked for

/// A request under way: what was asked for, and who hears of it. It belongs to the request: once that is sent again,
/// another thread may have heard of it, and let it go.
struct Asked {
    reply: Reply,
    opaque: *mut c_void,
    /// Ours: its partitions, each to be asked for again.
    partitions: Cell<*mut List>,
    /// So often it may still be sent again.
    left: Cell<u32>,
    /// Counts the requests of this thread.
    number: u64,
}

/// So often a request is sent again, after `retry.backoff.ms` and then twice as long each time, up to
/// `retry.backoff.max.ms`, before the script gets the error: with their defaults two and a half seconds.
const RESENDS: u32 = 5;

impl Asked {
    /// May it be sent again? Counts that.
    fn may_resend(&self) -> bool {
        let left = self.left.get();
        self.left.set(left.saturating_sub(1));
        left > 0
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        // SAFETY: a list of ours, unless it was given away.
        unsafe {
            if !self.partitions.get().is_null() {
                rd_kafka_topic_partition_list_destroy(self.partitions.get());
            }
        }
    }
}

/// A reply that is being passed on.
struct Passing {
    asked: *const Asked,
    request: *mut Buffer,
    /// The request is sent again: `asked` is not ours any more.
    sent: Cell<bool>,
}

thread_local! {
    /// What this thread passes on.
    static PASSING: Cell<*const Passing> = const { Cell::new(std::ptr::null()) };
    /// The last request of this thread, which is its client's main thread, for each function that hears of replies;
    /// librdkafka has three.
    static LAST: Cell<[(Option<Reply>, u64); 4]> = const { Cell::new([(None, 0); 4]) };
}

/// Counts a request whose reply goes to that function.
fn count(reply: Reply) -> u64 {
    let mut last = LAST.get();
    let number = 1 + last.iter().map(|(_, number)| *number).max().unwrap_or(0);
    let place = last.iter().position(|(function, _)| is(*function, reply));
    if let Some(place) = place.or_else(|| last.iter().position(|(function, _)| function.is_none())) {
        last[place] = (Some(reply), number);
        LAST.set(last);
    }
    number
}

/// Has no request followed whose reply goes to the same function?
fn is_last(asked: &Asked) -> bool {
    let last = LAST.get();
    let mut later = last
        .iter()
        .filter(|(function, number)| is(*function, asked.reply) && *number > asked.number);
    later.next().is_none()
}

fn is(function: Option<Reply>, reply: Reply) -> bool {
    function.is_some_and(|function| function as usize == reply as usize)
}

/// The same partitions, as they wait to be asked for.
///
/// # Safety
/// A list of librdkafka's.
unsafe fn to_ask(partitions: *const List) -> *mut List {
    // SAFETY: the caller's list, with as many elements as it says; a list of ours, and the element just added to it, whose
    // error is a field of a plain number's size and alignment.
    unsafe {
        let list = rd_kafka_topic_partition_list_new((*partitions).cnt);
        for n in 0..(*partitions).cnt as usize {
            let from = (*partitions).elems.add(n);
            let to = rd_kafka_topic_partition_list_add(
                list,
                (&raw const (*from).topic).read(),
                (&raw const (*from).partition).read(),
            );
            (&raw mut (*to).offset).write(STORED);
            (&raw mut (*to).err).cast::<c_int>().write(UNSTABLE);
        }
        list
    }
}

/// In place of `rd_kafka_buf_retry`: notes that the request whose reply is passed on is sent again.
pub(crate) unsafe extern "C" fn buf_retry(broker: *mut Broker, request: *mut Buffer) -> c_int {
    // SAFETY: the caller's own arguments.
    let sent = unsafe { rdk_real_buf_retry(broker, request) };
    // SAFETY: set while a reply is passed on, which has what it points to in its frame.
    if let (true, Some(passing)) = (sent != 0, unsafe { PASSING.get().as_ref() }) {
        if passing.request == request {
            passing.sent.set(true);
        }
    }
    sent
}

/// In place of `rd_kafka_OffsetFetchRequest`: keeps what is asked for.
#[allow(clippy::too_many_arguments)]
pub(crate) unsafe extern "C" fn offset_fetch_request(
    broker: *mut Broker,
    group: *const c_char,
    partitions: *mut List,
    use_topic_id: u8,
    generation: i32,
    member: *mut c_void,
    stable: u8,
    timeout: c_int,
    queue: ReplyQueue,
    reply: Option<Reply>,
    opaque: *mut c_void,
) {
    let (mut ours, mut asked) = (reply, opaque);
    if let (Some(reply), false) = (reply, partitions.is_null()) {
        ours = Some(offset_fetch_reply);
        asked = Box::into_raw(Box::new(Asked {
            reply,
            opaque,
            // SAFETY: the caller's own list.
            partitions: Cell::new(unsafe { to_ask(partitions) }),
            left: Cell::new(RESENDS),
            number: count(reply),
        }))
        .cast();
    }
    // SAFETY: the caller's own arguments; and a function with what it wants, which librdkafka calls once for each time that
    // the request was sent, also when the client ends.
    unsafe {
        rdk_real_offset_fetch_request(
            broker,
            group,
            partitions,
            use_topic_id,
            generation,
            member,
            stable,
            timeout,
            queue,
            ours,
            asked,
        )
    };
}

/// Passes a reply on to whom it is for, who may ask [`handle_offset_fetch`] what it says.
unsafe extern "C" fn offset_fetch_reply(
    client: *mut rd_kafka_t,
    broker: *mut Broker,
    code: c_int,
    answer: *mut Buffer,
    request: *mut Buffer,
    opaque: *mut c_void,
) {
    let asked: *mut Asked = opaque.cast();
    // SAFETY: made above, and ours: the reply before, if there was one, has not touched it since the request was sent again.
    let (reply, word) = unsafe { ((*asked).reply, (*asked).opaque) };
    let passing = Passing {
        asked,
        request,
        sent: Cell::new(false),
    };
    let earlier = PASSING.replace(&passing);
    // SAFETY: the function that was given, with its own word and the arguments of this call.
    unsafe { reply(client, broker, code, answer, request, word) };
    PASSING.set(earlier);
    if !passing.sent.get() {
        // SAFETY: the request is not sent again, so nobody else has it now.
        drop(unsafe { Box::from_raw(asked) });
    }
}

/// In place of `rd_kafka_handle_OffsetFetch`: a failure that will pass is not the last word about an assignment.
#[allow(clippy::too_many_arguments)]
pub(crate) unsafe extern "C" fn handle_offset_fetch(
    client: *mut rd_kafka_t,
    broker: *mut Broker,
    code: c_int,
    answer: *mut Buffer,
    request: *mut Buffer,
    offsets: *mut *mut List,
    update: u8,
    add: u8,
    allow_retry: u8,
) -> c_int {
    // SAFETY: the caller's own arguments.
    let result = unsafe {
        rdk_real_handle_offset_fetch(client, broker, code, answer, request, offsets, update, add, allow_retry)
    };
    // SAFETY: set while a reply is passed on, which has what it points to in its frame.
    let Some(passing) = (unsafe { PASSING.get().as_ref() }) else {
        return result;
    };
    if passing.request != request || passing.sent.get() {
        return result;
    }
    // Nothing was sent again: then a broker has said that, and its reader would wait for another reply.
    let code = if result == IN_PROGRESS { BAD_MSG } else { result };
    // Only an assignment has what is known of partitions brought up to date.
    if update == 0 || !(LOCAL.contains(&code) || COORDINATOR.contains(&code)) {
        return code;
    }
    // SAFETY: the request was not sent again, so this is ours until it is, below.
    let asked = unsafe { &*passing.asked };
    // An assignment that has changed does not want the old request again.
    // SAFETY: the broker and the request of this reply.
    if allow_retry != 0 && asked.may_resend() && unsafe { buf_retry(broker, request) } != 0 {
        return IN_PROGRESS;
    }
    // An assignment has one request at a time: if there is a newer one it has begun anew, and its partitions are that one's.
    let list = if is_last(asked) {
        asked.partitions.replace(std::ptr::null_mut())
    } else {
        // SAFETY: makes an empty list.
        unsafe { rd_kafka_topic_partition_list_new(0) }
    };
    // SAFETY: the caller's list, which is ours to fill, and takes what we give.
    unsafe {
        if !(*offsets).is_null() {
            rd_kafka_topic_partition_list_destroy(*offsets);
        }
        *offsets = list;
    }
    code
}
