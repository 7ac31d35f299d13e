#include "store/dropped.h"

#include <errno.h>

/* T_DROPPED: root number -> time, both 8 bytes, the high byte first. */

int
dropped_put(struct txn *t, uint64_t root)
{
	int64_t now = store_now(txn_store(t));
	struct key64 value = key64(now > 0 ? (uint64_t)now : 0);

	if (root == 0)
		return 0;
	return txn_put64(t, T_DROPPED, root,
	    (struct span){(const char *)value.byte, sizeof(value.byte)});
}

struct each {
	dropped_each_fn *fn;
	void *arg;
};

static int
each(struct span key, struct span value, void *arg)
{
	const struct each *e = arg;

	if (key.len != sizeof(struct key64) ||
	    value.len != sizeof(struct key64))
		return -EIO;
	return e->fn(
	    key64_value(key.ptr), (int64_t)key64_value(value.ptr), e->arg);
}

int
dropped_each(struct txn *t, dropped_each_fn *fn, void *arg)
{
	struct each e = {fn, arg};

	return txn_each(t, T_DROPPED, (struct span){0}, each, &e);
}
