//! What kind of client is opened and what it shall report: plain choices, no behaviour.
//! [`crate::Client::open`] turns them into settings.

/// Producer or consumer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Sends messages.
    Producer,
    /// Receives messages, with a group or without.
    Consumer,
}

/// Which deliveries a producer reports as events on its main queue.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Delivery {
    /// None at all. [`crate::Client::flush`] then serves the main queue itself, and other events that wait
    /// there (errors, statistics) are lost.
    #[default]
    None,
    /// Failed ones only (`delivery.report.only.error`).
    FailuresOnly,
    /// Each one.
    All,
}

/// Where librdkafka's log lines go.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum LogTo {
    /// Nowhere.
    None,
    /// Standard error (`rd_kafka_log_print`), librdkafka's default.
    #[default]
    Stderr,
    /// The system log (`rd_kafka_log_syslog`).
    Syslog,
    /// The main queue, as events. Somebody must drain it, or the lines pile up.
    Queue,
}

/// What a client reports as events. What is not wanted, librdkafka does not queue.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Wants {
    /// Delivery reports (producer).
    pub delivery: Delivery,
    /// Errors of the client as a whole, such as `_ALL_BROKERS_DOWN`; otherwise they are logged.
    pub errors: bool,
    /// Statistics; they come only with `statistics.interval.ms`.
    pub statistics: bool,
    /// Rebalances. The program must then answer each one with an assign or unassign call;
    /// otherwise librdkafka does it itself.
    pub rebalance: bool,
    /// Results of commits, automatic ones too.
    pub commits: bool,
    /// Log lines.
    pub log: LogTo,
}
