/* Where an index can be had again, and reading it. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "store/blob.h"
#include "store/content.h"
#include "store/decompress.h"
#include "store/index.h"
#include "store/listing.h"
#include "store/mend_run.h"

#define READ_BLOCK	(256 * 1024)
#define INDEX_MAX_PLAIN (UINT64_C(16) << 30) /* where Release has no size */

/* --- finding ------------------------------------------------------------- */

/* 1 where the store has the file, 0 where it would have to be fetched, -ENOENT
 * where it has no way to. */
static int
place_of(struct mend *m, struct txn *t, struct mend_index *ix)
{
	struct content c;
	int r = content_find_file(t, &ix->sha256, ix->size, &c);

	if (r < 0)
		return is_damage(r) ? -ENOENT : r;
	if (c.kind == CONTENT_FORM)
		ix->form = c.number;
	else if (c.kind == CONTENT_BLOB)
		ix->blob = c.number;
	else
		return -ENOENT;
	if (ix->form != 0)
		return 1;
	r = blob_present(m->store, &ix->sha256);
	if (r == 0 && (!m->opts->help || !m->opts->help->fetch))
		return -ENOENT;
	return r;
}

static int
find_forms(struct mend *m, struct txn *t, const struct release *rel,
    const char *path, struct mend_index ret[MEND_FORMS], size_t *ret_n)
{
	static const enum codec codecs[MEND_FORMS] = {
	    CODEC_PLAIN, CODEC_GZ, CODEC_ZST, CODEC_XZ, CODEC_BZ2};
	const struct release_file *plain = release_find(rel, span_of(path));
	size_t n = 0, present = 0;

	for (size_t i = 0; i < MEND_FORMS; i++) {
		CLEANUP(buf_release) struct buf name = {0};
		const struct release_file *file;
		struct mend_index ix = {.codec = codecs[i]};
		int r;

		if (buf_addf(&name, "%s%s%s", path,
			codecs[i] == CODEC_PLAIN ? "" : ".",
			codec_suffix(codecs[i])) < 0)
			return -ENOMEM;
		file = release_find(rel, buf_span(&name));
		if (!file)
			continue;
		ix.sha256 = file->sha256;
		ix.size = file->size;
		ix.has_plain = plain != NULL;
		ix.limit = plain ? plain->size : INDEX_MAX_PLAIN;
		if (plain)
			ix.plain = plain->sha256;
		r = place_of(m, t, &ix);
		if (r == -ENOENT)
			continue;
		if (r < 0)
			return r;
		ret[n++] = ix;
		if (r == 0)
			continue;
		ret[n - 1] = ret[present];
		ret[present++] = ix;
	}
	*ret_n = n;
	return 0;
}

int
mend_index_find(struct mend *m, uint64_t number, const char *path,
    struct mend_index ret[MEND_FORMS], size_t *ret_n)
{
	CLEANUP(txn_cleanup) struct txn *t = NULL;
	CLEANUP(state_release) struct state s = {0};
	CLEANUP(listing_release) struct listing l = {0};
	int r = txn_read(m->store, &t, m->err);

	*ret_n = 0;
	if (r < 0)
		return r;
	r = state_load(t, number, &s);
	if (r == 0)
		r = listing_load(t, s.listing, &l);
	if (r == 0)
		r = find_forms(m, t, &l.release, path, ret, ret_n);
	return is_damage(r) ? 0 : r;
}

/* --- reading ------------------------------------------------------------- */

struct reading {
	struct mend *mend;
	const struct mend_index *ix;
	struct decompress *decompress;
	struct index_reader *reader;
	struct hash *hash; /* of the file */
	mend_stanza_fn *fn;
	void *arg;
};

static void
reading_release(struct reading *rd)
{
	decompress_free(rd->decompress);
	index_reader_free(rd->reader);
	hash_free(rd->hash);
}

static int
take_stanza(void *arg, struct span stanza, size_t line, struct error *err)
{
	const struct reading *rd = arg;

	(void)line, (void)err;
	return rd->fn(rd->arg, stanza);
}

static int
take_plain(void *arg, const void *ptr, size_t len)
{
	struct reading *rd = arg;

	return index_reader_add(rd->reader, ptr, len, NULL);
}

static int
take_bytes(struct reading *rd, const void *ptr, size_t len)
{
	int r = mend_stopped(rd->mend);

	if (r < 0)
		return r;
	hash_add(rd->hash, ptr, len);
	return decompress_add(rd->decompress, ptr, len, NULL);
}

static int
read_blob(struct reading *rd)
{
	const struct mend_index *ix = rd->ix;
	CLEANUP_FREE char *block = malloc(READ_BLOCK);
	CLEANUP_FD int fd = blob_open(rd->mend->store, &ix->sha256, ix->size);
	ssize_t n = READ_BLOCK;
	off_t at = 0;
	int r = 0;

	if (!block)
		return -ENOMEM;
	if (fd < 0)
		return fd;
	while (r == 0 && n == READ_BLOCK) {
		n = file_pread_all(fd, block, READ_BLOCK, at);
		if (n < 0)
			return (int)n;
		at += n;
		r = take_bytes(rd, block, (size_t)n);
	}
	return r;
}

static int
load_form(struct reading *rd, struct form *ret)
{
	CLEANUP(txn_cleanup) struct txn *t = NULL;
	int r = txn_read(rd->mend->store, &t, rd->mend->err);

	return r < 0 ? r : form_load(t, rd->ix->form, ret);
}

/* No transaction is open while a stanza is looked at: changes are stored
 * then. */
static int
copy_piece(struct reading *rd, const struct form *f, size_t i, struct buf *out)
{
	CLEANUP(txn_cleanup) struct txn *t = NULL;
	struct span piece;
	int r = txn_read(rd->mend->store, &t, rd->mend->err);

	if (r >= 0)
		r = piece_get(t, f->run[i], f->codec, &piece);
	buf_clear(out);
	return r < 0 ? r : buf_add_span(out, piece);
}

static int
read_form(struct reading *rd)
{
	CLEANUP(form_release) struct form f = {0};
	CLEANUP(buf_release) struct buf piece = {0};
	int r = load_form(rd, &f);

	if (r == 0)
		r = take_bytes(rd, f.head.ptr, f.head.len);
	for (size_t i = 0; r == 0 && i < f.npieces; i++) {
		r = copy_piece(rd, &f, i, &piece);
		if (r == 0)
			r = take_bytes(rd, piece.ptr, piece.len);
	}
	return r < 0 ? r : take_bytes(rd, f.tail.ptr, f.tail.len);
}

static int
read_all(struct reading *rd)
{
	struct digest file, plain;
	uint64_t len;
	int r = rd->ix->form != 0 ? read_form(rd) : read_blob(rd);

	if (r == 0)
		r = decompress_end(rd->decompress, NULL);
	if (r == 0)
		r = index_reader_end(rd->reader, &plain, &len, NULL);
	if (r < 0)
		return r;
	hash_end(rd->hash, &file);
	if (!digest_eq(&file, &rd->ix->sha256))
		return -EBADMSG;
	return rd->ix->has_plain && !digest_eq(&plain, &rd->ix->plain)
		   ? -EBADMSG
		   : 0;
}

static int
fetch_index(struct mend *m, const struct mend_index *ix)
{
	const struct mend_help *help = m->opts->help;
	int r = ix->form != 0 ? 1 : blob_present(m->store, &ix->sha256);

	if (r == 0 && help && help->fetch)
		r = help->fetch(help->arg, ix->blob, ix->size, m->err);
	return r < 0 ? r : 0;
}

int
mend_index_read(
    struct mend *m, const struct mend_index *ix, mend_stanza_fn *fn, void *arg)
{
	CLEANUP(reading_release)
	struct reading rd = {.mend = m, .ix = ix, .fn = fn, .arg = arg};
	int r = fetch_index(m, ix);

	if (r == 0)
		r = decompress_new(
		    ix->codec, ix->limit, take_plain, &rd, &rd.decompress);
	if (r == 0)
		r = index_reader_new(take_stanza, &rd, &rd.reader);
	if (r == 0)
		r = hash_new(&rd.hash);
	return r < 0 ? r : read_all(&rd);
}
