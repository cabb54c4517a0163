// The Java side of interop.test: Kafka's own client, driven in words that peer.py understands, too.
// It must not decide what is right: it does what it is told and says what it sees.
//
//   Peer produce BOOTSTRAP TOPIC key=value...    standard input: lines PARTITION TIMESTAMP KEY PAYLOAD; prints
//                                                PARTITION OFFSET TIMESTAMP for each, in their order
//   Peer consume BOOTSTRAP TOPIC COUNT key=value...   prints PARTITION OFFSET TIMESTAMP KEY PAYLOAD for each message
//   Peer member BOOTSTRAP GROUP TOPIC key=value...    a member of a group until TERM; prints `assigned P...` after each
//                                                change, `got P O...` for what it reads, `left` at the end
// Keys and payloads are x and hexadecimal digits, or - for none; -1 is "whatever the client chooses".

import java.io.*;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.*;
import java.util.concurrent.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.*;

public class Peer {
    static final PrintStream out = new PrintStream(
            new BufferedOutputStream(new FileOutputStream(FileDescriptor.out), 1 << 16), false, StandardCharsets.US_ASCII);
    static final HexFormat hex = HexFormat.of();

    static byte[] bytes(String word) {
        return word.equals("-") ? null : hex.parseHex(word.substring(1));
    }

    static String word(byte[] bytes) {
        return bytes == null ? "-" : "x" + hex.formatHex(bytes);
    }

    static Properties settings(String bootstrap, String[] args, int from) {
        Properties p = new Properties();
        p.put("bootstrap.servers", bootstrap);
        for (int i = from; i < args.length; i++) {
            int at = args[i].indexOf('=');
            p.put(args[i].substring(0, at), args[i].substring(at + 1));
        }
        return p;
    }

    public static void main(String[] args) throws Exception {
        switch (args[0]) {
            case "produce" -> produce(args);
            case "consume" -> consume(args);
            case "member" -> member(args);
            default -> throw new IllegalArgumentException(args[0]);
        }
        out.flush();
    }

    static void produce(String[] args) throws Exception {
        Properties p = settings(args[1], args, 3);
        p.put("max.request.size", "4000000");
        List<Future<RecordMetadata>> sent = new ArrayList<>();
        try (var producer = new KafkaProducer<>(p, new ByteArraySerializer(), new ByteArraySerializer());
                var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII))) {
            for (String line; (line = in.readLine()) != null; ) {
                String[] w = line.split(" ");
                sent.add(producer.send(new ProducerRecord<>(args[2], w[0].equals("-1") ? null : Integer.valueOf(w[0]),
                        w[1].equals("-1") ? null : Long.valueOf(w[1]), bytes(w[2]), bytes(w[3]))));
            }
            producer.flush();
        }
        for (var future : sent) {
            RecordMetadata m = future.get();
            out.println(m.partition() + " " + m.offset() + " " + m.timestamp());
        }
    }

    static void consume(String[] args) throws Exception {
        Properties p = settings(args[1], args, 4);
        p.put("enable.auto.commit", "false");
        p.put("auto.offset.reset", "earliest");
        int left = Integer.parseInt(args[3]);
        try (var consumer = new KafkaConsumer<>(p, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            List<TopicPartition> all = new ArrayList<>();
            for (var info : consumer.partitionsFor(args[2])) all.add(new TopicPartition(args[2], info.partition()));
            consumer.assign(all);
            consumer.seekToBeginning(all);
            while (left > 0) {
                for (var r : consumer.poll(Duration.ofMillis(500))) {
                    out.println(r.partition() + " " + r.offset() + " " + r.timestamp() + " " + word(r.key()) + " " + word(r.value()));
                    left--;
                }
            }
        }
    }

    static void member(String[] args) throws Exception {
        Properties p = settings(args[1], args, 4);
        p.put("group.id", args[2]);
        p.putIfAbsent("auto.offset.reset", "earliest");
        p.putIfAbsent("auto.commit.interval.ms", "500");
        var consumer = new KafkaConsumer<>(p, new ByteArrayDeserializer(), new ByteArrayDeserializer());
        var ended = new CountDownLatch(1);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            consumer.wakeup();
            try {
                ended.await(20, TimeUnit.SECONDS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }));
        Set<Integer> had = Set.of();
        try {
            consumer.subscribe(List.of(args[3]));
            while (true) {
                var got = consumer.poll(Duration.ofMillis(100));
                Set<Integer> has = new TreeSet<>();
                for (var tp : consumer.assignment()) has.add(tp.partition());
                if (!has.equals(had)) {
                    had = has;
                    out.println("assigned" + list(has));
                }
                for (var tp : got.partitions()) {
                    List<Long> offsets = new ArrayList<>();
                    for (var r : got.records(tp)) offsets.add(r.offset());
                    out.println("got " + tp.partition() + list(offsets));
                }
                out.flush();
            }
        } catch (WakeupException e) {
            // The order to leave.
        } finally {
            consumer.close();
            out.println("left");
            out.flush();
            ended.countDown();
        }
    }

    static String list(Collection<?> numbers) {
        StringBuilder text = new StringBuilder();
        for (Object n : numbers) text.append(' ').append(n);
        return text.toString();
    }
}
