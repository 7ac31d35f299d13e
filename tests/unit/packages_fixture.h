#ifndef TESTS_PACKAGES_FIXTURE_H
#define TESTS_PACKAGES_FIXTURE_H

/*
 * States in memory whose packages are written in short:
 *
 *	packages_add_list(s, &state, "amd64", PACKAGE_BINARY,
 *	    "a 1 amd64\n" "b 2 all foreign|Depends: a|Provides: v (= 3)\n");
 */

#include "scratch_store.h"

#include "store/bits.h"
#include "store/ingest.h"
#include "store/state.h"

/* Fields that stand in every stanza; files need not differ here. */
static inline void
packages_add_files(struct buf *b, enum package_kind kind, const char *name)
{
	static const char hash[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
				   "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

	if (kind == PACKAGE_SOURCE)
		(void)buf_addf(b,
		    "Directory: pool/%s\nChecksums-Sha256:\n %s 1 %s.dsc\n",
		    name, hash, name);
	else
		(void)buf_addf(b,
		    "Filename: pool/%s.deb\nSize: 1\nSHA256: %s\n", name, hash);
}

/* One line "name version architecture [multi-arch][|Field: value]...". */
static inline void
packages_add_stanza(struct buf *b, enum package_kind kind, struct span line)
{
	struct span head, field, word;
	CLEANUP_FREE char *name = NULL;

	(void)span_cut(&line, '|', &head);
	(void)span_word(&head, &word);
	name = span_dup(word);
	(void)buf_addf(b, "Package: %s\n", name);
	(void)span_word(&head, &word);
	(void)buf_addf(b, "Version: %.*s\n", SPAN_ARG(word));
	(void)span_word(&head, &word);
	(void)buf_addf(b, "Architecture: %.*s\n", SPAN_ARG(word));
	if (span_word(&head, &word))
		(void)buf_addf(b, "Multi-Arch: %.*s\n", SPAN_ARG(word));
	while (span_cut(&line, '|', &field)) {
		/* A bar between alternatives is written "/". */
		(void)buf_addf(b, "%.*s\n", SPAN_ARG(field));
		for (size_t i = b->len - field.len; i < b->len; i++)
			if (b->ptr[i] == '/')
				b->ptr[i] = '|';
	}
	packages_add_files(b, kind, name);
}

static inline void
packages_add_list(struct scratch *s, struct state *state, const char *arch,
    enum package_kind kind, const char *lines)
{
	CLEANUP(ingest_cleanup) struct ingest *in = NULL;
	CLEANUP(buf_release) struct buf stanza = {0};
	struct span rest = span_of(lines), line;
	struct state_list l = {.component = (char[]){"main"}, .kind = kind};
	char name[32];
	struct ingest_result got = {0};
	struct error err = {""};

	assert_int_equal(ingest_new(s->store, kind, &in, &err), 0);
	while (span_cut(&rest, '\n', &line)) {
		buf_clear(&stanza);
		packages_add_stanza(&stanza, kind, line);
		if (ingest_stanza(in, buf_span(&stanza), 1, &err) < 0)
			fail_msg("%s", err.text);
	}
	if (ingest_end(in, &got, &err) < 0)
		fail_msg("%s", err.text);
	(void)snprintf(name, sizeof(name), "%s", arch);
	l.architecture = name;
	l.list = got.list;
	assert_int_equal(state_add_list(state, &l), 0);
}

/* "name_version_arch ..." of the packages whose numbers are in the set. */
static inline void
packages_describe(struct txn *t, const struct bits *set, struct buf *b)
{
	CLEANUP(package_release) struct package p = {0};

	buf_clear(b);
	for (uint64_t n = bits_next(set, 0); n != UINT64_MAX;
	     n = bits_next(set, n + 1)) {
		assert_int_equal(package_light(t, n, &p), 0);
		if (b->len > 0)
			(void)buf_add_char(b, ' ');
		assert_int_equal(package_add_name(&p.light, b), 0);
	}
	(void)buf_add_str(b, "");
}

#endif
