#include "store/mend_restore.h"

#include <errno.h>
#include <stdlib.h>

#include "store/ingest.h"

void
restore_release(struct restore *rs)
{
	bits_release(&rs->restored);
	heavy_free(rs->packer);
	free(rs->items);
	free(rs->sizes);
	buf_release(&rs->text);
}

bool
restore_is_lost(const struct restore *rs, uint64_t package)
{
	return bits_has(&rs->mend->lost, package) &&
	       !bits_has(&rs->restored, package);
}

static int
reserve(struct restore *rs)
{
	size_t cap = rs->cap > 0 ? 2 * rs->cap : 1024;
	struct restore_item *items;
	size_t *sizes;

	if (rs->n < rs->cap)
		return 0;
	items = reallocarray(rs->items, cap, sizeof(*items));
	if (!items)
		return -ENOMEM;
	rs->items = items;
	sizes = reallocarray(rs->sizes, cap, sizeof(*sizes));
	if (!sizes)
		return -ENOMEM;
	rs->sizes = sizes;
	rs->cap = cap;
	return 0;
}

int
restore_package(struct restore *rs, uint64_t package, struct span stanza,
    const struct digest *digest)
{
	int r = bits_set(&rs->restored, package);

	if (r >= 0)
		r = reserve(rs);
	if (r >= 0)
		r = buf_add_span(&rs->text, stanza);
	if (r < 0)
		return r;
	rs->sizes[rs->n] = stanza.len;
	rs->items[rs->n++] = (struct restore_item){package, *digest};
	return rs->text.len < INGEST_BATCH_BYTES ? 0 : restore_flush(rs);
}

static int
find_dict(struct restore *rs)
{
	CLEANUP(txn_cleanup) struct txn *t = NULL;
	uint64_t number;
	int r = txn_read(rs->mend->store, &t, rs->mend->err);

	if (r >= 0)
		r = heavy_use_newest(rs->packer, t, rs->kind, &number);
	if (r < 0)
		return r;
	rs->has_dict = number != 0;
	return 0;
}

/* Where the dictionary was lost, a new one is trained, if there is enough. */
static int
prepare(struct restore *rs)
{
	struct heavy_samples samples = {
	    buf_span(&rs->text), rs->sizes, (unsigned)rs->n};
	int r = 0;

	if (!rs->packer || rs->packer_kind != rs->kind) {
		heavy_free(TAKE(rs->packer));
		r = heavy_new(rs->mend->store, &rs->packer);
		rs->packer_kind = rs->kind;
		if (r == 0)
			r = find_dict(rs);
	}
	if (r < 0 || rs->has_dict || rs->n == 0)
		return r;
	r = heavy_train(rs->packer, rs->kind, &samples, NULL);
	rs->has_dict = r == 0;
	return r == -EAGAIN ? 0 : r;
}

static int
put_package(
    struct restore *rs, const struct restore_item *item, struct span stanza)
{
	CLEANUP(buf_release) struct buf heavy = {0};
	struct mend *m = rs->mend;
	struct key64 value = key64(item->number);
	enum package_kind kind = rs->kind;
	int r;

	(void)mend_kind(m->package_kinds, item->number, &kind);
	/* What is not in the table of stanzas is no package. */
	r = mend_light(m, item->number, stanza, kind);
	if (r == 0)
		r = heavy_compress(rs->packer, stanza, &heavy);
	if (r == 0)
		r = mend_put64(m, T_HEAVY, item->number, buf_span(&heavy));
	if (r == 0)
		r = mend_put(m, T_PACKAGE_IDS,
		    (struct span){(const char *)item->digest.byte, DIGEST_SIZE},
		    (struct span){
			(const char *)value.byte, sizeof(value.byte)});
	return r;
}

int
restore_flush(struct restore *rs)
{
	const char *at = rs->text.ptr;
	int r = rs->n > 0 ? prepare(rs) : 0;

	for (size_t i = 0; i < rs->n && r >= 0; i++) {
		r = put_package(
		    rs, &rs->items[i], (struct span){at, rs->sizes[i]});
		at += rs->sizes[i];
	}
	rs->n = 0;
	buf_clear(&rs->text);
	return r < 0 ? r : mend_flush(rs->mend);
}

struct newcomer {
	struct package_new package;
	uint64_t number;
};

static int
put_new(struct txn *t, void *arg, struct error *err)
{
	struct newcomer *c = arg;
	int r = package_put_all(t, &c->package, 1, &c->number, err);

	return r < 0 ? r : 0;
}

int
restore_new(struct restore *rs, struct span stanza, const struct digest *digest,
    uint64_t *ret)
{
	CLEANUP(buf_release) struct buf heavy = {0};
	struct mend *m = rs->mend;
	struct newcomer c = {.package = {.digest = *digest}};
	int r = rs->may_add ? restore_flush(rs) : -ENODATA;

	if (r == 0)
		r = prepare(rs);
	if (r == 0)
		r = light_from_stanza(stanza, rs->kind, 1, &m->light, NULL);
	if (r == 0)
		r = light_encode(&m->light, &m->writer, &c.package.light);
	if (r == 0)
		r = heavy_compress(rs->packer, stanza, &heavy);
	if (r < 0)
		return r;
	c.package.heavy = buf_span(&heavy);
	c.package.files = m->light.files;
	c.package.nfiles = m->light.nfiles;
	r = store_write(m->store, put_new, &c, m->err);
	if (r == 0)
		*ret = c.number;
	return r;
}
