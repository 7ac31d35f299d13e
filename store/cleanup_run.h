#ifndef STORE_CLEANUP_RUN_H
#define STORE_CLEANUP_RUN_H

/* What the parts of one cleanup share: private to store/cleanup*.c. */

#include "store/cleanup.h"
#include "store/reach.h"

struct cleanup {
	struct store *store;
	const struct cleanup_opts *opts;
	struct reach reach;
	struct cleanup_result *result;
	/* Dictionaries that stanzas which stay need; all of them where some
	 * stanza can't be read. */
	struct bits dicts;
	bool all_dicts;
	struct error *err;
};

/* -EINTR where it is to stop. */
int cleanup_stopped(const struct cleanup *c) MUST_CHECK;
/* Gives blobs that stay, but whose packages all go, another package of those
 * that have them. */
int cleanup_sources(struct cleanup *c) MUST_CHECK;
int cleanup_records(struct cleanup *c) MUST_CHECK;
int cleanup_files(struct cleanup *c) MUST_CHECK;
int cleanup_downloads(struct cleanup *c) MUST_CHECK;

#endif
