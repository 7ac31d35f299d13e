#include "algebra/depends.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>

#include "store/package.h"

/* Writes all alternatives of a field, or what is wrong with it. */
static void
describe(const char *field, struct buf *b)
{
	struct span rest = span_of(field);
	const char *why = NULL;
	struct dep d;
	int r;

	buf_clear(b);
	while ((r = dep_next(&rest, &d, &why)) > 0) {
		assert_int_equal(dep_add_text(&d, b), 0);
		if (d.architectures.len > 0)
			(void)buf_addf(b, " [%.*s]", SPAN_ARG(d.architectures));
		if (d.profiles.len > 0)
			(void)buf_addf(b, " %.*s", SPAN_ARG(d.profiles));
		(void)buf_add_char(b, d.more ? '|' : ',');
	}
	if (r < 0) {
		assert_int_equal(r, -EBADMSG);
		(void)buf_addf(b, "!%s", why);
	}
	(void)buf_add_str(b, "");
}

static void
test_next_reads(void **state)
{
	static const struct {
		const char *field, *want;
	} t[] = {
	    {"", ""},
	    {"  \n ", ""},
	    {"a", "a,"},
	    {"a,", "a,"},
	    {"a, b|c ,d", "a,b|c,d,"},
	    {"a (>= 1.0), b(<<2)", "a (>= 1.0),b (<< 2),"},
	    {"a ( = 1:2.3-4~5+b1 )", "a (= 1:2.3-4~5+b1),"},
	    {"a (<< 1) | a (>> 2)", "a (<< 1)|a (>> 2),"},
	    {"a (<= 1), b (=1)", "a (<= 1),b (= 1),"},
	    /* As dpkg and apt read them. */
	    {"a (< 1), b (> 1), c (1)", "a (<= 1),b (>= 1),c (= 1),"},
	    {"python3:any (>= 3~), gcc:native, x:i386",
		"python3:any (>= 3~),gcc:native,x:i386,"},
	    {"a [amd64  i386], b (>= 1) [!hurd-any] <!nocheck>",
		"a [amd64  i386],b (>= 1) [!hurd-any] <!nocheck>,"},
	    {"a <!x y> <z>, b <c>|d", "a <!x y> <z>,b <c>|d,"},
	    {"a\n (>= 1)\n | b,\n c\n", "a (>= 1)|b,c,"},
	    {"librust-a+b-dev (= 1.2)", "librust-a+b-dev (= 1.2),"},
	};
	CLEANUP(buf_release) struct buf b = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		describe(t[i].field, &b);
		assert_string_equal(b.ptr, t[i].want);
	}
}

static void
test_next_refuses(void **state)
{
	static const struct {
		const char *field, *want;
	} t[] = {
	    {",", "!a name is missing"},
	    {"a, , b", "a,!a name is missing"},
	    {"a | , b", "a|!a name is missing"},
	    {"a |", "!a name is missing"},
	    {"a b", "!a comma is missing"},
	    {"a (1) b", "!a comma is missing"},
	    {"a (>= 1", "!( without )"},
	    {"a (>= )", "!a version is missing"},
	    {"a ()", "!a version is missing"},
	    {"a (== 1)", "!unknown operator"},
	    {"a (=> 1)", "!unknown operator"},
	    {"a (<> 1)", "!unknown operator"},
	    {"a (>= 1 2)", "!a version has a forbidden byte"},
	    {"a (>= ${binary:Version})", "!a version has a forbidden byte"},
	    {"${misc:Depends}", "!a name has a forbidden byte"},
	    {"(>= 1)", "!a name has a forbidden byte"},
	    {"a)", "!a name has a forbidden byte"},
	    {"caf\xc3\xa9", "!a name has a forbidden byte"},
	    {"a:", "!nothing follows the colon"},
	    {"a [amd64", "![ without ]"},
	    {"a [ ]", "![ ] is empty"},
	    {"a <x", "!< without >"},
	    {"a <>", "!< > is empty"},
	};
	CLEANUP(buf_release) struct buf b = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		describe(t[i].field, &b);
		if (strcmp(b.ptr, t[i].want) != 0)
			print_error("%s\n", t[i].field);
		assert_string_equal(b.ptr, t[i].want);
	}
}

static void
test_next_limits(void **state)
{
	CLEANUP(buf_release) struct buf field = {0};
	CLEANUP(buf_release) struct buf b = {0};

	(void)state;
	for (size_t i = 0; i < DEP_TOKEN_MAX; i++)
		assert_int_equal(buf_add_char(&field, 'a'), 0);
	describe(field.ptr, &b);
	assert_int_equal(b.len, DEP_TOKEN_MAX + 1);
	assert_int_equal(buf_add_char(&field, 'a'), 0);
	describe(field.ptr, &b);
	assert_string_equal(b.ptr, "!a name is too long");
	buf_clear(&field);
	for (size_t i = 0; i < 20000; i++)
		assert_int_equal(buf_add_str(&field, "a (>= 1) | "), 0);
	assert_int_equal(buf_add_str(&field, "b"), 0);
	describe(field.ptr, &b);
	assert_int_equal(b.len, 20000 * strlen("a (>= 1)|") + 2);
}

/* The only alternative of a field. */
static struct dep
dep_of(const char *field)
{
	struct span rest = span_of(field);
	const char *why;
	struct dep d;

	assert_int_equal(dep_next(&rest, &d, &why), 1);
	assert_int_equal(rest.len, 0);
	return d;
}

static void
test_version_ok(void **state)
{
	static const struct {
		const char *dep, *version;
		bool ok;
	} t[] = {
	    {"a", "1", true},
	    {"a", "", true},
	    {"a (>= 1)", "", false},
	    {"a (<< 1)", "", false},
	    {"a (<< 1)", "1~rc1", true},
	    {"a (<< 1)", "1", false},
	    {"a (<= 1)", "1-0", true},
	    {"a (<= 1)", "1-1", false},
	    {"a (= 0:1)", "1", true},
	    {"a (= 1)", "1:1", false},
	    {"a (>= 1)", "1", true},
	    {"a (>= 1)", "1~", false},
	    {"a (>> 1)", "1", false},
	    {"a (>> 1)", "1+b1", true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct dep d = dep_of(t[i].dep);

		assert_int_equal(
		    dep_version_ok(&d, span_of(t[i].version)), t[i].ok);
	}
}

static void
test_concerns(void **state)
{
	static const struct {
		const char *dep, *arch;
		bool yes;
	} t[] = {
	    {"a", "amd64", true},
	    {"a [amd64]", "amd64", true},
	    {"a [i386 amd64]", "amd64", true},
	    {"a [i386]", "amd64", false},
	    {"a [!i386]", "amd64", true},
	    {"a [!i386 !amd64]", "amd64", false},
	    {"a [linux-any]", "amd64", true},
	    {"a [linux-any]", "kfreebsd-amd64", false},
	    {"a [!linux-any]", "hurd-i386", true},
	    {"a [any-amd64]", "kfreebsd-amd64", true},
	    {"a [any-amd64]", "x32", true},
	    {"a [any-arm]", "armhf", true},
	    {"a [any-arm]", "arm64", false},
	    {"a [any]", "hurd-i386", true},
	    {"a [any-i386]", "hurd-i386", true},
	    {"a [hurd-any]", "hurd-i386", true},
	    {"a [musl-any-any]", "musl-linux-amd64", true},
	    {"a [musl-any-any]", "amd64", false},
	    {"a [gnu-any-any]", "amd64", true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct dep d = dep_of(t[i].dep);

		assert_int_equal(
		    dep_concerns(&d, span_of(t[i].arch)), t[i].yes);
	}
}

static void
test_in_profiles(void **state)
{
	CLEANUP(strs_release) struct strs active = {0};
	static const struct {
		const char *dep;
		bool none, cross;
	} t[] = {
	    {"a", true, true},
	    {"a <!nocheck>", true, true},
	    {"a <cross>", false, true},
	    {"a <!cross>", true, false},
	    {"a <!nocheck !cross>", true, false},
	    {"a <!nocheck cross>", false, true},
	    {"a <stage1> <cross>", false, true},
	    {"a <stage1> <!cross>", true, false},
	};

	(void)state;
	assert_int_equal(strs_add(&active, SPAN("cross")), 0);
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct dep d = dep_of(t[i].dep);

		assert_int_equal(dep_in_profiles(&d, NULL), t[i].none);
		assert_int_equal(dep_in_profiles(&d, &active), t[i].cross);
	}
}

static void
test_met_by_package(void **state)
{
	/* On amd64.  The package is p 1.0, of the architecture, Multi-Arch and
	 * Provides given. */
	static const struct {
		const char *dep, *arch, *multi_arch, *provides;
		bool met;
	} t[] = {
	    {"p", "amd64", "", "", true},
	    {"p", "all", "", "", true},
	    {"p", "i386", "", "", false},
	    {"p", "i386", "same", "", false},
	    {"p", "i386", "foreign", "", true},
	    {"p", "i386", "allowed", "", false},
	    {"p:any", "amd64", "", "", false},
	    {"p:any", "amd64", "foreign", "", false},
	    {"p:any", "amd64", "allowed", "", true},
	    {"p:any", "i386", "allowed", "", true},
	    {"p:any", "all", "allowed", "", true},
	    {"p:native", "amd64", "", "", true},
	    {"p:native", "i386", "", "", false},
	    {"p:native", "i386", "foreign", "", false},
	    {"p:native", "amd64", "foreign", "", true},
	    {"p:i386", "i386", "", "", true},
	    {"p:i386", "amd64", "foreign", "", false},
	    {"p:i386", "all", "", "", false},
	    {"p:amd64", "all", "", "", true},
	    {"p (>= 2)", "amd64", "", "p (= 3)", true},
	    {"v", "amd64", "", "v", true},
	    {"v (>= 1)", "amd64", "", "v", false},
	    {"v (>= 1)", "amd64", "", "x, v (= 1.5)", true},
	    {"v (>= 2)", "amd64", "", "v (= 1.5)", false},
	    {"v", "amd64", "", "v (>= 1)", false},
	    {"v", "i386", "", "v", false},
	    {"v", "i386", "foreign", "v", true},
	    {"v:any", "i386", "allowed", "v", true},
	    {"v:any", "amd64", "", "v", false},
	    {"v:any", "amd64", "", "v:any", true},
	    {"v", "amd64", "", "v:any", false},
	    {"v", "i386", "", "v:amd64", true},
	    {"v:i386", "amd64", "", "v:i386", true},
	    {"v:i386 (>= 2)", "i386", "", "v (= 3)", true},
	    {"v:amd64 (>> 1)", "amd64", "", "v (= 1)", false},
	    {"v", "amd64", "", "x y, v", false},
	    {"w", "amd64", "", "v", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct dep d = dep_of(t[i].dep);
		struct light l = {
		    .name = SPAN("p"),
		    .version = SPAN("1.0"),
		    .architecture = span_of(t[i].arch),
		    .multi_arch = span_of(t[i].multi_arch),
		};

		l.relations[REL_PROVIDES] = span_of(t[i].provides);
		if (dep_met_by_package(&d, &l, SPAN("amd64")) != t[i].met)
			print_error("%s by %s %s, provides %s\n", t[i].dep,
			    t[i].arch, t[i].multi_arch, t[i].provides);
		assert_int_equal(
		    dep_met_by_package(&d, &l, SPAN("amd64")), t[i].met);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_next_reads),
	    cmocka_unit_test(test_next_refuses),
	    cmocka_unit_test(test_next_limits),
	    cmocka_unit_test(test_version_ok),
	    cmocka_unit_test(test_concerns),
	    cmocka_unit_test(test_in_profiles),
	    cmocka_unit_test(test_met_by_package),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
