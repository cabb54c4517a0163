"""The Python side of interop.test: confluent-kafka, driven in the words of Peer.java, which explains them.

It must not decide what is right: it does what it is told and says what it sees.
"""
import signal
import sys

import confluent_kafka
from confluent_kafka import Consumer, Producer, TopicPartition


def to_bytes(word):
    return None if word == "-" else bytes.fromhex(word[1:])


def to_word(data):
    return "-" if data is None else "x" + data.hex()


def settings(bootstrap, words):
    return {"bootstrap.servers": bootstrap, **dict(w.split("=", 1) for w in words)}


def produce(bootstrap, topic, *words):
    producer = Producer({"message.max.bytes": 4000000, **settings(bootstrap, words)})
    reports = {}

    def report(number):
        def keep(error, message):
            if error:
                raise SystemExit(f"not delivered: {error}")
            reports[number] = f"{message.partition()} {message.offset()} {message.timestamp()[1]}"
        return keep

    count = 0
    for line in sys.stdin:
        partition, timestamp, key, payload = line.split()
        more = {}
        if partition != "-1":
            more["partition"] = int(partition)
        if timestamp != "-1":
            more["timestamp"] = int(timestamp)
        producer.produce(topic, value=to_bytes(payload), key=to_bytes(key), on_delivery=report(count), **more)
        producer.poll(0)
        count += 1
    if producer.flush(30):
        raise SystemExit("not delivered in time")
    for number in range(count):
        print(reports[number])


def consume(bootstrap, topic, count, *words):
    consumer = Consumer({"group.id": "unused", "enable.auto.commit": False, **settings(bootstrap, words)})
    partitions = consumer.list_topics(topic, 10).topics[topic].partitions
    consumer.assign([TopicPartition(topic, p, confluent_kafka.OFFSET_BEGINNING) for p in partitions])
    left = int(count)
    while left:
        m = consumer.poll(1)
        if m is None:
            continue
        if m.error():
            raise SystemExit(str(m.error()))
        print(m.partition(), m.offset(), m.timestamp()[1], to_word(m.key()), to_word(m.value()))
        left -= 1
    consumer.close()


def member(bootstrap, group, topic, *words):
    consumer = Consumer({"group.id": group, "auto.offset.reset": "earliest", "auto.commit.interval.ms": 500,
                         **settings(bootstrap, words)})
    leave = []
    signal.signal(signal.SIGTERM, lambda *_: leave.append(1))
    had = []
    consumer.subscribe([topic])
    while not leave:
        got = consumer.consume(500, 0.1)
        has = sorted(tp.partition for tp in consumer.assignment())
        if has != had:
            had = has
            print("assigned", *has)
        for m in got:
            if m.error():
                print("error", m.error())
            else:
                print("got", m.partition(), m.offset())
        sys.stdout.flush()
    consumer.close()
    print("left", flush=True)


if sys.argv[1] == "version":
    print(confluent_kafka.version()[0] if isinstance(confluent_kafka.version(), tuple) else confluent_kafka.version(),
          confluent_kafka.libversion()[0])
else:
    {"produce": produce, "consume": consume, "member": member}[sys.argv[1]](*sys.argv[2:])
