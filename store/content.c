#include "store/content.h"

#include <errno.h>

#include "store/blob.h"
#include "store/form.h"
#include "store/list.h"
#include "store/package.h"
#include "store/text.h"

/* The value in T_CONTENTS: the kind in a byte, the number in 8, big-endian. */
#define VALUE_SIZE 9

/* A stanza has no mtime of its own.  This one differs from package to package,
 * which is what caches want of it, and needs no room. */
#define STANZA_MTIME INT64_C(1000000000)

/* The key of a file whose hash is taken by one of another size. */
struct sized_key {
	struct digest sha256;
	struct key64 size;
};

static int
find(struct txn *t, const void *key, size_t len, struct content *ret)
{
	struct span v;
	int r = txn_get(t, T_CONTENTS, key, len, &v);

	if (r < 0)
		return r;
	if (v.len != VALUE_SIZE || v.ptr[0] < CONTENT_LIST ||
	    v.ptr[0] > CONTENT_BLOB)
		return -EIO;
	*ret = (struct content){
	    (enum content_kind)v.ptr[0], key64_value(v.ptr + 1)};
	return 0;
}

int
content_find(struct txn *t, const struct digest *sha256, struct content *ret)
{
	return find(t, sha256->byte, sizeof(sha256->byte), ret);
}

static int
put(struct txn *t, const void *key, size_t len, struct content c)
{
	char value[VALUE_SIZE] = {(char)c.kind};
	struct key64 number = key64(c.number);

	memcpy(value + 1, number.byte, sizeof(number.byte));
	return txn_put(
	    t, T_CONTENTS, key, len, (struct span){value, sizeof(value)});
}

int
content_put(struct txn *t, const struct digest *sha256, struct content c)
{
	return put(t, sha256->byte, sizeof(sha256->byte), c);
}

static int
blob_content_info(struct txn *t, uint64_t number, struct content_info *ret)
{
	CLEANUP(blob_release) struct blob b = {0};
	int r = blob_load(t, number, &b);

	if (r < 0)
		return r;
	*ret = (struct content_info){b.size, b.mtime, b.sha256};
	return 0;
}

static int
text_content_info(struct txn *t, uint64_t number, struct content_info *ret)
{
	struct text_info info;
	int r = text_info(t, number, &info);

	if (r < 0)
		return r;
	*ret = (struct content_info){info.size, info.mtime, info.sha256};
	return 0;
}

static int
stanza_content_info(struct txn *t, uint64_t number, struct content_info *ret)
{
	CLEANUP(package_release) struct package p = {0};
	int r = package_light(t, number, &p);

	if (r < 0)
		return r;
	*ret = (struct content_info){.size = p.light.stanza_len,
	    .mtime = STANZA_MTIME + (int64_t)number};
	return 0;
}

int
content_info(struct txn *t, struct content c, struct content_info *ret)
{
	struct content_info info = {0};
	int r = -ENOENT;

	switch (c.kind) {
	case CONTENT_LIST:
		r = list_info(
		    t, c.number, &info.size, &info.mtime, &info.sha256);
		break;
	case CONTENT_FORM:
		r = form_info(
		    t, c.number, &info.size, &info.mtime, &info.sha256);
		break;
	case CONTENT_TEXT:
		r = text_content_info(t, c.number, &info);
		break;
	case CONTENT_BLOB:
		r = blob_content_info(t, c.number, &info);
		break;
	case CONTENT_STANZA:
		r = stanza_content_info(t, c.number, &info);
		break;
	}
	if (r < 0)
		return r;
	*ret = info;
	return 0;
}

/* Is what the hash alone stands for of that size?  1, 0, or an error.  Only
 * a blob's size is hearsay. */
static int
has_size(struct txn *t, struct content c, uint64_t size)
{
	struct content_info info;
	int r;

	if (c.kind != CONTENT_BLOB)
		return 1;
	r = content_info(t, c, &info);
	if (r < 0)
		return r == -ENOENT ? -EIO : r;
	return info.size == size;
}

int
content_find_file(struct txn *t, const struct digest *sha256, uint64_t size,
    struct content *ret)
{
	struct sized_key key = {*sha256, key64(size)};
	int r = content_find(t, sha256, ret);

	if (r == 0)
		r = has_size(t, *ret, size);
	if (r == 0)
		r = find(t, &key, sizeof(key), ret);
	return r < 0 ? r : 0;
}

int
content_put_file(
    struct txn *t, const struct digest *sha256, uint64_t size, struct content c)
{
	struct sized_key key = {*sha256, key64(size)};
	struct content first;
	int r = content_find(t, sha256, &first);

	if (r == 0)
		r = has_size(t, first, size);
	if (r == 0)
		return put(t, &key, sizeof(key), c);
	return r < 0 && r != -ENOENT ? r : content_put(t, sha256, c);
}
