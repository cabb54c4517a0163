//! What to do next: one sentence for each error of librdkafka's table, for the author of a program, and whether trying
//! again can help. It must not repeat what an error means: librdkafka's text says that.
//!
//! "Can be tried again" is, for brokers' answers, the column "retriable" of Apache Kafka's list of errors (4.3); for
//! librdkafka's own errors, that librdkafka itself sends such a request again, or that the same call or message can
//! succeed later without a change. What is fatal is no property of a code: librdkafka says it with each error.

/// One row: the name without its prefix, whether it can be tried again, and what to do next.
pub(crate) struct Advice {
    pub(crate) name: &'static str,
    pub(crate) retriable: bool,
    pub(crate) next: &'static str,
}

/// For numbers that librdkafka's table does not list.
pub(crate) const UNLISTED: &str =
    "look the number up in Apache Kafka's list of protocol errors: the broker is newer than this client";

macro_rules! advice {
    ($($name:ident $retriable:ident $next:literal;)*) => {
        /// All rows, in the order of the numbers.
        pub(crate) const ADVICE: &[Advice] = &[
            $(Advice { name: stringify!($name), retriable: advice!(@ $retriable), next: $next }),*
        ];
    };
    (@ yes) => { true };
    (@ no) => { false };
}

advice! {
    _BEGIN no "do nothing: it only marks where librdkafka's own numbers begin";
    _BAD_MSG no "start behind this offset to skip the message, and look for what damages bytes on the way or on the broker's disk";
    _BAD_COMPRESSION no "start behind this offset to skip the message, and look for who wrote it: its compressed bytes cannot be read";
    _DESTROY no "stop using this client: it is being deleted; make a new one if it is needed";
    _FAIL no "read the client's log lines, which say what failed";
    _TRANSPORT yes "check that the broker runs and that host, port and security.protocol are right; the client connects again by itself";
    _CRIT_SYS_RESOURCE no "free memory, threads or files, or raise the limits of this process (ulimit), and make the client again";
    _RESOLVE yes "check the host names in bootstrap.servers and in the brokers' advertised.listeners, and the name service";
    _MSG_TIMED_OUT yes "check that the brokers answer, or raise message.timeout.ms; the message may have arrived, so sending it again can make a duplicate";
    _PARTITION_EOF yes "wait for new messages: this is no failure";
    _UNKNOWN_PARTITION no "choose a partition that the topic has, or add partitions to the topic";
    _FS no "check the file: its path, its rights and the free space";
    _UNKNOWN_TOPIC no "make the topic, or check its name and the right to see it (ACL)";
    _ALL_BROKERS_DOWN yes "check that the brokers run and that bootstrap.servers and security.protocol are right; the client keeps trying";
    _INVALID_ARG no "correct or leave out the argument or the setting that is named here";
    _TIMED_OUT yes "wait longer, or check that the brokers answer";
    _QUEUE_FULL yes "let delivery reports be served (flush, poll, or the event loop) and send again, or raise queue.buffering.max.messages and queue.buffering.max.kbytes";
    _ISR_INSUFF yes "bring the replicas of the partition back, or lower min.insync.replicas of the topic";
    _NODE_UPDATE yes "do nothing: the client has learned another address of a broker and goes there";
    _SSL yes "check ssl.ca.location, the certificates and their dates, and that this port of the broker speaks TLS";
    _WAIT_COORD yes "ask again when the coordinator of the group is known";
    _UNKNOWN_GROUP no "set group.id before the consumer is made";
    _IN_PROGRESS yes "ask again when what is going on has ended";
    _PREV_IN_PROGRESS yes "ask again when the same request, made before, has ended";
    _EXISTING_SUBSCRIPTION no "unsubscribe first";
    _ASSIGN_PARTITIONS no "take the partitions that are listed: this is no failure";
    _REVOKE_PARTITIONS no "finish the work on the partitions that are listed, and commit: this is no failure";
    _CONFLICT no "ask for only one of two things that exclude each other, or end the first one before";
    _STATE no "bring the object into the state that this call needs; one that is closed, deleted or failed must be made anew";
    _UNKNOWN_PROTOCOL no "give all members of the group the same partition.assignment.strategy";
    _NOT_IMPLEMENTED no "use another kind of object, or do without: neither this one nor this build of librdkafka can do it";
    _AUTHENTICATION no "check security.protocol, sasl.mechanisms, sasl.username and sasl.password, or the token or certificate in their place";
    _NO_OFFSET no "go on: there is nothing to commit before a message has been consumed";
    _OUTDATED yes "ask again: what was asked about has changed meanwhile";
    _TIMED_OUT_QUEUE yes "check that the broker is connected, or send less at once: the request waited too long for its turn";
    _UNSUPPORTED_FEATURE no "use a newer broker, or do without the setting or the call that needs it";
    _WAIT_CACHE yes "ask again when the client has heard of the topic";
    _INTR yes "call again: a signal ended the wait";
    _KEY_SERIALIZATION no "correct the key: the program could not turn it into bytes";
    _VALUE_SERIALIZATION no "correct the value: the program could not turn it into bytes";
    _KEY_DESERIALIZATION no "check who wrote this key: the program cannot read its bytes";
    _VALUE_DESERIALIZATION no "check who wrote this value: the program cannot read its bytes";
    _PARTIAL yes "ask again: only a part of the answer came";
    _READ_ONLY no "change a copy: this object cannot be changed";
    _NOENT no "check the name: there is no such entry";
    _UNDERFLOW no "look for what cuts bytes between client and broker, and read the client's log lines";
    _INVALID_TYPE no "give a value of the type that this property takes";
    _RETRY yes "call again";
    _PURGE_QUEUE yes "send the message again if it is still wanted: it was taken back before it was sent";
    _PURGE_INFLIGHT yes "send the message again if it is still wanted; it may have arrived, so that can make a duplicate";
    _FATAL no "delete this client and make a new one: this one can do nothing more";
    _INCONSISTENT no "delete this producer, find out which of its last messages have arrived, and make a new one";
    _GAPLESS_GUARANTEE no "delete this producer and make a new one; set enable.gapless.guarantee to false if a missing message may be passed over";
    _MAX_POLL_EXCEEDED no "take messages more often (keep the event loop running, work less between two calls), or raise max.poll.interval.ms";
    _UNKNOWN_BROKER no "name a broker that the cluster has";
    _NOT_CONFIGURED no "set the property that this needs before the client is made";
    _FENCED no "end this client: another one with the same transactional.id or group.instance.id took its place; give each client its own";
    _APPLICATION no "look into the program: it raised this error itself";
    _ASSIGNMENT_LOST no "stop the work on these partitions: another member has them now, and reads again what was not committed";
    _NOOP no "do nothing: there was nothing to do";
    _AUTO_OFFSET_RESET no "start at an offset that exists, or set auto.offset.reset to earliest or latest";
    _LOG_TRUNCATION no "choose the offset to go on from: messages behind it were lost with their leader";
    _INVALID_DIFFERENT_RECORD yes "send this message again; the report with INVALID_RECORD names the one that was at fault";
    _DESTROY_BROKER yes "ask again: the connection was given up for a new one";
    _END no "do nothing: it only marks where librdkafka's own numbers end";

    UNKNOWN no "look into the broker's log: only there is the cause";
    NO_ERROR no "do nothing: it went well";
    OFFSET_OUT_OF_RANGE no "start at an offset that the partition still has, or set auto.offset.reset to earliest or latest";
    INVALID_MSG yes "send again; if it stays, look for what damages bytes, or for a message without a key on a compacted topic";
    UNKNOWN_TOPIC_OR_PART yes "make the topic, or check its name and the number of the partition; right after it was made, try again";
    INVALID_MSG_SIZE no "set fetch.message.max.bytes to a size that the broker takes";
    LEADER_NOT_AVAILABLE yes "try again in a moment: the partition is getting a leader; if it stays, look which brokers are down";
    NOT_LEADER_FOR_PARTITION yes "try again in a moment: the client asks for the new leader by itself";
    REQUEST_TIMED_OUT yes "try again, or raise request.timeout.ms; look for a slow or missing replica if it stays";
    BROKER_NOT_AVAILABLE no "name a broker that runs, or start it";
    REPLICA_NOT_AVAILABLE yes "try again in a moment: the replica is on its way";
    MSG_SIZE_TOO_LARGE no "send a smaller message, or raise message.max.bytes here and max.message.bytes of the topic";
    STALE_CTRL_EPOCH no "look into the brokers' logs: two of them disagree on who the controller is";
    OFFSET_METADATA_TOO_LARGE no "commit with a shorter text, or raise offset.metadata.max.bytes of the brokers";
    NETWORK_EXCEPTION yes "try again: the connection ended before the answer came";
    COORDINATOR_LOAD_IN_PROGRESS yes "try again in a moment: the coordinator has just started";
    COORDINATOR_NOT_AVAILABLE yes "try again in a moment; if it stays, look at the internal topics __consumer_offsets and __transaction_state";
    NOT_COORDINATOR yes "try again: the client looks for the new coordinator by itself";
    TOPIC_EXCEPTION no "use a topic name of at most 249 letters, digits, dots, underscores and hyphens, and no internal topic";
    RECORD_LIST_TOO_LARGE no "lower batch.size or batch.num.messages, or raise segment.bytes of the topic";
    NOT_ENOUGH_REPLICAS yes "bring the missing replicas back, or lower min.insync.replicas of the topic; then send again";
    NOT_ENOUGH_REPLICAS_AFTER_APPEND yes "bring the missing replicas back; the message was written, so sending it again can make a duplicate";
    INVALID_REQUIRED_ACKS no "set acks to 0, 1 or all";
    ILLEGAL_GENERATION no "let the consumer join its group again, and commit no offsets of before";
    INCONSISTENT_GROUP_PROTOCOL no "give all members of the group the same partition.assignment.strategy and group.protocol";
    INVALID_GROUP_ID no "set group.id to a name that is not empty";
    UNKNOWN_MEMBER_ID no "let the consumer join its group again; if that comes often, raise session.timeout.ms or work less between two calls";
    INVALID_SESSION_TIMEOUT no "set session.timeout.ms between the broker's group.min.session.timeout.ms and group.max.session.timeout.ms";
    REBALANCE_IN_PROGRESS no "wait until the group has shared out its partitions, and commit again what is still owned";
    INVALID_COMMIT_OFFSET_SIZE no "commit fewer partitions at once, or with a shorter text";
    TOPIC_AUTHORIZATION_FAILED no "ask for the right to use this topic (ACL), or check the user in sasl.username or in the certificate";
    GROUP_AUTHORIZATION_FAILED no "ask for the right to use this group (ACL), or check group.id and the user in sasl.username or in the certificate";
    CLUSTER_AUTHORIZATION_FAILED no "ask for this right on the cluster (ACL), or check the user in sasl.username or in the certificate";
    INVALID_TIMESTAMP no "send with a time near that of the broker (message.timestamp.before.max.ms and message.timestamp.after.max.ms of the topic)";
    UNSUPPORTED_SASL_MECHANISM no "set sasl.mechanisms to one that the broker has in sasl.enabled.mechanisms";
    ILLEGAL_SASL_STATE no "check that security.protocol and sasl.mechanisms are those of this port of the broker";
    UNSUPPORTED_VERSION no "use a newer broker, or do without the setting or the call that needs it";
    TOPIC_ALREADY_EXISTS no "use the topic that is there, or another name";
    INVALID_PARTITIONS no "give a number of partitions above 0, and when adding more than there are";
    INVALID_REPLICATION_FACTOR no "give a number of replicas from 1 to the number of brokers";
    INVALID_REPLICA_ASSIGNMENT no "name for each partition brokers that exist, each once, and as many for all";
    INVALID_CONFIG no "correct the setting of the topic or the broker that is named here";
    NOT_CONTROLLER yes "try again: the controller has moved to another broker";
    INVALID_REQUEST no "check that the broker is of a version that this client knows, and look into the broker's log";
    UNSUPPORTED_FOR_MESSAGE_FORMAT no "use a newer message format on the topic, or do without headers, transactions and timestamps";
    POLICY_VIOLATION no "ask the administrator of the cluster which policy forbids it";
    OUT_OF_ORDER_SEQUENCE_NUMBER no "delete this producer, find out which of its last messages have arrived, and make a new one";
    DUPLICATE_SEQUENCE_NUMBER no "go on: the broker has this message already";
    INVALID_PRODUCER_EPOCH no "end this producer: a newer one took its place; give each its own transactional.id";
    INVALID_TXN_STATE no "abort the transaction and begin a new one; if that fails, make a new producer";
    INVALID_PRODUCER_ID_MAPPING no "delete this producer and make a new one: the broker has forgotten it (transactional.id.expiration.ms)";
    INVALID_TRANSACTION_TIMEOUT no "lower transaction.timeout.ms, or raise transaction.max.timeout.ms of the brokers";
    CONCURRENT_TRANSACTIONS yes "try again in a moment: the last transaction is still being ended";
    TRANSACTION_COORDINATOR_FENCED no "look into the brokers' logs: the coordinator of the transaction has changed";
    TRANSACTIONAL_ID_AUTHORIZATION_FAILED no "ask for the right to use this transactional.id (ACL), or check the user in sasl.username or in the certificate";
    SECURITY_DISABLED no "set an authorizer on the brokers before using ACLs";
    OPERATION_NOT_ATTEMPTED no "see the errors of the other partitions or operations of this request: because of them this one was left out";
    KAFKA_STORAGE_ERROR yes "look at the disks of the broker; try again when another replica leads the partition";
    LOG_DIR_NOT_FOUND no "name a folder that stands in log.dirs of the broker";
    SASL_AUTHENTICATION_FAILED no "check sasl.username and sasl.password (or the token), and that the user exists on the brokers";
    UNKNOWN_PRODUCER_ID no "raise retention.ms of the topic if this comes often; if the producer does not go on, make a new one";
    REASSIGNMENT_IN_PROGRESS no "wait until the partitions have moved to their new brokers";
    DELEGATION_TOKEN_AUTH_DISABLED no "set delegation.token.secret.key on the brokers before using tokens";
    DELEGATION_TOKEN_NOT_FOUND no "ask for a new token: the brokers do not know this one";
    DELEGATION_TOKEN_OWNER_MISMATCH no "use the token as its owner, or as one who may renew it";
    DELEGATION_TOKEN_REQUEST_NOT_ALLOWED no "ask for tokens over a connection with SASL or a client certificate, and not with a token";
    DELEGATION_TOKEN_AUTHORIZATION_FAILED no "ask for the right to use this token (ACL)";
    DELEGATION_TOKEN_EXPIRED no "ask for a new token, and renew it in time";
    INVALID_PRINCIPAL_TYPE no "name the user as User:name";
    NON_EMPTY_GROUP no "end all members of the group first";
    GROUP_ID_NOT_FOUND no "check the name of the group: it has no member and no committed offset, or never existed";
    FETCH_SESSION_ID_NOT_FOUND yes "try again: the client makes a new session by itself";
    INVALID_FETCH_SESSION_EPOCH yes "try again: the client makes a new session by itself";
    LISTENER_NOT_FOUND yes "give all brokers a listener of the same name, or try again when they have restarted";
    TOPIC_DELETION_DISABLED no "set delete.topic.enable on the brokers";
    FENCED_LEADER_EPOCH yes "try again: the client asks for the new leader by itself";
    UNKNOWN_LEADER_EPOCH yes "try again in a moment: this broker has not heard of the new leader yet";
    UNSUPPORTED_COMPRESSION_TYPE no "set compression.type to one that the broker knows (zstd needs 2.1 or newer)";
    STALE_BROKER_EPOCH no "look into the brokers' logs: one of them was restarted meanwhile";
    OFFSET_NOT_AVAILABLE yes "try again in a moment: the new leader is catching up";
    MEMBER_ID_REQUIRED no "do nothing: the client joins again with the id that it has just got";
    PREFERRED_LEADER_NOT_AVAILABLE yes "start the broker that shall lead the partition, and try again";
    GROUP_MAX_SIZE_REACHED no "use fewer members, or raise group.max.size of the brokers";
    FENCED_INSTANCE_ID no "end this consumer: another one with the same group.instance.id took its place; give each its own";
    ELIGIBLE_LEADERS_NOT_AVAILABLE yes "start a broker that has an up-to-date copy of the partition, and try again";
    ELECTION_NOT_NEEDED yes "do nothing: the partition has that leader already";
    NO_REASSIGNMENT_IN_PROGRESS no "do nothing: no partition is on the move";
    GROUP_SUBSCRIBED_TO_TOPIC no "unsubscribe the group from the topic first";
    INVALID_RECORD no "correct this message: a compacted topic wants a key, and the time must be near that of the broker";
    UNSTABLE_OFFSET_COMMIT yes "try again in a moment: a transaction on these offsets is still open";
    THROTTLING_QUOTA_EXCEEDED yes "ask less often, or ask for a higher quota; then try again";
    PRODUCER_FENCED no "end this producer: a newer one with the same transactional.id took its place; give each its own";
    RESOURCE_NOT_FOUND no "check the name: the cluster has nothing of that name";
    DUPLICATE_RESOURCE no "name each thing once in a request";
    UNACCEPTABLE_CREDENTIAL no "choose a credential that meets the rules of the brokers";
    INCONSISTENT_VOTER_SET no "correct the list of voters of the controllers (controller.quorum.voters)";
    INVALID_UPDATE_VERSION no "ask for the state of the partition again: it has changed meanwhile";
    FEATURE_UPDATE_FAILED no "look into the controller's log, and try the update again when it is well";
    PRINCIPAL_DESERIALIZATION_FAILURE no "let all brokers use the same principal.builder.class";
    UNKNOWN_TOPIC_ID yes "try again: the topic was made anew, and the client asks for its new id by itself";
    FENCED_MEMBER_EPOCH no "let the consumer join its group again, and commit no offsets of before";
    UNRELEASED_INSTANCE_ID no "end the other member with this group.instance.id, wait for its session to end, or use another one";
    UNSUPPORTED_ASSIGNOR no "set group.remote.assignor to one that the brokers have";
    STALE_MEMBER_EPOCH no "commit again after the next answer of the group: its partitions have just changed";
    UNKNOWN_SUBSCRIPTION_ID no "do nothing: the client asks again which figures to push; enable.metrics.push=false turns them off";
    TELEMETRY_TOO_LARGE no "set enable.metrics.push to false, or let the brokers ask for fewer figures";
    REBOOTSTRAP_REQUIRED no "check that bootstrap.servers names brokers of this cluster: the client begins anew from there";
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Code;

    /// A newer librdkafka with new codes fails here until each has a sentence.
    #[test]
    fn each_code_of_librdkafka_has_a_sentence_and_no_other() {
        let known: Vec<String> = Code::all().iter().map(|row| row.name.clone()).collect();
        let ours: Vec<String> = ADVICE
            .iter()
            .map(|row| format!("RD_KAFKA_RESP_ERR_{}", row.name))
            .collect();
        let missing: Vec<&String> = known.iter().filter(|name| !ours.contains(name)).collect();
        let of_nothing: Vec<&String> = ours.iter().filter(|name| !known.contains(name)).collect();
        assert!(missing.is_empty(), "no sentence for {missing:?}");
        assert!(of_nothing.is_empty(), "sentences for no code: {of_nothing:?}");
        assert_eq!(ours, known, "the order is that of the numbers, each once");
    }

    #[test]
    fn sentences_are_short_and_can_follow_a_semicolon() {
        for row in ADVICE {
            let first = row.next.chars().next().unwrap_or(' ');
            assert!(first.is_ascii_lowercase(), "{}: {}", row.name, row.next);
            assert!(!row.next.ends_with(['.', ';', ' ']), "{}: {}", row.name, row.next);
            assert!((10..=170).contains(&row.next.len()), "{}: {}", row.name, row.next.len());
        }
    }
}
