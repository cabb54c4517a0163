# row: P2
# demands: objects reach a safe interpreter only through aliases, which do what they name and no more; hidden, exposed and invoked hidden they work; the child cannot load the package
# limit: 30
# valgrind: yes

source [file join [file dirname [info script]] case.tcl]
source [file join $::kafkatest::directory lifetimes.tcl]

lifetimes::prepare 3
set library [lindex [lsearch -inline -index 1 [info loaded] Kafka] 0]
master m fetch.wait.max.ms 5 linger.ms 0
m consumer_creator c
c new_topic in $family::full
m producer_creator p
p new_topic out $family::sink
set safe [interp create -safe]

# No way in.
foreach script [list {package require kafka} [list load $library Kafka] [list load $library] {kafka::kafka version}] {
    same [catch {$safe eval $script}] 1
}
expect {KAFKA SAFE} {load $library Kafka $safe}
same [$safe eval {info commands *kafka*}] {}

# Words of the child are data: no second command, no other subcommand.
$safe alias send out produce 0
$safe alias take in consume 0 10000
$safe eval {send hello}
$safe eval {send {[exit 1]} {$x;exit 1}}
same [catch {$safe eval {send a b c}}] 1
same [p flush 10000] 0
same [collect $family::sink 2] {hello {[exit 1]}}
# The alias fills a variable of this interpreter, for its command runs here.
in start 0 0
same [$safe eval {take row}] 1
same $row(payload) m0
same [$safe eval {info exists row}] 0

# Messages as values go through.
$safe eval {
    set got {}
    proc hear message {
	lappend ::got [dict get $message payload]
    }
}
interp alias {} into $safe hear
in stop 0
in start 0 0 into
until {[llength [$safe eval {set got}]] == 3}
same [$safe eval {set got}] {m0 m1 m2}
# The callback's interpreter goes: background errors, until the partition is stopped.
produceN $family::full 1 -from 3
until {[llength [$safe eval {set got}]] == 4}
interp delete $safe
same [info commands into] {}

# The same in a child that trusts us: hide, expose, invokehidden.
set child [interp create]
$child eval [lifetimes::setUp]
$child eval {
    kafka::kafka create m
    m logger none
    m config bootstrap.servers $family::servers linger.ms 0
    m producer_creator p
    p new_topic out $family::sink
}
foreach name {m p out} {
    $child hide $name
    same [catch {$child eval [list $name help]}] 1
}
$child invokehidden out produce 0 hidden
same [$child invokehidden p flush 10000] 0
same [$child invokehidden -global p output_queue_length] 0
$child eval {
    proc out args {
	return "another one"
    }
}
same [$child eval {out}] {another one}
same [catch {$child expose out}] 1
$child expose out again
$child eval {again produce 0 exposed}
$child marktrusted
$child hide again last
$child invokehidden last delete
$child invokehidden p delete
same [lrange [collect $family::sink 4] 2 3] {hidden exposed}
# The package's own root command, hidden and renamed.
$child eval {rename kafka::kafka root}
same [$child eval {root version}] [kafka::kafka version]
$child hide root
same [$child invokehidden root version] [kafka::kafka version]
interp delete $child
held
