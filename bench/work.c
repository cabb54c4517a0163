/*
 * work.c --
 *
 *	What the benchmarks do in C: the same loops as work.tcl and work.py, on
 *	the librdkafka that the package is built on, with as little around it as
 *	C allows; and the housekeeping that no run measures (making topics,
 *	filling them).  It must not be cleverer than a C programmer's first
 *	version: it is the yardstick, not a competitor.  One file, because a loop
 *	should be read beside the others that use the same helpers.
 *
 *	usage: work WORK BROKERS ?-name value ...?
 *	    topics	makes -topics topics (a single one is called -topic, many
 *			-topic0, -topic1 ...) of -partitions partitions, each on
 *			-replicas brokers, or all if there are fewer, with
 *			-config name=value,... as their settings
 *	    drop	deletes all topics whose names begin with -topic
 *	    fill	sends -messages messages of -size bytes, evenly spread
 *	    batch, one	reads -messages messages: by arrays of 10,000, one by one
 *	    produce, report	sends -messages messages with keys: without, with a
 *			report callback for each
 *	    latency	sends -messages messages, each when the last one was read
 *	    idle	ten clients with nothing to do for -seconds seconds
 *	    many	reads all partitions of all topics through one queue;
 *			with -clients n by n consumers, one partition each
 *
 *	A partition that holds only -held messages is read again and again.
 *	Prints one line: names and values.
 */

#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "rdkafka.h"

#define BATCH 10000
#define KEYS 1000

/* The options. */
static const char *brokers;
static const char *topic = "bench";
static const char *settings = "";
static long messages = 1000000;
static long held = 0;
static long size = 100;
static long topics = 1;
static long partitions = 1;
static long replicas = 1;
static long clients = 0;
static long seconds = 10;

/* What was seen: every run says so, and the driver compares. */
static long seen = 0;
static long bytes = 0;

static void
fail(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fprintf(stderr, "work.c: ");
    vfprintf(stderr, format, args);
    fprintf(stderr, "\n");
    va_end(args);
    exit(1);
}

/* ------------------------------------------------------------- the meter */

/*
 * The CPU time of each thread comes from the kernel in nanoseconds.  A thread
 * that ends between two marks is not counted: those that librdkafka ends are
 * the ones that asked a bootstrap address, and have done nothing else.
 */

#define MAX_THREADS 4096

typedef struct {
    int count;
    struct {
	long id;
	double cpu;
	long wakeups;
    } thread[MAX_THREADS];
    double wall;
} Mark;

static Mark begun, ended;

static double
now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

/* The first line of a file that begins with a word; the word itself is left out. */
static int
line_of(const char *file, const char *word, char *line, int room)
{
    FILE *f = fopen(file, "r");
    int found = 0;

    if (!f) {
	return 0;
    }
    while (!found && fgets(line, room, f)) {
	if (strncmp(line, word, strlen(word)) == 0) {
	    memmove(line, line + strlen(word), strlen(line + strlen(word)) + 1);
	    found = 1;
	}
    }
    fclose(f);
    return found;
}

static double
ticks_of(const char *file)
{
    char line[1024];
    char *rest;
    unsigned long user, system;

    if (!line_of(file, "", line, sizeof line) || !(rest = strrchr(line, ')')) ||
	    sscanf(rest + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) != 2) {
	return 0;
    }
    return (double)(user + system) / sysconf(_SC_CLK_TCK);
}

static void
mark(Mark *m)
{
    DIR *d = opendir("/proc/self/task");
    struct dirent *e;

    if (!d) {
	fail("no /proc/self/task: the benchmarks need Linux");
    }
    m->count = 0;
    while ((e = readdir(d)) && m->count < MAX_THREADS) {
	char file[300], line[256];

	if (!isdigit((unsigned char)e->d_name[0])) {
	    continue;
	}
	m->thread[m->count].id = atol(e->d_name);
	snprintf(file, sizeof file, "/proc/self/task/%s/schedstat", e->d_name);
	if (line_of(file, "", line, sizeof line)) {
	    m->thread[m->count].cpu = strtod(line, NULL) / 1e9;
	} else {
	    snprintf(file, sizeof file, "/proc/self/task/%s/stat", e->d_name);
	    m->thread[m->count].cpu = ticks_of(file);
	}
	snprintf(file, sizeof file, "/proc/self/task/%s/status", e->d_name);
	if (!line_of(file, "voluntary_ctxt_switches:", line, sizeof line)) {
	    /* It has just ended. */
	    continue;
	}
	m->thread[m->count].wakeups = atol(line);
	m->count++;
    }
    closedir(d);
    m->wall = now();
}

static void
result(const char *more, ...)
{
    double cpu = 0, first = 0;
    long wakeups = 0;
    char line[256] = "0";
    va_list args;

    for (int i = 0; i < ended.count; i++) {
	double used = ended.thread[i].cpu;
	long woken = ended.thread[i].wakeups;

	for (int k = 0; k < begun.count; k++) {
	    if (begun.thread[k].id == ended.thread[i].id) {
		used -= begun.thread[k].cpu;
		woken -= begun.thread[k].wakeups;
	    }
	}
	cpu += used;
	if (ended.thread[i].id == (long)getpid()) {
	    first = used;
	    wakeups = woken;
	}
    }
    line_of("/proc/self/status", "VmHWM:", line, sizeof line);
    printf("messages %ld bytes %ld wall %.6f cpu %.6f main %.6f wakeups %ld threads %d rss %ld total %.2f", seen, bytes,
	ended.wall - begun.wall, cpu, first, wakeups, ended.count, atol(line), ticks_of("/proc/self/stat"));
    va_start(args, more);
    vprintf(more, args);
    va_end(args);
    printf("\n");
}

/* --------------------------------------------------------------- clients */

static void
set(rd_kafka_conf_t *conf, const char *name, const char *value)
{
    char why[512];

    if (rd_kafka_conf_set(conf, name, value, why, sizeof why) != RD_KAFKA_CONF_OK) {
	fail("%s: %s", name, why);
    }
}

static rd_kafka_conf_t *
configuration(void)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();

    set(conf, "bootstrap.servers", brokers);
    /* As the package sets them: see docs/configuration.md. */
    set(conf, "enable.metrics.push", "false");
    return conf;
}

static rd_kafka_conf_t *
receiver(void)
{
    rd_kafka_conf_t *conf = configuration();

    set(conf, "fetch.queue.backoff.ms", "10");
    return conf;
}

static rd_kafka_t *
client(rd_kafka_type_t type, rd_kafka_conf_t *conf)
{
    char why[512];
    rd_kafka_t *rk = rd_kafka_new(type, conf, why, sizeof why);

    if (!rk) {
	fail("%s", why);
    }
    return rk;
}

static rd_kafka_topic_t *
topic_of(rd_kafka_t *rk, long number)
{
    char name[300];
    rd_kafka_topic_t *rkt;

    if (topics > 1) {
	snprintf(name, sizeof name, "%s%ld", topic, number);
    } else {
	snprintf(name, sizeof name, "%s", topic);
    }
    rkt = rd_kafka_topic_new(rk, name, NULL);
    if (!rkt) {
	fail("topic %s: %s", name, rd_kafka_err2str(rd_kafka_last_error()));
    }
    return rkt;
}

static void
start(rd_kafka_topic_t *rkt, int partition, int64_t offset)
{
    if (rd_kafka_consume_start(rkt, partition, offset) == -1) {
	fail("start: %s", rd_kafka_err2str(rd_kafka_last_error()));
    }
}

/* Counts a message and lets it go.  The end of a partition is none. */
static void
take(rd_kafka_message_t *message)
{
    if (!message->err) {
	seen++;
	bytes += message->len;
    } else if (message->err != RD_KAFKA_RESP_ERR__PARTITION_EOF) {
	fail("read: %s", rd_kafka_message_errstr(message));
    }
    rd_kafka_message_destroy(message);
}

/* --------------------------------------------------------------- reading */

static void
consume(int batch)
{
    static rd_kafka_message_t *array[BATCH];
    rd_kafka_t *rk = client(RD_KAFKA_CONSUMER, receiver());
    rd_kafka_topic_t *rkt = topic_of(rk, 0);

    mark(&begun);
    while (seen < messages) {
	long until = held && seen + held < messages ? seen + held : messages;

	start(rkt, 0, RD_KAFKA_OFFSET_BEGINNING);
	while (seen < until) {
	    if (batch) {
		long room = until - seen < BATCH ? until - seen : BATCH;
		ssize_t got = rd_kafka_consume_batch(rkt, 0, 1000, array, room);

		for (ssize_t i = 0; i < got; i++) {
		    take(array[i]);
		}
	    } else {
		rd_kafka_message_t *message = rd_kafka_consume(rkt, 0, 1000);

		if (message) {
		    take(message);
		}
	    }
	}
	rd_kafka_consume_stop(rkt, 0);
    }
    mark(&ended);
    rd_kafka_topic_destroy(rkt);
    rd_kafka_destroy(rk);
    result("");
}

static void
many(void)
{
    static rd_kafka_message_t *array[BATCH];
    long handles = clients ? clients : 1;
    rd_kafka_t **rk = calloc(handles, sizeof *rk);
    rd_kafka_topic_t **rkt = calloc(handles * topics, sizeof *rkt);
    rd_kafka_queue_t **queue = calloc(handles, sizeof *queue);

    for (long h = 0; h < handles; h++) {
	rk[h] = client(RD_KAFKA_CONSUMER, receiver());
	queue[h] = rd_kafka_queue_new(rk[h]);
	for (long t = 0; t < topics; t++) {
	    rkt[h * topics + t] = topic_of(rk[h], t);
	}
    }
    mark(&begun);
    for (long h = 0; h < handles; h++) {
	for (long t = 0; t < topics; t++) {
	    for (long p = clients ? h : 0; p < (clients ? h + 1 : partitions); p++) {
		if (rd_kafka_consume_start_queue(rkt[h * topics + t], p, RD_KAFKA_OFFSET_BEGINNING, queue[h]) == -1) {
		    fail("start: %s", rd_kafka_err2str(rd_kafka_last_error()));
		}
	    }
	}
    }
    /* Many consumers are asked in turn; a single one is waited for. */
    for (long h = 0; seen < messages; h = (h + 1) % handles) {
	ssize_t got = rd_kafka_consume_batch_queue(queue[h], clients ? 2 : 1000, array, BATCH);

	for (ssize_t i = 0; i < got; i++) {
	    take(array[i]);
	}
    }
    mark(&ended);
    result("");
    fflush(stdout);
    /* The end of so many clients is not what is measured. */
    _exit(0);
}

/* --------------------------------------------------------------- sending */

static long delivered = 0;

static void
report(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque)
{
    (void)rk, (void)opaque;
    if (message->err) {
	fail("delivery: %s", rd_kafka_err2str(message->err));
    }
    delivered++;
}

/* Room for all: what is measured is the client, not how it waits. */
static rd_kafka_conf_t *
sender(void)
{
    rd_kafka_conf_t *conf = configuration();

    set(conf, "queue.buffering.max.messages", "10000000");
    set(conf, "queue.buffering.max.kbytes", "2097151");
    return conf;
}

static void
finish(rd_kafka_t *rk)
{
    rd_kafka_resp_err_t err = rd_kafka_flush(rk, 120000);

    if (err) {
	fail("flush: %s", rd_kafka_err2str(err));
    }
}

static void
produce(int reports)
{
    static char key[KEYS][16];
    char *payload = malloc(size);
    rd_kafka_conf_t *conf = sender();
    rd_kafka_t *rk;
    rd_kafka_topic_t *rkt;
    double called;

    if (reports) {
	rd_kafka_conf_set_dr_msg_cb(conf, report);
    }
    memset(payload, 'x', size);
    for (int i = 0; i < KEYS; i++) {
	snprintf(key[i], sizeof key[i], "key-%06d", i);
    }
    rk = client(RD_KAFKA_PRODUCER, conf);
    rkt = topic_of(rk, 0);
    mark(&begun);
    while (seen < messages) {
	for (int i = 0; i < KEYS && seen < messages; i++) {
	    if (rd_kafka_produce(rkt, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY, payload, size, key[i], 10, NULL) == -1) {
		fail("produce: %s", rd_kafka_err2str(rd_kafka_last_error()));
	    }
	    seen++;
	    bytes += size;
	}
	rd_kafka_poll(rk, 0);
    }
    called = now();
    finish(rk);
    mark(&ended);
    if (reports && delivered != messages) {
	fail("%ld reports of %ld messages", delivered, messages);
    }
    rd_kafka_topic_destroy(rkt);
    rd_kafka_destroy(rk);
    result(" called %.6f", called - begun.wall);
}

static void
fill(void)
{
    char *payload = malloc(size + 1);
    rd_kafka_conf_t *conf = sender();
    rd_kafka_t *rk;
    rd_kafka_topic_t **rkt = calloc(topics, sizeof *rkt);

    rd_kafka_conf_set_dr_msg_cb(conf, report);
    set(conf, "linger.ms", "50");
    rk = client(RD_KAFKA_PRODUCER, conf);
    for (long t = 0; t < topics; t++) {
	rkt[t] = topic_of(rk, t);
    }
    for (long i = 0; i < messages; i++) {
	long target = i % (topics * partitions);

	/* Each differs: a number, and dots behind it. */
	memset(payload, '.', size);
	payload[snprintf(payload, size, "message %ld", i)] = '.';
	if (rd_kafka_produce(rkt[target / partitions], target % partitions, RD_KAFKA_MSG_F_COPY, payload, size, NULL, 0,
		NULL) == -1) {
	    fail("produce: %s", rd_kafka_err2str(rd_kafka_last_error()));
	}
	if (i % 1000 == 0) {
	    rd_kafka_poll(rk, 0);
	}
    }
    finish(rk);
    if (delivered != messages) {
	fail("%ld of %ld messages were delivered", delivered, messages);
    }
    printf("messages %ld\n", delivered);
}

/* --------------------------------------------------------------- latency */

static int
compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

static void
latency(void)
{
    char *payload = malloc(size);
    double *took = calloc(messages, sizeof *took);
    rd_kafka_conf_t *conf = configuration();
    rd_kafka_t *producer, *consumer;
    rd_kafka_topic_t *out, *in;
    long warm = messages < 100 ? messages : 100;

    if (size < 50) {
	fail("-size is too small for a number");
    }
    memset(payload, 'x', size);
    set(conf, "linger.ms", "0");
    producer = client(RD_KAFKA_PRODUCER, conf);
    consumer = client(RD_KAFKA_CONSUMER, receiver());
    out = topic_of(producer, 0);
    in = topic_of(consumer, 0);
    start(in, 0, RD_KAFKA_OFFSET_END);
    sleep(2);
    while (seen < messages) {
	rd_kafka_message_t *message;
	double sent;

	/* Other runs have left theirs in the topic. */
	payload[snprintf(payload, size, "%ld %ld ", (long)getpid(), warm + messages - seen)] = 'x';
	sent = now();

	if (rd_kafka_produce(out, 0, RD_KAFKA_MSG_F_COPY, payload, size, NULL, 0, NULL) == -1) {
	    fail("produce: %s", rd_kafka_err2str(rd_kafka_last_error()));
	}
	do {
	    message = rd_kafka_consume(in, 0, 10000);
	    if (!message) {
		fail("no message in 10 s");
	    } else if (message->err || message->len != (size_t)size || memcmp(message->payload, payload, size)) {
		rd_kafka_message_destroy(message);
		message = NULL;
	    }
	} while (!message);
	took[seen] = now() - sent;
	take(message);
	/* The first ones open connections. */
	if (warm) {
	    warm--;
	    seen = bytes = 0;
	    mark(&begun);
	}
    }
    mark(&ended);
    qsort(took, messages, sizeof *took, compare);
    rd_kafka_consume_stop(in, 0);
    rd_kafka_topic_destroy(in);
    rd_kafka_topic_destroy(out);
    rd_kafka_destroy(consumer);
    rd_kafka_destroy(producer);
    result(" p50 %.6f p99 %.6f", took[messages / 2] * 1e3, took[messages * 99 / 100] * 1e3);
}

/* ------------------------------------------------------------------ idle */

static void
idle(void)
{
    for (int i = 0; i < 5; i++) {
	rd_kafka_t *producer = client(RD_KAFKA_PRODUCER, configuration());
	rd_kafka_t *consumer = client(RD_KAFKA_CONSUMER, receiver());

	/* A producer that has sent once knows its brokers. */
	rd_kafka_topic_t *out = topic_of(producer, 0);

	rd_kafka_produce(out, 0, RD_KAFKA_MSG_F_COPY, "x", 1, NULL, 0, NULL);
	finish(producer);
	start(topic_of(consumer, 0), 0, RD_KAFKA_OFFSET_END);
    }
    sleep(5);
    mark(&begun);
    sleep(seconds);
    mark(&ended);
    result("");
    fflush(stdout);
    _exit(0);
}

/* ---------------------------------------------------------------- topics */

static void
make_topics(void)
{
    rd_kafka_t *rk = client(RD_KAFKA_PRODUCER, configuration());
    rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
    rd_kafka_NewTopic_t **list = calloc(topics, sizeof *list);
    rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(rk, RD_KAFKA_ADMIN_OP_CREATETOPICS);
    rd_kafka_event_t *event;
    const rd_kafka_topic_result_t **results;
    const struct rd_kafka_metadata *metadata;
    size_t count;
    char why[512];

    if (replicas > 1) {
	rd_kafka_resp_err_t err = rd_kafka_metadata(rk, 0, NULL, &metadata, 60000);

	if (err) {
	    fail("brokers: %s", rd_kafka_err2str(err));
	}
	replicas = replicas < metadata->broker_cnt ? replicas : metadata->broker_cnt;
	rd_kafka_metadata_destroy(metadata);
    }
    rd_kafka_AdminOptions_set_request_timeout(options, 120000, why, sizeof why);
    rd_kafka_AdminOptions_set_operation_timeout(options, 120000, why, sizeof why);
    for (long t = 0; t < topics; t++) {
	char name[300];
	char *words = strdup(settings);

	snprintf(name, sizeof name, topics > 1 ? "%s%ld" : "%s", topic, t);
	list[t] = rd_kafka_NewTopic_new(name, partitions, replicas, why, sizeof why);
	if (!list[t]) {
	    fail("topic %s: %s", name, why);
	}
	for (char *word = strtok(words, ","); word; word = strtok(NULL, ",")) {
	    char *value = strchr(word, '=');

	    if (!value) {
		fail("no value in %s", word);
	    }
	    *value = 0;
	    rd_kafka_NewTopic_set_config(list[t], word, value + 1);
	}
	free(words);
    }
    rd_kafka_CreateTopics(rk, list, topics, options, queue);
    event = rd_kafka_queue_poll(queue, 150000);
    if (!event || rd_kafka_event_error(event)) {
	fail("topics: %s", event ? rd_kafka_event_error_string(event) : "no answer");
    }
    results = rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count);
    for (size_t i = 0; i < count; i++) {
	if (rd_kafka_topic_result_error(results[i])) {
	    fail("topic %s: %s", rd_kafka_topic_result_name(results[i]), rd_kafka_topic_result_error_string(results[i]));
	}
    }
    printf("topics %zu\n", count);
    fflush(stdout);
    _exit(0);
}

static void
drop_topics(void)
{
    rd_kafka_t *rk = client(RD_KAFKA_PRODUCER, configuration());
    rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
    const struct rd_kafka_metadata *metadata;
    rd_kafka_DeleteTopic_t **list;
    rd_kafka_event_t *event;
    rd_kafka_resp_err_t err = rd_kafka_metadata(rk, 1, NULL, &metadata, 60000);
    int count = 0;

    if (err) {
	fail("topics: %s", rd_kafka_err2str(err));
    }
    list = calloc(metadata->topic_cnt + 1, sizeof *list);
    for (int i = 0; i < metadata->topic_cnt; i++) {
	if (strncmp(metadata->topics[i].topic, topic, strlen(topic)) == 0) {
	    list[count++] = rd_kafka_DeleteTopic_new(metadata->topics[i].topic);
	}
    }
    if (count) {
	rd_kafka_DeleteTopics(rk, list, count, NULL, queue);
	event = rd_kafka_queue_poll(queue, 150000);
	if (!event || rd_kafka_event_error(event)) {
	    fail("topics: %s", event ? rd_kafka_event_error_string(event) : "no answer");
	}
    }
    printf("topics %d\n", count);
    fflush(stdout);
    _exit(0);
}

/* ------------------------------------------------------------------ main */

int
main(int argc, char **argv)
{
    static const struct {
	const char *name;
	long *number;
	const char **text;
    } option[] = {
	{"-topic", NULL, &topic}, {"-config", NULL, &settings}, {"-messages", &messages, NULL}, {"-held", &held, NULL},
	{"-size", &size, NULL}, {"-topics", &topics, NULL}, {"-partitions", &partitions, NULL},
	{"-replicas", &replicas, NULL}, {"-clients", &clients, NULL}, {"-seconds", &seconds, NULL},
    };
    const char *work;

    if (argc < 3 || argc % 2 == 0) {
	fail("usage: work WORK BROKERS ?-name value ...?");
    }
    work = argv[1];
    brokers = argv[2];
    for (int i = 3; i < argc; i += 2) {
	size_t k = 0;

	while (k < sizeof option / sizeof *option && strcmp(option[k].name, argv[i])) {
	    k++;
	}
	if (k == sizeof option / sizeof *option) {
	    fail("bad option %s", argv[i]);
	}
	if (option[k].text) {
	    *option[k].text = argv[i + 1];
	} else {
	    *option[k].number = atol(argv[i + 1]);
	}
    }
    if (!strcmp(work, "batch") || !strcmp(work, "one")) {
	consume(work[0] == 'b');
    } else if (!strcmp(work, "produce") || !strcmp(work, "report")) {
	produce(work[0] == 'r');
    } else if (!strcmp(work, "many")) {
	many();
    } else if (!strcmp(work, "latency")) {
	latency();
    } else if (!strcmp(work, "idle")) {
	idle();
    } else if (!strcmp(work, "fill")) {
	fill();
    } else if (!strcmp(work, "topics")) {
	make_topics();
    } else if (!strcmp(work, "drop")) {
	drop_topics();
    } else {
	fail("bad work %s", work);
    }
    return 0;
}
