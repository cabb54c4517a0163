/*
 * heap.c --
 *
 *	Counts the blocks and bytes of the heap that are in use, exactly, for
 *	tests/leaks.tcl and tests/soak.tcl: loaded into a shell with LD_PRELOAD
 *	it stands before malloc and its kin and keeps two numbers in the file
 *	that HEAP_FILE names, where a script can read them at any time.  It must
 *	not allocate, print, or change what the C library answers.
 */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* The C library's own, under the names that it keeps for such a purpose. */
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);
extern void __libc_free(void *);

/* Blocks and bytes in use: here until the file is there, then in the file. */
typedef struct {
    _Atomic long blocks;
    _Atomic long bytes;
} Count;

static Count early;
static Count *_Atomic count = &early;

__attribute__((constructor)) static void
Start(void)
{
    const char *name = getenv("HEAP_FILE");
    int fd = name ? open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;

    if (fd < 0) {
	return;
    }
    if (ftruncate(fd, sizeof(Count)) == 0) {
	Count *file = mmap(NULL, sizeof(Count), PROT_READ | PROT_WRITE,
		MAP_SHARED, fd, 0);

	if (file != MAP_FAILED) {
	    /* No other thread runs yet. */
	    file->blocks = early.blocks;
	    file->bytes = early.bytes;
	    count = file;
	}
    }
    close(fd);
}

static void *
Taken(void *block)
{
    if (block != NULL) {
	atomic_fetch_add(&count->blocks, 1);
	atomic_fetch_add(&count->bytes, (long) malloc_usable_size(block));
    }
    return block;
}

static void
Given(void *block)
{
    if (block != NULL) {
	atomic_fetch_sub(&count->blocks, 1);
	atomic_fetch_sub(&count->bytes, (long) malloc_usable_size(block));
    }
}

void *
malloc(size_t size)
{
    return Taken(__libc_malloc(size));
}

void *
calloc(size_t number, size_t size)
{
    return Taken(__libc_calloc(number, size));
}

void
free(void *block)
{
    /* free leaves errno alone, and so must we. */
    Given(block);
    __libc_free(block);
}

void *
realloc(void *block, size_t size)
{
    size_t before = block ? malloc_usable_size(block) : 0;
    void *moved = __libc_realloc(block, size);

    if (moved == NULL && block != NULL && size != 0) {
	/* It failed, and the old block lives on. */
	return NULL;
    }
    if (block != NULL) {
	atomic_fetch_sub(&count->blocks, 1);
	atomic_fetch_sub(&count->bytes, (long) before);
    }
    return Taken(moved);
}

void *
memalign(size_t alignment, size_t size)
{
    return Taken(__libc_memalign(alignment, size));
}

void *
aligned_alloc(size_t alignment, size_t size)
{
    return memalign(alignment, size);
}

int
posix_memalign(void **where, size_t alignment, size_t size)
{
    void *block;

    if (alignment % sizeof(void *) != 0 || (alignment & (alignment - 1)) != 0
	    || alignment == 0) {
	return EINVAL;
    }
    block = memalign(alignment, size);
    if (block == NULL) {
	return ENOMEM;
    }
    *where = block;
    return 0;
}
