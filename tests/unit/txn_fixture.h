#ifndef TESTS_TXN_FIXTURE_H
#define TESTS_TXN_FIXTURE_H

/* A store with a map of its own size and a clock that stands still. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "store/store.h"
#include "store/txn.h"

#define MIB ((size_t)1 << 20)

struct fixture {
	char dir[64];
	struct store *s;
	struct error err;
	int64_t now;
};

static inline int64_t
test_clock(void *arg)
{
	return *(const int64_t *)arg;
}

static inline struct store *
open_store(struct fixture *f, unsigned flags, size_t map)
{
	struct store *s = NULL;

	if (store_open(f->dir, flags, map, &s, &f->err) != 0)
		fail_msg("store_open: %s", f->err.text);
	return s;
}

static inline int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f)
		return -1;
	strcpy(f->dir, "/tmp/test_txn.XXXXXX");
	if (!mkdtemp(f->dir))
		return -1;
	f->s = open_store(f, STORE_CREATE, 1 * MIB);
	store_set_clock(f->s, test_clock, &f->now);
	*state = f;
	return 0;
}

static inline int
teardown(void **state)
{
	struct fixture *f = *state;
	char cmd[128];

	store_close(f->s);
	(void)snprintf(cmd, sizeof(cmd), "rm -rf '%s'", f->dir);
	free(f);
	return system(cmd);
}

static inline void
must_write(struct fixture *f, txn_fn *fn, void *arg)
{
	int r = store_write(f->s, fn, arg, &f->err);

	if (r < 0)
		fail_msg("store_write: %d: %s", r, f->err.text);
}

static inline struct txn *
must_read(struct fixture *f)
{
	struct txn *t = NULL;

	if (txn_read(f->s, &t, &f->err) != 0)
		fail_msg("txn_read: %s", f->err.text);
	return t;
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

#endif
