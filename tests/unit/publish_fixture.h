#ifndef TESTS_PUBLISH_FIXTURE_H
#define TESTS_PUBLISH_FIXTURE_H

/* Lists, states and snapshots made up for tests of what goes out. */

#include "scratch_store.h"

#include "base/buf.h"
#include "base/deb822.h"
#include "base/hash.h"
#include "store/ingest.h"
#include "store/list.h"
#include "store/mirror.h"
#include "store/render.h"
#include "store/snapshot.h"
#include "store/state.h"
#include "store/text.h"

/* The SHA-256 of a made-up file that is called by a number. */
static inline char *
fake_hash(unsigned file, char hex[DIGEST_HEX_SIZE])
{
	struct digest d;

	digest_of(&file, sizeof(file), &d);
	return digest_hex(&d, hex);
}

/* Adds a binary package's stanza, with a blank line before it. */
static inline void
add_stanza(struct buf *b, const char *name, const char *architecture,
    const char *filename, unsigned file)
{
	char hex[DIGEST_HEX_SIZE];

	assert_int_equal(buf_addf(b,
			     "\nPackage: %s\nVersion: 1.0\nArchitecture: %s\n"
			     "Filename: %s\nSize: %u\nSHA256: %s\n"
			     "Description: the package %s\n",
			     name, architecture, filename, 1000 + file,
			     fake_hash(file, hex), name),
	    0);
}

/* As above, at pool/main/<letter>/<name>/<name>_1.0_<architecture>.deb. */
static inline void
add_pool_stanza(
    struct buf *b, const char *name, const char *architecture, unsigned file)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "pool/main/%c/%s/%s_1.0_%s.deb",
	    name[0], name, name, architecture);
	add_stanza(b, name, architecture, path, file);
}

static inline uint64_t
make_list(struct scratch *s, enum package_kind kind, struct span text)
{
	struct ingest *in;
	struct ingest_result result;
	struct span stanza;
	struct error err = {""};

	if (ingest_new(s->store, kind, &in, &err) < 0)
		fail_msg("ingest_new: %s", err.text);
	while (deb822_stanza(&text, &stanza))
		if (ingest_stanza(in, stanza, 1, &err) < 0)
			fail_msg("ingest_stanza: %s", err.text);
	if (ingest_end(in, &result, &err) < 0)
		fail_msg("ingest_end: %s", err.text);
	ingest_free(in);
	return result.list;
}

static inline uint64_t
make_list_of(struct scratch *s, struct buf *b)
{
	uint64_t list = make_list(s, PACKAGE_BINARY, buf_span(b));

	buf_release(b);
	return list;
}

/* A list of n packages called <name>0000 and so on. */
static inline uint64_t
make_long_list(struct scratch *s, const char *name, unsigned n, unsigned odd)
{
	struct buf b = {0};

	for (unsigned i = 0; i < n; i++) {
		char full[64];

		(void)snprintf(full, sizeof(full), "%s%04u", name, i);
		/* One package differs between lists that differ in odd. */
		add_pool_stanza(&b, full, "amd64", i == n / 2 ? odd : i);
	}
	return make_list_of(s, &b);
}

static inline void
render_list(struct scratch *s, uint64_t number, struct buf *out)
{
	struct txn *t = scratch_read(s);
	struct heavy *h;
	struct list l = {0};
	struct run_packages scratch = {0};

	assert_int_equal(heavy_new(s->store, &h), 0);
	assert_int_equal(list_load(t, number, &l), 0);
	for (size_t i = 0; i < l.nruns; i++)
		assert_int_equal(
		    render_run(h, t, l.runs[i].run, &scratch, out), 0);
	run_packages_release(&scratch);
	list_release(&l);
	heavy_free(h);
	txn_end(t);
}

struct made_state {
	struct state state;
	const char *release; /* text, or NULL */
};

static inline int
put_made_state(struct txn *t, void *arg, struct error *err)
{
	struct made_state *m = arg;
	int r = 0;

	(void)err;
	if (m->release) {
		r = text_put(t, span_of(m->release), 0, &m->state.listing);
		m->state.release = m->state.listing;
	}
	return r < 0 ? r : state_put(t, &m->state);
}

struct list_spec {
	const char *component, *architecture;
	uint64_t list;
	enum package_kind kind;
};

/* Stores a state with the lists up to one without a component. */
static inline uint64_t
make_state(struct scratch *s, const char *suite, const char *release,
    int64_t date, const struct list_spec *lists)
{
	struct made_state m = {.release = release};
	size_t len = strlen(suite);
	uint64_t number;

	m.state.suite = strdup(suite);
	m.state.flat = len > 0 && suite[len - 1] == '/';
	m.state.date = date;
	m.state.origin = release ? 1 : 0;
	for (; lists && lists->component; lists++) {
		struct state_list sl = {
		    .component = (char *)(uintptr_t)lists->component,
		    .architecture = (char *)(uintptr_t)lists->architecture,
		    .kind = lists->kind,
		    .list = lists->list,
		};

		if (m.state.flat)
			sl.path = (char *)(uintptr_t) "Packages";
		assert_int_equal(state_add_list(&m.state, &sl), 0);
	}
	scratch_write(s, put_made_state, &m);
	number = m.state.number;
	state_release(&m.state);
	return number;
}

static inline int
put_made_snapshot(struct txn *t, void *arg, struct error *err)
{
	(void)err;
	return snapshot_put(t, arg);
}

static inline void
make_snapshot(struct scratch *s, const char *name, uint64_t state)
{
	struct snapshot snap = {.name = strdup(name),
	    .description = strdup("made"),
	    .state = state};

	scratch_write(s, put_made_snapshot, &snap);
	snapshot_release(&snap);
}

#endif
