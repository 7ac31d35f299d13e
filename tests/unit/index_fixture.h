#ifndef TESTS_INDEX_FIXTURE_H
#define TESTS_INDEX_FIXTURE_H

/* Snapshots of archives that are written down as words.  Include
 * scratch_store.h first. */

#include "base/buf.h"
#include "base/deb822.h"
#include "store/ingest.h"
#include "store/list.h"
#include "store/snapshot.h"
#include "store/state.h"
#include "store/text.h"

/*
 * An index: its packages as words "name=version/architecture", in that order.
 * What follows a '#' makes another stanza of the same identity.
 */
struct index {
	const char *component, *architecture, *packages;
	enum package_kind kind;
};

struct archive {
	const char *name;
	const char *release; /* more fields */
	struct index indexes[6];
};

/* Adds the stanza of a word. */
static inline void
add_word(struct buf *b, enum package_kind kind, struct span word)
{
	CLEANUP_FREE char *name = span_dup(word);
	char *version = strchr(name, '='), *arch = strchr(name, '/');
	char *more = strchr(name, '#');
	char hex[DIGEST_HEX_SIZE];
	struct digest d;

	*version++ = *arch++ = '\0';
	if (more)
		*more++ = '\0';
	digest_of(word.ptr, word.len, &d);
	(void)buf_addf(b, "Package: %s\nVersion: %s\n", name, version);
	if (kind == PACKAGE_SOURCE)
		(void)buf_addf(b,
		    "Directory: pool/%s\nChecksums-Sha256:\n %s 1 %s.dsc\n",
		    name, digest_hex(&d, hex), name);
	else
		(void)buf_addf(b,
		    "Architecture: %s\nFilename: pool/%s_%s_%s.deb\nSize: 1\n"
		    "SHA256: %s\n",
		    arch, name, version, arch, digest_hex(&d, hex));
	(void)buf_addf(b, "Comment: %s\n\n", more ? more : "");
}

static inline uint64_t
index_list(struct scratch *s, const struct index *index)
{
	CLEANUP(ingest_cleanup) struct ingest *in = NULL;
	CLEANUP(buf_release) struct buf text = {0};
	struct ingest_result result;
	struct span rest = span_of(index->packages), all, one;
	struct error err = {""};

	while (span_word(&rest, &one))
		add_word(&text, index->kind, one);
	all = buf_span(&text);
	assert_int_equal(ingest_new(s->store, index->kind, &in, &err), 0);
	while (deb822_stanza(&all, &one))
		if (ingest_stanza(in, one, 1, &err) < 0)
			fail_msg("ingest_stanza: %s", err.text);
	assert_int_equal(ingest_end(in, &result, &err), 0);
	return result.list;
}

struct making {
	const struct archive *archive;
	struct state state;
};

static inline int
put_archive(struct txn *t, void *arg, struct error *err)
{
	struct making *m = arg;
	CLEANUP(buf_release) struct buf text = {0};
	struct snapshot snapshot = {.name = (char *)(uintptr_t)m->archive->name,
	    .description = (char[]){"test"}};

	(void)err;
	(void)buf_addf(&text,
	    "Suite: s\nDate: Sat, 17 May 2025 09:51:27 UTC\n"
	    "%sSHA256:\n",
	    m->archive->release ? m->archive->release : "");
	assert_int_equal(text_put(t, buf_span(&text), 0, &m->state.release), 0);
	m->state.listing = m->state.release;
	assert_int_equal(state_put(t, &m->state), 0);
	snapshot.state = m->state.number;
	return snapshot_put(t, &snapshot);
}

/* Makes a snapshot of it. */
static inline void
make(struct scratch *s, const struct archive *archive)
{
	struct making m = {.archive = archive};

	m.state.suite = strdup(archive->release ? "s" : archive->name);
	m.state.flat = archive->indexes[0].component[0] == '\0';
	for (const struct index *i = archive->indexes; i->packages; i++) {
		struct state_list l = {
		    .component = (char *)(uintptr_t)i->component,
		    .architecture = (char *)(uintptr_t)i->architecture,
		    .kind = i->kind,
		    .list = index_list(s, i)};

		assert_int_equal(state_add_list(&m.state, &l), 0);
	}
	scratch_write(s, put_archive, &m);
	state_release(&m.state);
}

static inline void
make_all(struct scratch *s, const struct archive *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		make(s, &v[i]);
}

#endif
