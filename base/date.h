#ifndef BASE_DATE_H
#define BASE_DATE_H

/* Dates as archives write them; all in seconds since 1970, UTC. */

#include <stdint.h>

#include "base/span.h"

#define DATE_SIZE 40

/*
 * Reads the Date and Valid-Until of a Release file: "Sat, 17 May 2025
 * 09:51:27 UTC" (RFC 5322 form; GMT, Z and +0000 are UTC too, other zones
 * count by their offset), or in asctime(3)'s form without a zone, which apt
 * takes as UTC and some archives write.  -EBADMSG for anything else.
 */
int date_parse(struct span s, int64_t *ret);
/* Writes the form above; returns out. */
char *date_format(int64_t t, char out[DATE_SIZE]);
/* apt's snapshot ID: 20261123T180000Z; returns out. */
char *date_format_id(int64_t t, char out[DATE_SIZE]);
/* ISO 8601 for people and JSON: 2026-11-23T18:00:00Z; returns out. */
char *date_format_iso(int64_t t, char out[DATE_SIZE]);
/* A duration in seconds: "90s", "15m", "12h", "7d", "2w" or sums of them
 * ("1d12h"); plain digits are seconds.  -EINVAL otherwise. */
int duration_parse(struct span s, int64_t *ret);

#endif
