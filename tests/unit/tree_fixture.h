#ifndef TESTS_TREE_FIXTURE_H
#define TESTS_TREE_FIXTURE_H

/* Publications, mirrors and keys made up for tests of what is shown. */

#include "publish_run.h"

#include "store/blob.h"
#include "store/mirror.h"
#include "store/origin.h"

struct made_mirror {
	struct mirror mirror;
	struct origin origin;
	uint64_t state;
};

static inline int
put_made_mirror(struct txn *t, void *arg, struct error *err)
{
	struct made_mirror *m = arg;
	int r = origin_put(t, &m->origin);

	(void)err;
	m->mirror.origin = m->origin.number;
	if (r == 0)
		r = mirror_put(t, &m->mirror);
	if (r == 0 && m->state != 0)
		r = mirror_advance(t, &m->mirror, m->state);
	return r;
}

/* Enters a mirror; state 0: it has never been updated. */
static inline void
make_mirror(struct scratch *s, const char *name, uint64_t state)
{
	struct made_mirror m = {
	    .mirror = {.name = strdup(name), .suite = strdup("stable")},
	    .origin = {.url = strdup("http://mirror.example.org/debian/")},
	    .state = state,
	};

	scratch_write(s, put_made_mirror, &m);
	mirror_release(&m.mirror);
	origin_release(&m.origin);
}

static inline int
advance_mirror(struct txn *t, void *arg, struct error *err)
{
	struct made_mirror *m = arg;
	struct mirror mirror = {0};
	int r = mirror_load(t, m->mirror.name, &mirror);

	(void)err;
	if (r == 0)
		r = mirror_advance(t, &mirror, m->state);
	mirror_release(&mirror);
	return r;
}

/* Lets a mirror have a newer state. */
static inline void
update_mirror(struct scratch *s, const char *name, uint64_t state)
{
	struct made_mirror m = {
	    .mirror = {.name = (char *)(uintptr_t)name}, .state = state};

	scratch_write(s, advance_mirror, &m);
}

/* A list of the named packages (words); each has a file of its own whose
 * content odd changes. */
static inline uint64_t
make_named_list(struct scratch *s, const char *names, unsigned odd)
{
	struct span rest = span_of(names), name;
	struct buf b = {0};

	while (span_word(&rest, &name)) {
		char text[64];

		(void)snprintf(text, sizeof(text), "%.*s", SPAN_ARG(name));
		add_pool_stanza(&b, text, "amd64",
		    odd * 1000 + (unsigned char)text[0] + (unsigned)name.len);
	}
	return make_list_of(s, &b);
}

/* A snapshot of one list in main, amd64, without a Release. */
static inline uint64_t
make_named_snapshot(
    struct scratch *s, const char *snapshot, const char *names, unsigned odd)
{
	const struct list_spec lists[] = {
	    {"main", "amd64", make_named_list(s, names, odd), PACKAGE_BINARY},
	    {0}};
	uint64_t state = make_state(s, "stable", NULL, NOW, lists);

	make_snapshot(s, snapshot, state);
	return state;
}

#endif
