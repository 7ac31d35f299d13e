#ifndef BASE_CLEANUP_H
#define BASE_CLEANUP_H

/*
 * Scope-bound release of locals, and the few macros that have no home of
 * their own.
 *
 * CLEANUP(fn) on a local calls fn(&local) when the scope is left; fn must
 * accept a NULL or zeroed object.  TAKE(p) hands a pointer over: it yields p
 * and leaves NULL behind, so that the cleanup has nothing to do.
 */

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CLEANUP(fn)		__attribute__((cleanup(fn)))
#define MUST_CHECK		__attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, first) __attribute__((format(printf, fmt, first)))
#define ARRAY_LEN(a)		(sizeof(a) / sizeof((a)[0]))

#define TAKE(p)                                                                \
	__extension__({                                                        \
		__typeof__(p) take_p = (p);                                    \
		(p) = NULL;                                                    \
		take_p;                                                        \
	})

static inline void
cleanup_free(void *p)
{
	free(*(void **)p);
}

static inline void
cleanup_fd(const int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

static inline void
cleanup_file(FILE **f)
{
	if (*f)
		(void)fclose(*f);
}

#define CLEANUP_FREE CLEANUP(cleanup_free)
#define CLEANUP_FD   CLEANUP(cleanup_fd)
#define CLEANUP_FILE CLEANUP(cleanup_file)

#endif
