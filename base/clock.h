#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

/*
 * The clock that only goes forward: CLOCK_MONOTONIC of clock_gettime(2), since
 * some moment in the past.  It can't fail.  Any thread may ask.
 */

#include <stdint.h>
#include <time.h>

int64_t clock_ns(void);
int64_t clock_ms(void);
int64_t clock_s(void);

/* Later by so many milliseconds. */
struct timespec clock_later(struct timespec then, unsigned ms);
/* So many milliseconds from now, for pthread_cond_clockwait(3). */
struct timespec clock_in(unsigned ms);

#endif
