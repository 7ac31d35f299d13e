#include "store/gone.h"

#include <errno.h>

/* T_GONE: blob number -> time, both 8 bytes, the high byte first. */

int
gone_put(struct txn *t, const uint64_t *blobs, size_t n, int64_t when)
{
	struct key64 value = key64(when > 0 ? (uint64_t)when : 0);
	struct span bytes = {(const char *)value.byte, sizeof(value.byte)};
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++)
		r = txn_put64(t, T_GONE, blobs[i], bytes);
	return r;
}

int
gone_forget(struct txn *t, const uint64_t *blobs, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct key64 key = key64(blobs[i]);
		int r = txn_del(t, T_GONE, key.byte, sizeof(key.byte));

		if (r < 0 && r != -ENOENT)
			return r;
	}
	return 0;
}

int
gone_find(struct txn *t, uint64_t blob, int64_t *ret)
{
	struct span bytes;
	int r = txn_get64(t, T_GONE, blob, &bytes);

	if (r < 0)
		return r;
	if (bytes.len != sizeof(struct key64))
		return -EIO;
	if (ret)
		*ret = (int64_t)key64_value(bytes.ptr);
	return 0;
}

int
gone_servable(struct txn *t, const struct blob *b)
{
	if (b->nsources > 0) {
		int r = gone_find(t, b->number, NULL);

		if (r < 0)
			return r == -ENOENT ? 1 : r;
	}
	return blob_present(txn_store(t), &b->sha256);
}
