/* What prefixes and distributions may be called; and the keys, which have
 * names too. */

#include "store/publication.h"

#include <errno.h>

#include "base/path.h"

#define NAME_WHOLE_MAX 200 /* prefix, NUL and distribution make one key */

/* Each part is a name of ours; NULL where all are. */
static const char *
parts_check(struct span text)
{
	const char *why = path_check(text);
	struct span part;

	if (text.len > NAME_WHOLE_MAX)
		return "is longer than 200 bytes";
	while (!why && span_cut(&text, '/', &part))
		why = name_check(part);
	return why;
}

static const char *
part_taken(struct span part, bool first)
{
	static const char *const nowhere[] = {"dists", "pool"};
	static const char *const not_first[] = {
	    "snapshots", "mirrors", "repos"};

	for (size_t i = 0; i < ARRAY_LEN(nowhere); i++) {
		if (span_eq(part, span_of(nowhere[i])))
			return "has a part 'dists' or 'pool'";
	}
	for (size_t i = 0; first && i < ARRAY_LEN(not_first); i++) {
		if (span_eq(part, span_of(not_first[i])))
			return "begins with 'snapshots', 'mirrors' or 'repos'";
	}
	if (first && span_starts(part, SPAN("keyring.")))
		return "begins with 'keyring.'";
	return NULL;
}

const char *
prefix_check(struct span prefix)
{
	const char *why = NULL;
	struct span part;

	if (prefix.len == 0)
		return NULL;
	why = parts_check(prefix);
	for (bool first = true; !why && span_cut(&prefix, '/', &part);
	     first = false)
		why = part_taken(part, first);
	return why;
}

const char *
distribution_check(struct span distribution)
{
	return parts_check(distribution);
}

/* T_KEYS: fingerprint (upper-case hex) -> the binary public key. */

int
key_put(struct txn *t, const char *fingerprint, struct span binary)
{
	struct span key = span_of(fingerprint);

	return txn_put(t, T_KEYS, key.ptr, key.len, binary);
}

struct key_walk {
	key_each_fn *fn;
	void *arg;
};

static int
each_key(struct span key, struct span value, void *arg)
{
	CLEANUP_FREE char *fingerprint = span_dup(key);
	const struct key_walk *w = arg;

	if (value.len == 0)
		return -EIO;
	if (!fingerprint)
		return -ENOMEM;
	return w->fn(fingerprint, value, w->arg);
}

int
key_each(struct txn *t, key_each_fn *fn, void *arg)
{
	struct key_walk w = {fn, arg};

	return txn_each(t, T_KEYS, (struct span){0}, each_key, &w);
}
