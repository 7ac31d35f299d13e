#include "store/head.h"

#include <errno.h>

int
head_parse(struct span bytes, uint64_t max_version, struct record *r,
    struct record_view *ret)
{
	int err = record_parse(r, bytes, max_version, ret);

	/* We wrote it ourselves: what can't be read is damaged. */
	return err == -EBADMSG ? -EIO : err;
}

int
head_check(const struct record *r)
{
	return r->bad == -EBADMSG ? -EIO : r->bad;
}

int
head_damage(const struct record_view *v)
{
	return *v->bad == -ENOMEM ? -ENOMEM : -EIO;
}

struct record_view
head_array(const struct record_view *v, size_t i)
{
	struct record_view a = record_array_at(v, i);

	if (a.n > HEAD_MAX_ITEMS) {
		record_spoil(v, -EBADMSG);
		a.n = 0;
	}
	return a;
}

void
head_put_numbers(struct record_writer *w, const uint64_t *v, size_t n)
{
	record_array(w, n);
	for (size_t i = 0; i < n; i++)
		record_put_u64(w, v[i]);
}

int
head_put64(
    struct txn *t, enum table table, uint64_t key, struct record_writer *w)
{
	struct span bytes;
	int r = record_end(w, &bytes);

	return r < 0 ? r : txn_put64(t, table, key, bytes);
}

int
head_put(
    struct txn *t, enum table table, struct span key, struct record_writer *w)
{
	struct span bytes;
	int r = record_end(w, &bytes);

	return r < 0 ? r : txn_put(t, table, key.ptr, key.len, bytes);
}
