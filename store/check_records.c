/* The records that are told by themselves, or by a look at another. */

#include <errno.h>
#include <inttypes.h>

#include "store/blob.h"
#include "store/check_run.h"
#include "store/content.h"
#include "store/origin.h"
#include "store/path_index.h"
#include "store/root.h"
#include "store/state.h"
#include "store/text.h"

#define SIGHTING_KEY   (2 * sizeof(struct key64))
#define SIGHTING_VALUE 1024

static int
malformed(struct check *c, const char *what, struct span key)
{
	char name[128];
	size_t n = 0;

	for (size_t i = 0; i < key.len && n + 3 < sizeof(name); i++)
		n += (size_t)snprintf(name + n, sizeof(name) - n, "%02x",
		    (unsigned)(unsigned char)key.ptr[i]);
	name[n] = '\0';
	check_found(c, what, false, "the entry with the key %s is malformed",
	    n > 0 ? name : "of no bytes");
	return 0;
}

/*
 * The number that is an entry's key: 1 with *ret filled in; 0 where it is
 * none that was ever given out, which has been told then.
 */
int
check_number(
    struct check *c, struct txn *t, const struct check_key *k, uint64_t *ret)
{
	uint64_t last;
	int r;

	if (k->key.len != sizeof(struct key64))
		return malformed(c, k->what, k->key);
	*ret = key64_value(k->key.ptr);
	r = txn_last(t, k->counter, &last);
	if (r == -EIO)
		last = UINT64_MAX; /* told where counters are looked at */
	else if (r < 0)
		return r;
	if (*ret > 0 && *ret <= last)
		return 1;
	return check_found_number(c, k->what, *ret,
	    "is beyond the last that was given out, %" PRIu64, last);
}

/* After the record could not be read. */
static int
damaged(struct check *c, const char *what, uint64_t number, int r)
{
	if (!is_damage(r))
		return r;
	return check_found_number(c, what, number,
	    r == -EPROTO ? "was written by a newer program" : "is damaged");
}

int
check_meta(struct check *c, struct txn *t, struct span key, struct span value)
{
	(void)t;
	if (span_eq(key, SPAN("schema")))
		return value.len == 4 ? 0 : malformed(c, "counters", key);
	if (value.len != sizeof(struct key64) ||
	    key64_value(value.ptr) > BITS_MAX)
		return malformed(c, "counters", key);
	return 0;
}

int
check_dict(struct check *c, struct txn *t, struct span key, struct span value)
{
	struct check_key k = {"dictionary", C_DICT, key};
	uint64_t number = 0, id = 0;
	int r = check_number(c, t, &k, &number);

	if (r <= 0)
		return r;
	/* A byte, the magic number, the ID with the low byte first. */
	if (value.len < 9)
		return damaged(c, k.what, number, -EIO);
	for (size_t i = 4; i-- > 0;)
		id = id << 8 | (unsigned char)value.ptr[5 + i];
	return id == number && (unsigned char)value.ptr[0] <= 1
		   ? 0
		   : damaged(c, k.what, number, -EIO);
}

int
check_text(struct check *c, struct txn *t, struct span key, struct span value)
{
	struct check_key k = {"text", C_TEXT, key};
	struct text_info info;
	uint64_t number = 0;
	int r = check_number(c, t, &k, &number);

	(void)value;
	if (r <= 0)
		return r;
	r = text_info(t, number, &info);
	/* What it is like may be gone where nothing needs it any more. */
	if (r == 0 && reach_has(&c->reach, REACH_TEXT, number)) {
		buf_clear(&c->stanza);
		r = text_get(t, number, &c->stanza);
	}
	return r < 0 ? damaged(c, k.what, number, r) : 0;
}

/* Leads the blob's hash to it, or to what makes the same file? */
static int
check_blob_content(
    struct check *c, struct txn *t, const struct blob *b, const char *what)
{
	struct content content;
	int r = content_find_file(t, &b->sha256, b->size, &content);

	if (r == -ENOENT)
		return check_found_number(
		    c, what, b->number, "can't be found by its hash");
	if (r < 0)
		return is_damage(r) ? 0 : r;
	if (content.kind != CONTENT_BLOB || content.number == b->number)
		return 0;
	return check_found_number(c, what, b->number,
	    "is the same file as blob %" PRIu64, content.number);
}

int
check_blob(struct check *c, struct txn *t, struct span key, struct span value)
{
	CLEANUP(blob_release) struct blob b = {0};
	struct check_key k = {"blob", C_BLOB, key};
	uint64_t number = 0;
	int r = check_number(c, t, &k, &number);

	(void)value;
	if (r <= 0)
		return r;
	r = blob_load(t, number, &b);
	if (r < 0)
		return damaged(c, k.what, number, r);
	if (!reach_has(&c->reach, REACH_BLOB, number))
		return 0;
	return check_blob_content(c, t, &b, k.what);
}

static int
check_pair(
    struct check *c, const char *what, struct span key, struct span value)
{
	return key.len == sizeof(struct key64) &&
		       value.len == sizeof(struct key64)
		   ? 0
		   : malformed(c, what, key);
}

int
check_gone(struct check *c, struct txn *t, struct span key, struct span value)
{
	(void)t;
	return check_pair(c, "blobs that are gone", key, value);
}

int
check_dropped(
    struct check *c, struct txn *t, struct span key, struct span value)
{
	(void)t;
	return check_pair(c, "dropped roots", key, value);
}

int
check_sighting(
    struct check *c, struct txn *t, struct span key, struct span value)
{
	struct span bytes;
	int r;

	if (key.len != SIGHTING_KEY || value.len != SIGHTING_VALUE)
		return malformed(c, "sightings", key);
	r = txn_get64(t, T_ORIGINS, key64_value(key.ptr), &bytes);
	if (r != -ENOENT)
		return is_damage(r) ? 0 : r;
	return check_found_number(c, "origin", key64_value(key.ptr),
	    "is missing, but packages were seen there");
}

int
check_paths(struct check *c, struct txn *t, struct span key, struct span value)
{
	uint64_t block;
	int r;

	if (key.len != sizeof(struct key64) || !path_index_is_block(value))
		return malformed(c, "paths", key);
	block = key64_value(key.ptr);
	r = path_maker_check(c->paths, t, block, value);
	if (r == 0)
		return check_found_number(
		    c, "paths", block, "are not those that the packages have");
	/* What is damaged of these was told where it stands. */
	return r < 0 && !is_damage(r) ? r : 0;
}

/* Records of which it is enough that they can be read. */
typedef int load_fn(struct txn *t, uint64_t number);

static int
load_origin(struct txn *t, uint64_t number)
{
	CLEANUP(origin_release) struct origin o = {0};

	return origin_load(t, number, &o);
}

static int
load_root(struct txn *t, uint64_t number)
{
	CLEANUP(root_release) struct root root = {0};

	return root_load(t, number, &root);
}

static int
check_readable(
    struct check *c, struct txn *t, const struct check_key *k, load_fn *load)
{
	uint64_t number = 0;
	int r = check_number(c, t, k, &number);

	if (r <= 0)
		return r;
	r = load(t, number);
	return r < 0 ? damaged(c, k->what, number, r) : 0;
}

int
check_origin(struct check *c, struct txn *t, struct span key, struct span value)
{
	(void)value;
	return check_readable(
	    c, t, &(struct check_key){"origin", C_ORIGIN, key}, load_origin);
}

/* Are all packages of the state's lists known to have been seen where it came
 * from?  One list may stand in many states of an origin. */
static int
check_seen(struct check *c, struct txn *t, const struct state *s)
{
	int r = 0;

	for (size_t i = 0; i < s->nlists && r >= 0; i++) {
		uint64_t list = s->lists[i].list;

		if (list > c->limits[T_LISTS])
			continue; /* told where what is named is looked at */
		r = bits_set(&c->seen, list);
		if (r <= 0)
			continue;
		r = sighting_has_list(t, s->origin, list);
		if (r == 0)
			r = check_found_number(c, "list", list,
			    "has packages that nobody is known to have had");
		else if (is_damage(r))
			r = 0; /* told where it stands */
	}
	return r == -E2BIG ? 0 : r;
}

/* Are the public keys here of those who signed it? */
static int
check_signers(struct check *c, struct txn *t, const struct state *s)
{
	int r = 0;

	for (size_t i = 0; i < s->signers.n && r >= 0; i++) {
		struct span name = span_of(s->signers.v[i]), key;

		r = txn_get(t, T_KEYS, name.ptr, name.len, &key);
		if (r == -ENOENT)
			r = check_found_number(c, "state", s->number,
			    "was signed with %s, whose public key is missing",
			    s->signers.v[i]);
		else if (is_damage(r))
			r = 0;
	}
	return r;
}

int
check_state(struct check *c, struct txn *t, struct span key, struct span value)
{
	CLEANUP(state_release) struct state s = {0};
	struct check_key k = {"state", C_STATE, key};
	uint64_t number = 0;
	int r = check_number(c, t, &k, &number);

	(void)value;
	if (r <= 0)
		return r;
	r = state_load(t, number, &s);
	if (r < 0)
		return damaged(c, k.what, number, r);
	if (!reach_has(&c->reach, REACH_STATE, number))
		return 0;
	if (s.origin != 0)
		return check_seen(c, t, &s);
	/* A mirror's filter makes states that nobody signs. */
	return s.in_release != 0 ? check_signers(c, t, &s) : 0;
}

int
check_root(struct check *c, struct txn *t, struct span key, struct span value)
{
	(void)value;
	return check_readable(
	    c, t, &(struct check_key){"root", C_ROOT, key}, load_root);
}

int
check_public_key(
    struct check *c, struct txn *t, struct span key, struct span value)
{
	(void)t;
	return key.len > 0 && value.len > 0 ? 0
					    : malformed(c, "public keys", key);
}

static const char *
content_name(enum content_kind kind)
{
	static const char *const names[] = {
	    [CONTENT_LIST] = "list",
	    [CONTENT_FORM] = "form",
	    [CONTENT_TEXT] = "text",
	    [CONTENT_BLOB] = "blob",
	};

	return names[kind];
}

int
check_content(
    struct check *c, struct txn *t, struct span key, struct span value)
{
	struct content_info info;
	struct content content;
	int64_t *latest;
	int r;

	if ((key.len != DIGEST_SIZE &&
		key.len != DIGEST_SIZE + sizeof(struct key64)) ||
	    value.len != 1 + sizeof(struct key64) ||
	    value.ptr[0] < CONTENT_LIST || value.ptr[0] > CONTENT_BLOB)
		return malformed(c, "contents", key);
	content = (struct content){
	    (enum content_kind)value.ptr[0], key64_value(value.ptr + 1)};
	r = content_info(t, content, &info);
	if (r == -ENOENT)
		return check_found_number(c, content_name(content.kind),
		    content.number, "is missing, but can be found by its hash");
	/* A damaged one was told where its table was gone through. */
	if (r < 0)
		return is_damage(r) ? 0 : r;
	latest =
	    content.kind == CONTENT_BLOB ? &c->latest_blob : &c->latest_text;
	if (info.mtime > *latest)
		*latest = info.mtime;
	if (memcmp(info.sha256.byte, key.ptr, DIGEST_SIZE) != 0)
		return check_found_number(c, content_name(content.kind),
		    content.number, "is found by a hash that is not its own");
	if (key.len > DIGEST_SIZE &&
	    info.size != key64_value(key.ptr + DIGEST_SIZE))
		return check_found_number(c, content_name(content.kind),
		    content.number, "is found by a size that is not its own");
	return 0;
}
