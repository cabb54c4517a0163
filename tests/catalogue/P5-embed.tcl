# row: P5
# demands: a program that embeds Tcl, loads the package and works may finalize Tcl with everything alive, its interpreter deleted or not, and go on by itself (Tcl 8.6 cannot begin again after that, with or without this package)
# limit: 60
# needs: cc tcl86 linux plain

source [file join [file dirname [info script]] case.tcl]
source [file join $::kafkatest::directory lifetimes.tcl]
lifetimes::prepare 1
# Tcl's own library, as this process has it.
set maps [open /proc/self/maps]
if {![regexp {(/\S*libtcl8\.6\S*\.so\S*)} [read $maps] -> libtcl]} {
    error "no shared library of Tcl in this process"
}
close $maps
set source [open embed.c w]
puts $source {
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <signal.h>
#include <unistd.h>

static void *need(void *library, const char *name) {
    void *found = dlsym(library, name);
    if (!found) {
	fprintf(stderr, "no %s\n", name);
	exit(2);
    }
    return found;
}

int main(int argc, char **argv) {
    void *tcl = dlopen(argv[1], RTLD_NOW | RTLD_GLOBAL);
    if (!tcl) {
	fprintf(stderr, "%s\n", dlerror());
	return 2;
    }
    void (*find)(const char *) = need(tcl, "Tcl_FindExecutable");
    void *(*create)(void) = need(tcl, "Tcl_CreateInterp");
    int (*init)(void *) = need(tcl, "Tcl_Init");
    int (*eval)(void *, const char *) = need(tcl, "Tcl_EvalFile");
    const char *(*result)(void *) = need(tcl, "Tcl_GetStringResult");
    void (*delete)(void *) = need(tcl, "Tcl_DeleteInterp");
    void (*finalize)(void) = need(tcl, "Tcl_Finalize");

    find(argv[0]);
    void *interp = create();
    /* What an embedder may have: the default action of a broken pipe. */
    signal(SIGPIPE, SIG_DFL);
    if (init(interp) != 0 || eval(interp, argv[2]) != 0) {
	fprintf(stderr, "%s\n", result(interp));
	return 3;
    }
    printf("%s\n", result(interp));
    fflush(stdout);
    if (argc > 3)
	delete(interp);
    finalize();
    /* The program has other things to do while threads of librdkafka may still run. */
    for (int i = 0; i < 100; i++) {
	free(malloc(100000));
	usleep(3000);
    }
    printf("ended\n");
    return 0;
}
}
close $source
exec cc -o embed embed.c -ldl
set script [open embed.tcl w]
puts $script [lifetimes::setUp][lifetimes::exchange $family::sink 0]
puts $script {
    out produce 0 x
    set left [p flush 10000]
    # What lives goes with Tcl; a producer with messages on their way, a subscriber, a busy callback.
    family::make topic {apply {args {}}} ::family::
    update
    list $left $reports
}
close $script
foreach more {{} deleted} {
    same [exec ./embed $libtcl embed.tcl {*}$more] "0 1\nended"
}
file delete embed embed.c embed.tcl
held
