#include "store/ingest.h"

#include <errno.h>

#include "base/deb822.h"
#include "store/blob.h"
#include "store/content.h"
#include "store/heavy.h"
#include "store/list.h"

/* Packages in a batch, known ones included. */
#define BATCH_PACKAGES 32768

/* A stanza of the batch, in the order of the index. */
struct item {
	struct digest digest;
	uint64_t number; /* 0: news[at] */
	uint32_t at;
	uint32_t len; /* bytes of the stanza */
};

struct ingest {
	struct store *store;
	enum package_kind kind;
	struct heavy *heavy;
	bool has_dict;
	struct txn *txn; /* to look stanzas up in; one per batch */
	struct list_writer *list;
	struct hash *rendered;
	struct ingest_result result;
	struct light light;
	struct record_writer writer;
	struct buf previous; /* stanza */
	size_t previous_line;

	/* The batch.  The spans in news have only their lengths until it is
	 * stored: the records stand one after another in lights and heavies,
	 * which move while they grow.  So it is with the files. */
	struct item *items;
	size_t nitems, items_cap;
	struct package_new *news;
	size_t nnews, news_cap;
	struct package_file *files; /* without paths */
	size_t nfiles, files_cap;
	struct buf lights, heavies;
	size_t batch_bytes; /* of the stanzas of news */
	uint64_t *numbers;  /* of news, once they are stored */
	size_t numbers_cap;
	int n_new; /* of news, as of the last try to store them */

	/* While there is no dictionary: the stanzas of news, which the batch's
	 * end trains one on and compresses. */
	struct buf samples;
	size_t *sample_sizes;
	size_t sample_sizes_cap;
};

void
ingest_free(struct ingest *in)
{
	if (!in)
		return;
	txn_end(in->txn);
	heavy_free(in->heavy);
	list_writer_free(in->list);
	hash_free(in->rendered);
	light_release(&in->light);
	record_writer_release(&in->writer);
	buf_release(&in->previous);
	buf_release(&in->lights);
	buf_release(&in->heavies);
	buf_release(&in->samples);
	free(in->items);
	free(in->news);
	free(in->files);
	free(in->numbers);
	free(in->sample_sizes);
	free(in);
}

static int
open_txn(struct ingest *in, struct error *err)
{
	return in->txn ? 0 : txn_read(in->store, &in->txn, err);
}

/* A larger map cannot be had while transactions are open. */
static void
close_txn(struct ingest *in)
{
	txn_end(TAKE(in->txn));
}

static int
find_dict(struct ingest *in, struct error *err)
{
	uint64_t number;
	int r;

	r = open_txn(in, err);
	if (r < 0)
		return r;
	r = heavy_use_newest(in->heavy, in->txn, in->kind, &number);
	if (r < 0)
		return error_sys(err, r, "cannot load a dictionary");
	in->has_dict = number != 0;
	return 0;
}

int
ingest_new(struct store *s, enum package_kind kind, struct ingest **ret,
    struct error *err)
{
	CLEANUP(ingest_cleanup) struct ingest *in = calloc(1, sizeof(*in));
	int r;

	if (!in)
		return error_sys(err, -ENOMEM, "cannot store packages");
	record_writer_init(&in->writer);
	in->store = s;
	in->kind = kind;
	r = heavy_new(s, &in->heavy);
	if (r == 0)
		r = list_writer_new(kind, &in->list);
	if (r == 0)
		r = hash_new(&in->rendered);
	if (r < 0)
		return error_sys(err, r, "cannot store packages");
	r = find_dict(in, err);
	if (r < 0)
		return r;
	*ret = TAKE(in);
	return 0;
}

/* Room for n items of a size in an array that grows. */
static int
reserve(void *array, size_t *cap, size_t n, size_t size)
{
	void *old, *more;
	size_t want = *cap > 0 ? *cap : 256;

	if (n <= *cap)
		return 0;
	while (want < n)
		want *= 2;
	memcpy(&old, array, sizeof(old));
	more = reallocarray(old, want, size);
	if (!more)
		return -ENOMEM;
	memcpy(array, &more, sizeof(more));
	*cap = want;
	return 0;
}

/* The fields that make a package the same as another. */
static bool
same_package(struct span a, struct span b, enum package_kind kind)
{
	static const char *const fields[] = {
	    "Package", "Version", "Architecture"};
	size_t n = kind == PACKAGE_SOURCE ? 2 : ARRAY_LEN(fields);
	struct span x, y;

	for (size_t i = 0; i < n; i++) {
		struct span name = span_of(fields[i]);

		if (!deb822_get(a, name, &x) || !deb822_get(b, name, &y) ||
		    !span_eq(x, y))
			return false;
	}
	return true;
}

static int
check_previous(
    struct ingest *in, struct span stanza, size_t line, struct error *err)
{
	struct span before = buf_span(&in->previous), name = {0};

	if (same_package(before, stanza, in->kind) &&
	    !span_eq(before, stanza)) {
		(void)deb822_get(stanza, SPAN("Package"), &name);
		return error_set(err, -EBADMSG,
		    "line %zu: package \"%.*s\" stands here and at line %zu, "
		    "with the same version and other content",
		    line, SPAN_ARG(name), in->previous_line);
	}
	buf_clear(&in->previous);
	in->previous_line = line;
	return buf_add_span(&in->previous, stanza);
}

static int
add_files(struct ingest *in)
{
	const struct light *l = &in->light;
	int r;

	r = reserve(&in->files, &in->files_cap, in->nfiles + l->nfiles,
	    sizeof(*in->files));
	for (size_t i = 0; i < l->nfiles && r == 0; i++) {
		struct package_file *file = &in->files[in->nfiles++];

		*file = l->files[i];
		file->path = (struct span){0}; /* was lent by the stanza */
	}
	return r;
}

static int
add_heavy(struct ingest *in, struct span stanza, struct package_new *p)
{
	size_t before = in->heavies.len;
	int r;

	if (in->has_dict) {
		r = heavy_compress(in->heavy, stanza, &in->heavies);
		p->heavy.len = in->heavies.len - before;
		return r;
	}
	r = reserve(&in->sample_sizes, &in->sample_sizes_cap, in->nnews + 1,
	    sizeof(*in->sample_sizes));
	if (r == 0)
		r = buf_add_span(&in->samples, stanza);
	if (r == 0)
		in->sample_sizes[in->nnews] = stanza.len;
	return r;
}

/* A stanza that was not in the store when the batch was begun. */
static int
add_new(struct ingest *in, struct span stanza, size_t line,
    const struct digest *digest, struct error *err)
{
	struct package_new p = {.digest = *digest};
	struct span light;
	int r;

	r = light_from_stanza(stanza, in->kind, line, &in->light, err);
	if (r < 0)
		return r;
	p.nfiles = in->light.nfiles;
	r = light_encode(&in->light, &in->writer, &light);
	if (r == 0)
		r = buf_add_span(&in->lights, light);
	if (r == 0)
		r = add_files(in);
	if (r == 0)
		r = add_heavy(in, stanza, &p);
	if (r == 0)
		r = reserve(
		    &in->news, &in->news_cap, in->nnews + 1, sizeof(*in->news));
	if (r < 0)
		return error_sys(err, r, "cannot store packages");
	p.light.len = light.len;
	in->news[in->nnews++] = p;
	in->batch_bytes += stanza.len;
	return 0;
}

static int
add_item(struct ingest *in, struct span stanza, size_t line, struct error *err)
{
	struct item item = {
	    .at = (uint32_t)in->nnews, .len = (uint32_t)stanza.len};
	int r;

	digest_of(stanza.ptr, stanza.len, &item.digest);
	r = open_txn(in, err);
	if (r < 0)
		return r;
	r = package_find(in->txn, &item.digest, &item.number);
	if (r < 0 && r != -ENOENT)
		return error_sys(err, r, "cannot look a package up");
	if (r == -ENOENT) {
		r = add_new(in, stanza, line, &item.digest, err);
		if (r < 0)
			return r;
	}
	r = reserve(
	    &in->items, &in->items_cap, in->nitems + 1, sizeof(*in->items));
	if (r < 0)
		return error_sys(err, r, "cannot store packages");
	in->items[in->nitems++] = item;
	return 0;
}

/* Trains a dictionary if it pays, and compresses what waited for it. */
static int
compress_samples(struct ingest *in, struct error *err)
{
	struct heavy_samples samples = {.bytes = buf_span(&in->samples),
	    .sizes = in->sample_sizes,
	    .n = (unsigned)in->nnews};
	const char *at = in->samples.ptr;
	int r;

	r = heavy_train(in->heavy, in->kind, &samples, err);
	if (r < 0 && r != -EAGAIN)
		return r;
	in->has_dict = r == 0;
	for (size_t i = 0; i < in->nnews; i++) {
		struct span stanza = {at, in->sample_sizes[i]};
		size_t before = in->heavies.len;

		r = heavy_compress(in->heavy, stanza, &in->heavies);
		if (r < 0)
			return error_sys(err, r, "cannot compress a stanza");
		in->news[i].heavy.len = in->heavies.len - before;
		at += stanza.len;
	}
	/* With a dictionary it is not needed again. */
	if (in->has_dict)
		buf_release(&in->samples);
	else
		buf_clear(&in->samples);
	return 0;
}

static void
point_into_buffers(struct ingest *in)
{
	const char *light = in->lights.ptr, *heavy = in->heavies.ptr;
	const struct package_file *file = in->files;

	for (size_t i = 0; i < in->nnews; i++) {
		struct package_new *p = &in->news[i];

		p->light.ptr = light;
		p->heavy.ptr = heavy;
		p->files = file;
		light += p->light.len;
		heavy += p->heavy.len;
		file += p->nfiles;
	}
}

static int
store_batch(struct txn *t, void *arg, struct error *err)
{
	struct ingest *in = arg;
	int r;

	in->n_new = package_put_all(t, in->news, in->nnews, in->numbers, err);
	if (in->n_new < 0)
		return in->n_new;
	r = list_writer_store(in->list, t);
	return r < 0 ? error_sys(err, r, "cannot store packages") : 0;
}

/* Is there anything in the batch that the store does not have? */
static bool
needs_store(const struct ingest *in)
{
	return in->nnews > 0 || list_writer_waiting(in->list) > BATCH_PACKAGES;
}

static int
list_batch(struct ingest *in)
{
	int r = 0;

	for (size_t i = 0; i < in->nitems && r == 0; i++) {
		const struct item *item = &in->items[i];
		uint64_t number =
		    item->number != 0 ? item->number : in->numbers[item->at];

		r = list_writer_add(in->list, number, &item->digest, item->len);
	}
	return r;
}

static int
write_batch(struct ingest *in, struct error *err)
{
	int r;

	if (!in->has_dict && in->nnews > 0) {
		r = compress_samples(in, err);
		if (r < 0)
			return r;
	}
	point_into_buffers(in);
	in->n_new = 0;
	r = store_write(in->store, store_batch, in, err);
	if (r < 0)
		return r;
	list_writer_stored(in->list);
	in->result.new_packages += (uint64_t)in->n_new;
	return 0;
}

static void
clear_batch(struct ingest *in)
{
	in->nitems = 0;
	in->nnews = 0;
	in->nfiles = 0;
	in->batch_bytes = 0;
	buf_clear(&in->lights);
	buf_clear(&in->heavies);
}

static int
end_batch(struct ingest *in, struct error *err)
{
	int r;

	close_txn(in);
	r = reserve(
	    &in->numbers, &in->numbers_cap, in->nnews, sizeof(*in->numbers));
	if (r < 0)
		return error_sys(err, r, "cannot store packages");
	r = needs_store(in) ? write_batch(in, err) : 0;
	if (r < 0)
		return r;
	r = list_batch(in);
	if (r < 0)
		return error_sys(err, r, "cannot store packages");
	clear_batch(in);
	return 0;
}

int
ingest_stanza(
    struct ingest *in, struct span stanza, size_t line, struct error *err)
{
	int r;

	if (stanza.len > STANZA_MAX)
		return error_set(err, -EBADMSG,
		    "line %zu: the stanza is larger than %d bytes", line,
		    STANZA_MAX);
	r = check_previous(in, stanza, line, err);
	if (r == -ENOMEM)
		return error_sys(err, r, "cannot store packages");
	if (r == 0)
		r = add_item(in, stanza, line, err);
	if (r < 0)
		return r;
	hash_add(in->rendered, stanza.ptr, stanza.len);
	hash_add(in->rendered, "\n", 1);
	in->result.packages++;
	if (in->batch_bytes < INGEST_BATCH_BYTES && in->nitems < BATCH_PACKAGES)
		return 0;
	return end_batch(in, err);
}

static int
store_list(struct txn *t, void *arg, struct error *err)
{
	struct ingest *in = arg;
	int r;

	r = list_writer_end(
	    in->list, t, &in->result.rendered, &in->result.list);
	return r < 0 ? error_sys(err, r, "cannot store a list") : 0;
}

/* 1: the same list is in the store, and there is nothing to write. */
static int
find_list(struct ingest *in, struct error *err)
{
	struct content c;
	int r;

	r = open_txn(in, err);
	if (r < 0)
		return r;
	r = content_find(in->txn, &in->result.rendered, &c);
	close_txn(in);
	if (r < 0 && r != -ENOENT)
		return error_sys(err, r, "cannot look a list up");
	if (r < 0 || c.kind != CONTENT_LIST)
		return 0;
	in->result.list = c.number;
	return 1;
}

int
ingest_end(struct ingest *in, struct ingest_result *ret, struct error *err)
{
	int r;

	r = in->nitems > 0 ? end_batch(in, err) : 0;
	if (r < 0)
		return r;
	hash_end(in->rendered, &in->result.rendered);
	r = find_list(in, err);
	if (r == 0)
		r = store_write(in->store, store_list, in, err);
	if (r < 0)
		return r;
	*ret = in->result;
	return 0;
}
