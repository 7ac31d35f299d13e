#ifndef TESTS_CARE_FIXTURE_H
#define TESTS_CARE_FIXTURE_H

/* Snapshots of small archives, made without any.  Include scratch_store.h
 * first. */

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/deb822.h"
#include "store/blob.h"
#include "store/check.h"
#include "store/content.h"
#include "store/form.h"
#include "store/ingest.h"
#include "store/list.h"
#include "store/origin.h"
#include "store/snapshot.h"
#include "store/state.h"
#include "store/text.h"

/* The package's file is called like it, and these are its bytes. */
static inline struct digest
file_digest(const char *name)
{
	struct digest d;

	digest_of(name, strlen(name), &d);
	return d;
}

/* "name" or "name=file": the file is another's. */
static inline void
add_stanza_of(struct buf *b, struct span word)
{
	CLEANUP_FREE char *copy = span_dup(word);
	char hex[DIGEST_HEX_SIZE];
	struct digest d;
	char *file;

	assert_non_null(copy);
	file = strchr(copy, '=');
	if (file)
		*file++ = '\0';
	d = file_digest(file ? file : copy);
	(void)buf_addf(b,
	    "Package: %s\nVersion: 1\nArchitecture: all\n"
	    "Filename: pool/%s.deb\nSize: %zu\nSHA256: %s\n\n",
	    copy, copy, strlen(file ? file : copy), digest_hex(&d, hex));
}

static inline uint64_t
take_list(struct scratch *s, const char *words, struct digest *ret_rendered)
{
	CLEANUP(ingest_cleanup) struct ingest *in = NULL;
	CLEANUP(buf_release) struct buf text = {0};
	struct ingest_result result;
	struct span rest = span_of(words), all, one;
	struct error err = {""};

	while (span_word(&rest, &one))
		add_stanza_of(&text, one);
	all = buf_span(&text);
	assert_int_equal(ingest_new(s->store, PACKAGE_BINARY, &in, &err), 0);
	while (deb822_stanza(&all, &one))
		assert_int_equal(ingest_stanza(in, one, 1, &err), 0);
	assert_int_equal(ingest_end(in, &result, &err), 0);
	*ret_rendered = result.rendered;
	return result.list;
}

struct freezing {
	const char *name;
	uint64_t list, size, origin;
	struct digest rendered;
	uint64_t state; /* that was made */
};

/* A Release that lists the index, a file "extra-NAME", and one that all have.
 */
static inline void
put_release_text(struct txn *t, struct freezing *f, uint64_t *ret)
{
	CLEANUP(buf_release) struct buf text = {0};
	char extra[128], hex[DIGEST_HEX_SIZE];
	struct digest d;
	uint64_t blob;
	struct blob_source source = {
	    .origin = f->origin, .path = SPAN("dists/s/extra")};

	(void)buf_addf(&text,
	    "Suite: s\nDate: Sat, 17 May 2025 09:51:27 UTC\n"
	    "Description: %s\nSHA256:\n %s %llu main/binary-all/Packages\n",
	    f->name, digest_hex(&f->rendered, hex),
	    (unsigned long long)f->size);
	(void)snprintf(extra, sizeof(extra), "extra-%s", f->name);
	d = file_digest(extra);
	(void)buf_addf(
	    &text, " %s %zu extra\n", digest_hex(&d, hex), strlen(extra));
	assert_int_equal(blob_put(t, &d, strlen(extra), &blob), 0);
	assert_int_equal(blob_add_sources(t, blob, &source, 1), 0);
	d = file_digest("common");
	(void)buf_addf(&text, " %s 6 common\n", digest_hex(&d, hex));
	assert_int_equal(blob_put(t, &d, 6, &blob), 0);
	assert_int_equal(text_put(t, buf_span(&text), 0, ret), 0);
}

static inline int
freeze_in(struct txn *t, void *arg, struct error *err)
{
	struct freezing *f = arg;
	CLEANUP(list_release) struct list l = {0};
	struct origin o = {.url = (char[]){"http://mirror.example.org/"}};
	struct state_list sl = {.component = (char[]){"main"},
	    .architecture = (char[]){"all"},
	    .kind = PACKAGE_BINARY,
	    .list = f->list};
	struct state s = {.suite = (char[]){"s"}};
	struct snapshot snapshot = {.name = (char *)(uintptr_t)f->name,
	    .description = (char[]){"test"}};

	(void)err;
	assert_int_equal(origin_put(t, &o), 0);
	f->origin = s.origin = o.number;
	assert_int_equal(list_load(t, f->list, &l), 0);
	f->size = l.bytes;
	assert_int_equal(sighting_put_list(t, o.number, &l), 0);
	put_release_text(t, f, &s.release);
	s.listing = s.release;
	assert_int_equal(state_add_list(&s, &sl), 0);
	assert_int_equal(strs_add(&s.signers, SPAN("SIGNER")), 0);
	assert_int_equal(state_put(t, &s), 0);
	f->state = snapshot.state = s.number;
	s.suite = NULL;
	state_release(&s);
	return snapshot_put(t, &snapshot);
}

/* A snapshot of an archive that has these packages. */
static inline struct freezing
freeze(struct scratch *s, const char *name, const char *packages)
{
	struct freezing f = {.name = name};

	f.list = take_list(s, packages, &f.rendered);
	scratch_write(s, freeze_in, &f);
	return f;
}

static inline int
drop_in(struct txn *t, void *arg, struct error *err)
{
	(void)err;
	return snapshot_delete(t, arg);
}

static inline void
drop(struct scratch *s, const char *name)
{
	scratch_write(s, drop_in, (void *)(uintptr_t)name);
}

/* Makes the file of that content present. */
static inline void
make_present(struct scratch *s, const char *content)
{
	CLEANUP(blob_writer_cleanup) struct blob_writer *w = NULL;
	struct digest d = file_digest(content);
	struct error err;
	uint64_t have;

	assert_int_equal(
	    blob_writer_new(s->store, &d, strlen(content), &w, &have, &err), 0);
	assert_int_equal(blob_writer_add(w, content, strlen(content), &err), 0);
	assert_int_equal(blob_writer_end(w, &err), 0);
}

static inline bool
is_present(struct scratch *s, const char *content)
{
	struct digest d = file_digest(content);
	int r = blob_present(s->store, &d);

	assert_true(r >= 0);
	return r;
}

static inline uint64_t
entries(struct scratch *s, enum table table)
{
	struct txn *t = scratch_read(s);
	uint64_t n;

	assert_int_equal(txn_count(t, table, &n), 0);
	txn_end(t);
	return n;
}

/* The blob of a file, or 0. */
static inline uint64_t
blob_of(struct scratch *s, const char *content)
{
	struct digest d = file_digest(content);
	struct txn *t = scratch_read(s);
	struct content c = {0};
	int r = content_find_file(t, &d, strlen(content), &c);

	txn_end(t);
	assert_true(r == 0 || r == -ENOENT);
	return r == 0 ? c.number : 0;
}

/* Puts an entry, or takes it away (value NULL). */
struct entry {
	enum table table;
	struct span key;
	const struct span *value;
};

static inline int
set_entry_in(struct txn *t, void *arg, struct error *err)
{
	const struct entry *e = arg;

	(void)err;
	if (!e->value)
		return txn_del(t, e->table, e->key.ptr, e->key.len);
	return txn_put(t, e->table, e->key.ptr, e->key.len, *e->value);
}

static inline void
set_entry(struct scratch *s, enum table table, struct span key,
    const struct span *value)
{
	struct entry e = {table, key, value};

	scratch_write(s, set_entry_in, &e);
}

/* A form of the list whose number arg points to, of one piece. */
static inline int
put_form(struct txn *t, void *arg, struct error *err)
{
	struct form f = {.codec = CODEC_GZ, .npieces = 1};
	CLEANUP(list_release) struct list l = {0};
	uint64_t offsets[] = {0, 5};

	(void)err;
	assert_int_equal(list_load(t, *(uint64_t *)arg, &l), 0);
	assert_int_equal(
	    piece_put(t, l.runs[0].run, CODEC_GZ, SPAN("piece")), 0);
	f.list = l.number;
	f.run = &l.runs[0].run;
	f.offset = offsets;
	f.size = 5;
	digest_of("piece", 5, &f.sha256);
	return form_put(t, &f);
}

static inline void
fail_at_finding(void *arg, const struct check_finding *f)
{
	(void)arg;
	fail_msg("%s: %s", f->what, f->text);
}

/* All is well, files of blobs too. */
static inline void
assert_sound(struct scratch *s)
{
	struct check_opts opts = {.blobs = true, .found = fail_at_finding};
	struct check_result n;
	struct error err = {""};
	int r = check_store(s->store, &opts, &n, &err);

	if (r < 0)
		fail_msg("%d %s", r, err.text);
}

#endif
