# row: L25
# demands: a batch that inflates a thousandfold takes a few times its inflated size and no more, and all is given back
# needs: mock linux plain
# limit: 60

source [file join [file dirname [info script]] case.tcl]

# Peak resident memory, in bytes.
proc peak {} {
    set chan [open /proc/self/status]
    regexp {VmHWM:\s+(\d+) kB} [read $chan] -> kb
    close $chan
    return [expr {$kb * 1024}]
}
set size 32000000
set payload [string repeat \0 $size]
set told {}
foreach codec {gzip lz4 zstd snappy} {
    set topic [newTopic inflate]
    set master [master #auto compression.codec $codec message.max.bytes 64000000]
    set producer [$master producer_creator #auto]
    set out [$producer new_topic #auto $topic]
    $out produce 0 $payload
    same [$producer flush 20000] 0
    $producer delete
    # The limit of what comes over the wire is far below the inflated size.
    set small [master #auto receive.message.max.bytes 3000000 fetch.max.bytes 2000000 message.max.bytes 1000000]
    set consumer [$small consumer_creator #auto]
    set in [$consumer new_topic #auto $topic]
    set before [peak]
    $in start 0 beginning
    set answer [catch {$in consume 0 5000 row}]
    set size_ [expr {[info exists row(payload)] ? [string length $row(payload)] : 0}]
    lappend told [list $codec $answer $size_ [expr {([peak] - $before) / 1000000}]]
    same [expr {[peak] - $before < 8 * $size}] 1
    unset -nocomplain row
    $consumer delete
}
puts $told
held
