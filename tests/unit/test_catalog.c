#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
/* cmocka.h wants the above. */
#include <cmocka.h>

#include "fs/catalog.h"

static struct catalog *
begin(void)
{
	struct catalog *c = NULL;

	assert_int_equal(catalog_new(&c), 0);
	return c;
}

static void
add(struct catalog *c, const char *path, uint64_t ref, int expected)
{
	int r = catalog_add(c, span_of(path), ref);

	if (r != expected)
		fail_msg("%s: %d, not %d", path, r, expected);
}

/* The reference of a file, or 0. */
static uint64_t
ref_of(const struct catalog *c, const char *dir, const char *name)
{
	struct catalog_entry e;
	uint32_t d = catalog_find_dir(c, span_of(dir));

	if (d == CATALOG_NONE || !catalog_lookup(c, d, span_of(name), &e))
		return 0;
	assert_false(e.is_dir);
	return e.ref;
}

static void
test_catalog_add_finds(void **state)
{
	struct catalog *c = begin();
	struct catalog_entry e;

	(void)state;
	add(c, "pool/main/a/apt/apt_1_amd64.deb", 1, 0);
	add(c, "pool/main/a/apt/apt_1_i386.deb", 2, 0);
	add(c, "pool/main/b/bash/bash_1_amd64.deb", 3, 0);
	add(c, "README", 4, 0);
	add(c, "README", 4, 0);
	assert_int_equal(catalog_end(c, NULL), 0);

	assert_int_equal(ref_of(c, "pool/main/a/apt", "apt_1_amd64.deb"), 1);
	assert_int_equal(ref_of(c, "pool/main/a/apt", "apt_1_i386.deb"), 2);
	assert_int_equal(ref_of(c, "", "README"), 4);
	assert_int_equal(ref_of(c, "pool/main/a/apt", "apt"), 0);
	assert_int_equal(ref_of(c, "pool/main", "README"), 0);
	assert_int_equal(
	    catalog_find_dir(c, SPAN("pool/main/c")), CATALOG_NONE);
	assert_int_equal(catalog_find_dir(c, SPAN("README")), CATALOG_NONE);
	assert_true(catalog_lookup(c, 0, SPAN("pool"), &e));
	assert_true(e.is_dir);
	assert_int_equal(e.dir, 1);
	assert_false(catalog_lookup(c, 99, SPAN("pool"), &e));
	assert_int_equal(catalog_dirs(c), 7);
	catalog_free(c);
}

static void
test_catalog_dirs_know_each_other(void **state)
{
	struct catalog *c = begin();
	uint32_t dir, again;

	(void)state;
	assert_int_equal(catalog_add_dir(c, SPAN("dists/stable"), &dir), 0);
	assert_int_equal(dir, 2);
	assert_int_equal(catalog_add_dir(c, SPAN("dists/stable"), &again), 0);
	assert_int_equal(again, dir);
	assert_int_equal(catalog_add_dir(c, SPAN("dists/a/b"), &dir), 0);
	assert_int_equal(catalog_add_dir(c, SPAN(""), &again), 0);
	assert_int_equal(again, 0);
	assert_int_equal(catalog_end(c, NULL), 0);

	assert_int_equal(catalog_parent(c, dir), 3);
	assert_int_equal(catalog_parent(c, 2), 1);
	assert_int_equal(catalog_parent(c, 0), 0);
	assert_int_equal(catalog_subdirs(c, 1), 2);
	assert_int_equal(catalog_subdirs(c, dir), 0);
	assert_int_equal(catalog_find_dir(c, SPAN("dists/a/b")), dir);
	catalog_free(c);
}

static void
test_catalog_reserve_dir_keeps_indexes(void **state)
{
	(void)state;
	for (int filled = 0; filled < 2; filled++) {
		struct catalog *c = begin();
		uint32_t dir, subdirs = filled ? 1 : 0;

		add(c, "dists/Release", 1, 0);
		assert_int_equal(
		    catalog_reserve_dir(c, SPAN("dists/main/i18n")), 0);
		if (filled)
			add(c, "dists/main/i18n/Translation-en", 2, 0);
		add(c, "pool/a", 3, 0);
		assert_int_equal(
		    catalog_reserve_dir(c, SPAN("pool/a")), -ENOTDIR);
		assert_int_equal(catalog_end(c, NULL), 0);

		assert_int_equal(catalog_find_dir(c, SPAN("pool")), 4);
		dir = catalog_find_dir(c, SPAN("dists/main/i18n"));
		assert_int_equal(dir, filled ? 3 : CATALOG_NONE);
		assert_int_equal(catalog_subdirs(c, 1), subdirs);
		assert_int_equal(ref_of(c, "dists", "Release"), 1);
		assert_int_equal(ref_of(c, "pool", "a"), 3);
		catalog_free(c);
	}
}

static void
test_catalog_add_refuses(void **state)
{
	struct catalog *c = begin();
	char longest[300];

	(void)state;
	add(c, "a/b", 1, 0);
	add(c, "a/b/c", 2, -ENOTDIR);
	add(c, "a", 3, -EISDIR);
	add(c, "a/..", 4, -EINVAL);
	add(c, "../x", 5, -EINVAL);
	add(c, "a//x", 6, -EINVAL);
	add(c, "a/", 7, -EINVAL);
	(void)memset(longest, 'x', sizeof(longest));
	longest[256] = '\0';
	add(c, longest, 8, -EINVAL);
	longest[255] = '\0';
	add(c, longest, 9, 0);
	assert_int_equal(catalog_end(c, NULL), 0);
	assert_int_equal(ref_of(c, "a", "b"), 1);
	assert_int_equal(ref_of(c, "", longest), 9);
	catalog_free(c);
}

/* Files are the same where their references are a hundred apart. */
static int
same(void *arg, uint64_t first, uint64_t other)
{
	(void)arg;
	return first % 100 == other % 100;
}

struct clashes {
	unsigned n;
	int answer;
	char path[64];
	uint64_t first, other;
};

static int
clash(void *arg, struct span path, uint64_t first, uint64_t other)
{
	struct clashes *c = arg;

	c->n++;
	(void)snprintf(c->path, sizeof(c->path), "%.*s", SPAN_ARG(path));
	c->first = first;
	c->other = other;
	return c->answer;
}

static void
test_catalog_end_judges(void **state)
{
	struct clashes seen = {0};
	struct catalog_judge judge = {same, clash, &seen};
	struct catalog *c = begin();

	(void)state;
	add(c, "pool/a/x", 1, 0);
	add(c, "pool/a/x", 101, 0);
	add(c, "pool/a/y", 2, 0);
	add(c, "pool/a/y", 3, 0);
	assert_int_equal(catalog_end(c, &judge), 0);
	assert_int_equal(seen.n, 1);
	assert_string_equal(seen.path, "pool/a/y");
	assert_int_equal(seen.first, 2);
	assert_int_equal(seen.other, 3);
	assert_int_equal(ref_of(c, "pool/a", "x"), 1);
	assert_int_equal(ref_of(c, "pool/a", "y"), 2);
	catalog_free(c);
}

static void
test_catalog_end_stops_at_errors(void **state)
{
	struct clashes seen = {.answer = -EEXIST};
	struct catalog_judge judge = {same, clash, &seen};
	struct catalog *c = begin();

	(void)state;
	add(c, "x", 1, 0);
	add(c, "x", 2, 0);
	add(c, "x", 3, 0);
	assert_int_equal(catalog_end(c, &judge), -EEXIST);
	assert_int_equal(seen.n, 1);
	assert_string_equal(seen.path, "x");
	catalog_free(c);
}

/* Many names in one directory and many directories; each is listed once. */
static void
test_catalog_at_lists_all(void **state)
{
	enum { N = 5000 };
	static bool listed[N];
	struct catalog *c = begin();
	struct catalog_entry e;
	char path[64];

	(void)state;
	for (unsigned i = 0; i < N; i++) {
		unsigned n = i * 2654435761U % N; /* in no order */
		(void)snprintf(path, sizeof(path), "all/%u", n);
		if (catalog_add(c, span_of(path), n + 1) < 0)
			fail_msg("%s", path);
		(void)snprintf(path, sizeof(path), "each/%u/x", i);
		add(c, path, i + 1, 0);
	}
	assert_int_equal(catalog_end(c, NULL), 0);
	uint32_t all = catalog_find_dir(c, SPAN("all"));
	for (uint64_t i = 0; catalog_at(c, all, i, &e); i++) {
		assert_false(listed[e.ref - 1]);
		listed[e.ref - 1] = true;
	}
	for (unsigned i = 0; i < N; i++) {
		(void)snprintf(path, sizeof(path), "%u", i);
		assert_int_equal(ref_of(c, "all", path), listed[i] ? i + 1 : 0);
		(void)snprintf(path, sizeof(path), "each/%u", i);
		assert_int_equal(ref_of(c, path, "x"), i + 1);
	}
	assert_int_equal(
	    catalog_subdirs(c, catalog_find_dir(c, SPAN("each"))), N);
	assert_false(catalog_at(c, all, UINT64_MAX, &e));
	assert_false(catalog_at(c, CATALOG_NONE, 0, &e));
	assert_in_range(catalog_bytes(c), N * 16, N * 100);
	catalog_free(c);
}

static void
test_catalog_of_nothing(void **state)
{
	struct catalog *c = begin();
	struct catalog_entry e;

	(void)state;
	assert_int_equal(catalog_end(c, NULL), 0);
	assert_int_equal(catalog_dirs(c), 1);
	assert_false(catalog_at(c, 0, 0, &e));
	assert_false(catalog_lookup(c, 0, SPAN("x"), &e));
	catalog_free(c);
	catalog_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_catalog_add_finds),
	    cmocka_unit_test(test_catalog_dirs_know_each_other),
	    cmocka_unit_test(test_catalog_reserve_dir_keeps_indexes),
	    cmocka_unit_test(test_catalog_add_refuses),
	    cmocka_unit_test(test_catalog_end_judges),
	    cmocka_unit_test(test_catalog_end_stops_at_errors),
	    cmocka_unit_test(test_catalog_at_lists_all),
	    cmocka_unit_test(test_catalog_of_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
