# kafka.tcl --
#
#	The easy interface: one master, one producer and one consumer handle,
#	made when they are first needed.  It uses public commands only and has no
#	state but its own variables.  It must not be needed by any other command
#	of the package.

namespace eval ::kafka {
    # The brokers that new handles and subscribers begin with.
    variable brokers 127.0.0.1
    # Set to 1 to see on stderr what the easy interface makes.
    variable loggingEnabled 0
    # What has been made already.
    variable masterIsSetup 0
    variable producerIsSetup 0
    variable consumerIsSetup 0

    namespace export *
}

# ::kafka::logger --
#
#	Writes a message on stderr if ::kafka::loggingEnabled is true.

proc ::kafka::logger {message} {
    variable loggingEnabled
    if {$loggingEnabled} {
	puts stderr "kafka: $message"
    }
}

# ::kafka::handle_args --
#
#	Takes the options of the setup commands: only -brokers, a list of
#	brokers.  Nothing is changed if one of them is wrong.

proc ::kafka::handle_args {list} {
    variable brokers
    set wanted $brokers
    foreach {key value} $list {
	if {[string index $key 0] ne "-"} {
	    return -code error -errorcode [list TCL LOOKUP INDEX option $key] \
		"argument '$key' doesn't start with a dash"
	}
	if {$key ne "-brokers"} {
	    return -code error -errorcode [list TCL LOOKUP INDEX option $key] \
		"argument '$key' unrecognized, must be one of '-brokers'"
	}
	set wanted $value
    }
    if {[llength $list] % 2} {
	return -code error -errorcode {TCL ARGUMENT MISSING} \
	    "value for '[lindex $list end]' missing"
    }
    set brokers $wanted
    return
}

# ::kafka::setup --
#
#	Makes the master ::kafka::master if there is none.  May be called again
#	and again.  With -brokers it also sets the brokers.

proc ::kafka::setup {args} {
    variable masterIsSetup
    handle_args $args
    if {[namespace which -command ::kafka::master] eq ""} {
	::kafka::kafka create ::kafka::master
	logger "created ::kafka::master"
    }
    set masterIsSetup 1
    return
}

# ::kafka::setup_producer, ::kafka::setup_consumer --
#
#	Make the handle ::kafka::producer or ::kafka::consumer if there is none.
#	Callbacks and settings of ::kafka::master must be set before.

proc ::kafka::setup_producer {args} {
    variable producerIsSetup
    SetupHandle producer producer_creator $args
    set producerIsSetup 1
    return
}

proc ::kafka::setup_consumer {args} {
    variable consumerIsSetup
    SetupHandle consumer consumer_creator $args
    set consumerIsSetup 1
    return
}

proc ::kafka::SetupHandle {name creator options} {
    variable brokers
    setup {*}$options
    if {[namespace which -command ::kafka::$name] ne ""} {
	return
    }
    ::kafka::master $creator ::kafka::$name
    ::kafka::$name add_brokers $brokers
    logger "created ::kafka::$name with brokers $brokers"
}

# ::kafka::brokers --
#
#	Sets the list of brokers, for handles and subscribers that are made from
#	now on, and for the handles that exist already, too.

proc ::kafka::brokers {brokerList} {
    setup -brokers $brokerList
    foreach handle {::kafka::producer ::kafka::consumer} {
	if {[namespace which -command $handle] ne ""} {
	    $handle add_brokers $brokerList
	}
    }
    return
}

# ::kafka::topic_producer, ::kafka::topic_consumer --
#
#	Make a command that produces to a topic, or consumes from it.

proc ::kafka::topic_producer {command topic} {
    setup_producer
    return [::kafka::producer new_topic $command $topic]
}

proc ::kafka::topic_consumer {command topic} {
    setup_consumer
    return [::kafka::consumer new_topic $command $topic]
}

# ::kafka::subscriber --
#
#	Makes a subscriber in a group and returns its name.  The group and the
#	brokers are its own: the master's settings stay as they are.

proc ::kafka::subscriber {groupid args} {
    variable brokers
    setup {*}$args
    set subscriber [::kafka::master subscriber #auto \
	-config [list group.id $groupid bootstrap.servers [join $brokers ,]]]
    logger "created subscriber with brokers $brokers"
    return $subscriber
}
