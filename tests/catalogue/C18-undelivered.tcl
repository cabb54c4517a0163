# row: C18
# demands: a producer with 10^6 messages for brokers that are down is deleted within flush_timeout and a little, and says how many were not delivered
# limit: 60
# needs: plain
# stderr: kafka: 1000000 messages were not delivered \(.* when it was deleted\)

source [file join [file dirname [info script]] case.tcl]
source [file join $::kafkatest::directory lifetimes.tcl]

kafka::kafka flush_timeout 500
master m bootstrap.servers 127.0.0.1:1 queue.buffering.max.messages 1000000
m producer_creator p
p new_topic out nowhere
set rows [lrepeat 10000 [list x]]
for {set i 0} {$i < 100} {incr i} {
    out produce_batch 0 $rows
}
same [p output_queue_length] 1000000
out delete
within 8000 {p delete}
held
