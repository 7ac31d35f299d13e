#ifndef FS_PUBLISH_H
#define FS_PUBLISH_H

/*
 * Publishing: makes the state that a publication serves (lists of its
 * sources, compressed forms, Release and signatures, or, verbatim, the
 * source's own state) and flips the publication to it in one transaction.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/progress.h"
#include "store/publication.h"
#include "store/store.h"

struct publish_opts {
	int64_t now; /* seconds since 1970 */
	struct progress *progress;
	/* With publish_update(): make a new Release though nothing changed. */
	bool force;
};

struct publish_result {
	bool changed;
	uint64_t packages; /* count, over all lists */
	unsigned indexes;  /* files that Release lists */
	int64_t date;
	/* A note for the user, or empty: verbatim and older than what stood
	 * there, so that apt ignores it; far ahead of the clock, so that apt
	 * refuses it. */
	char note[256];
};

/*
 * All three: Date is newer than before, and 5 seconds ahead of the clock at
 * most; who publishes so often that it would be more waits up to 10 seconds.
 *
 * Publishes what p describes at (prefix, distribution), which must be free.
 * p's distribution may be NULL: it is then the source's suite.  Fields that
 * are NULL take their defaults; p is completed.  -EEXIST: the place is taken,
 * or two packages claim one path (err names both); -ENOENT: no such source;
 * -EINVAL: sources and components don't fit together, a source has no packages
 * for --arch; signing errors as fs/sign.h.
 */
int publish_new(struct store *s, struct publication *p,
    const struct publish_opts *opts, struct publish_result *ret,
    struct error *err) MUST_CHECK;
/* Points an existing publication at other sources (same kind); components
 * empty: as before. */
int publish_switch(struct store *s, const char *prefix,
    const char *distribution, const struct strs *sources,
    const struct strs *components, const struct publish_opts *opts,
    struct publish_result *ret, struct error *err) MUST_CHECK;
/* Makes it anew where its sources have changed or Valid-Until wants renewing
 * (half of it has passed). */
int publish_update(struct store *s, const char *prefix,
    const char *distribution, const struct publish_opts *opts,
    struct publish_result *ret, struct error *err) MUST_CHECK;

#endif
