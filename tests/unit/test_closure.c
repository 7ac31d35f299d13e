#include "algebra/closure.h"

#include "packages_fixture.h"
#include "store/list.h"

/* What is chosen in the end, having begun with all packages whose name_version_
 * architecture stands in `first`. */
struct wish {
	const char *first, *want;
	struct closure_opts opts;
};

struct chosen {
	const char *first;
	struct bits *bits;
};

static int
choose_first(const struct package *p, void *arg)
{
	CLEANUP(buf_release) struct buf name = {0};
	struct chosen *c = arg;
	struct span rest = span_of(c->first), word;

	assert_int_equal(package_add_name(&p->light, &name), 0);
	while (span_word(&rest, &word))
		if (span_eq(word, buf_span(&name)))
			assert_true(bits_set(c->bits, p->number) >= 0);
	return 0;
}

static void
check(struct scratch *s, const struct state *from, struct wish wish)
{
	CLEANUP(bits_release) struct bits chosen = {0};
	CLEANUP(buf_release) struct buf got = {0};
	struct chosen c = {wish.first, &chosen};
	struct txn *t = scratch_read(s);
	struct error err = {""};

	for (size_t i = 0; i < from->nlists; i++) {
		CLEANUP(list_release) struct list l = {0};

		assert_int_equal(list_load(t, from->lists[i].list, &l), 0);
		assert_int_equal(list_each(t, &l, choose_first, &c), 0);
	}
	wish.opts.from = &from;
	wish.opts.nfrom = 1;
	if (closure_add(t, &wish.opts, &chosen, &err) < 0)
		fail_msg("%s", err.text);
	packages_describe(t, &chosen, &got);
	assert_string_equal(got.ptr, wish.want);
	txn_end(t);
}

static void
test_add_follows(void **state)
{
	CLEANUP(state_release) struct state st = {0};

	packages_add_list(*state, &st, "amd64", PACKAGE_BINARY,
	    "a 1 amd64|Pre-Depends: b|Depends: c / d, e (= 1)|Recommends: r\n"
	    "b 1 amd64|Depends: a\n"
	    "c 1 amd64\n"
	    "d 1 amd64\n"
	    "e 1 amd64\n"
	    "e 2 amd64\n"
	    "r 1 amd64|Suggests: u\n"
	    "u 1 amd64\n"
	    "x 1 amd64|Depends: nowhere / c, lost, ${x}, d\n");
	check(*state, &st,
	    (struct wish){
		"a_1_amd64", "a_1_amd64 b_1_amd64 c_1_amd64 e_1_amd64", {0}});
	/* What is chosen already decides between alternatives. */
	check(*state, &st,
	    (struct wish){"a_1_amd64 d_1_amd64",
		"a_1_amd64 b_1_amd64 d_1_amd64 e_1_amd64", {0}});
	check(*state, &st,
	    (struct wish){"b_1_amd64",
		"a_1_amd64 b_1_amd64 c_1_amd64 e_1_amd64 r_1_amd64 u_1_amd64",
		{.recommends = true, .suggests = true}});
	check(*state, &st,
	    (struct wish){"a_1_amd64",
		"a_1_amd64 b_1_amd64 c_1_amd64 d_1_amd64 e_1_amd64",
		{.all_variants = true}});
	check(*state, &st,
	    (struct wish){"x_1_amd64", "c_1_amd64 d_1_amd64 x_1_amd64", {0}});
	check(*state, &st, (struct wish){"", "", {0}});
}

static void
test_add_per_architecture(void **state)
{
	CLEANUP(state_release) struct state st = {0};

	packages_add_list(*state, &st, "amd64", PACKAGE_BINARY,
	    "a 1 amd64|Depends: doc\n"
	    "doc 1 all|Depends: tool\n"
	    "tool 1 amd64\n");
	packages_add_list(*state, &st, "arm64", PACKAGE_BINARY,
	    "a 1 arm64|Depends: doc\n"
	    "doc 1 all|Depends: tool\n"
	    "tool 1 arm64\n");
	check(*state, &st,
	    (struct wish){
		"a_1_amd64", "a_1_amd64 doc_1_all tool_1_amd64", {0}});
	/* doc is there for amd64 already, its tool for arm64 is not. */
	check(*state, &st,
	    (struct wish){"a_1_amd64 a_1_arm64",
		"a_1_amd64 doc_1_all tool_1_amd64 a_1_arm64 tool_1_arm64",
		{0}});
	check(*state, &st,
	    (struct wish){
		"doc_1_all", "doc_1_all tool_1_amd64 tool_1_arm64", {0}});
}

static void
test_add_to_present(void **state)
{
	CLEANUP(state_release) struct state from = {0};
	CLEANUP(state_release) struct state present = {0};

	packages_add_list(*state, &from, "amd64", PACKAGE_BINARY,
	    "a 2 amd64|Depends: b, c (>= 2), d / e\n"
	    "b 2 amd64\n"
	    "c 2 amd64|Depends: k\n"
	    "d 2 amd64\n"
	    "e 2 amd64\n"
	    "k 2 amd64\n");
	packages_add_list(*state, &present, "amd64", PACKAGE_BINARY,
	    "b 1 amd64\n"
	    "c 1 amd64|Provides: k\n"
	    "e 1 amd64\n");
	/* c 1, which provides k, gives way to c 2. */
	check(*state, &from,
	    (struct wish){"a_2_amd64", "a_2_amd64 c_2_amd64 k_2_amd64",
		{.present = &present}});
	check(*state, &from,
	    (struct wish){"a_2_amd64", "a_2_amd64 c_2_amd64",
		{.present = &present, .keep_old = true}});
}

/* k is counted as present until, at the very end, c 2 is found to be needed. */
static void
test_add_in_rounds(void **state)
{
	CLEANUP(state_release) struct state from = {0};
	CLEANUP(state_release) struct state present = {0};

	packages_add_list(*state, &from, "amd64", PACKAGE_BINARY,
	    "a 2 amd64|Depends: k, z\n"
	    "c 2 amd64\n"
	    "k 2 amd64\n"
	    "z 2 amd64|Depends: c (>= 2)\n");
	packages_add_list(*state, &present, "amd64", PACKAGE_BINARY,
	    "c 1 amd64|Provides: k\n");
	check(*state, &from,
	    (struct wish){"a_2_amd64",
		"a_2_amd64 c_2_amd64 k_2_amd64 z_2_amd64",
		{.present = &present}});
}

static void
test_add_for_sources(void **state)
{
	CLEANUP(state_release) struct state st = {0};

	packages_add_list(*state, &st, "amd64", PACKAGE_BINARY,
	    "cc 1 amd64\nlib 1 amd64|Depends: cc\ndoc 1 all\nport 1 amd64\n"
	    "check 1 amd64\n");
	packages_add_list(*state, &st, "source", PACKAGE_SOURCE,
	    "s 1 source|Build-Depends: lib, port [arm64], check <!nocheck>|"
	    "Build-Depends-Indep: doc\n");
	check(*state, &st, (struct wish){"s_1_source", "s_1_source", {0}});
	check(*state, &st,
	    (struct wish){"s_1_source",
		"cc_1_amd64 lib_1_amd64 doc_1_all check_1_amd64 s_1_source",
		{.build = true}});
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    scratch_test(test_add_follows),
	    scratch_test(test_add_per_architecture),
	    scratch_test(test_add_to_present),
	    scratch_test(test_add_in_rounds),
	    scratch_test(test_add_for_sources),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
