/*
 * mark.c --
 *
 *	What a process that is counted needs in C: two places that callgrind knows
 *	by name, where a loop begins and where it ends (Tcl's `load FILE Begin`
 *	and, of a copy, `load FILE End` call them), and between the two a clock
 *	that goes by calls.  The package gives the event loop a pass after so
 *	many milliseconds of work; by the true clock, the slower or busier the
 *	machine, the more such passes there would be for a message.  It must not
 *	change the time of any thread but the first, nor before the loop begins.
 *
 *	Loaded before everything else (LD_PRELOAD), so that its clock is taken.
 */

#define _GNU_SOURCE
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Two microseconds a call: about as fast as without callgrind. */
#define STEP 2000

static volatile int stepping = 0;
static struct timespec virtual_time;

int
clock_gettime(clockid_t id, struct timespec *t)
{
    int result = syscall(SYS_clock_gettime, id, t);

    if (stepping && id == CLOCK_MONOTONIC && syscall(SYS_gettid) == getpid()) {
	virtual_time.tv_nsec += STEP;
	if (virtual_time.tv_nsec >= 1000000000) {
	    virtual_time.tv_nsec -= 1000000000;
	    virtual_time.tv_sec++;
	}
	*t = virtual_time;
    }
    return result;
}

int
Begin_Init(void *interp)
{
    (void)interp;
    clock_gettime(CLOCK_MONOTONIC, &virtual_time);
    stepping = 1;
    return 0;
}

int
End_Init(void *interp)
{
    (void)interp;
    return 0;
}
