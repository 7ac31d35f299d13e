#ifndef TESTS_SCRATCH_STORE_H
#define TESTS_SCRATCH_STORE_H

/* A store in a directory of its own for one test, and a walk through a write
 * transaction; cmocka setup and teardown. */

#include <assert.h>
#include <ftw.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <setjmp.h>
/* cmocka.h wants the above. */
#include <cmocka.h>

#include "store/txn.h"

struct scratch {
	char dir[64];
	char store_dir[80];
	struct store *store;
};

static inline int
scratch_remove_one(
    const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st, (void)flag, (void)ftw;
	return remove(path);
}

static inline int
scratch_setup(void **state)
{
	struct scratch *s = calloc(1, sizeof(*s));
	struct error err;

	assert_non_null(s);
	(void)snprintf(s->dir, sizeof(s->dir), "/tmp/suitefs-test-XXXXXX");
	assert_non_null(mkdtemp(s->dir));
	(void)snprintf(s->store_dir, sizeof(s->store_dir), "%s/store", s->dir);
	assert_int_equal(
	    store_open(s->store_dir, STORE_CREATE, 0, &s->store, &err), 0);
	*state = s;
	return 0;
}

static inline int
scratch_teardown(void **state)
{
	struct scratch *s = *state;

	store_close(s->store);
	assert_int_equal(
	    nftw(s->dir, scratch_remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
	free(s);
	return 0;
}

#define scratch_test(fn)                                                       \
	cmocka_unit_test_setup_teardown(fn, scratch_setup, scratch_teardown)

/* Runs a step that takes a transaction and an argument, and commits. */
static inline void
scratch_write(struct scratch *s, txn_fn *fn, void *arg)
{
	struct error err = {""};
	int r = store_write(s->store, fn, arg, &err);

	if (r < 0)
		fail_msg("store_write: %d %s", r, err.text);
}

static inline struct txn *
scratch_read(struct scratch *s)
{
	struct txn *t = NULL;
	struct error err;

	assert_int_equal(txn_read(s->store, &t, &err), 0);
	return t;
}

#endif
