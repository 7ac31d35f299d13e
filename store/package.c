#include "store/package.h"

#include <errno.h>
#include <limits.h>

#include "store/blob.h"

/* A damaged record is the store's fault, not the caller's input. */
static int
stored(int r)
{
	return r == -EBADMSG ? -EIO : r;
}

typedef int decode_fn(struct span bytes, struct record *r, struct light *ret);

static inline int
read_with(struct txn *t, uint64_t number, decode_fn *decode, struct package *p)
{
	struct span bytes;
	int r = txn_get64(t, T_LIGHT, number, &bytes);

	if (r < 0)
		return r;
	p->number = number;
	return stored(decode(bytes, &p->record, &p->light));
}

int
package_light(struct txn *t, uint64_t number, struct package *p)
{
	return read_with(t, number, light_decode, p);
}

int
package_name(struct txn *t, uint64_t number, struct package *p)
{
	return read_with(t, number, light_decode_name, p);
}

int
package_files(struct txn *t, uint64_t number, struct package *p)
{
	return read_with(t, number, light_decode_files, p);
}

void
package_release(struct package *p)
{
	light_release(&p->light);
	record_release(&p->record);
	p->number = 0;
}

int
package_find(struct txn *t, const struct digest *stanza, uint64_t *ret)
{
	struct span value;
	int r;

	r = txn_get(t, T_PACKAGE_IDS, stanza->byte, DIGEST_SIZE, &value);
	if (r < 0)
		return r;
	if (value.len != sizeof(struct key64))
		return -EIO;
	*ret = key64_value(value.ptr);
	return 0;
}

/*
 * What one package_put_all() works on.  order has the indexes of the packages
 * sorted by digest, so that equal ones are neighbours and the tables that
 * digests lead to are walked from one end to the other.
 */
struct putting {
	struct txn *t;
	const struct package_new *p;
	size_t n;
	uint64_t *numbers;
	uint32_t *order;
	uint32_t *first; /* the one of equal packages that is stored */
	uint64_t first_new;
};

static int
by_digest(const void *a, const void *b, void *arg)
{
	const struct package_new *p = arg;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	int r = digest_cmp(&p[x].digest, &p[y].digest);

	return r != 0 ? r : (x > y) - (x < y);
}

static bool
same_as_before(const struct putting *w, size_t at)
{
	return at > 0 && digest_eq(&w->p[w->order[at]].digest,
			     &w->p[w->order[at - 1]].digest);
}

/* Looks all of them up; numbers[] is 0 for those that are not there. */
static int
look_up(struct putting *w)
{
	for (size_t i = 0; i < w->n; i++)
		w->order[i] = (uint32_t)i;
	qsort_r(w->order, w->n, sizeof(*w->order), by_digest,
	    (void *)(uintptr_t)w->p);
	for (size_t i = 0; i < w->n; i++) {
		uint32_t at = w->order[i];
		int r;

		w->first[at] = at;
		w->numbers[at] = 0;
		if (same_as_before(w, i)) {
			w->first[at] = w->first[w->order[i - 1]];
			w->numbers[at] = w->numbers[w->order[i - 1]];
			continue;
		}
		r = package_find(w->t, &w->p[at].digest, &w->numbers[at]);
		if (r < 0 && r != -ENOENT)
			return r;
	}
	return 0;
}

/* Gives the new ones their numbers, in order, and stores their records. */
static int
store_records(struct putting *w)
{
	uint64_t next = w->first_new;
	int r = 0;

	for (size_t i = 0; i < w->n && r == 0; i++) {
		if (w->first[i] != i)
			w->numbers[i] = w->numbers[w->first[i]];
		if (w->numbers[i] != 0)
			continue;
		w->numbers[i] = next++;
		r = txn_append64(w->t, T_LIGHT, w->numbers[i], w->p[i].light);
		if (r == 0)
			r = txn_append64(
			    w->t, T_HEAVY, w->numbers[i], w->p[i].heavy);
	}
	return r;
}

static bool
is_new(const struct putting *w, size_t i)
{
	return w->numbers[i] >= w->first_new && w->first[i] == i;
}

static int
store_ids(struct putting *w)
{
	for (size_t i = 0; i < w->n; i++) {
		uint32_t at = w->order[i];
		struct key64 value;
		int r;

		if (!is_new(w, at))
			continue;
		value = key64(w->numbers[at]);
		r = txn_put(w->t, T_PACKAGE_IDS, w->p[at].digest.byte,
		    DIGEST_SIZE,
		    (struct span){(char *)value.byte, sizeof(value.byte)});
		if (r < 0)
			return r;
	}
	return 0;
}

static int
store_blobs(struct putting *w, struct error *err)
{
	CLEANUP_FREE struct blob_new *blobs = NULL;
	size_t nfiles = 0, n = 0;

	for (size_t i = 0; i < w->n; i++)
		if (is_new(w, i))
			nfiles += w->p[i].nfiles;
	blobs = calloc(nfiles + 1, sizeof(*blobs));
	if (!blobs)
		return error_sys(err, -ENOMEM, "cannot store packages");
	for (size_t i = 0; i < w->n; i++)
		for (size_t f = 0; is_new(w, i) && f < w->p[i].nfiles; f++)
			blobs[n++] = (struct blob_new){
			    .sha256 = &w->p[i].files[f].sha256,
			    .size = w->p[i].files[f].size,
			    .package = w->numbers[i],
			    .file = (uint32_t)f,
			};
	return blob_put_new(w->t, blobs, n, err);
}

static int
put_new(struct putting *w, size_t n_new, struct error *err)
{
	int r;

	r = txn_take(w->t, C_PACKAGE, n_new, &w->first_new);
	if (r == 0)
		r = store_records(w);
	if (r == 0)
		r = store_ids(w);
	if (r < 0)
		return error_sys(err, r, "cannot store packages");
	return store_blobs(w, err);
}

int
package_put_all(struct txn *t, const struct package_new *p, size_t n,
    uint64_t *numbers, struct error *err)
{
	CLEANUP_FREE uint32_t *indexes = NULL;
	struct putting w = {.t = t, .p = p, .n = n, .numbers = numbers};
	size_t n_new = 0;
	int r;

	if (n == 0)
		return 0;
	if (n > INT_MAX)
		return error_sys(err, -E2BIG, "cannot store packages");
	indexes = calloc(n, 2 * sizeof(*indexes));
	if (!indexes)
		return error_sys(err, -ENOMEM, "cannot store packages");
	w.order = indexes;
	w.first = indexes + n;
	r = look_up(&w);
	if (r < 0)
		return error_sys(err, r, "cannot look packages up");
	for (size_t i = 0; i < n; i++)
		n_new += numbers[i] == 0 && w.first[i] == i;
	/* Those that are there already have the numbers of look_up(). */
	r = n_new > 0 ? put_new(&w, n_new, err) : 0;
	return r < 0 ? r : (int)n_new;
}

int
package_put(struct txn *t, const struct package_new *p, uint64_t *ret)
{
	int r;

	r = package_put_all(t, p, 1, ret, NULL);
	return r < 0 ? r : 0;
}
