# Runs the property tests of the values inside this Tcl: started by tests/properties.rs in Tcl 8.6 and in Tcl 9, with the
# path of the library that holds them. The procedures are Tcl's side of the tests: what a script would do with a value,
# and what Tcl itself answers. They must not use the library.
#
# usage: run.tcl library ?property ...?

# Looks at a value in one of Tcl's ways, each of which may give it another form beside its text.
proc look {how value} {
    switch $how {
	list		{catch {llength $value}}
	dict		{catch {dict size $value}}
	number		{catch {expr {$value + 0}}}
	double		{catch {expr {double($value)}}}
	boolean		{catch {expr {!$value}}}
	bytes		{catch {binary scan $value H* hex}}
	characters	{catch {string index $value 0}}
	index		{catch {lindex {a b c} $value}}
	command		{catch {namespace which -command $value}}
	namespace	{catch {namespace exists $value}}
	variable	{catch {info exists $value}}
	path		{catch {file tail $value}}
	channel		{catch {eof $value}}
	template	{catch {subst -nocommands -novariables $value}}
	script		{catch {interp eval locked $value}}
    }
    return
}

# The same text, as a value that Tcl has made: often one that has no text yet.
proc remade {how value} {
    switch $how {
	list		{catch {set value [lrange $value 0 end]}}
	lists		{catch {set value [lmap part $value {lrange $part 0 end}]}}
	dict		{catch {set value [dict create {*}$value]}}
	number		{catch {set value [expr {$value + 0}]}}
	double		{catch {set value [expr {double($value)}]}}
	boolean		{catch {set value [expr {!$value}]}}
	bytes		{catch {set value [binary format a* $value]}}
	characters	{catch {set value [join [split $value ""] ""]}}
	fresh		{catch {set value [string range x$value 1 end]}}
    }
    return $value
}

# The text of a value, in real UTF-8 and in hexadecimal digits.
proc hex value {
    binary encode hex [encoding convertto utf-8 $value]
}

# The value of such a text.
proc unhex digits {
    encoding convertfrom utf-8 [binary decode hex $digits]
}

# A value of these UTF-16 units, put together from single characters.
proc units numbers {
    join [lmap number $numbers {format %c $number}] ""
}

# The elements of a list as Tcl sees it, each as its text; "no" if it is none.
proc parts value {
    if {[catch {llength $value}]} {
	return no
    }
    lmap part $value {hex x$part}
}

# The integer of 64 bits that a value is; "no" if it is none.
proc integer value {
    if {![string is entier -strict $value] || $value < -2**63 || $value >= 2**63} {
	return no
    }
    expr {$value + 0}
}

# How many references a value has. The last error of a script holds some: it is replaced first.
proc references value {
    catch {error ""}
    regexp {refcount of (\d+)} [::tcl::unsupported::representation $value] -> count
    return $count
}

# What a script sees of a command that fails: the result, and the words of the error code.
proc failure {command} {
    if {[catch {$command} result options] != 1} {
	error "the command did not fail"
    }
    list [hex x$result] {*}[lmap word [dict get $options -errorcode] {hex x$word}]
}

# Is the value the same text to all that keeps texts: comparing, dictionaries, arrays, commands?
proc same {one other} {
    set array($one) 1
    expr {$one eq $other && [string length $one] == [string length $other]
	&& [dict exists [dict create $one 1] $other] && [info exists array($other)]
	&& $other in [list $one] && [lsearch -exact -sorted [list $one] $other] == 0}
}

# An interpreter that compiles a script and can do nothing.
interp create -safe locked
foreach name [locked eval {info commands}] {
    locked hide $name
}

set names [lassign $argv library]
load $library Inside
fconfigure stdout -encoding utf-8
set failed 0
puts "Tcl [info patchlevel]"
foreach name [expr {[llength $names] ? $names : [inside]}] {
    set start [clock milliseconds]
    if {[catch {inside $name} result]} {
	incr failed
	puts "FAILED $name: $result"
    } else {
	puts "ok $name ([expr {[clock milliseconds] - $start}] ms)"
    }
    flush stdout
}
exit [expr {$failed != 0}]
