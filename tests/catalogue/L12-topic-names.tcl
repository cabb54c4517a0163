# row: L12
# demands: a name that no broker takes is an error when the topic is made, whatever its length and bytes

source [file join [file dirname [info script]] case.tcl]

set master [master #auto group.id [unique names]]
set producer [$master producer_creator #auto]
set consumer [$master consumer_creator #auto]
set member [$master subscriber #auto]
foreach name [list {} . .. [string repeat a 250] [string repeat a 40000] [string repeat a 1000000] \
	a/b "a b" a\tb a\0b \u20ac \xff \u00e9 a,b a:b \xed\xa0\x80 {${}} {[exit]}] {
    foreach handle [list $producer $consumer] {
	expect {KAFKA RD_KAFKA_RESP_ERR__INVALID_ARG *} {$handle new_topic #auto $name}
    }
    # A group may hear of any name; it is told, or finds nothing.
    catch {$member subscribe [list $name]}
    catch {$member assign [list [list $name 0 0]]}
    catch {$member watermarks -timeout 100 $name 0}
    catch {$member info partitions $name}
    catch {$member offsets -timeout 100 [list [list $name 0]]}
}
foreach name [list a [string repeat a 249] a.b_c-D9] {
    [$producer new_topic #auto $name] delete
}
held
