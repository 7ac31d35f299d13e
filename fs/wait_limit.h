#ifndef FS_WAIT_LIMIT_H
#define FS_WAIT_LIMIT_H

/*
 * How long an open may wait for a file that is being fetched.
 *
 * Linux 6.15 and later abort a whole connection, and with it the mount, when
 * one request is not answered in time, where the sysctls
 * fs.fuse.default_request_timeout and fs.fuse.max_request_timeout say so
 * (seconds; 0: never).  They are looked at when a mount begins, by the kernel
 * as by us.  So an open is answered WAIT_LIMIT_BEFORE_MS before that.
 */

#include <stdint.h>

#define WAIT_LIMIT_BEFORE_MS 5000

/*
 * In milliseconds, 0: as long as it takes.  chosen_s is what the user wants, 0:
 * nothing; the others are the two sysctls.  Pure.
 */
int64_t wait_limit_of(uint64_t chosen_s, uint64_t default_s, uint64_t max_s);

/* The same with this machine's. */
int64_t wait_limit_ms(uint64_t chosen_s);

#endif
