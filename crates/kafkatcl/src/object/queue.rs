//! Queues: where partitions of many topics come together. It must not start partitions; topic consumers do.

use crate::args::{Array, Body, Callback, Count, Data, FieldNames, Rest, Wait};
use crate::inlet::{self, Inlet};
use crate::link::{Link, Share};
use crate::object::handle::{gone, Handle};
use crate::object::topic_producer::ask_creator;
use crate::pick::Field;
use crate::table::{Object, Outcome, Row};
use crate::{names, render, subcommands};
use std::cell::RefCell;
use std::rc::{Rc, Weak};
use tclstubs::{keep, CommandRef, Interp, Obj, Raise, Reply};

/// A queue object.
pub struct QueueObject {
    open: RefCell<Option<(Rc<Inlet>, Share)>>,
    creator: Weak<Handle>,
    command: RefCell<CommandRef>,
}

impl Object for QueueObject {
    const KIND: &'static str = "queue";
    fn rows() -> &'static [Row<QueueObject>] {
        TABLE
    }
    fn deleted(self: &Rc<Self>, _interp: &Interp) {
        let open = self.open.borrow_mut().take();
        if let Some((inlet, link)) = open {
            inlet.close();
            drop(inlet);
            link.release(false);
        }
    }
}

/// Makes a queue of a handle.
pub fn create(interp: &Interp, name: &str, creator: &Rc<Handle>, link: Rc<Link>) -> Outcome {
    let name = names::fresh(interp, name, &names::QUEUE)?;
    let inlet = inlet::open(interp, &link)?;
    let object = Rc::new(QueueObject {
        open: RefCell::new(Some((inlet, Share::of(link)))),
        creator: Rc::downgrade(creator),
        command: RefCell::new(CommandRef::none()),
    });
    let command = names::install(interp, &name, object.clone())?;
    *object.command.borrow_mut() = command.clone();
    render::value(command.full_name().unwrap_or_else(Obj::empty))
}

impl QueueObject {
    /// The queue itself.
    pub fn inlet(&self) -> Result<Rc<Inlet>, Raise> {
        self.open
            .borrow()
            .as_ref()
            .map(|o| o.0.clone())
            .ok_or_else(|| gone("queue"))
    }
}

subcommands! { TABLE for QueueObject {
    /// Consumes one message of the queue into the array variable *array*: waits up to *timeout* milliseconds (-1: for
    /// ever). Returns 1 when there was one, and 0 at the end of a partition.
    ///
    /// The elements and the errors are those of a topic consumer's `consume`.
    "consume" => fn(this, cx, timeout: Wait, array: Array) {
        render::int(i64::from(keep(this.inlet()?, |inlet| inlet.consume(timeout.0, array.0))?))
    }

    /// Consumes up to *count* messages of the queue, or as many as come within *timeout* milliseconds (-1: for ever), and
    /// runs *script* for each one with the array variable *array* filled as `consume` does. Ends of partitions are passed
    /// over. Returns the number of runs.
    ///
    /// For a Kafka error *script* runs with the elements `error code message`. `break`, `continue`, `return` and `yield`
    /// work in *script*; messages that it has not seen stay in the queue.
    "consume_batch" => fn(this, cx, timeout: Wait, count: Count, array: Array, script: Body) {
        Ok(Reply::Loop(this.inlet()?.batch(timeout.0, count.0, array.0, script.0, false)))
    }

    /// The values of *fields* of up to *count* messages of the queue, or of as many as come within *timeout* milliseconds
    /// (-1: for ever), one after the other in one list, fit for `foreach`: this is the fastest way to read. Ends of
    /// partitions are passed over.
    ///
    /// *fields* is a list of `payload`, `partition`, `offset`, `topic`, `timestamp`, `key` (default `payload`). A Kafka
    /// error is a Tcl error if it is the first to come; else the messages before it are returned.
    "consume_list" => fn(this, cx, timeout: Wait, count: Count, fields: Option<FieldNames>) {
        let fields = fields.map_or_else(|| vec![Field::Payload], |f| f.0);
        render::value(keep(this.inlet()?, |inlet| inlet.list(timeout.0, count.0, fields, false))?)
    }

    /// Hands each message of the queue to *callback* from the event loop, as one more word: a list `payload partition
    /// offset timestamp topic`, and `key` if there is one, or `error code message`.
    ///
    /// An empty *callback* turns that off. Without *callback*: returns the present one, empty if there is none.
    "consume_callback" => fn(this, cx, callback: Option<Callback>) {
        let inlet = this.inlet()?;
        match callback {
            None => render::value(inlet.callback().map_or_else(Obj::empty, |c| c.source())),
            Some(callback) => { inlet.set_callback(callback.0); render::nothing() }
        }
    }

    /// Runs *words* as a subcommand of the handle that made this queue.
    "creator" => fn(this, cx, words: Rest<Data>) {
        let words: Vec<Obj> = words.0.into_iter().map(|w| w.0).collect();
        ask_creator(&this.creator, cx.interp, &words)
    }

    /// Deletes the queue and its command. Messages that wait in it are dropped; partitions that go to it deliver nothing
    /// more until they are started elsewhere.
    "delete" => fn(this, cx) {
        let command = this.command.borrow().clone();
        command.delete();
        render::nothing()
    }
} }
