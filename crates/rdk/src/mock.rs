//! A Kafka cluster inside this process, to try things out and to test against.
//!
//! It is no storage: a partition keeps at most 100,000 messages or 5 MiB. It has no TLS, no SASL
//! and no admin requests. Numbers that the C code would trust blindly are checked here. It is long because the cluster has
//! a call for each way to make it fail.

use std::ffi::c_int;

use crate::client::Client;
use crate::config::{Config, TopicConfig};
use crate::error::{Code, Error, Result};
use crate::fork;
use crate::handle::{Handle, Line, Resource, Shared};
use crate::partition::topic_name;
use crate::sys::{self, coded, cstring};
use crate::wants::{Kind, LogTo, Wants};

struct MockObject;

impl Resource for MockObject {
    type Raw = sys::rd_kafka_mock_cluster_t;
    const LINE: Line = Line::Mock;
    unsafe fn destroy(raw: *mut Self::Raw) {
        // SAFETY: the caller gives up an owned cluster, before the client that hosts it.
        unsafe { sys::rd_kafka_mock_cluster_destroy(raw) }
    }
}

// SAFETY: every rd_kafka_mock_* function takes the cluster's lock or sends it an op and waits.
unsafe impl Shared for MockObject {}

/// The list of requests seen; remembers its length for the C destroy function.
struct Requests {
    first: *mut *mut sys::rd_kafka_mock_request_t,
    count: usize,
}

struct RequestsObject;

impl Resource for RequestsObject {
    type Raw = Requests;
    const LINE: Line = Line::MockRequests;
    unsafe fn destroy(raw: *mut Self::Raw) {
        // SAFETY: the caller gives up the box made in MockCluster::requests.
        let list = unsafe { Box::from_raw(raw) };
        // SAFETY: array and count as rd_kafka_mock_get_requests returned them.
        unsafe { sys::rd_kafka_mock_request_destroy_array(list.first, list.count) }
    }
}

/// A request that a mock broker received.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MockRequest {
    /// The broker's id.
    pub broker: i32,
    /// What kind of request; see [`api_names`].
    pub api_key: i16,
    /// When, in microseconds of the process's monotonic clock.
    pub timestamp: i64,
}

/// A mock cluster (`rd_kafka_mock_cluster_t`) with a client of its own that hosts it. Dropping it
/// closes all connections.
pub struct MockCluster {
    // Before the host: Rust drops fields in this order.
    raw: Handle<MockObject>,
    #[allow(dead_code)] // held so that the cluster's host lives as long as the cluster
    host: Client,
    brokers: usize,
}

const MAX_PARTITIONS: i32 = 10_000;

fn wrong(text: impl Into<String>) -> Error {
    Error::new("mock", Code::INVALID_ARG, text)
}

/// Is there room for the descriptors and threads of a cluster? librdkafka's own answer is an assertion that kills the
/// process: a failed creation destroys what was not counted yet (rd_kafka_mock_cluster_new).
fn check_room(brokers: usize) -> Result<()> {
    let short = |what: &str, why: std::io::Error| {
        let text = format!("there is no room for the {what} of a mock cluster of {brokers}: {why}");
        Error::new("mock", Code::CRIT_SYS_RESOURCE, text)
    };
    // A listening socket for each broker and two pipes, with a few to spare for what other threads open meanwhile.
    let mut files = Vec::new();
    for _ in 0..brokers + 8 {
        files.push(std::fs::File::open("/dev/null").map_err(|e| short("descriptors", e))?);
    }
    // The cluster's own thread and that of a broker without an address, both at once.
    std::thread::scope(|scope| {
        let (stay, leave) = std::sync::mpsc::channel::<()>();
        let leave = std::sync::Arc::new(std::sync::Mutex::new(leave));
        for _ in 0..2 {
            let leave = leave.clone();
            let wait = move || drop(leave.lock().map(|l| l.recv()));
            std::thread::Builder::new()
                .spawn_scoped(scope, wait)
                .map_err(|e| short("threads", e))?;
        }
        drop(stay);
        Ok(())
    })
}

impl MockCluster {
    /// Start a cluster of 1 to 16 brokers with the ids 1, 2, ... (`rd_kafka_mock_cluster_new`).
    pub fn create(brokers: usize) -> Result<MockCluster> {
        let count = match c_int::try_from(brokers) {
            Ok(count @ 1..=16) => count,
            _ => return Err(wrong(format!("a mock cluster has 1 to 16 brokers, not {brokers}"))),
        };
        let mut config = Config::new();
        config.set("client.id", "mock")?;
        let wants = Wants {
            log: LogTo::None,
            ..Wants::default()
        };
        let host = Client::start(Kind::Producer, config, TopicConfig::new(), wants, false)?;
        check_room(brokers)?;
        // SAFETY: a live client that outlives the cluster (field order); returns a new cluster or NULL.
        let raw = unsafe { Handle::need("mock", sys::rd_kafka_mock_cluster_new(host.ptr("mock")?, count)) }?;
        Ok(MockCluster { raw, host, brokers })
    }

    /// The pointer, if this process made the cluster.
    fn ptr(&self) -> Result<*mut sys::rd_kafka_mock_cluster_t> {
        fork::check("mock", self.raw.made())?;
        Ok(self.raw.as_ptr())
    }

    /// `host:port,host:port`, for `bootstrap.servers` (`rd_kafka_mock_cluster_bootstraps`).
    pub fn bootstrap_servers(&self) -> String {
        match self.ptr() {
            // SAFETY: a live cluster; the string belongs to it and is copied at once.
            Ok(raw) => unsafe { sys::lossy(sys::rd_kafka_mock_cluster_bootstraps(raw)) },
            Err(_) => String::new(),
        }
    }

    /// How many brokers it has.
    pub fn brokers(&self) -> usize {
        self.brokers
    }

    /// Create a topic with 1 to 10,000 partitions (`rd_kafka_mock_topic_create`). The replication
    /// factor is 1 or more; more than there are brokers counts as that many. A topic that is only
    /// used gets 4 partitions. Error `TOPIC_ALREADY_EXISTS`.
    pub fn create_topic(&self, name: &str, partitions: i32, replication: i32) -> Result<()> {
        if !(1..=MAX_PARTITIONS).contains(&partitions) {
            return Err(wrong(format!(
                "a mock topic has 1 to {MAX_PARTITIONS} partitions, not {partitions}"
            )));
        }
        if replication < 1 {
            return Err(wrong(format!(
                "the replication factor must be at least 1, not {replication}"
            )));
        }
        let replication = replication.min(self.brokers as c_int);
        let name = topic_name("mock", name)?;
        // SAFETY: a live cluster; the string is copied.
        Error::check("mock", unsafe {
            coded::rd_kafka_mock_topic_create(self.ptr()?, name.as_ptr(), partitions, replication)
        })
    }

    /// Make metadata requests report an error for a topic; `NO_ERROR` ends it
    /// (`rd_kafka_mock_topic_set_error`).
    pub fn set_topic_error(&self, topic: &str, code: Code) -> Result<()> {
        let topic = topic_name("mock", topic)?;
        // SAFETY: a live cluster; the string is copied.
        unsafe { coded::rd_kafka_mock_topic_set_error(self.ptr()?, topic.as_ptr(), code.0) };
        Ok(())
    }

    /// A broker drops all connections and accepts none (`rd_kafka_mock_broker_set_down`); -1 is all.
    pub fn broker_down(&self, id: i32) -> Result<()> {
        // SAFETY: a live cluster and a number, which is looked up.
        Error::check("mock", unsafe { coded::rd_kafka_mock_broker_set_down(self.ptr()?, id) })
    }

    /// A broker accepts connections again (`rd_kafka_mock_broker_set_up`); -1 is all.
    pub fn broker_up(&self, id: i32) -> Result<()> {
        // SAFETY: a live cluster and a number, which is looked up.
        Error::check("mock", unsafe { coded::rd_kafka_mock_broker_set_up(self.ptr()?, id) })
    }

    /// A broker answers so many milliseconds late, 0 to 1 hour (`rd_kafka_mock_broker_set_rtt`); -1 is all.
    pub fn set_rtt(&self, broker: i32, ms: i32) -> Result<()> {
        check_delay(ms)?;
        // SAFETY: a live cluster and numbers.
        Error::check("mock", unsafe {
            coded::rd_kafka_mock_broker_set_rtt(self.ptr()?, broker, ms)
        })
    }

    /// The rack a broker reports (`rd_kafka_mock_broker_set_rack`); -1 is all.
    pub fn set_rack(&self, broker: i32, rack: &str) -> Result<()> {
        if rack.len() > 32767 {
            return Err(wrong("a rack's name is longer than an answer can carry, 32767 bytes"));
        }
        let rack = cstring("mock", "a rack", rack)?;
        // SAFETY: a live cluster; the string is copied.
        Error::check("mock", unsafe {
            coded::rd_kafka_mock_broker_set_rack(self.ptr()?, broker, rack.as_ptr())
        })
    }

    /// The address that a broker names as its own in answers, 1 to 127 bytes and a port
    /// (`rd_kafka_mock_broker_set_host_port`): a proxy stands there. It listens where it did, and
    /// [`MockCluster::bootstrap_servers`] still says where. The library does nothing for a broker that is
    /// not there and cuts a longer host, so both are checked here.
    pub fn set_host_port(&self, broker: i32, host: &str, port: i32) -> Result<()> {
        if !usize::try_from(broker).is_ok_and(|id| (1..=self.brokers).contains(&id)) {
            return Err(Error::of("mock", Code::BROKER_NOT_AVAILABLE));
        }
        if !(1..=127).contains(&host.len()) {
            return Err(wrong(format!("a host name has 1 to 127 bytes, not {}", host.len())));
        }
        if !(1..=65_535).contains(&port) {
            return Err(wrong(format!("a port is 1 to 65535, not {port}")));
        }
        let host = cstring("mock", "a host name", host)?;
        // SAFETY: a live cluster, which takes its lock; the string is copied into 128 bytes, and fits.
        unsafe { sys::rd_kafka_mock_broker_set_host_port(self.ptr()?, broker, host.as_ptr(), port) };
        Ok(())
    }

    /// The next requests of this kind, to any broker, are answered with these errors, one each
    /// (`rd_kafka_mock_push_request_errors_array`). `NO_ERROR` lets one pass; `__TRANSPORT` makes
    /// the broker hang up.
    pub fn push_errors(&self, api_key: i16, codes: &[Code]) -> Result<()> {
        check_api(api_key)?;
        let codes: Vec<c_int> = codes.iter().map(|code| code.0).collect();
        // SAFETY: a live cluster; the array lives through the call and is copied.
        unsafe { coded::rd_kafka_mock_push_request_errors_array(self.ptr()?, api_key, codes.len(), codes.as_ptr()) };
        Ok(())
    }

    /// The same for one broker, each error with a delay in milliseconds
    /// (`rd_kafka_mock_broker_push_request_error_rtts`). These come before those of the cluster.
    pub fn push_broker_errors(&self, broker: i32, api_key: i16, errors: &[(Code, i32)]) -> Result<()> {
        check_api(api_key)?;
        errors.iter().try_for_each(|(_, ms)| check_delay(*ms))?;
        for (code, ms) in errors {
            // SAFETY: a live cluster; one pair of ints follows the count of 1, as the header asks.
            let answer = unsafe {
                coded::rd_kafka_mock_broker_push_request_error_rtts(self.ptr()?, broker, api_key, 1, code.0, *ms)
            };
            Error::check("mock", answer)?;
        }
        Ok(())
    }

    /// Forget the errors pushed to the cluster for this kind of request
    /// (`rd_kafka_mock_clear_request_errors`); those of single brokers stay.
    pub fn clear_errors(&self, api_key: i16) -> Result<()> {
        check_api(api_key)?;
        // SAFETY: a live cluster and a number.
        unsafe { sys::rd_kafka_mock_clear_request_errors(self.ptr()?, api_key) };
        Ok(())
    }

    /// Move the leader of a partition to a broker
    /// (`rd_kafka_mock_partition_set_leader`). Creates the topic if needed. The library's -1, no leader,
    /// is refused: a Produce or Fetch request under way would make the mock follow a NULL pointer.
    pub fn set_leader(&self, topic: &str, partition: i32, broker: i32) -> Result<()> {
        if broker < 1 {
            return Err(wrong(format!(
                "a partition needs a leader: broker {broker} is none (set it down instead)"
            )));
        }
        if topic.is_empty() || !(0..MAX_PARTITIONS).contains(&partition) {
            return Err(wrong(format!("invalid topic or partition: \"{topic}\" [{partition}]")));
        }
        let topic = topic_name("mock", topic)?;
        // SAFETY: a live cluster; the string is copied; the partition is not negative (it is an index).
        Error::check("mock", unsafe {
            coded::rd_kafka_mock_partition_set_leader(self.ptr()?, topic.as_ptr(), partition, broker)
        })
    }

    /// Make a broker the coordinator of a group or transaction (`rd_kafka_mock_coordinator_set`).
    /// `kind` is `group` or `transaction`, `key` the `group.id` or `transactional.id`.
    pub fn set_coordinator(&self, kind: &str, key: &str, broker: i32) -> Result<()> {
        if kind != "group" && kind != "transaction" {
            return Err(wrong(format!(
                "a coordinator is for a \"group\" or a \"transaction\", not \"{kind}\""
            )));
        }
        let kind = cstring("mock", "a kind", kind)?;
        let key = cstring("mock", "a key", key)?;
        // SAFETY: a live cluster; both strings are copied.
        Error::check("mock", unsafe {
            coded::rd_kafka_mock_coordinator_set(self.ptr()?, kind.as_ptr(), key.as_ptr(), broker)
        })
    }

    /// Limit the versions of a request that brokers offer, for connections made later; -1 and -1
    /// take the request away (`rd_kafka_mock_set_apiversion`). Versions beyond what the mock
    /// implements are an error.
    pub fn set_api_version(&self, api_key: i16, min: i16, max: i16) -> Result<()> {
        check_api(api_key)?;
        let known = IMPLEMENTED.iter().find(|row| row.0 == api_key);
        let fits = known.is_some_and(|row| row.1 <= min && min <= max && max <= row.2);
        if !fits && (min, max) != (-1, -1) {
            return Err(match known {
                Some((_, low, high)) => wrong(format!("the mock has versions {low} to {high} of this request")),
                None => wrong("the mock does not have this request"),
            });
        }
        // SAFETY: a live cluster and numbers within what it implements.
        Error::check("mock", unsafe {
            coded::rd_kafka_mock_set_apiversion(self.ptr()?, api_key, min, max)
        })
    }

    /// How long a new group waits for more members (`rd_kafka_mock_group_initial_rebalance_delay_ms`);
    /// 3,000 ms unless set.
    pub fn group_initial_rebalance_delay(&self, ms: i32) -> Result<()> {
        check_delay(ms)?;
        // SAFETY: a live cluster and a number.
        unsafe { sys::rd_kafka_mock_group_initial_rebalance_delay_ms(self.ptr()?, ms) };
        Ok(())
    }

    /// Begin to note requests, with an empty list (`rd_kafka_mock_start_request_tracking`).
    pub fn start_tracking(&self) -> Result<()> {
        // SAFETY: a live cluster.
        unsafe { sys::rd_kafka_mock_start_request_tracking(self.ptr()?) };
        Ok(())
    }

    /// Note no more requests and forget those noted (`rd_kafka_mock_stop_request_tracking`).
    pub fn stop_tracking(&self) -> Result<()> {
        // SAFETY: a live cluster.
        unsafe { sys::rd_kafka_mock_stop_request_tracking(self.ptr()?) };
        Ok(())
    }

    /// Forget the requests noted so far (`rd_kafka_mock_clear_requests`).
    pub fn clear_requests(&self) -> Result<()> {
        // SAFETY: a live cluster.
        unsafe { sys::rd_kafka_mock_clear_requests(self.ptr()?) };
        Ok(())
    }

    /// The requests noted, in order (`rd_kafka_mock_get_requests`).
    pub fn requests(&self) -> Result<Vec<MockRequest>> {
        let raw = self.ptr()?;
        let mut count = 0;
        // SAFETY: a live cluster; returns an array of `count` requests to destroy, or NULL for none.
        let first = unsafe { sys::rd_kafka_mock_get_requests(raw, &mut count) };
        if first.is_null() {
            return Ok(Vec::new());
        }
        let list = Box::into_raw(Box::new(Requests { first, count }));
        // SAFETY: the box is given up; RequestsObject takes it apart again.
        let _owner = unsafe { Handle::<RequestsObject>::need("mock", list) }?;
        // SAFETY: the array just returned; it lives until the owner is dropped.
        let requests = unsafe { sys::slice_at(first.cast_const(), count) };
        let decode = |request: &*mut sys::rd_kafka_mock_request_t| MockRequest {
            // SAFETY: a live request of the array; these three read its fields.
            broker: unsafe { sys::rd_kafka_mock_request_id(*request) },
            // SAFETY: as above.
            api_key: unsafe { sys::rd_kafka_mock_request_api_key(*request) },
            // SAFETY: as above.
            timestamp: unsafe { sys::rd_kafka_mock_request_timestamp(*request) },
        };
        Ok(requests.iter().map(decode).collect())
    }
}

impl std::fmt::Debug for MockCluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MockCluster")
            .field("bootstrap_servers", &self.bootstrap_servers())
            .finish_non_exhaustive()
    }
}

fn check_delay(ms: i32) -> Result<()> {
    if (0..=3_600_000).contains(&ms) {
        return Ok(());
    }
    Err(wrong(format!("a delay is 0 to 3600000 ms, not {ms}")))
}

fn check_api(api_key: i16) -> Result<()> {
    if api_names().iter().any(|(_, known)| *known == api_key) {
        return Ok(());
    }
    Err(wrong(format!("there is no request with the number {api_key}")))
}

/// Requests that the mock implements, with versions (`rd_kafka_mock_api_handlers` in
/// `rdkafka_mock_handlers.c` of 2.12.1).
const IMPLEMENTED: &[(i16, i16, i16)] = &[
    (0, 0, 10),
    (1, 0, 16),
    (2, 0, 7),
    (3, 0, 12),
    (8, 0, 9),
    (9, 0, 6),
    (10, 0, 3),
    (11, 0, 6),
    (12, 0, 5),
    (13, 0, 4),
    (14, 0, 4),
    (18, 0, 2),
    (22, 0, 4),
    (23, 2, 2),
    (24, 0, 1),
    (25, 0, 1),
    (26, 0, 1),
    (28, 0, 3),
    (68, 1, 1),
    (71, 0, 0),
    (72, 0, 0),
];

/// Kafka's names for its requests, with their numbers, in the order of the numbers.
pub fn api_names() -> &'static [(&'static str, i16)] {
    API_NAMES
}

/// The number of a request by name, in upper or lower case: `Produce` is 0.
pub fn api_key(name: &str) -> Option<i16> {
    API_NAMES
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(name))
        .map(|(_, key)| *key)
}

const API_NAMES: &[(&str, i16)] = &[
    ("Produce", 0),
    ("Fetch", 1),
    ("ListOffsets", 2),
    ("Metadata", 3),
    ("LeaderAndIsr", 4),
    ("StopReplica", 5),
    ("UpdateMetadata", 6),
    ("ControlledShutdown", 7),
    ("OffsetCommit", 8),
    ("OffsetFetch", 9),
    ("FindCoordinator", 10),
    ("JoinGroup", 11),
    ("Heartbeat", 12),
    ("LeaveGroup", 13),
    ("SyncGroup", 14),
    ("DescribeGroups", 15),
    ("ListGroups", 16),
    ("SaslHandshake", 17),
    ("ApiVersions", 18),
    ("CreateTopics", 19),
    ("DeleteTopics", 20),
    ("DeleteRecords", 21),
    ("InitProducerId", 22),
    ("OffsetForLeaderEpoch", 23),
    ("AddPartitionsToTxn", 24),
    ("AddOffsetsToTxn", 25),
    ("EndTxn", 26),
    ("WriteTxnMarkers", 27),
    ("TxnOffsetCommit", 28),
    ("DescribeAcls", 29),
    ("CreateAcls", 30),
    ("DeleteAcls", 31),
    ("DescribeConfigs", 32),
    ("AlterConfigs", 33),
    ("AlterReplicaLogDirs", 34),
    ("DescribeLogDirs", 35),
    ("SaslAuthenticate", 36),
    ("CreatePartitions", 37),
    ("CreateDelegationToken", 38),
    ("RenewDelegationToken", 39),
    ("ExpireDelegationToken", 40),
    ("DescribeDelegationToken", 41),
    ("DeleteGroups", 42),
    ("ElectLeaders", 43),
    ("IncrementalAlterConfigs", 44),
    ("AlterPartitionReassignments", 45),
    ("ListPartitionReassignments", 46),
    ("OffsetDelete", 47),
    ("DescribeClientQuotas", 48),
    ("AlterClientQuotas", 49),
    ("DescribeUserScramCredentials", 50),
    ("AlterUserScramCredentials", 51),
    ("Vote", 52),
    ("BeginQuorumEpoch", 53),
    ("EndQuorumEpoch", 54),
    ("DescribeQuorum", 55),
    ("AlterIsr", 56),
    ("UpdateFeatures", 57),
    ("Envelope", 58),
    ("FetchSnapshot", 59),
    ("DescribeCluster", 60),
    ("DescribeProducers", 61),
    ("BrokerHeartbeat", 63),
    ("UnregisterBroker", 64),
    ("DescribeTransactions", 65),
    ("ListTransactions", 66),
    ("AllocateProducerIds", 67),
    ("ConsumerGroupHeartbeat", 68),
    ("ConsumerGroupDescribe", 69),
    ("ControllerRegistration", 70),
    ("GetTelemetrySubscriptions", 71),
    ("PushTelemetry", 72),
    ("AssignReplicasToDirs", 73),
];
