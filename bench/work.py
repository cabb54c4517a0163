# What the benchmarks do in Python: the same loops as work.tcl and work.c through confluent-kafka, written as its
# documentation does. It must not be slower than a Python programmer's first version (everything in a function, methods
# bound to local names), and must not measure what happens before or after the loop.
#
# usage: work.py WORK BROKERS ?-name value ...?
#     consume, poll     reads -messages messages: consume(10000), or poll one by one
#     produce, report   sends -messages messages with keys: without, with on_delivery for each
#     latency           sends -messages messages, each when the last one was read
# A partition that holds only -held messages is read again and again. Prints one line: names and values.

import os
import sys
import time

from confluent_kafka import OFFSET_BEGINNING, OFFSET_END, Consumer, Producer, TopicPartition

BATCH = 10000
KEYS = 1000

option = {"topic": "bench", "messages": "1000000", "held": "0", "size": "100"}


def ticks(file):
    with open(file) as f:
        fields = f.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def threads():
    """CPU time and wake-ups of each thread: the kernel counts nanoseconds."""
    found = {}
    for thread in os.listdir("/proc/self/task"):
        folder = "/proc/self/task/" + thread
        try:
            try:
                with open(folder + "/schedstat") as f:
                    cpu = int(f.read().split()[0]) / 1e9
            except FileNotFoundError:
                cpu = ticks(folder + "/stat")
            with open(folder + "/status") as f:
                woken = [int(line.split()[1]) for line in f if line.startswith("voluntary_ctxt_switches:")]
        except (FileNotFoundError, ProcessLookupError):
            # It has just ended.
            continue
        found[int(thread)] = (cpu, woken[0])
    return found


def mark():
    return (time.monotonic(), threads())


def result(begun, ended, messages, length, **more):
    cpu = sum(used - begun[1].get(thread, (0, 0))[0] for thread, (used, _) in ended[1].items())
    before, after = begun[1][os.getpid()], ended[1][os.getpid()]
    with open("/proc/self/status") as f:
        rss = [line.split()[1] for line in f if line.startswith("VmHWM:")][0]
    words = {
        "messages": messages,
        "bytes": length,
        "wall": f"{ended[0] - begun[0]:.6f}",
        "cpu": f"{cpu:.6f}",
        "main": f"{after[0] - before[0]:.6f}",
        "wakeups": after[1] - before[1],
        "threads": len(ended[1]),
        "rss": rss,
        "total": f"{ticks('/proc/self/stat'):.2f}",
        **more,
    }
    print(" ".join(f"{name} {value}" for name, value in words.items()))


def configuration(brokers, **more):
    # As the package sets them: see docs/configuration.md.
    return {"bootstrap.servers": brokers, "enable.metrics.push": False, **more}


def consumer(brokers):
    return Consumer(configuration(brokers, **{"group.id": f"bench-{os.getpid()}", "fetch.queue.backoff.ms": 10}))


def from_beginning(member):
    member.assign([TopicPartition(option["topic"], 0, OFFSET_BEGINNING)])


def consume(brokers):
    messages, held = int(option["messages"]), int(option["held"])
    member = consumer(brokers)
    seen = length = 0
    take = member.consume
    begun = mark()
    while seen < messages:
        until = min(messages, seen + held) if held else messages
        from_beginning(member)
        while seen < until:
            for message in take(min(BATCH, until - seen), 1):
                if message.error():
                    raise SystemExit(f"read: {message.error()}")
                length += len(message.value())
                seen += 1
    ended = mark()
    member.close()
    result(begun, ended, seen, length)


def poll(brokers):
    messages, held = int(option["messages"]), int(option["held"])
    member = consumer(brokers)
    seen = length = 0
    take = member.poll
    begun = mark()
    while seen < messages:
        until = min(messages, seen + held) if held else messages
        from_beginning(member)
        while seen < until:
            message = take(1)
            if message is None:
                continue
            if message.error():
                raise SystemExit(f"read: {message.error()}")
            length += len(message.value())
            seen += 1
    ended = mark()
    member.close()
    result(begun, ended, seen, length)


def sender(brokers):
    # Room for all: what is measured is the client, not how it waits.
    room = {"queue.buffering.max.messages": 10000000, "queue.buffering.max.kbytes": 2097151}
    return Producer(configuration(brokers, **room))


def produce(brokers, reports=False):
    messages, topic = int(option["messages"]), option["topic"]
    payload = b"x" * int(option["size"])
    keys = [b"key-%06d" % i for i in range(KEYS)]
    producer = sender(brokers)
    delivered = 0

    def delivery(error, message):
        nonlocal delivered
        if error:
            raise SystemExit(f"delivery: {error}")
        delivered += 1

    send = producer.produce
    seen = 0
    begun = mark()
    while seen < messages:
        if reports:
            for key in keys[: messages - seen]:
                send(topic, payload, key, on_delivery=delivery)
                seen += 1
        else:
            for key in keys[: messages - seen]:
                send(topic, payload, key)
                seen += 1
        producer.poll(0)
    called = time.monotonic() - begun[0]
    left = producer.flush(120)
    ended = mark()
    if left or (reports and delivered != messages):
        raise SystemExit(f"{left} messages are left, {delivered} reports")
    result(begun, ended, seen, seen * len(payload), called=f"{called:.6f}")


def latency(brokers):
    messages, topic = int(option["messages"]), option["topic"]
    producer = Producer(configuration(brokers, **{"linger.ms": 0}))
    member = consumer(brokers)
    member.assign([TopicPartition(topic, 0, OFFSET_END)])
    member.poll(2)
    took = []
    warm = min(100, messages)
    begun = None
    while len(took) < messages:
        # Other runs have left theirs in the topic.
        payload = b"%d %d " % (os.getpid(), warm + messages - len(took))
        payload = payload.ljust(int(option["size"]), b"x")
        sent = time.monotonic()
        producer.produce(topic, payload)
        message = member.poll(10)
        while message is not None and (message.error() or message.value() != payload):
            message = member.poll(10)
        if message is None:
            raise SystemExit("no message in 10 s")
        took.append(time.monotonic() - sent)
        producer.poll(0)
        # The first ones open connections.
        if warm:
            warm -= 1
            took = []
            begun = mark()
    ended = mark()
    member.close()
    producer.flush(10)
    took.sort()
    result(begun, ended, messages, messages * len(payload), p50=f"{took[messages // 2] * 1e3:.6f}",
           p99=f"{took[messages * 99 // 100] * 1e3:.6f}")


WORKS = {
    "consume": consume,
    "poll": poll,
    "produce": produce,
    "report": lambda brokers: produce(brokers, True),
    "latency": latency,
}


def main(words):
    if len(words) < 2 or len(words) % 2 or words[0] not in WORKS:
        raise SystemExit(f"usage: work.py {'|'.join(WORKS)} BROKERS ?-name value ...?")
    for name, value in zip(words[2::2], words[3::2]):
        if name[1:] not in option:
            raise SystemExit(f"bad option {name}")
        option[name[1:]] = value
    WORKS[words[0]](words[1])


main(sys.argv[1:])
