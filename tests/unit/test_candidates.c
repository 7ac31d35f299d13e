#include "algebra/candidates.h"

#include "packages_fixture.h"

static struct dep
dep_of(const char *text)
{
	struct span rest = span_of(text);
	const char *why;
	struct dep d;

	assert_int_equal(dep_next(&rest, &d, &why), 1);
	return d;
}

/* Those that meet it, in order: "a_1_amd64 b_2_all". */
static void
find(const struct candidates *c, const char *text, const char *arch, bool udeb,
    const char *want)
{
	CLEANUP(buf_release) struct buf b = {0};
	struct dep d = dep_of(text);
	struct candidate_walk w;
	struct candidate p;

	candidates_find(c, &d, span_of(arch), udeb, &w);
	while (candidates_next(&w, &p))
		assert_int_equal(
		    buf_addf(&b, "%s%.*s_%.*s_%.*s", b.len ? " " : "",
			SPAN_ARG(p.name), SPAN_ARG(p.version),
			SPAN_ARG(p.architecture)),
		    0);
	assert_string_equal(b.ptr ? b.ptr : "", want);
	assert_int_equal(
	    candidates_meet(c, &d, span_of(arch), udeb), want[0] != '\0');
}

static void
add_all(struct scratch *s, struct candidates *c, const struct state *state,
    const struct strs *architectures)
{
	struct txn *t = scratch_read(s);

	assert_int_equal(candidates_add_state(c, t, state, architectures), 0);
	assert_int_equal(candidates_sort(c), 0);
	txn_end(t);
}

static const char amd64[] = "a 1 amd64\n"
			    "a 10 amd64\n"
			    "a 9 amd64\n"
			    "f 1 amd64 foreign\n"
			    "w 1 amd64 allowed\n"
			    "p 1 all|Provides: v, w (= 7)\n"
			    "o 2 amd64|Provides: v (= 3), bad (= , lost\n"
			    "v 0.5 amd64\n";
static const char arm64[] = "a 11 arm64\n"
			    "f 2 arm64 foreign\n"
			    "w 1 arm64 allowed\n"
			    "p 1 all|Provides: v, w (= 7)\n";

static void
test_find_orders(void **state)
{
	CLEANUP(candidates_cleanup) struct candidates *c = NULL;
	CLEANUP(state_release) struct state st = {0};
	const struct strs any = {0};

	packages_add_list(*state, &st, "amd64", PACKAGE_BINARY, amd64);
	packages_add_list(*state, &st, "arm64", PACKAGE_BINARY, arm64);
	packages_add_list(*state, &st, "amd64", PACKAGE_UDEB, "a 20 amd64\n");
	assert_int_equal(candidates_new(&c), 0);
	add_all(*state, c, &st, &any);
	assert_int_equal(candidates_count(c), 12);

	find(c, "a", "amd64", false, "a_10_amd64 a_9_amd64 a_1_amd64");
	find(c, "a", "arm64", false, "a_11_arm64");
	find(c, "a", "amd64", true, "a_20_amd64");
	find(c, "a (<< 10)", "amd64", false, "a_9_amd64 a_1_amd64");
	find(c, "a (>> 10)", "amd64", false, "");
	find(c, "a:arm64", "amd64", false, "a_11_arm64");
	/* Its own first, though the other is newer. */
	find(c, "f", "amd64", false, "f_1_amd64 f_2_arm64");
	find(c, "f", "arm64", false, "f_2_arm64 f_1_amd64");
	find(c, "w:any", "amd64", false, "w_1_amd64 w_1_arm64");
	find(c, "v", "amd64", false, "v_0.5_amd64 o_2_amd64 p_1_all");
	find(c, "v (>= 1)", "amd64", false, "o_2_amd64");
	find(c, "v", "arm64", false, "p_1_all");
	find(c, "w (>= 2)", "arm64", false, "p_1_all");
	find(c, "lost", "amd64", false, "");
	find(c, "nothing", "amd64", false, "");
}

static void
test_add_narrows(void **state)
{
	CLEANUP(candidates_cleanup) struct candidates *c = NULL;
	CLEANUP(state_release) struct state st = {0};
	CLEANUP(strs_release) struct strs archs = {0};

	assert_int_equal(strs_add(&archs, SPAN("arm64")), 0);
	packages_add_list(*state, &st, "amd64", PACKAGE_BINARY, amd64);
	packages_add_list(*state, &st, "arm64", PACKAGE_BINARY, arm64);
	assert_int_equal(candidates_new(&c), 0);
	add_all(*state, c, &st, &archs);
	assert_int_equal(candidates_arches(c), 1);
	assert_int_equal(candidates_count(c), 4);
	find(c, "f", "arm64", false, "f_2_arm64");
}

/* A flat archive has one list for all architectures. */
static void
test_add_flat(void **state)
{
	CLEANUP(candidates_cleanup) struct candidates *c = NULL;
	CLEANUP(state_release) struct state st = {.flat = true};
	const struct strs any = {0};

	packages_add_list(
	    *state, &st, "", PACKAGE_BINARY, "p 1 all\na 1 amd64\na 1 arm64\n");
	assert_int_equal(candidates_new(&c), 0);
	add_all(*state, c, &st, &any);
	assert_int_equal(candidates_arches(c), 2);
	assert_true(candidates_at(c, 0).listed == CANDIDATES_ANY_ARCH);
	assert_true(candidates_at(c, 1).listed == 1);
	assert_true(candidates_at(c, 2).listed == 2);
	find(c, "a", "arm64", false, "a_1_arm64");
	find(c, "p", "arm64", false, "p_1_all");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    scratch_test(test_find_orders),
	    scratch_test(test_add_narrows),
	    scratch_test(test_add_flat),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
