//! Questions about topics that nobody waits for: a thread asks the cluster, keeps the answer, and rings.
//!
//! librdkafka answers such a question only to a thread that waits (`rd_kafka_metadata`), and a broker that holds a fetch
//! back answers nothing behind it: that may take as long as a fetch. `rd_kafka_DescribeTopics` would need no thread, but
//! 2.12.1 reads a topic's name after freeing it when a broker answers for a topic that was not asked for.
//! This file must not know what an answer is for.

use std::collections::BTreeSet;
use std::mem;
use std::ptr;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use crate::client::Client;
use crate::error::{Code, Error, Result};
use crate::fence::fence;
use crate::life::locked;
use crate::metadata::{self, TopicInfo};
use crate::signal::unsignalled;
use crate::sys;
use crate::timeout::Timeout;

/// One request waits so long, and so long may the end of a client have to wait for it.
const SLICE_MS: i64 = 300;
/// How often a question is put: an answer may be late (behind a fetch), or come from no broker yet.
const TRIES: u32 = 3;

type Ring = Arc<dyn Fn() + Send + Sync>;

/// The answer to all questions up to one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// The number of the last question that it answers (see [`Client::inquire`]).
    pub upto: u64,
    /// The topics that were asked for, as far as the cluster told of them; none if no broker answered.
    pub topics: Option<Vec<TopicInfo>>,
}

/// A client's questions.
#[derive(Default)]
pub(crate) struct Inquiries(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// Topics to ask for next.
    names: BTreeSet<String>,
    /// The number of the last question.
    last: u64,
    answers: Vec<Answer>,
    ring: Option<Ring>,
    /// The client is going.
    over: bool,
    /// The thread will look at `names` once more before it ends.
    running: bool,
    thread: Option<JoinHandle<()>>,
}

/// The thread that asks, to be gone before the client is destroyed: dropping waits for it.
#[derive(Default)]
pub(crate) struct Asker(Option<JoinHandle<()>>);

impl Drop for Asker {
    fn drop(&mut self) {
        // Fenced, because it may be dropped while a panic unwinds: a second one would end the process.
        fence(|| {
            if let Some(thread) = self.0.take() {
                // It ends after a panic as well, which was told where it happened.
                let _ = thread.join();
            }
            #[cfg(feature = "plant")]
            plant::point("drop_Asker");
        });
    }
}

impl Inquiries {
    /// No more questions: the thread ends with the request that is under way.
    pub(crate) fn end(&self) -> Asker {
        let mut state = locked(&self.0);
        state.over = true;
        state.names.clear();
        Asker(state.thread.take())
    }

    /// In a forked child: the thread is not there, and its lock may be held for ever.
    pub(crate) fn leak(&self) {
        mem::forget(self.0.clone());
    }
}

/// The client of an [`Asker`].
struct Asked(*mut sys::rd_kafka_t);

// SAFETY: the header says of rd_kafka_t that all functions on it may be called from any thread.
unsafe impl Send for Asked {}

impl Asked {
    /// What the cluster says of these topics.
    fn ask(&self, names: &BTreeSet<String>, over: impl Fn() -> bool) -> Option<Vec<TopicInfo>> {
        for _ in 0..TRIES {
            if over() {
                return None;
            }
            #[cfg(feature = "plant")]
            plant::point("inquiry");
            // SAFETY: `Inner::drop` joins this thread before it destroys the client, in every way out of it (the `Asker`
            // stands before the client); in a forked child this thread does not run. NULL asks for all topics that the
            // client knows: those that were started are among them, and there is one request for many.
            match unsafe { metadata::request(self.0, false, ptr::null_mut(), Timeout::ms(SLICE_MS)) } {
                Ok(all) => return Some(all.topics.into_iter().filter(|t| names.contains(&t.name)).collect()),
                Err(error) if error.code == Code::TIMED_OUT || error.code == Code::TRANSPORT => {}
                Err(_) => return None,
            }
        }
        None
    }
}

/// The thread: asks until nothing is left to ask.
fn work(shared: &Mutex<State>, asked: &Asked) {
    loop {
        let (names, upto) = {
            let mut state = locked(shared);
            if state.names.is_empty() {
                state.running = false;
                return;
            }
            (mem::take(&mut state.names), state.last)
        };
        let topics = fence(|| asked.ask(&names, || locked(shared).over)).flatten();
        let ring = {
            let mut state = locked(shared);
            state.answers.push(Answer { upto, topics });
            state.ring.clone()
        };
        if let Some(ring) = ring {
            fence(|| ring());
        }
    }
}

impl Client {
    /// Who is rung when there is an answer to [`Client::inquire`]: it runs on a foreign thread, and may wake a thread and
    /// nothing else. It must not hold a [`Client`].
    pub fn on_answer(&self, ring: impl Fn() + Send + Sync + 'static) {
        let ring: Ring = Arc::new(ring);
        if self.ptr("on_answer").is_ok() {
            let earlier = locked(&self.inner().inquiries.0).ring.replace(ring);
            drop(earlier);
        }
    }

    /// Ask the cluster for a topic of this client, and do not wait: a thread does, up to a second. Questions that
    /// come while one is under way are asked together. Returns the number of the question, which grows.
    ///
    /// Dropping the last [`Client`] meanwhile waits for that thread, less than half a second.
    ///
    /// Error: no thread could be started.
    pub fn inquire(&self, topic: &str) -> Result<u64> {
        let asked = Asked(self.ptr("inquire")?);
        let inquiries = &self.inner().inquiries.0;
        let mut state = locked(inquiries);
        if !state.running {
            if let Some(ended) = state.thread.take() {
                // It has seen that nothing is left, and lets go of nothing but itself.
                let _ = ended.join();
            }
            let shared = inquiries.clone();
            let thread = std::thread::Builder::new().name("rdk:ask".to_string());
            #[cfg(feature = "plant")]
            let thread = if plant::hit("no_thread") {
                thread.stack_size(usize::MAX / 4)
            } else {
                thread
            };
            // A handler of the program's signals should find a thread that is not about to end.
            let thread = unsignalled(|| {
                thread.spawn(move || {
                    // The whole of it, not a field: that is what may leave its thread.
                    let asked = asked;
                    if fence(|| work(&shared, &asked)).is_none() {
                        locked(&shared).running = false;
                    }
                })
            });
            let thread = thread.map_err(|error| Error::new("inquire", Code::CRIT_SYS_RESOURCE, error.to_string()))?;
            state.thread = Some(thread);
            state.running = true;
        }
        state.names.insert(topic.to_string());
        state.last += 1;
        Ok(state.last)
    }

    /// The answers that have come since the last call.
    pub fn answers(&self) -> Vec<Answer> {
        match self.ptr("answers") {
            Ok(_) => mem::take(&mut locked(&self.inner().inquiries.0).answers),
            Err(_) => Vec::new(),
        }
    }
}
