# row: L4
# demands: lists are as long as what they hold; a number in a script never becomes a size

source [file join [file dirname [info script]] case.tcl]

set topic [newTopic list]
set member [[master #auto group.id [unique list]] subscriber #auto]
foreach number {2147483647 2147483648 4294967296 9223372036854775807 -1 -2147483648} {
    expect {$member assign [list [list $topic 0 0 $number]]}
    catch {$member assign [list [list $topic $number 0]]}
    catch {$member offsets -timeout 100 [list [list $topic $number]]}
    catch {$member commit -timeout 100 [list [list $topic $number 1]]}
}
expect {$member assign \{}
expect {KAFKA RD_KAFKA_RESP_ERR__INVALID_ARG *} {$member assign [lrepeat 20001 [list $topic 0 0]]}
$member assign [list [list $topic 0 0]]
same [$member assignment] [list [list $topic 0 0]]
held
