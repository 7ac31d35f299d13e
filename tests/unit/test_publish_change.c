/* Publications that change, follow, keep upstream's Release, or are signed. */

#include "publish_run.h"

#include <errno.h>
#include <sys/stat.h>

#include "fs/publish_job.h"

#define RELEASE                                                                \
	"Origin: Upstream\nSuite: stable\n"                                    \
	"Date: Mon, 24 Nov 2025 00:00:00 UTC\nSHA256:\n"

static uint64_t
make_simple_state(
    struct scratch *s, const char *package, unsigned file, int64_t date)
{
	struct buf b = {0};
	struct list_spec lists[] = {{"main", "amd64", 0, PACKAGE_BINARY}, {0}};

	add_pool_stanza(&b, package, "amd64", file);
	lists[0].list = make_list_of(s, &b);
	return make_state(s, "stable", RELEASE, date, lists);
}

static void
make_simple(struct scratch *s, const char *snapshot, const char *package,
    unsigned file, int64_t date)
{
	make_snapshot(s, snapshot, make_simple_state(s, package, file, date));
}

static void
test_publish_switch_back(void **state)
{
	struct scratch *s = *state;
	struct publish_result result;
	struct seen first, second, third;

	make_simple(s, "new", "hello", 1, NOW);
	make_simple(s, "old", "world", 2, NOW - 86400);
	(void)publish(s, (struct wish){.sources = "new"});
	look(s, "", "stable", &first);
	/* The clock stands still, or went back: Date does not. */
	assert_int_equal(try_switch(s, "stable", "old", NOW - 4, &result), 0);
	look(s, "", "stable", &second);
	assert_true(result.changed);
	assert_int_equal(second.release.date, NOW + 1);
	assert_int_equal(second.root.older[0], first.pub.state);
	assert_string_equal(second.pub.sources.v[0], "old");
	assert_int_equal(second.pub.created, first.pub.created);
	assert_all_served(s, &second);
	assert_int_equal(try_switch(s, "stable", "new", NOW + 50, &result), 0);
	look(s, "", "stable", &third);
	assert_int_equal(third.release.date, NOW + 50);
	assert_int_equal(third.root.older[0], second.pub.state);
	assert_int_equal(third.root.older[1], first.pub.state);
	assert_string_equal(result.note, "");
	/* By an hour: apt will not take it before. */
	assert_int_equal(
	    try_switch(s, "stable", "old", NOW - 3550, &result), 0);
	assert_int_equal(result.date, NOW + 51);
	assert_non_null(strstr(result.note, "3601 seconds ahead"));
	seen_release(&first);
	seen_release(&second);
	seen_release(&third);
}

static int
switch_components(struct scratch *s, const char *components,
    const char *sources, struct error *err)
{
	struct publish_opts opts = {.now = NOW};
	struct publish_result result;
	struct strs c = {0}, list = {0};
	int r;

	assert_int_equal(strs_add_split(&c, span_of(components), 0), 0);
	assert_int_equal(strs_add_split(&list, span_of(sources), 0), 0);
	r = publish_switch(
	    s->store, "", "stable", &list, &c, &opts, &result, err);
	strs_release(&c);
	strs_release(&list);
	return r;
}

static void
test_publish_switch_components(void **state)
{
	struct scratch *s = *state;
	struct error err;
	struct seen seen;

	make_simple(s, "a", "hello", 1, NOW);
	make_simple(s, "b", "world", 2, NOW);
	make_simple(s, "c", "third", 3, NOW);
	(void)publish(
	    s, (struct wish){.sources = "a b", .components = "main extra"});
	assert_int_equal(switch_components(s, "extra", "c", &err), 0);
	look(s, "", "stable", &seen);
	assert_string_equal(seen.pub.sources.v[0], "a");
	assert_string_equal(seen.pub.sources.v[1], "c");
	seen_release(&seen);
	assert_int_equal(switch_components(s, "", "c", &err), -EINVAL);
	assert_int_equal(switch_components(s, "none", "c", &err), -EINVAL);
	assert_int_equal(
	    switch_components(s, "main extra", "c", &err), -EINVAL);
	assert_int_equal(switch_components(s, "main extra", "c b", &err), 0);
	look(s, "", "stable", &seen);
	assert_string_equal(seen.pub.sources.v[0], "c");
	assert_string_equal(seen.pub.sources.v[1], "b");
	seen_release(&seen);
}

static void
test_publish_switch_refused(void **state)
{
	struct scratch *s = *state;
	struct publish_result result;
	struct seen before, after;

	make_simple(s, "one", "hello", 1, NOW);
	make_simple(s, "two", "hello", 2, NOW);
	(void)publish(s, (struct wish){.sources = "one"});
	(void)publish(s, (struct wish){.sources = "one", .distribution = "b"});
	look(s, "", "stable", &before);
	assert_int_equal(
	    try_switch(s, "nowhere", "one", NOW, &result), -ENOENT);
	assert_int_equal(
	    try_switch(s, "stable", "none", NOW, &result), -ENOENT);
	assert_int_equal(try_switch(s, "stable", "", NOW, &result), -EINVAL);
	/* The other distribution still has the other hello. */
	assert_int_equal(try_switch(s, "stable", "two", NOW, &result), -EEXIST);
	look(s, "", "stable", &after);
	assert_int_equal(before.pub.root, after.pub.root);
	assert_false(result.changed);
	seen_release(&before);
	seen_release(&after);
}

struct mirror_step {
	struct mirror *mirror;
	uint64_t state;
};

static int
put_mirror(struct txn *t, void *arg, struct error *err)
{
	(void)err;
	return mirror_put(t, arg);
}

static int
advance_mirror(struct txn *t, void *arg, struct error *err)
{
	struct mirror_step *m = arg;

	(void)err;
	return mirror_advance(t, m->mirror, m->state);
}

static void
test_publish_update_follows_a_mirror(void **state)
{
	struct scratch *s = *state;
	struct mirror m = {.name = strdup("up"), .suite = strdup("stable")};
	struct mirror_step step = {&m, 0};
	struct publish_result result;
	struct seen seen;

	scratch_write(s, put_mirror, &m);
	assert_refused(s, (struct wish){.sources = "up", .kind = SOURCE_MIRROR},
	    -ENOENT, "never been updated");
	step.state = make_simple_state(s, "hello", 1, NOW);
	scratch_write(s, advance_mirror, &step);
	(void)publish(s, (struct wish){.sources = "up", .kind = SOURCE_MIRROR});
	assert_int_equal(try_update(s, "stable", NOW + 60, &result), 0);
	assert_false(result.changed);
	assert_int_equal(result.date, NOW);
	step.state = make_simple_state(s, "world", 2, NOW);
	scratch_write(s, advance_mirror, &step);
	assert_int_equal(try_update(s, "stable", NOW + 60, &result), 0);
	assert_true(result.changed);
	look(s, "", "stable", &seen);
	assert_int_equal(seen.release.date, NOW + 60);
	assert_int_equal(seen.pub.made_of[0], step.state);
	seen_release(&seen);
	mirror_release(&m);
}

static void
test_publish_update_renews_valid_until(void **state)
{
	struct scratch *s = *state;
	struct wish w = {.sources = "one"};
	struct publication p;
	struct publish_result result;
	struct error err;
	struct seen seen;

	make_simple(s, "one", "hello", 1, NOW);
	wish_fill(&w, &p);
	p.valid_for = 1000;
	assert_int_equal(try_publish(s, &p, NOW, &result, &err), 0);
	publication_release(&p);
	assert_int_equal(try_update(s, "stable", NOW + 499, &result), 0);
	assert_false(result.changed);
	assert_int_equal(try_update(s, "stable", NOW + 500, &result), 0);
	assert_true(result.changed);
	look(s, "", "stable", &seen);
	assert_int_equal(seen.release.valid_until, NOW + 1500);
	seen_release(&seen);
	assert_int_equal(try_update(s, "nowhere", NOW, &result), -ENOENT);
}

static void
test_publish_update_forced(void **state)
{
	struct scratch *s = *state;
	struct publish_opts opts = {.now = NOW, .force = true};
	struct publish_result result;
	struct error err;

	make_simple(s, "one", "hello", 1, NOW);
	(void)publish(s, (struct wish){.sources = "one"});
	assert_int_equal(
	    publish_update(s->store, "", "stable", &opts, &result, &err), 0);
	assert_true(result.changed);
	assert_int_equal(result.date, NOW + 1);
}

/* From its flip on it follows the mirror's head: it must not begin behind. */
static void
test_publish_flip_verbatim_where_the_mirror_is(void **state)
{
	struct scratch *s = *state;
	struct mirror m = {.name = strdup("up"), .suite = strdup("stable")};
	struct mirror_step step = {&m, make_simple_state(s, "hello", 1, NOW)};
	struct publish_opts opts = {.now = NOW};
	struct publication p;
	struct publish_job j = {.store = s->store, .opts = &opts, .pub = &p};
	struct error err = {""};

	scratch_write(s, put_mirror, &m);
	scratch_write(s, advance_mirror, &step);
	wish_fill(&(struct wish){.sources = "up",
		      .kind = SOURCE_MIRROR,
		      .distribution = "stable",
		      .verbatim = true},
	    &p);
	assert_int_equal(publish_sources_load(&j, &err), 0);
	p.state = step.state;
	step.state = make_simple_state(s, "hello", 2, NOW + 1);
	scratch_write(s, advance_mirror, &step);
	assert_int_equal(publish_flip(&j, &err), -EBUSY);
	publish_job_release(&j);
	publication_release(&p);
	mirror_release(&m);
}

static void
test_publish_new_verbatim(void **state)
{
	struct scratch *s = *state;
	uint64_t upstream = make_simple_state(s, "hello", 1, NOW - 60);
	struct publish_result result;
	struct seen seen;

	make_snapshot(s, "one", upstream);
	result = publish(s, (struct wish){.sources = "one", .verbatim = true});
	assert_int_equal(result.date, NOW - 60);
	assert_int_equal(result.packages, 1);
	assert_string_equal(result.note, "");
	look(s, "", "stable", &seen);
	assert_int_equal(seen.pub.state, upstream);
	assert_string_equal(seen.text.ptr, RELEASE);
	seen_release(&seen);
}

static void
test_publish_switch_verbatim_to_older(void **state)
{
	struct scratch *s = *state;
	struct publish_result result;

	make_simple(s, "new", "hello", 1, NOW);
	make_simple(s, "old", "hello", 1, NOW - 60);
	(void)publish(s, (struct wish){.sources = "new", .verbatim = true});
	assert_int_equal(try_switch(s, "stable", "old", NOW, &result), 0);
	assert_non_null(strstr(result.note, "older"));
	assert_int_equal(try_switch(s, "stable", "new", NOW, &result), 0);
	assert_string_equal(result.note, "");
}

static void
test_publish_new_verbatim_refused(void **state)
{
	struct scratch *s = *state;
	struct buf b = {0};
	struct list_spec lists[] = {{"main", "amd64", 0, 0}, {0}};
	struct list_spec flat[] = {{"", "", 0, 0}, {0}};
	static const struct {
		struct wish wish;
		const char *words;
	} cases[] = {
	    {{.sources = "one two", .verbatim = true}, "one source"},
	    {{.sources = "one", .verbatim = true, .components = "x"},
		"components"},
	    {{.sources = "one", .verbatim = true, .architectures = "amd64"},
		"architectures"},
	    {{.sources = "one", .verbatim = true, .compress = "gz"},
		"compressed forms"},
	    {{.sources = "flat", .verbatim = true, .distribution = "d"},
		"flat"},
	    {{.sources = "outside", .verbatim = true}, "outside pool/"},
	    {{.sources = "bare", .verbatim = true}, "no Release"},
	};

	make_simple(s, "one", "hello", 1, NOW);
	add_stanza(&b, "hello", "amd64", "elsewhere/hello.deb", 1);
	lists[0].list = make_list_of(s, &b);
	flat[0].list = lists[0].list;
	make_snapshot(
	    s, "outside", make_state(s, "stable", RELEASE, NOW, lists));
	make_snapshot(s, "bare", make_state(s, "stable", NULL, NOW, lists));
	make_snapshot(s, "flat", make_state(s, "./", RELEASE, NOW, flat));
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_refused(s, cases[i].wish, -EINVAL, cases[i].words);
}

/* A snapshot of many packages, one of which has this file at this path. */
static void
make_odd(struct scratch *s, const char *name, const char *path, unsigned file)
{
	struct buf b = {0};

	for (unsigned i = 0; i < 300; i++) {
		char full[64];

		(void)snprintf(full, sizeof(full), "p%04u", i);
		if (i == 150)
			add_stanza(&b, name, "amd64", path, file);
		else
			add_pool_stanza(&b, full, "amd64", i);
	}
	const struct list_spec lists[] = {
	    {"main", "amd64", make_list_of(s, &b), PACKAGE_BINARY}, {0}};

	make_snapshot(s, name, make_state(s, "stable", RELEASE, NOW, lists));
}

/* What is new in a switch must fit beside what stays, and beside others. */
static void
test_publish_switch_into_a_taken_path(void **state)
{
	static const struct {
		const char *path;
		unsigned file;
		int r;
	} cases[] = {
	    {"pool/main/q/q/q_1.0_amd64.deb", 9001, 0},
	    /* of a package that stays */
	    {"pool/main/p/p0007/p0007_1.0_amd64.deb", 9002, -EEXIST},
	    {"pool/main/p/p0007/p0007_1.0_amd64.deb", 7, 0},
	    {"pool/main/p/p0007", 9003, -EEXIST},
	    {"pool/main/p", 9004, -EEXIST},
	    {"pool/main/p/p0007/p0007_1.0_amd64.deb/x", 9005, -EEXIST},
	    /* of the publication beside it */
	    {"pool/main/b/beside/beside_1.0_amd64.deb", 9006, -EEXIST},
	    {"pool/main/b/beside/beside_1.0_amd64.deb", 8000, 0},
	    {"pool/main/b/beside", 9007, -EEXIST},
	    /* of one that is published nowhere */
	    {"pool/main/n/nowhere/nowhere_1.0_amd64.deb", 9008, 0},
	};
	struct scratch *s = *state;
	struct publish_result result;

	make_simple(s, "beside", "beside", 8000, NOW);
	make_simple(s, "nowhere", "nowhere", 8001, NOW);
	make_odd(s, "first", "pool/main/f/first.deb", 9000);
	(void)publish(
	    s, (struct wish){.sources = "beside", .distribution = "beside"});
	(void)publish(s, (struct wish){.sources = "first"});
	for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
		char name[16];
		int r;

		(void)snprintf(name, sizeof(name), "odd%u", i);
		make_odd(s, name, cases[i].path, cases[i].file);
		r = try_switch(s, "stable", name, NOW + 10 + i, &result);
		if (r != cases[i].r)
			fail_msg("%s (%u): %d", cases[i].path, i, r);
		r = try_switch(s, "stable", "first", NOW + 10 + i, &result);
		assert_int_equal(r, 0);
	}
}

static void
run(const char *command)
{
	assert_int_equal(system(command), 0);
}

static int
count_key(const char *fingerprint, struct span binary, void *arg)
{
	assert_int_equal(strlen(fingerprint), 40);
	assert_true(binary.len > 0);
	(*(int *)arg)++;
	return 0;
}

static void
test_publish_new_signed(void **state)
{
	struct scratch *s = *state;
	struct buf in = {0}, gpg = {0};
	struct seen seen;
	struct txn *t;
	int keys = 0;
	char home[80];

	(void)snprintf(home, sizeof(home), "%s/gnupg", s->dir);
	assert_int_equal(mkdir(home, 0700), 0);
	assert_int_equal(setenv("GNUPGHOME", home, 1), 0);
	make_simple(s, "one", "hello", 1, NOW);
	assert_refused(s, (struct wish){.sources = "one", .sign = true},
	    -ENOKEY, "--skip-signing");
	run("gpg --batch -q --passphrase '' --quick-generate-key "
	    "test@example.org ed25519 sign 2d");
	(void)publish(s, (struct wish){.sources = "one", .sign = true});
	look(s, "", "stable", &seen);
	t = scratch_read(s);
	assert_int_equal(text_get(t, seen.state.in_release, &in), 0);
	assert_int_equal(text_get(t, seen.state.release_gpg, &gpg), 0);
	assert_int_equal(seen.state.listing, seen.state.release);
	assert_non_null(strstr(in.ptr, seen.text.ptr));
	assert_true(span_starts(
	    buf_span(&gpg), SPAN("-----BEGIN PGP SIGNATURE-----\n")));
	assert_int_equal(key_each(t, count_key, &keys), 0);
	assert_int_equal(keys, 1);
	assert_int_equal(seen.state.signers.n, 1);
	txn_end(t);
	buf_release(&in);
	buf_release(&gpg);
	seen_release(&seen);
	run("gpgconf --kill all");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    scratch_test(test_publish_switch_back),
	    scratch_test(test_publish_switch_components),
	    scratch_test(test_publish_switch_refused),
	    scratch_test(test_publish_switch_into_a_taken_path),
	    scratch_test(test_publish_update_follows_a_mirror),
	    scratch_test(test_publish_update_renews_valid_until),
	    scratch_test(test_publish_update_forced),
	    scratch_test(test_publish_flip_verbatim_where_the_mirror_is),
	    scratch_test(test_publish_new_verbatim),
	    scratch_test(test_publish_switch_verbatim_to_older),
	    scratch_test(test_publish_new_verbatim_refused),
	    scratch_test(test_publish_new_signed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
