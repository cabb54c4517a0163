# row: C12
# demands: an object is deleted twice, in its own delete, in the trace of its deletion, in the middle of a consume_batch that then breaks, fails, returns or yields: once is enough, and nothing leaks
# limit: 60
# valgrind: yes

source [file join [file dirname [info script]] case.tcl]
source [file join $::kafkatest::directory lifetimes.tcl]

lifetimes::prepare 5

proc objects {} {
    lifetimes::kill $family::names
    master m fetch.wait.max.ms 5
    m consumer_creator c
    m producer_creator p
    p new_topic out $family::sink
    c new_topic in $family::full
    c create_queue q
    in start 0 0
}

foreach name {m c in q p out} {
    # Twice in a row; the second time there is no command.
    objects
    $name delete
    same [catch {$name delete} message] 1
    same $message "invalid command name \"$name\""

    # In traces of its own deletion, by each way.
    foreach how {{$name delete} {rename $name {}} {interp hide {} $name; interp invokehidden {} $name delete}} {
	objects
	trace add command $name delete [list apply {{name args} {
	    catch {$name delete}
	    catch {rename $name {}}
	    catch {interp hide {} $name}
	}} $name]
	eval $how
	same [info commands $name] {}
	same [lsearch -exact [interp hidden] $name] -1
    }

    # As a nested call: what runs still is the object that goes.
    if {$name in {in out q}} {
	objects
	catch {$name creator new_topic $name x}
	lifetimes::kill $name
    }
}

# The body deletes its topic and then ends in each way.
proc batch {way} {
    in consume_batch 0 10000 5 row {
	incr ::bodies
	in delete
	c delete
	eval $way
    }
}
foreach {way code} {
    {} 0	break 0		continue 0	{error x} 1	{return -code error y} 1	{return x} 0
    {return -code break} 3	{return -code 9} 9	{tailcall set x} 1
    {rename batch {}} 0
} {
    objects
    set bodies 0
    proc batchOf way [info body batch]
    same [catch {batchOf $way}] $code
    same $bodies 1
}
# It yields, and is resumed or deleted.
foreach then {{coro} {rename coro {}} {coro break}} {
    objects
    coroutine coro apply {{} {
	in consume_batch 0 10000 5 row {
	    in delete
	    eval [yield]
	}
    }}
    eval $then
    same [info commands coro] {}
}
held
