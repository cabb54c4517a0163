# row: S3
# demands: an object that is hidden, exposed under another name, invoked while hidden, or lent to a child works or is gone
# valgrind: yes

source [file join [file dirname [info script]] case.tcl]

set topic [newTopic hide]
set child [interp create]
$child eval [list set auto_path $auto_path]
$child eval [list set servers [bootstrap]]
$child eval [list set topic $topic]
$child eval {
    package require kafka
    kafka::kafka create m
    m config bootstrap.servers $servers linger.ms 0
    m producer_creator p
    p new_topic t $topic
}
$child hide t
same [catch {$child eval {t produce 0 x}}] 1
$child invokehidden t produce 0 one
interp expose $child t
$child eval {t produce 0 two}
$child hide t secret
$child invokehidden secret produce 0 three
$child expose secret t2
$child eval {t2 produce 0 four}
interp alias {} lent $child t2
lent produce 0 five
$child hide p
same [$child invokehidden p flush 10000] 0
same [collect $topic 5] {one two three four five}
$child hide m
interp delete $child
same [catch {lent produce 0 six}] 1
held
