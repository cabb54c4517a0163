//! The objects of the user: one file each, with its table. It must not hold anything but the list of them.

pub mod handle;
pub mod info;
pub mod master;
pub mod mock;
pub mod queue;
pub mod root;
pub mod subscriber;
pub mod topic_consumer;
pub mod topic_producer;

use tclstubs::Obj;

/// All tables by kind, in the order of the manual.
pub fn tables() -> Vec<(&'static str, Obj)> {
    use crate::describe::table;
    use crate::table::Object;
    macro_rules! all {
        ($($object:ty),* $(,)?) => { vec![$((<$object as Object>::KIND, table::<$object>())),*] };
    }
    all![
        root::Root,
        master::Master,
        handle::Handle,
        topic_producer::TopicProducer,
        topic_consumer::TopicConsumer,
        queue::QueueObject,
        subscriber::Subscriber,
        mock::Mock,
    ]
}
