#ifndef TESTS_STORE_FIXTURE_H
#define TESTS_STORE_FIXTURE_H

/* A directory in which a store can be, or anything else. */

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/store.h"
#include "store/txn.h"

#define MIB ((size_t)1 << 20)

struct fixture {
	char top[64]; /* scratch directory */
	char dir[80]; /* the store */
	char data[96];
	struct error err;
};

static inline int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f)
		return -1;
	strcpy(f->top, "/tmp/test_store.XXXXXX");
	if (!mkdtemp(f->top))
		return -1;
	(void)snprintf(f->dir, sizeof(f->dir), "%s/a/store", f->top);
	(void)snprintf(f->data, sizeof(f->data), "%s/db/data.mdb", f->dir);
	*state = f;
	return 0;
}

static inline int
teardown(void **state)
{
	struct fixture *f = *state;
	char cmd[128];

	(void)snprintf(cmd, sizeof(cmd), "rm -rf '%s'", f->top);
	free(f);
	return system(cmd);
}

static inline struct store *
must_open(struct fixture *f, unsigned flags)
{
	struct store *s = NULL;
	int r = store_open(f->dir, flags, 4 * MIB, &s, &f->err);

	if (r != 0)
		fail_msg("store_open: %d: %s", r, f->err.text);
	return s;
}

static inline void
must_fail(struct fixture *f, unsigned flags, int want, const char *text)
{
	struct store *s = NULL;

	f->err.text[0] = '\0';
	assert_int_equal(store_open(f->dir, flags, 4 * MIB, &s, &f->err), want);
	assert_null(s);
	if (!strstr(f->err.text, text))
		fail_msg("\"%s\" is not in \"%s\"", text, f->err.text);
	assert_non_null(strstr(f->err.text, f->dir));
}

struct put {
	enum table table;
	const char *key;
	size_t len;
	unsigned times;
	bool drop; /* again, in the same transaction */
};

static inline int
put(struct txn *t, void *arg, struct error *err)
{
	const struct put *p = arg;
	char *bytes = calloc(1, p->len);
	int r = bytes ? 0 : -ENOMEM;

	(void)err;
	for (unsigned i = 0; i < p->times && r == 0; i++) {
		char key[32];
		int len = snprintf(key, sizeof(key), "%s%u", p->key, i);

		r = txn_put(t, p->table, key, (size_t)len,
		    (struct span){bytes, p->len});
		if (r == 0 && p->drop)
			r = txn_del(t, p->table, key, (size_t)len);
	}
	free(bytes);
	return r;
}

static inline void
must_put(struct fixture *f, struct store *s, struct put p)
{
	int r = store_write(s, put, &p, &f->err);

	if (r != 0)
		fail_msg("store_write: %d: %s", r, f->err.text);
}

static inline void
make_dir(struct fixture *f)
{
	char path[96];

	(void)snprintf(path, sizeof(path), "%s/a", f->top);
	assert_int_equal(mkdir(path, 0755), 0);
	assert_int_equal(mkdir(f->dir, 0755), 0);
}

static inline void
write_file(const char *path, const char *bytes, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), len);
	(void)close(fd);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

#endif
