#include "store/run_join.h"

#include <errno.h>

#include "store/ints.h"
#include "store/list.h"
#include "store/list_record.h"
#include "store/record.h"

int
run_join_id(const uint64_t *runs, size_t n, struct digest *ret)
{
	static const unsigned char joined = 255; /* no kind of package */
	CLEANUP(hash_cleanup) struct hash *h = NULL;
	int r = hash_new(&h);

	if (r < 0)
		return r;
	hash_add(h, &joined, 1);
	for (size_t i = 0; i < n; i++) {
		struct key64 k = key64(runs[i]);

		hash_add(h, k.byte, sizeof(k.byte));
	}
	hash_end(h, ret);
	return 0;
}

/* The packages of all runs, and the runs, as steps. */
static int
add_all(struct txn *t, const struct run_join *j, struct buf *packages,
    struct buf *runs, size_t *ret_n)
{
	CLEANUP(run_packages_release) struct run_packages run = {0};
	uint64_t package = 0, before = 0;
	int r = 0;

	*ret_n = 0;
	for (size_t i = 0; i < j->n && r == 0; i++) {
		r = run_load(t, j->runs[i], &run);
		if (r < 0)
			break;
		*ret_n += run.n;
		for (size_t k = 0; k < run.n; k++) {
			(void)ints_add_signed(
			    packages, (int64_t)(run.v[k] - package));
			package = run.v[k];
		}
		(void)ints_add_signed(runs, (int64_t)(j->runs[i] - before));
		before = j->runs[i];
	}
	if (r < 0)
		return r == -ENOENT ? -EIO : r;
	return packages->failed || runs->failed ? -ENOMEM : 0;
}

static int
store_joined(struct txn *t, const struct run_join *j, const struct digest *id,
    uint64_t *ret)
{
	CLEANUP(buf_release) struct buf packages = {0};
	CLEANUP(buf_release) struct buf runs = {0};
	CLEANUP(record_writer_release) struct record_writer w;
	struct key64 number;
	struct span bytes;
	size_t n;
	int r = add_all(t, j, &packages, &runs, &n);

	record_writer_init(&w);
	if (r == 0 && (n == 0 || n > RUN_MAX_PACKAGES))
		r = -EINVAL;
	if (r == 0)
		r = txn_take(t, C_RUN, 1, ret);
	if (r < 0)
		return r;
	record_begin(&w, RUN_VERSION, RUN_ITEMS + 1);
	record_put_u64(&w, j->bytes);
	record_put_u64(&w, n);
	record_put_bin(&w, packages.ptr, packages.len);
	record_put_bin(&w, runs.ptr, runs.len);
	r = record_end(&w, &bytes);
	if (r == 0)
		r = txn_append64(t, T_RUNS, *ret, bytes);
	number = key64(*ret);
	if (r == 0)
		r = txn_put(t, T_RUN_IDS, id->byte, DIGEST_SIZE,
		    (struct span){(char *)number.byte, sizeof(number.byte)});
	return r;
}

int
run_join(struct txn *t, const struct run_join *j, uint64_t *ret)
{
	struct digest id;
	struct span value;
	int r = run_join_id(j->runs, j->n, &id);

	if (r == 0)
		r = txn_get(t, T_RUN_IDS, id.byte, DIGEST_SIZE, &value);
	if (r == -ENOENT)
		return store_joined(t, j, &id, ret);
	if (r != 0)
		return r;
	if (value.len != sizeof(struct key64))
		return -EIO;
	*ret = key64_value(value.ptr);
	return 0;
}
