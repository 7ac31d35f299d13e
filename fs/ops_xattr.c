#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/url.h"
#include "fs/inode.h"
#include "fs/ops_internal.h"
#include "fs/reader.h"
#include "store/blob.h"
#include "store/origin.h"

#define XATTR_SHA256 "user.suitefs.sha256"
#define XATTR_STATE  "user.suitefs.state"
#define XATTR_ORIGIN "user.suitefs.origin"

/* What a value is asked of. */
struct subject {
	struct ops *ops;
	struct txn *t;
	uint64_t ino;
};

/* The hash of bytes that no table has it of: a stanza, a keyring. */
static int
digest_by_reading(const struct subject *s, struct digest *ret)
{
	CLEANUP(reader_cleanup) struct reader *reader = NULL;
	CLEANUP(buf_release) struct buf bytes = {0};
	int r;

	if (ino_kind(s->ino) == INO_KEYRING) {
		r = tree_keyring(s->ops->opts.tree, s->ino, &bytes);
	} else {
		ssize_t n;

		r = reader_open(s->ops->pool, ino_content(s->ino), &reader);
		if (r == 0)
			r = buf_reserve(&bytes, reader_size(reader));
		if (r < 0)
			return r;
		n = reader_read(reader, bytes.ptr, reader_size(reader), 0);
		r = n < 0 ? (int)n : 0;
		bytes.len = n < 0 ? 0 : (size_t)n;
	}
	if (r == 0)
		digest_of(bytes.ptr, bytes.len, ret);
	return r;
}

static int
get_sha256(struct subject *s, struct buf *out)
{
	static const struct digest none;
	struct content_info info = {0};
	char hex[DIGEST_HEX_SIZE];
	int r = 0;

	if (ino_kind(s->ino) != INO_KEYRING)
		r = content_info(s->t, ino_content(s->ino), &info);
	/* A thread has one transaction at a time, and reading takes its own. */
	txn_end(TAKE(s->t));
	if (r == 0 && digest_eq(&info.sha256, &none))
		r = digest_by_reading(s, &info.sha256);
	return r < 0 ? r : buf_add_str(out, digest_hex(&info.sha256, hex));
}

static int
load_blob(const struct subject *s, struct blob *ret)
{
	return blob_load(s->t, s->ino & INO_LOW, ret);
}

static int
get_state(struct subject *s, struct buf *out)
{
	CLEANUP(blob_release) struct blob blob = {0};
	int present = 1;

	if (ino_kind(s->ino) == CONTENT_BLOB) {
		int r = load_blob(s, &blob);

		if (r < 0)
			return r;
		present = blob_present(s->ops->store, &blob.sha256);
	}
	if (present < 0)
		return present;
	return buf_add_str(out, present ? "present" : "remote");
}

struct first_place {
	struct txn *t;
	struct buf *out;
};

static int
add_url(uint64_t number, struct span path, void *arg)
{
	const struct first_place *f = arg;
	CLEANUP(origin_release) struct origin origin = {0};
	CLEANUP_FREE char *url = NULL;
	int r = origin_load(f->t, number, &origin);

	if (r < 0)
		return r;
	url = origin_url(&origin, path);
	/* Everybody may read it, but not the password in it. */
	r = url ? url_add_shown(f->out, url) : -ENOMEM;
	return r < 0 ? r : 1;
}

static int
get_origin(struct subject *s, struct buf *out)
{
	CLEANUP(blob_release) struct blob blob = {0};
	struct first_place f = {s->t, out};
	int r;

	if (ino_kind(s->ino) != CONTENT_BLOB)
		return -ENODATA;
	r = load_blob(s, &blob);
	if (r == 0)
		r = blob_each_place(s->t, &blob, add_url, &f);
	if (r < 0)
		return r;
	return out->len > 0 ? 0 : -ENODATA;
}

int
ops_add_origin(struct ops *ops, fuse_ino_t ino, struct buf *out)
{
	struct subject s = {.ops = ops, .ino = ino};
	int r = txn_read(ops->store, &s.t, NULL);

	if (r == 0)
		r = get_origin(&s, out);
	txn_end(s.t);
	return r;
}

static const struct {
	const char *name;
	int (*get)(struct subject *s, struct buf *out);
} attributes[] = {
    {XATTR_SHA256, get_sha256},
    {XATTR_STATE, get_state},
    {XATTR_ORIGIN, get_origin},
};

/* The two-step protocol of xattr calls: a size of 0 asks for the length. */
static void
reply_bytes(fuse_req_t req, struct span bytes, size_t size)
{
	if (size == 0)
		(void)fuse_reply_xattr(req, bytes.len);
	else if (size < bytes.len)
		(void)fuse_reply_err(req, ERANGE);
	else
		(void)fuse_reply_buf(req, bytes.ptr, bytes.len);
}

static int
get_value(struct subject *s, const char *name, struct buf *out)
{
	/* Not just absent: tools (ls -l, for ACLs and labels) then stop asking
	 * for every file. */
	if (strncmp(name, "user.", 5) != 0)
		return -EOPNOTSUPP;
	if (!ino_is_file(s->ino))
		return -ENODATA;
	for (size_t i = 0; i < ARRAY_LEN(attributes); i++) {
		int r;

		if (strcmp(name, attributes[i].name) != 0)
			continue;
		r = txn_read(s->ops->store, &s->t, NULL);
		if (r == 0)
			r = attributes[i].get(s, out);
		txn_end(s->t);
		return r == -ENOENT ? -ESTALE : r;
	}
	return -ENODATA;
}

void
ops_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
	struct subject s = {.ops = ops_of(req), .ino = ino};
	CLEANUP(buf_release) struct buf out = {0};

	int r = get_value(&s, name, &out);

	if (r < 0)
		ops_fail(req, r, "cannot tell an attribute", name);
	else
		reply_bytes(req, buf_span(&out), size);
}

void
ops_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
	static const char of_blob[] =
	    XATTR_SHA256 "\0" XATTR_STATE "\0" XATTR_ORIGIN;
	static const char of_file[] = XATTR_SHA256 "\0" XATTR_STATE;
	struct span names = {NULL, 0};

	if (ino_kind(ino) == CONTENT_BLOB)
		names = (struct span){of_blob, sizeof(of_blob)};
	else if (ino_is_file(ino))
		names = (struct span){of_file, sizeof(of_file)};
	reply_bytes(req, names, size);
}
