#ifndef TESTS_PUBLISH_RUN_H
#define TESTS_PUBLISH_RUN_H

/* Publishing in one line, and looking at what came of it. */

#include "publish_fixture.h"

#include "base/release.h"
#include "fs/publish.h"
#include "store/content.h"
#include "store/root.h"

#define NOW 1764000000 /* Mon, 24 Nov 2025 16:00:00 UTC */

struct wish {
	const char *sources; /* words */
	const char *distribution, *prefix;
	const char *components, *architectures, *compress;
	enum source_kind kind; /* 0: snapshots */
	bool verbatim, sign;
};

static inline void
wish_fill(const struct wish *w, struct publication *p)
{
	*p = (struct publication){
	    .kind = w->kind ? w->kind : SOURCE_SNAPSHOT,
	    .verbatim = w->verbatim,
	    .skip_signing = !w->sign && !w->verbatim,
	    .prefix = strdup(w->prefix ? w->prefix : ""),
	    .distribution = w->distribution ? strdup(w->distribution) : NULL,
	};
	assert_int_equal(
	    strs_add_split(&p->sources, span_of(w->sources), 0), 0);
	assert_int_equal(
	    strs_add_split(&p->components, span_of(w->components), 0), 0);
	assert_int_equal(
	    strs_add_split(&p->architectures, span_of(w->architectures), 0), 0);
	assert_int_equal(
	    strs_add_split(&p->compress, span_of(w->compress), 0), 0);
}

static inline int
try_publish(struct scratch *s, struct publication *p, int64_t now,
    struct publish_result *ret, struct error *err)
{
	struct publish_opts opts = {.now = now};

	*err = (struct error){""};
	return publish_new(s->store, p, &opts, ret, err);
}

/* Publishes what must work. */
static inline struct publish_result
publish(struct scratch *s, struct wish w)
{
	struct publication p;
	struct publish_result result = {0};
	struct error err;
	int r;

	wish_fill(&w, &p);
	r = try_publish(s, &p, NOW, &result, &err);
	if (r < 0)
		fail_msg("publish_new: %d %s", r, err.text);
	publication_release(&p);
	assert_true(result.changed);
	return result;
}

/* Publishes what must fail, with a text that has certain words. */
static inline void
assert_refused(
    struct scratch *s, struct wish w, int expected, const char *words)
{
	struct publication p;
	struct publish_result result;
	struct error err;
	int r;

	wish_fill(&w, &p);
	r = try_publish(s, &p, NOW, &result, &err);
	publication_release(&p);
	if (r != expected || !strstr(err.text, words))
		fail_msg("%d (%s), not %d (%s)", r, err.text, expected, words);
}

static inline int
try_switch(struct scratch *s, const char *distribution, const char *sources,
    int64_t now, struct publish_result *ret)
{
	struct publish_opts opts = {.now = now};
	struct strs list = {0};
	struct error err = {""};
	int r;

	assert_int_equal(strs_add_split(&list, span_of(sources), 0), 0);
	r = publish_switch(
	    s->store, "", distribution, &list, NULL, &opts, ret, &err);
	strs_release(&list);
	return r;
}

static inline int
try_update(struct scratch *s, const char *distribution, int64_t now,
    struct publish_result *ret)
{
	struct publish_opts opts = {.now = now};
	struct error err = {""};

	return publish_update(s->store, "", distribution, &opts, ret, &err);
}

/* What stands at a place. */
struct seen {
	struct publication pub;
	struct state state;
	struct root root;
	struct buf text; /* Release */
	struct release release;
};

static inline void
look(struct scratch *s, const char *prefix, const char *distribution,
    struct seen *ret)
{
	struct txn *t = scratch_read(s);
	struct error err = {""};

	*ret = (struct seen){0};
	assert_int_equal(
	    publication_load(t, prefix, distribution, &ret->pub), 0);
	assert_int_equal(state_load(t, ret->pub.state, &ret->state), 0);
	assert_int_equal(root_load(t, ret->pub.root, &ret->root), 0);
	assert_int_equal(ret->root.state, ret->pub.state);
	assert_int_equal(text_get(t, ret->state.listing, &ret->text), 0);
	txn_end(t);
	if (release_parse(buf_span(&ret->text), &ret->release, &err) < 0)
		fail_msg("Release: %s", err.text);
}

static inline void
seen_release(struct seen *seen)
{
	publication_release(&seen->pub);
	state_release(&seen->state);
	root_release(&seen->root);
	release_free(&seen->release);
	buf_release(&seen->text);
}

/* Every file that Release lists is a content of that size. */
static inline void
assert_all_served(struct scratch *s, const struct seen *seen)
{
	struct txn *t = scratch_read(s);

	for (size_t i = 0; i < seen->release.nfiles; i++) {
		const struct release_file *f = &seen->release.files[i];
		struct content c;
		struct content_info info;

		assert_int_equal(content_find(t, &f->sha256, &c), 0);
		assert_int_equal(content_info(t, c, &info), 0);
		assert_int_equal(info.size, f->size);
	}
	txn_end(t);
}

/* The rendered plain index. */
static inline void
read_index(struct scratch *s, const struct seen *seen, const char *path,
    struct buf *out)
{
	for (size_t i = 0; i < seen->state.nlists; i++)
		if (strcmp(seen->state.lists[i].path, path) == 0) {
			render_list(s, seen->state.lists[i].list, out);
			return;
		}
	fail_msg("no index %s", path);
}

/* The names of Release's files, joined, are as expected. */
static inline void
assert_files(const struct seen *seen, const char *expected)
{
	struct strs names = {0};
	char *joined;

	for (size_t i = 0; i < seen->release.nfiles; i++)
		assert_int_equal(
		    strs_add(&names, seen->release.files[i].path), 0);
	joined = strs_join(&names, " ");
	assert_string_equal(joined, expected);
	free(joined);
	strs_release(&names);
}

#endif
