#ifndef FS_RESTARTS_H
#define FS_RESTARTS_H

/*
 * How often a worker is started again: so many times at once, and one more for
 * each RESTARTS_REGAIN_MS that pass.  Pure; times are milliseconds of a clock
 * that doesn't jump.
 */

#include <stdbool.h>
#include <stdint.h>

#define RESTARTS_DEFAULT   10
#define RESTARTS_MAX	   1000
#define RESTARTS_REGAIN_MS 1000
#define RESTARTS_DELAY_MS  50

struct restarts {
	unsigned limit, left;
	int64_t since; /* when left was counted */
};

void restarts_init(struct restarts *r, unsigned limit, int64_t now_ms);
/* May it be started again?  After *ret_delay_ms: at once, unless it has been
 * before within a short time. */
bool restarts_take(struct restarts *r, int64_t now_ms, int *ret_delay_ms);

#endif
