#include "store/blob.h"

#include <errno.h>

#include "store/blob_record.h"
#include "store/content.h"

/*
 * A blob record, version 2: SHA-256, size, mtime, [package, file, ...],
 * [origin, path, ...] and, since version 2, [codec, sister, ...].
 */
#define BLOB_VERSION 2
#define BLOB_ITEMS   6
#define SISTERS	     5

void
blob_release(struct blob *b)
{
	for (size_t i = 0; i < b->nsources; i++)
		free((void *)(uintptr_t)b->sources[i].path.ptr);
	free(b->sources);
	*b = (struct blob){0};
}

static int
decode_sources(const struct record_view *packages,
    const struct record_view *places, struct blob *b)
{
	size_t i;

	b->sources =
	    calloc(packages->n / 2 + places->n / 2 + 1, sizeof(*b->sources));
	if (!b->sources)
		return -ENOMEM;
	for (i = 0; i + 1 < packages->n; i += 2)
		b->sources[b->nsources++] = (struct blob_source){
		    .package = record_u64(packages, i),
		    .file = (uint32_t)record_u64(packages, i + 1),
		};
	for (i = 0; i + 1 < places->n; i += 2) {
		struct span path = record_span(places, i + 1);
		char *copy = span_dup(path);

		if (!copy)
			return -ENOMEM;
		b->sources[b->nsources++] = (struct blob_source){
		    .origin = record_u64(places, i),
		    .path = {copy, path.len},
		};
	}
	return 0;
}

static void
decode_sisters(const struct record_view *sisters, struct blob *b)
{
	for (size_t i = 0; i + 1 < sisters->n; i += 2) {
		uint64_t codec = record_u64(sisters, i);

		if (codec > CODEC_BZ2 || b->nsisters == BLOB_MAX_SISTERS) {
			record_spoil(sisters, -EBADMSG);
			return;
		}
		b->sisters[b->nsisters++] = (struct blob_sister){
		    (enum codec)codec, record_u64(sisters, i + 1)};
	}
}

static int
decode(struct span bytes, struct record *record, struct blob *b)
{
	struct record_view v, packages, places;
	int r;

	r = record_parse(record, bytes, BLOB_VERSION, &v);
	if (r < 0)
		return r == -EBADMSG ? -EIO : r;
	record_digest(&v, 0, &b->sha256);
	b->size = record_u64(&v, 1);
	b->mtime = record_i64(&v, 2);
	packages = record_array_at(&v, 3);
	places = record_array_at(&v, 4);
	r = decode_sources(&packages, &places, b);
	if (r < 0)
		return r;
	if (v.n > SISTERS) {
		struct record_view sisters = record_array_at(&v, SISTERS);

		decode_sisters(&sisters, b);
	}
	return record->bad == -EBADMSG ? -EIO : record->bad;
}

int
blob_load(struct txn *t, uint64_t number, struct blob *ret)
{
	CLEANUP(record_release) struct record record = {0};
	CLEANUP(blob_release) struct blob b = {.number = number};
	struct span bytes;
	int r;

	r = txn_get64(t, T_BLOBS, number, &bytes);
	if (r == 0)
		r = decode(bytes, &record, &b);
	if (r < 0)
		return r;
	*ret = b;
	b = (struct blob){0};
	return 0;
}

static size_t
count_package_sources(const struct blob *b)
{
	size_t n = 0;

	for (size_t i = 0; i < b->nsources; i++)
		n += b->sources[i].package != 0;
	return n;
}

int
blob_encode(const struct blob *b, struct record_writer *w, struct span *ret)
{
	size_t npackages = count_package_sources(b);

	record_begin(w, BLOB_VERSION, BLOB_ITEMS);
	record_put_digest(w, &b->sha256);
	record_put_u64(w, b->size);
	record_put_i64(w, b->mtime);
	record_array(w, 2 * npackages);
	for (size_t i = 0; i < b->nsources; i++) {
		if (b->sources[i].package == 0)
			continue;
		record_put_u64(w, b->sources[i].package);
		record_put_u64(w, b->sources[i].file);
	}
	record_array(w, 2 * (b->nsources - npackages));
	for (size_t i = 0; i < b->nsources; i++) {
		if (b->sources[i].package != 0)
			continue;
		record_put_u64(w, b->sources[i].origin);
		record_put_str(w, b->sources[i].path);
	}
	record_array(w, 2 * b->nsisters);
	for (size_t i = 0; i < b->nsisters; i++) {
		record_put_u64(w, b->sisters[i].codec);
		record_put_u64(w, b->sisters[i].blob);
	}
	return record_end(w, ret);
}

static int
store_blob(struct txn *t, const struct blob *b)
{
	CLEANUP(record_writer_release) struct record_writer w;
	struct span bytes;
	int r;

	record_writer_init(&w);
	r = blob_encode(b, &w, &bytes);
	return r < 0 ? r : txn_put64(t, T_BLOBS, b->number, bytes);
}

static int
new_blob(struct txn *t, struct blob *b)
{
	int r;

	r = txn_take(t, C_BLOB, 1, &b->number);
	if (r == 0)
		r = txn_take_stamps(t, C_STAMP_BLOB, 1, &b->mtime);
	if (r == 0)
		r = store_blob(t, b);
	if (r == 0)
		r = content_put_file(t, &b->sha256, b->size,
		    (struct content){CONTENT_BLOB, b->number});
	return r;
}

int
blob_put(
    struct txn *t, const struct digest *sha256, uint64_t size, uint64_t *ret)
{
	CLEANUP(blob_release) struct blob b = {.size = size, .sha256 = *sha256};
	struct content c;
	int r;

	r = content_find_file(t, sha256, size, &c);
	if (r == -ENOENT) {
		r = new_blob(t, &b);
		c.number = b.number;
	} else if (r == 0 && c.kind != CONTENT_BLOB) {
		r = -EEXIST;
	}
	if (r == 0)
		*ret = c.number;
	return r;
}

static bool
same_source(const struct blob_source *a, const struct blob_source *b)
{
	return a->package == b->package && a->file == b->file &&
	       a->origin == b->origin && span_eq(a->path, b->path);
}

static int
is_place(uint64_t origin, struct span path, void *arg)
{
	(void)origin, (void)path, (void)arg;
	return 1;
}

/* Makes room.  What no archive is known to have said goes first: a forged
 * index must not push the true sources out. */
static void
drop_source(struct txn *t, struct blob *b)
{
	size_t i = 0;

	for (size_t j = b->nsources; j-- > 0;) {
		struct blob one = {.sources = &b->sources[j], .nsources = 1};

		if (blob_each_place(t, &one, is_place, NULL) == 0)
			i = j;
	}
	free((void *)(uintptr_t)b->sources[i].path.ptr);
	b->nsources--;
	memmove(b->sources + i, b->sources + i + 1,
	    (b->nsources - i) * sizeof(*b->sources));
}

/* Adds a copy, unless it is there: 1 if the blob has changed. */
static int
add_source(struct txn *t, struct blob *b, const struct blob_source *source)
{
	struct blob_source *more, copy = *source;

	for (size_t i = 0; i < b->nsources; i++)
		if (same_source(&b->sources[i], source))
			return 0;
	if (b->nsources == BLOB_MAX_SOURCES)
		drop_source(t, b);
	more = reallocarray(b->sources, b->nsources + 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	b->sources = more;
	copy.path.ptr = copy.package == 0 ? span_dup(source->path) : NULL;
	if (copy.package == 0 && !copy.path.ptr)
		return -ENOMEM;
	b->sources[b->nsources++] = copy;
	return 1;
}

int
blob_add_sources(
    struct txn *t, uint64_t number, const struct blob_source *sources, size_t n)
{
	CLEANUP(blob_release) struct blob b = {0};
	bool changed = false;
	int r;

	if (n > BLOB_MAX_SOURCES) {
		sources += n - BLOB_MAX_SOURCES;
		n = BLOB_MAX_SOURCES;
	}
	r = blob_load(t, number, &b);
	for (size_t i = 0; i < n && r >= 0; i++) {
		r = add_source(t, &b, &sources[i]);
		changed |= r > 0;
	}
	return r >= 0 && changed ? store_blob(t, &b) : r < 0 ? r : 0;
}

/* 1 if the blob has changed. */
static int
set_sister(struct blob *b, const struct blob_sister *sister)
{
	size_t i = 0;

	while (i < b->nsisters && b->sisters[i].codec != sister->codec)
		i++;
	if (i < b->nsisters && b->sisters[i].blob == sister->blob)
		return 0;
	if (i == BLOB_MAX_SISTERS)
		return -EINVAL;
	if (i == b->nsisters)
		b->nsisters++;
	b->sisters[i] = *sister;
	return 1;
}

int
blob_add_sister(
    struct txn *t, uint64_t number, const struct blob_sister *sister)
{
	CLEANUP(blob_release) struct blob b = {0};
	int r = blob_load(t, number, &b);

	if (r == 0)
		r = set_sister(&b, sister);
	return r > 0 ? store_blob(t, &b) : r;
}
