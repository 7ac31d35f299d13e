/* For fastCover with parameters of our own: the stable call tries several,
 * which takes ten times as long and gains 1 %. */
#define ZDICT_STATIC_LINKING_ONLY
/* For frames without their magic number. */
#define ZSTD_STATIC_LINKING_ONLY

#include "store/heavy.h"

#include <errno.h>
#include <zdict.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "base/deb822.h"

/* Of 50 MB of stanzas: level 1 makes 18.6 MB, 3 17.1 MB in 1.3 times the
 * time, 6 16.8 MB in 5 times the time. */
#define LEVEL	    3
#define MAGIC_BYTES 4
#define DICT_ID_AT  4 /* in a dictionary: after its own magic number */

struct heavy {
	struct store *store;
	ZSTD_CCtx *cctx;
	ZSTD_CDict *cdict;
	ZSTD_DCtx *dctx;
	struct {
		uint64_t number;
		ZSTD_DDict *ddict;
	} dicts[HEAVY_MAX_DICTS];
	size_t next; /* slot in dicts to be filled */
};

void
heavy_free(struct heavy *h)
{
	if (!h)
		return;
	ZSTD_freeCCtx(h->cctx);
	ZSTD_freeCDict(h->cdict);
	ZSTD_freeDCtx(h->dctx);
	for (size_t i = 0; i < HEAVY_MAX_DICTS; i++)
		ZSTD_freeDDict(h->dicts[i].ddict);
	free(h);
}

int
heavy_new(struct store *s, struct heavy **ret)
{
	struct heavy *h = calloc(1, sizeof(*h));

	if (!h)
		return -ENOMEM;
	h->store = s;
	*ret = h;
	return 0;
}

/* The dictionaries of udebs are those of binary packages. */
static unsigned char
dict_kind(enum package_kind kind)
{
	return kind == PACKAGE_SOURCE ? 1 : 0;
}

struct newest {
	unsigned char kind;
	uint64_t number;
	struct span dict;
};

static int
note_dict(struct span key, struct span value, void *arg)
{
	struct newest *newest = arg;

	/* A damaged one is as good as none. */
	if (key.len != sizeof(struct key64) || value.len == 0 ||
	    (unsigned char)value.ptr[0] != newest->kind)
		return 0;
	newest->number = key64_value(key.ptr);
	newest->dict = (struct span){value.ptr + 1, value.len - 1};
	return 0;
}

static int
find_newest(struct txn *t, struct newest *newest)
{
	return txn_each(t, T_DICTS, (struct span){0}, note_dict, newest);
}

int
heavy_use_newest(
    struct heavy *h, struct txn *t, enum package_kind kind, uint64_t *ret)
{
	struct newest newest = {.kind = dict_kind(kind)};
	ZSTD_CDict *cdict = NULL;
	int r;

	r = find_newest(t, &newest);
	if (r < 0)
		return r;
	if (newest.number != 0) {
		cdict =
		    ZSTD_createCDict(newest.dict.ptr, newest.dict.len, LEVEL);
		if (!cdict)
			return -ENOMEM;
	}
	/* The context refers to the old one until it is told otherwise. */
	ZSTD_freeCCtx(TAKE(h->cctx));
	ZSTD_freeCDict(h->cdict);
	h->cdict = cdict;
	*ret = newest.number;
	return 0;
}

/* A trained dictionary on its way into the store. */
struct training {
	unsigned char kind;
	struct buf value; /* the kind and the dictionary */
};

static int
train(const struct heavy_samples *samples, struct training *tr)
{
	const ZDICT_fastCover_params_t params = {
	    .k = 1000,
	    .d = 8,
	    .f = 18,
	    .accel = 1,
	    .zParams = {.compressionLevel = LEVEL},
	};
	size_t n;

	if (buf_reserve(&tr->value, 1 + HEAVY_DICT_SIZE) < 0)
		return -ENOMEM;
	tr->value.ptr[0] = (char)tr->kind;
	n = ZDICT_trainFromBuffer_fastCover(tr->value.ptr + 1, HEAVY_DICT_SIZE,
	    samples->bytes.ptr, samples->sizes, samples->n, params);
	/* Its errors are all about samples that are no good. */
	if (ZDICT_isError(n) || n <= DICT_ID_AT + 4)
		return -EAGAIN;
	tr->value.len = 1 + n;
	return 0;
}

static int
store_dict(struct txn *t, void *arg, struct error *err)
{
	struct training *tr = arg;
	struct newest newest = {.kind = tr->kind};
	uint64_t number = 0;
	int r;

	r = find_newest(t, &newest);
	if (r == 0 && newest.number != 0)
		return 0;
	if (r == 0)
		r = txn_take(t, C_DICT, 1, &number);
	/* The ID stands there as 4 bytes, little-endian. */
	for (unsigned i = 0; i < 4; i++)
		tr->value.ptr[1 + DICT_ID_AT + i] = (char)(number >> (8 * i));
	if (r == 0)
		r = txn_append64(t, T_DICTS, number, buf_span(&tr->value));
	return r < 0 ? error_sys(err, r, "cannot store a dictionary") : 0;
}

static int
use_trained(struct heavy *h, enum package_kind kind, struct error *err)
{
	CLEANUP(txn_cleanup) struct txn *t = NULL;
	uint64_t number;
	int r;

	r = txn_read(h->store, &t, err);
	if (r < 0)
		return r;
	r = heavy_use_newest(h, t, kind, &number);
	return r < 0 ? error_sys(err, r, "cannot load a dictionary") : 0;
}

static void
training_release(struct training *tr)
{
	buf_release(&tr->value);
}

int
heavy_train(struct heavy *h, enum package_kind kind,
    const struct heavy_samples *samples, struct error *err)
{
	CLEANUP(training_release)
	struct training tr = {.kind = dict_kind(kind)};
	int r;

	r = samples->bytes.len < HEAVY_MIN_SAMPLES ? -EAGAIN
						   : train(samples, &tr);
	if (r < 0)
		return error_sys(err, r, "cannot train a dictionary");
	r = store_write(h->store, store_dict, &tr, err);
	return r < 0 ? r : use_trained(h, kind, err);
}

static int
prepare_cctx(struct heavy *h)
{
	ZSTD_CCtx *c = ZSTD_createCCtx();
	size_t n;

	if (!c)
		return -ENOMEM;
	n = ZSTD_CCtx_setParameter(c, ZSTD_c_compressionLevel, LEVEL);
	if (!ZSTD_isError(n) && h->cdict)
		n = ZSTD_CCtx_refCDict(c, h->cdict);
	if (ZSTD_isError(n)) {
		ZSTD_freeCCtx(c);
		return -ENOMEM;
	}
	h->cctx = c;
	return 0;
}

int
heavy_compress(struct heavy *h, struct span stanza, struct buf *out)
{
	size_t bound = ZSTD_compressBound(stanza.len), n;
	char *to;
	int r;

	r = h->cctx ? 0 : prepare_cctx(h);
	if (r < 0)
		return r;
	if (buf_reserve(out, bound) < 0)
		return -ENOMEM;
	to = out->ptr + out->len;
	n = ZSTD_compress2(h->cctx, to, bound, stanza.ptr, stanza.len);
	/* With room for the worst case nothing else can fail. */
	if (ZSTD_isError(n) || n < MAGIC_BYTES)
		return -ENOMEM;
	n -= MAGIC_BYTES;
	memmove(to, to + MAGIC_BYTES, n);
	out->len += n;
	to[n] = '\0';
	return 0;
}

static int
load_dict(struct heavy *h, struct txn *t, uint64_t number, ZSTD_DDict **ret)
{
	ZSTD_DDict *ddict;
	struct span value;
	int r;

	r = txn_get64(t, T_DICTS, number, &value);
	if (r < 0)
		return r == -ENOENT ? -EIO : r;
	if (value.len == 0)
		return -EIO;
	ddict = ZSTD_createDDict(value.ptr + 1, value.len - 1);
	if (!ddict)
		return -ENOMEM;
	ZSTD_freeDDict(h->dicts[h->next].ddict);
	h->dicts[h->next].number = number;
	h->dicts[h->next].ddict = ddict;
	h->next = (h->next + 1) % HEAVY_MAX_DICTS;
	*ret = ddict;
	return 0;
}

/* NULL for number 0: a frame without a dictionary. */
static int
dict_of(struct heavy *h, struct txn *t, uint64_t number, ZSTD_DDict **ret)
{
	*ret = NULL;
	if (number == 0)
		return 0;
	for (size_t i = 0; i < HEAVY_MAX_DICTS; i++) {
		if (h->dicts[i].number != number)
			continue;
		*ret = h->dicts[i].ddict;
		return 0;
	}
	return load_dict(h, t, number, ret);
}

/* What it takes for an old frame or one to be skipped, it would decompress as
 * one, but no frame of ours, which has no sum and one segment, looks so. */
static int
prepare_dctx(struct heavy *h)
{
	ZSTD_DCtx *d = ZSTD_createDCtx();

	if (!d)
		return -ENOMEM;
	if (ZSTD_isError(ZSTD_DCtx_setParameter(
		d, ZSTD_d_format, ZSTD_f_zstd1_magicless))) {
		ZSTD_freeDCtx(d);
		return -ENOMEM;
	}
	h->dctx = d;
	return 0;
}

static int
decompress(struct heavy *h, struct txn *t, struct span record, struct buf *out)
{
	ZSTD_frameHeader head;
	ZSTD_DDict *ddict;
	size_t n;
	int r;

	/* An unknown size is beyond the limit. */
	if (ZSTD_getFrameHeader_advanced(
		&head, record.ptr, record.len, ZSTD_f_zstd1_magicless) != 0 ||
	    head.frameContentSize > STANZA_MAX)
		return -EIO;
	r = dict_of(h, t, head.dictID, &ddict);
	if (r == 0)
		r = buf_reserve(out, head.frameContentSize);
	if (r < 0)
		return r;
	n = ZSTD_decompress_usingDDict(h->dctx, out->ptr + out->len,
	    head.frameContentSize, record.ptr, record.len, ddict);
	if (ZSTD_getErrorCode(n) == ZSTD_error_memory_allocation)
		return -ENOMEM;
	if (ZSTD_isError(n) || n != head.frameContentSize)
		return -EIO;
	out->len += n;
	out->ptr[out->len] = '\0';
	return 0;
}

int
heavy_record_dict(struct span record, uint64_t *ret)
{
	ZSTD_frameHeader head;

	if (ZSTD_getFrameHeader_advanced(
		&head, record.ptr, record.len, ZSTD_f_zstd1_magicless) != 0)
		return -EIO;
	*ret = head.dictID;
	return 0;
}

int
heavy_stanza(struct heavy *h, struct txn *t, uint64_t package, struct buf *out)
{
	struct span record;
	int r;

	r = txn_get64(t, T_HEAVY, package, &record);
	if (r == 0 && !h->dctx)
		r = prepare_dctx(h);
	return r < 0 ? r : decompress(h, t, record, out);
}
