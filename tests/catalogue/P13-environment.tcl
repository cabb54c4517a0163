# row: P13
# demands: a hostile environment (missing or wrong configuration of OpenSSL, Kerberos, proxies, certificates, malloc, no HOME, no PATH) leaves plaintext clients working and is an error for TLS clients, never a crash
# limit: 60

source [file join [file dirname [info script]] case.tcl]
source [file join $::kafkatest::directory lifetimes.tcl]

lifetimes::prepare 1
set script [lifetimes::setUp]
append script {
    kafka::kafka create m
    m logger none
    m config bootstrap.servers $::family::servers linger.ms 0
    m producer_creator p
    p new_topic out $::family::sink
    out produce 0 x
    set left [p flush 10000]
    # TLS, SASL and OIDC clients are made or refused.
    foreach config {
	{security.protocol ssl}
	{security.protocol sasl_plaintext sasl.mechanisms PLAIN sasl.username u sasl.password p}
	{security.protocol sasl_ssl sasl.mechanisms SCRAM-SHA-256 sasl.username u sasl.password p}
	{security.protocol sasl_plaintext sasl.mechanisms OAUTHBEARER sasl.oauthbearer.method oidc
	    sasl.oauthbearer.client.id i sasl.oauthbearer.client.secret s
	    sasl.oauthbearer.token.endpoint.url http://127.0.0.1:1/}
    } {
	kafka::kafka create n
	n logger none
	n config bootstrap.servers $::family::servers
	n config {*}$config
	if {![catch {n producer_creator np}]} {
	    np poll 50
	    np delete
	}
	n delete
    }
    foreach name {out p m} {
	$name delete
    }
    puts [list $left [kafka::kafka live]]
}
set name [file join [pwd] environment.tcl]
set file [open $name w]
puts $file $script
close $file
set junk [file join [pwd] junk]
set file [open $junk w]
puts $file "\[\[\[ \u0000 this is no configuration = = \[openssl_init\nproviders = nothing"
close $file
foreach settings [list \
	{OPENSSL_CONF=/nonexistent} [list OPENSSL_CONF=$junk] {OPENSSL_MODULES=/nonexistent OPENSSL_ENGINES=/nonexistent} \
	[list SSL_CERT_FILE=$junk SSL_CERT_DIR=/nonexistent] \
	[list KRB5_CONFIG=$junk KRB5CCNAME=FILE:/nonexistent KRB5_KTNAME=$junk] \
	{http_proxy=http://127.0.0.1:1 https_proxy=nonsense all_proxy=socks5://127.0.0.1:1 HTTPS_PROXY=::} \
	{MALLOC_PERTURB_=165 MALLOC_CHECK_=3} {RES_OPTIONS=nonsense LOCALDOMAIN=x HOSTALIASES=/nonexistent} \
	{TZ=Nowhere/Nothing} [list CURL_CA_BUNDLE=$junk SASL_PATH=/nonexistent SASL_CONF_PATH=$junk]] {
    same [exec env {*}$settings [info nameofexecutable] $name] {0 {}}
}
# (But for what a sanitizer needs.)
set keep {}
foreach variable {LD_PRELOAD ASAN_OPTIONS LSAN_OPTIONS} {
    if {[info exists env($variable)]} {
	lappend keep $variable=$env($variable)
    }
}
same [exec env -i TCL_LIBRARY=[info library] {*}$keep [info nameofexecutable] $name] {0 {}}
file delete $name $junk
held
