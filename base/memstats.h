#ifndef BASE_MEMSTATS_H
#define BASE_MEMSTATS_H

/*
 * A table of the memory that this process takes, over time: a line for each
 * sample, written at once, so that a process that is killed leaves all but the
 * last.  The fields are numbers with tabs between, in the order of struct
 * memstats_sample; the first line begins with '#' and names them.
 *
 * memstats_open(), then memstats_begin() in the process that is to be watched
 * (threads don't survive fork), which takes a first sample and starts the
 * thread that takes the others; memstats_end() takes the last one.  Where
 * another process follows one that has died, it goes on with the same table.
 */

#include <stdint.h>

#include "base/error.h"
#include "base/span.h"

#define MEMSTATS_INTERVAL_MS	 100
#define MEMSTATS_INTERVAL_MAX_MS (60 * 60 * 1000)

struct memstats_sample {
	uint64_t ms;		      /* since memstats_open() */
	uint64_t resident, anonymous; /* bytes of memory */
	uint64_t heap;		      /* bytes that malloc(3) has given out */
	uint64_t database; /* bytes of the mapped file that are resident */
};

struct memstats;

/* "100ms", "2s", or plain digits, which are milliseconds.  -EINVAL; so are 0
 * and more than an hour. */
int memstats_interval(struct span s, unsigned *ret_ms) MUST_CHECK;
/* Creates or empties the file; mapped is how the path of the mapped file ends
 * that is counted apart.  The system's errors. */
int memstats_open(const char *file, unsigned interval_ms, const char *mapped,
    struct memstats **ret, struct error *err) MUST_CHECK;
int memstats_begin(struct memstats *m, struct error *err) MUST_CHECK;
/* The table's file, absolute, and its interval: to begin one anew there. */
const char *memstats_file(const struct memstats *m);
unsigned memstats_interval_ms(const struct memstats *m);
/* The first failure to sample or to write, or 0.  Does nothing where
 * memstats_begin() has not been called here.  NULL is fine. */
int memstats_end(struct memstats *m, struct error *err) MUST_CHECK;
/* NULL is fine. */
void memstats_close(struct memstats *m);

/* One sample of this process, all but ms.  Allocates nothing. */
int memstats_take(const char *mapped, struct memstats_sample *ret) MUST_CHECK;

#endif
