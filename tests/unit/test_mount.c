/* What mounting makes of options, fuse.conf and mountinfo; the mount itself is
 * tested by tests/integration/t-mount.sh. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka.h wants the above. */
#include <cmocka.h>

#include "fs/mount_options.h"
#include "fs/mount_point.h"
#include "fs/restarts.h"
#include "fs/wait_limit.h"

#define ALWAYS "ro,nosuid,nodev,subtype=suitefs,fsname=/store"
#define OTHERS ",allow_other,default_permissions"

static void
test_mount_options_good(void **state)
{
	static const struct {
		const char *given;
		bool allow_other;
		const char *expected;
	} cases[] = {
	    {NULL, false, ALWAYS},
	    {NULL, true, ALWAYS OTHERS},
	    {"", true, ALWAYS OTHERS},
	    /* What mount(8) passes for a line of fstab. */
	    {"rw,nosuid,nodev,noexec,relatime,x-systemd.automount,_netdev,"
	     "nofail,comment=a",
		true, ALWAYS OTHERS},
	    {"dev,suid", false, ALWAYS},
	    {"allow_other", true, ALWAYS ",allow_other"},
	    {"allow_other", false, ALWAYS ",allow_other"},
	    {"restarts=3,fetch_wait=5", false, ALWAYS},
	    {"nopassthrough", false, ALWAYS},
	    {"allow_root,context=a:b:c", true,
		ALWAYS ",allow_root,context=a:b:c"},
	    {",,default_permissions,", false, ALWAYS ",default_permissions"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct mount_wishes wishes = {cases[i].allow_other, "/store"};
		struct buf out = {0};
		struct error err = {""};

		if (mount_options(cases[i].given, &wishes, &out, &err) < 0)
			fail_msg("%s: %s", cases[i].given, err.text);
		assert_string_equal(out.ptr, cases[i].expected);
		buf_release(&out);
	}
}

static void
test_mount_options_unknown(void **state)
{
	static const char *const cases[] = {"nonsense", "ro,allow_others",
	    "fsname=x", "subtype=x", "fd=3", "xattr", "max_read",
	    /* libfuse refuses these, or serves nobody with them. */
	    "max_read=4096", "max_background=10", "congestion_threshold=5"};
	struct mount_wishes wishes = {false, "/store"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf out = {0};
		struct error err = {""};

		assert_int_equal(
		    mount_options(cases[i], &wishes, &out, &err), -EINVAL);
		assert_non_null(strstr(err.text, "unknown mount option"));
		buf_release(&out);
	}
}

static void
test_mount_options_numbers(void **state)
{
	static const struct {
		const char *given;
		int expected;
		unsigned restarts, fetch_wait_s;
	} cases[] = {
	    {NULL, 0, RESTARTS_DEFAULT, 0},
	    {"allow_other,ro", 0, RESTARTS_DEFAULT, 0},
	    {"ro,restarts=0", 0, 0, 0},
	    {"restarts=3,restarts=4", 0, 4, 0},
	    {"restarts=1000", 0, 1000, 0},
	    {"restarts=1001", -EINVAL, 0, 0},
	    {"restarts=", -EINVAL, 0, 0},
	    {"restarts=-1", -EINVAL, 0, 0},
	    {"restarts=x,ro", -EINVAL, 0, 0},
	    {"fetch_wait=30,restarts=1", 0, 1, 30},
	    {"fetch_wait=86401", -EINVAL, 0, 0},
	    {"fetch_wait=1.5", -EINVAL, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct error err = {""};
		struct mount_numbers n = {0};
		int r = mount_options_numbers(cases[i].given, &n, &err);

		if (r != cases[i].expected || n.restarts != cases[i].restarts ||
		    n.fetch_wait_s != cases[i].fetch_wait_s)
			fail_msg("%s: %d, %u, %u", cases[i].given, r,
			    n.restarts, n.fetch_wait_s);
		assert_true((r < 0) == (err.text[0] != '\0'));
	}
}

static void
test_wait_limit(void **state)
{
	static const struct {
		uint64_t chosen_s, default_s, max_s;
		int64_t ms;
	} cases[] = {
	    {0, 0, 0, 0},
	    {7, 0, 0, 7000},
	    {0, 60, 0, 55000},
	    {0, 0, 60, 55000},
	    {0, 600, 60, 55000},
	    {0, 60, 600, 55000},
	    {7, 60, 0, 7000},
	    {100, 60, 0, 55000},
	    /* The kernel takes less for as much. */
	    {0, 1, 0, 10000},
	    {0, 0, 1, 10000},
	    {0, UINT64_MAX, 0, INT64_C(1000) * UINT32_MAX - 5000},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(wait_limit_of(cases[i].chosen_s,
				     cases[i].default_s, cases[i].max_s),
		    cases[i].ms);
}

static void
test_mount_options_escapes_the_store(void **state)
{
	struct mount_wishes wishes = {false, "/a,b\\c"};
	struct buf out = {0};

	(void)state;
	assert_int_equal(mount_options(NULL, &wishes, &out, NULL), 0);
	assert_string_equal(
	    out.ptr, "ro,nosuid,nodev,subtype=suitefs,fsname=/a\\,b\\\\c");
	buf_release(&out);
}

static void
test_fuse_conf(void **state)
{
	static const struct {
		const char *text;
		bool expected;
	} cases[] = {
	    {"", false},
	    {"user_allow_other", true},
	    {"# comment\n\n  user_allow_other \nmount_max = 10\n", true},
	    {"#user_allow_other\n", false},
	    {"user_allow_others\n", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(fuse_conf_allows_other(span_of(cases[i].text)),
		    cases[i].expected);
}

static void
test_mount_line(void **state)
{
	struct mount_line l;

	(void)state;
	assert_int_equal(
	    mount_line_parse(
		SPAN("36 35 0:57 / /mnt/a\\040b ro,nosuid master:1 "
		     "shared:2 - fuse.suitefs /store ro,user_id=0"),
		&l),
	    0);
	assert_true(span_eq(l.device, SPAN("0:57")));
	assert_true(span_eq(l.where, SPAN("/mnt/a\\040b")));
	assert_true(span_eq(l.type, SPAN("fuse.suitefs")));
	assert_int_equal(
	    mount_line_parse(SPAN("1 0 8:1 / / rw - ext4 /dev/sda rw"), &l), 0);
	assert_true(span_eq(l.where, SPAN("/")));
}

static void
test_mount_line_malformed(void **state)
{
	static const char *const cases[] = {"", "36 35 0:57 / /mnt",
	    "36 35 0:57 / /mnt ro shared:1", "36 35 0:57 / /mnt ro -"};
	struct mount_line l;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(
		    mount_line_parse(span_of(cases[i]), &l), -EBADMSG);
}

struct place {
	const char *name, *store;
	int expected;
	const char *words;
};

static void
test_mount_point_check(void **state)
{
	static const struct place cases[] = {
	    {"/nonexistent/mnt", "/store", -ENOENT, "no such directory"},
	    {"/dev/null", "/store", -ENOTDIR, "not a directory"},
	    {"/usr", "/usr", -EINVAL, "is in the store"},
	    {"/usr/bin/..", "/usr", -EINVAL, "is in the store"},
	    {"/usr/lib", "/usr", -EINVAL, "is in the store"},
	    {"/usr", "/usr/store", -EINVAL, "would be hidden"},
	    {"/", "/store", -EINVAL, "would be hidden"},
	    {"/usr", "/us", 0, ""},
	    {"/usr/lib/../", "/usr/store/../../x", -EINVAL, "would be hidden"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct error err = {""};
		char *path = NULL;
		int r = mount_point_check(
		    cases[i].name, cases[i].store, &path, &err);

		if (r != cases[i].expected || !strstr(err.text, cases[i].words))
			fail_msg("%s: %d %s", cases[i].name, r, err.text);
		assert_true((r == 0) == (path != NULL));
		free(path);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_mount_options_good),
	    cmocka_unit_test(test_mount_options_unknown),
	    cmocka_unit_test(test_mount_options_numbers),
	    cmocka_unit_test(test_wait_limit),
	    cmocka_unit_test(test_mount_options_escapes_the_store),
	    cmocka_unit_test(test_fuse_conf),
	    cmocka_unit_test(test_mount_line),
	    cmocka_unit_test(test_mount_line_malformed),
	    cmocka_unit_test(test_mount_point_check),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
