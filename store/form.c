#include "store/form.h"

#include <errno.h>
#include <stdlib.h>

#include "base/path.h"
#include "store/content.h"
#include "store/head.h"
#include "store/ints.h"

/*
 * The record, version 2: list, codec, size, mtime, SHA-256, number of pieces,
 * and as a sequence of integers (store/ints.h): where the first piece begins,
 * then for each piece its run's number less that of the run before (signed)
 * and its length; then head and tail, which version 1 had not.
 */
enum {
	FORM_LIST,
	FORM_CODEC,
	FORM_SIZE,
	FORM_MTIME,
	FORM_SHA256,
	FORM_COUNT,
	FORM_PIECES,
	FORM_HEAD,
	FORM_TAIL
};

#define FORM_VERSION 2
#define FORM_ITEMS   9
#define FORM_ID_SIZE 9 /* list or run number, codec */

static const char *const suffixes[] = {
    [CODEC_PLAIN] = "",
    [CODEC_GZ] = "gz",
    [CODEC_XZ] = "xz",
    [CODEC_ZST] = "zst",
    [CODEC_BZ2] = "bz2",
};

const char *
codec_suffix(enum codec codec)
{
	return suffixes[codec];
}

int
codec_parse(struct span suffix, enum codec *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
		if (span_eq(suffix, span_of(suffixes[i]))) {
			*ret = (enum codec)i;
			return 0;
		}
	}
	return -EINVAL;
}

enum codec
codec_of_path(struct span path, struct span *stem)
{
	struct span name = path_base(path);
	enum codec codec = CODEC_PLAIN;
	size_t dot = name.len;

	*stem = path;
	while (dot > 0 && name.ptr[dot - 1] != '.')
		dot--;
	/* dot is behind the last one; ".gz" is a name of its own. */
	if (dot <= 1 || dot == name.len)
		return CODEC_PLAIN;
	if (codec_parse((struct span){name.ptr + dot, name.len - dot}, &codec) <
	    0)
		return CODEC_PLAIN;
	stem->len -= name.len - dot + 1;
	return codec;
}

struct form_id {
	char byte[FORM_ID_SIZE];
};

static struct form_id
form_id(uint64_t number, enum codec codec)
{
	struct key64 k = key64(number);
	struct form_id id;

	memcpy(id.byte, k.byte, sizeof(k.byte));
	id.byte[sizeof(k.byte)] = (char)codec;
	return id;
}

int
form_find(struct txn *t, uint64_t list, enum codec codec, uint64_t *ret)
{
	struct form_id id = form_id(list, codec);
	struct span v;
	int r = txn_get(t, T_FORM_IDS, id.byte, sizeof(id.byte), &v);

	if (r < 0)
		return r;
	if (v.len != sizeof(struct key64))
		return -EIO;
	*ret = key64_value(v.ptr);
	return 0;
}

int
piece_get(struct txn *t, uint64_t run, enum codec codec, struct span *ret)
{
	struct form_id id = form_id(run, codec);

	return txn_get(t, T_PIECES, id.byte, sizeof(id.byte), ret);
}

int
piece_put(struct txn *t, uint64_t run, enum codec codec, struct span bytes)
{
	struct form_id id = form_id(run, codec);

	return txn_put(t, T_PIECES, id.byte, sizeof(id.byte), bytes);
}

void
form_release(struct form *f)
{
	free(f->run);
	free(f->offset);
	buf_release(&f->head);
	buf_release(&f->tail);
	f->run = NULL;
	f->offset = NULL;
	f->npieces = 0;
}

/* What the record lends. */
struct form_parts {
	struct span pieces, head, tail;
};

/* All but the parts; *ret_parts is what they are read from. */
static int
form_head(struct txn *t, uint64_t number, struct record *rec, struct form *ret,
    struct form_parts *ret_parts)
{
	struct record_view v = {0};
	struct span bytes;
	uint64_t codec, count;
	int r = txn_get64(t, T_FORMS, number, &bytes);

	if (r == 0)
		r = head_parse(bytes, FORM_VERSION, rec, &v);
	if (r < 0)
		return r;
	codec = record_u64(&v, FORM_CODEC);
	count = record_u64(&v, FORM_COUNT);
	*ret_parts =
	    (struct form_parts){.pieces = record_span(&v, FORM_PIECES)};
	if (v.n > FORM_HEAD) {
		ret_parts->head = record_span(&v, FORM_HEAD);
		ret_parts->tail = record_span(&v, FORM_TAIL);
	}
	*ret = (struct form){.number = number,
	    .list = record_u64(&v, FORM_LIST),
	    .codec = (enum codec)codec,
	    .size = record_u64(&v, FORM_SIZE),
	    .mtime = record_i64(&v, FORM_MTIME),
	    .npieces = (size_t)count};
	record_digest(&v, FORM_SHA256, &ret->sha256);
	/* A piece takes two bytes at least. */
	if (codec >= ARRAY_LEN(suffixes) || count > ret_parts->pieces.len / 2)
		return -EIO;
	return head_check(rec);
}

int
form_info(struct txn *t, uint64_t number, uint64_t *size, int64_t *mtime,
    struct digest *sha256)
{
	CLEANUP(record_release) struct record rec = {0};
	struct form_parts parts;
	struct form f;
	int r = form_head(t, number, &rec, &f, &parts);

	if (r < 0)
		return r;
	*size = f.size;
	*mtime = f.mtime;
	*sha256 = f.sha256;
	return 0;
}

static int
read_pieces(struct form *f, struct span pieces)
{
	uint64_t run = 0, len;
	int64_t step;

	if (!ints_cut(&pieces, &f->offset[0]) || f->offset[0] > f->size)
		return -EIO;
	for (size_t i = 0; i < f->npieces; i++) {
		if (!ints_cut_signed(&pieces, &step) ||
		    !ints_cut(&pieces, &len) || len > f->size - f->offset[i])
			return -EIO;
		run += (uint64_t)step;
		f->run[i] = run;
		f->offset[i + 1] = f->offset[i] + len;
	}
	return pieces.len == 0 ? 0 : -EIO;
}

/* Room for the pieces; one more, so that none is an array too. */
static int
form_alloc(struct form *f)
{
	f->run = calloc(f->npieces + 1, sizeof(*f->run));
	f->offset = calloc(f->npieces + 1, sizeof(*f->offset));
	return f->run && f->offset ? 0 : -ENOMEM;
}

int
form_load(struct txn *t, uint64_t number, struct form *ret)
{
	CLEANUP(record_release) struct record rec = {0};
	struct form_parts parts;
	struct form f;
	int r = form_head(t, number, &rec, &f, &parts);

	if (r < 0)
		return r;
	r = form_alloc(&f);
	if (r == 0)
		r = read_pieces(&f, parts.pieces);
	if (r == 0 && (buf_add_span(&f.head, parts.head) < 0 ||
			  buf_add_span(&f.tail, parts.tail) < 0))
		r = -ENOMEM;
	if (r < 0)
		form_release(&f);
	else
		*ret = f;
	return r;
}

static int
write_pieces(const struct form *f, struct buf *out)
{
	uint64_t run = 0;

	(void)ints_add(out, f->offset[0]);
	for (size_t i = 0; i < f->npieces; i++) {
		(void)ints_add_signed(out, (int64_t)(f->run[i] - run));
		(void)ints_add(out, f->offset[i + 1] - f->offset[i]);
		run = f->run[i];
	}
	return out->failed ? -ENOMEM : 0;
}

static int
form_store(struct txn *t, const struct form *f)
{
	CLEANUP(buf_release) struct buf pieces = {0};
	struct record_writer w;
	int r = write_pieces(f, &pieces);

	if (r < 0)
		return r;
	record_writer_init(&w);
	record_begin(&w, FORM_VERSION, FORM_ITEMS);
	record_put_u64(&w, f->list);
	record_put_u64(&w, f->codec);
	record_put_u64(&w, f->size);
	record_put_i64(&w, f->mtime);
	record_put_digest(&w, &f->sha256);
	record_put_u64(&w, f->npieces);
	record_put_bin(&w, pieces.ptr, pieces.len);
	record_put_bin(&w, f->head.ptr, f->head.len);
	record_put_bin(&w, f->tail.ptr, f->tail.len);
	r = head_put64(t, T_FORMS, f->number, &w);
	record_writer_release(&w);
	return r;
}

/* The same form, stored before?  1, with *f filled in, or 0. */
static int
form_known(struct txn *t, struct form *f)
{
	struct digest sha256;
	uint64_t number, size = 0;
	int64_t mtime = 0;
	int r = form_find(t, f->list, f->codec, &number);

	if (r == 0)
		r = form_info(t, number, &size, &mtime, &sha256);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (!digest_eq(&sha256, &f->sha256) || size != f->size)
		return 0;
	f->number = number;
	f->mtime = mtime;
	return 1;
}

/* Enters the form's hash, unless the bytes can be had more cheaply. */
static int
form_enter(struct txn *t, const struct form *f)
{
	struct content c = {CONTENT_BLOB, 0};
	int r = content_find(t, &f->sha256, &c);

	if (r < 0 && r != -ENOENT)
		return r;
	if (c.kind == CONTENT_LIST || c.kind == CONTENT_TEXT)
		return 0;
	return content_put(
	    t, &f->sha256, (struct content){CONTENT_FORM, f->number});
}

int
form_put(struct txn *t, struct form *f)
{
	struct form_id id = form_id(f->list, f->codec);
	struct key64 number;
	int r = form_known(t, f);

	if (r != 0)
		return r < 0 ? r : 0;
	r = txn_take_stamps(t, C_STAMP_TEXT, 1, &f->mtime);
	if (r == 0)
		r = txn_take(t, C_FORM, 1, &f->number);
	if (r == 0)
		r = form_store(t, f);
	if (r < 0)
		return r;
	number = key64(f->number);
	r = txn_put(t, T_FORM_IDS, id.byte, sizeof(id.byte),
	    (struct span){(const char *)number.byte, sizeof(number.byte)});
	return r < 0 ? r : form_enter(t, f);
}
