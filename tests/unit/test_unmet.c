#include "algebra/unmet.h"

#include <errno.h>

#include "algebra/candidates.h"
#include "packages_fixture.h"

/* What was told: "dependency [arch]: asker(field) ...;" and faults. */
struct told {
	struct buf rows, faults;
};

static void
told_release(struct told *t)
{
	buf_release(&t->rows);
	buf_release(&t->faults);
}

static int
tell_row(const struct unmet *u, void *arg)
{
	struct told *t = arg;

	(void)buf_addf(&t->rows, "%.*s [%.*s]", SPAN_ARG(u->dependency),
	    SPAN_ARG(u->architecture));
	for (size_t i = 0; i < u->naskers; i++)
		(void)buf_addf(&t->rows, " %.*s(%s)",
		    SPAN_ARG(u->askers[i].package),
		    relation_field[u->askers[i].relation]);
	return buf_add_char(&t->rows, ';');
}

static void
tell_fault(const struct unmet_fault *f, void *arg)
{
	struct told *t = arg;

	(void)buf_addf(&t->faults, "%.*s %s: %s (%.*s);", SPAN_ARG(f->package),
	    f->field, f->why, SPAN_ARG(f->group));
}

static int
find(struct scratch *s, struct unmet_opts opts, struct told *told,
    struct error *err)
{
	static const struct strs any = {0};
	struct txn *t = scratch_read(s);
	int r;

	if (!opts.architectures)
		opts.architectures = &any;
	opts.fn = tell_row;
	opts.fault = tell_fault;
	opts.arg = told;
	r = unmet_find(t, &opts, err);
	txn_end(t);
	return r;
}

static void
check(struct scratch *s, struct unmet_opts opts, int rows, const char *want)
{
	CLEANUP(told_release) struct told told = {0};
	struct error err = {""};

	assert_int_equal(find(s, opts, &told, &err), rows);
	assert_string_equal(told.rows.ptr ? told.rows.ptr : "", want);
	assert_int_equal(told.faults.len, 0);
}

static void
test_find_rows(void **state)
{
	CLEANUP(state_release) struct state st = {0};
	CLEANUP(state_release) struct state more = {0};
	const struct state *sources[] = {&more};

	packages_add_list(*state, &st, "amd64", PACKAGE_BINARY,
	    "a 1 amd64|Depends: b / c (>= 2), d|Recommends: r\n"
	    "b 1 arm64\n"
	    "d 1 all|Pre-Depends: f|Depends: f\n");
	packages_add_list(*state, &st, "arm64", PACKAGE_BINARY,
	    "d 1 all|Pre-Depends: f|Depends: f\n"
	    "f 1 arm64\n");
	packages_add_list(*state, &more, "amd64", PACKAGE_BINARY,
	    "c 2 amd64\nf 1 amd64|Depends: not-asked\n");
	check(*state, (struct unmet_opts){.state = &st}, 3,
	    "b [amd64];c (>= 2) [amd64];f [amd64];");
	check(*state, (struct unmet_opts){.state = &st, .why = true}, 3,
	    "b [amd64] a_1_amd64(Depends);"
	    "c (>= 2) [amd64] a_1_amd64(Depends);"
	    "f [amd64] d_1_all(Pre-Depends) d_1_all(Depends);");
	check(*state,
	    (struct unmet_opts){
		.state = &st, .sources = sources, .nsources = 1},
	    0, "");
	check(*state,
	    (struct unmet_opts){.state = &st,
		.sources = sources,
		.nsources = 1,
		.recommends = true,
		.all_variants = true,
		.why = true},
	    2, "b [amd64] a_1_amd64(Depends);r [amd64] a_1_amd64(Recommends);");
}

/* What stands in a list for all architectures is asked for each of them; udebs
 * are a world of their own. */
static void
test_find_in_lists_for_all(void **state)
{
	CLEANUP(state_release) struct state st = {0};
	CLEANUP(strs_release) struct strs archs = {0};

	packages_add_list(
	    *state, &st, "all", PACKAGE_BINARY, "p 1 all|Depends: q\n");
	packages_add_list(*state, &st, "amd64", PACKAGE_BINARY, "q 1 amd64\n");
	packages_add_list(*state, &st, "arm64", PACKAGE_BINARY, "");
	packages_add_list(*state, &st, "amd64", PACKAGE_UDEB,
	    "u 1 amd64|Depends: q, p / u\n");
	check(*state, (struct unmet_opts){.state = &st, .why = true}, 2,
	    "q [amd64] u_1_amd64(Depends);q [arm64] p_1_all(Depends);");
	assert_int_equal(strs_add(&archs, SPAN("arm64")), 0);
	check(*state,
	    (struct unmet_opts){.state = &st, .architectures = &archs}, 1,
	    "q [arm64];");
}

/* Each field at fault is told of once, however many lists have the package. */
static void
test_find_faults(void **state)
{
	static const char lines[] = "x 1 all|Depends: b c, ok, , d (1|"
				    "Provides: ok, (\n"
				    "y 1 all|Depends: b c\n";
	CLEANUP(state_release) struct state st = {0};
	CLEANUP(told_release) struct told told = {0};
	struct error err = {""};

	packages_add_list(*state, &st, "amd64", PACKAGE_BINARY, lines);
	packages_add_list(*state, &st, "arm64", PACKAGE_BINARY, lines);
	assert_int_equal(
	    find(*state, (struct unmet_opts){.state = &st}, &told, &err), 0);
	assert_string_equal(told.faults.ptr,
	    "x_1_all Provides: a name has a forbidden byte (ok, ();"
	    "x_1_all Depends: a comma is missing (b c);"
	    "x_1_all Depends: a name is missing ();"
	    "x_1_all Depends: ( without ) (d (1);"
	    "y_1_all Depends: a comma is missing (b c);");
}

static void
test_find_limits_architectures(void **state)
{
	CLEANUP(state_release) struct state st = {0};
	CLEANUP(told_release) struct told told = {0};
	CLEANUP(buf_release) struct buf lines = {0};
	struct error err = {""};

	for (int i = 0; i < CANDIDATES_MAX_ARCHES; i++)
		(void)buf_addf(&lines, "p 1 a%d|Depends: q\n", i);
	packages_add_list(*state, &st, "", PACKAGE_BINARY, lines.ptr);
	assert_int_equal(
	    find(*state, (struct unmet_opts){.state = &st}, &told, &err),
	    CANDIDATES_MAX_ARCHES);
	packages_add_list(*state, &st, "", PACKAGE_BINARY, "p 1 b\n");
	assert_int_equal(
	    find(*state, (struct unmet_opts){.state = &st}, &told, &err),
	    -E2BIG);
	assert_string_equal(err.text, "more than 64 architectures");
}

static int
take_a_package_away(struct txn *t, void *arg, struct error *err)
{
	struct key64 k = key64(2);

	(void)arg, (void)err;
	return txn_del(t, T_LIGHT, k.byte, sizeof(k.byte));
}

static void
test_find_damage(void **state)
{
	CLEANUP(state_release) struct state st = {0};
	CLEANUP(told_release) struct told told = {0};
	struct error err = {""};

	packages_add_list(
	    *state, &st, "amd64", PACKAGE_BINARY, "a 1 amd64\nb 1 amd64\n");
	scratch_write(*state, take_a_package_away, NULL);
	assert_int_equal(
	    find(*state, (struct unmet_opts){.state = &st}, &told, &err), -EIO);
	assert_true(err.text[0] != '\0');
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    scratch_test(test_find_rows),
	    scratch_test(test_find_in_lists_for_all),
	    scratch_test(test_find_faults),
	    scratch_test(test_find_limits_architectures),
	    scratch_test(test_find_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
