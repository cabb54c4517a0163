# known.tcl --
#
#	Answers of a broker that are known to kill the librdkafka inside (2.12.1),
#	each with its reason.  [source] it.  It must not hold what does not kill:
#	fake.tcl gives each entry to a process of its own, and fails if that lives,
#	so an entry goes when librdkafka was mended.
#
#	known::entries	a list of dictionaries:
#	    name	what is wrong with librdkafka
#	    kind config	the client that dies, and its settings
#	    api	the kind of answer
#	    patterns	names of mutations (fakelib.tcl) that do it; the first one
#			is the proof, all of them are left out elsewhere
#	    records	in place of patterns: messages for Fetch
#	    signal	how the process ends
#	known::deadly api name	is that mutation in the list?

namespace eval ::known {
    variable entries [list \
	{name "ApiVersions: an array that is null is allocated with -1 elements"
	 kind producer api 18 patterns {{place 2 v null} {place 2 v 2^32} {place 2 v 2^63}} signal SIGABRT} \
	{name "Metadata: a list of brokers that is null is sorted with -1 elements"
	 kind producer api 3 patterns {{place 5 v null} {place 5 v 2^32} {place 5 v 2^63}
	    {place 0 t one} {place 0 t more}} signal SIGSEGV} \
	{name "Metadata: a broker's host that is null is read"
	 kind producer api 3 patterns {{place 10 v null} {place 10 v 2^32} {place 10 v 2^63}} signal SIGSEGV} \
	{name "Metadata: a topic's name that is null is read"
	 kind producer api 3 patterns {{place 41 v null} {place 41 v 2^32} {place 41 v 2^63}
	    {place 41 v one} {place 41 v more} {place 41 v less}} signal SIGSEGV} \
	{name "Metadata: a list of partitions that is null is sorted with -1 elements"
	 kind producer api 3 patterns {{place 60 v null} {place 60 v 2^32} {place 60 v 2^63}} signal SIGSEGV} \
	{name "Produce: a count of record errors is allocated as it comes"
	 kind producer api 0 patterns {{place 35 v null} {place 35 v 2^32} {place 35 v 2^63}
	    {place 35 v 2^31*} {place 35 v less}} signal SIGABRT} \
	{name "Fetch: an array of topics that is null is allocated with -1 elements"
	 kind consumer api 1 patterns {{place 28 v null} {place 28 v 2^32} {place 28 v 2^63}} signal SIGABRT} \
	{name "Fetch: a partition is let go twice if the tags after it cannot be read"
	 kind consumer api 1 patterns {{place 135 t 2^31-1} {place 135 t *} {cut to 135 bytes}} signal SIGABRT} \
	{name "Fetch: a message of version 0 or 1 that is shorter than its checksum"
	 kind consumer api 1 records zeros signal SIGABRT} \
	{name "JoinGroup: a protocol that is null is read"
	 kind group api 11 patterns {{place 21 2 -1}} signal SIGSEGV} \
	{name "JoinGroup: a count of members that is negative is allocated"
	 kind group api 11 patterns {{place 25 4 -1} {place 25 4 -2147483648}} signal SIGABRT} \
	{name "JoinGroup: metadata of a member that is empty or null; an authorized member can send it"
	 kind group api 11 patterns {{place 35 4 0} {place 35 4 -1}} signal SIGABRT} \
	{name "GetTelemetrySubscriptions: a list of compressions is allocated as it comes"
	 kind producer api 71 config {enable.metrics.push true} patterns {{place 27 v null}} signal SIGABRT} \
    ]
}

proc ::known::deadly {api name} {
    variable entries
    foreach entry $entries {
	if {[dict get $entry api] != $api || ![dict exists $entry patterns]} {
	    continue
	}
	foreach pattern [dict get $entry patterns] {
	    if {[string match $pattern $name]} {
		return 1
	    }
	}
    }
    return 0
}
