//! What several objects answer about the cluster: brokers, topics, partitions. It must not hold state; the link keeps
//! the metadata.

use crate::link::Link;
use crate::render;
use crate::table::Outcome;
use rdk::Partitioner;
use tclstubs::{Interp, Obj};

/// A list of topic names.
pub fn topics(link: &Link) -> Outcome {
    let metadata = link.metadata(false)?;
    render::value(Obj::texts(metadata.topics.iter().map(|t| t.name.as_str())))
}

/// A list of `host:port`.
pub fn brokers(link: &Link) -> Outcome {
    let metadata = link.metadata(false)?;
    render::value(Obj::texts(
        metadata.brokers.iter().map(|b| format!("{}:{}", b.host, b.port)),
    ))
}

/// Asks again.
pub fn refresh(link: &Link) -> Outcome {
    link.metadata(true)?;
    render::nothing()
}

/// Prints through the Tcl channel, as `puts` does, so that a script can redirect it.
pub fn print(interp: &Interp, link: &Link) -> Outcome {
    let text = render::metadata_text(&*link.metadata(false)?);
    interp.call(&[Obj::text_of("::puts"), Obj::text_of("stdout"), Obj::text_of(&text)])?;
    render::nothing()
}

/// The partition of a key by the consistent partitioner; -1 while the topic has no partitions.
pub fn consistent_partition(link: &Link, topic: &str, key: &Obj) -> Outcome {
    // A bad key is told at once, not after the cluster has been asked.
    drop(key.bytes()?);
    let partitions = i32::try_from(link.partitions(topic)?).unwrap_or(i32::MAX);
    let key = key.bytes()?;
    render::int(i64::from(Partitioner::Consistent.partition(&key, partitions)))
}
