#include <errno.h>
#include <time.h>

#include "base/clock.h"
#include "store/blob.h"
#include "store/cleanup_run.h"
#include "store/heavy.h"
#include "store/path_index.h"
#include "store/walk.h"

#define VICTIMS	     1024 /* that are looked for at a time */
#define VICTIM_KEY   64	  /* bytes of the longest key that is ever removed */
#define WRITE_NS     (10 * 1000000) /* of the writers' lock, about */
#define BREATHE_NS   1000000	    /* for other writers between two */
#define SIGHTING_KEY (2 * sizeof(struct key64))

struct victim {
	char key[VICTIM_KEY];
	uint32_t len;
	uint64_t bytes; /* key and value */
};

/* One table's garbage, piece by piece. */
struct sweep {
	struct cleanup *c;
	enum table table;
	struct victim v[VICTIMS];
	size_t n;
	size_t done;	/* of n, committed */
	size_t reached; /* as far as the last try came */
};

static uint64_t
number_of(struct span s, size_t at)
{
	return key64_value(s.ptr + at);
}

/*
 * Whether an entry is garbage: 1, 0, or an error.  What has not the shape that
 * it should is for db check to tell, and stays.
 */

static int
is_number_unused(const struct cleanup *c, struct span key, enum reach_kind kind)
{
	return key.len == sizeof(struct key64) &&
	       !reach_has(&c->reach, kind, number_of(key, 0));
}

static int
is_id_unused(const struct cleanup *c, struct span value, enum reach_kind kind)
{
	return is_number_unused(c, value, kind);
}

static int
is_content_unused(const struct cleanup *c, struct span value)
{
	struct content content;

	if (value.len != 1 + sizeof(struct key64) ||
	    value.ptr[0] < CONTENT_LIST || value.ptr[0] > CONTENT_BLOB)
		return 0;
	content.kind = (enum content_kind)value.ptr[0];
	content.number = number_of(value, 1);
	return !reach_has_content(&c->reach, content);
}

static int
is_piece_unused(const struct cleanup *c, struct span key)
{
	return key.len == sizeof(struct key64) + 1 &&
	       !reach_has_piece(&c->reach, number_of(key, 0),
		   (unsigned char)key.ptr[sizeof(struct key64)]);
}

/*
 * A file that is made in another way since (a remote index, before it was
 * mirrored) may still be known as a blob to a mount.
 */
static int
is_blob_unused(const struct cleanup *c, struct txn *t, struct span key)
{
	CLEANUP(blob_release) struct blob b = {0};
	struct content content;
	int r;

	if (!is_number_unused(c, key, REACH_BLOB))
		return 0;
	r = blob_load(t, number_of(key, 0), &b);
	/* What T_GONE says of a blob that is gone for good; and damage. */
	if (r < 0)
		return r == -ENOENT || r == -EIO || r == -EPROTO ? 1 : r;
	r = content_find(t, &b.sha256, &content);
	if (r < 0)
		return r == -ENOENT ? 1 : r;
	return content.kind == CONTENT_BLOB ||
	       !reach_has_content(&c->reach, content);
}

/* A block of packages none of which stays, or an origin that does not. */
static int
is_sighting_unused(const struct cleanup *c, struct span key, struct span value)
{
	const struct bits *packages = &c->reach.bits[REACH_PACKAGE];
	uint64_t at, last;

	if (key.len != SIGHTING_KEY)
		return 0;
	if (!reach_has(&c->reach, REACH_ORIGIN, number_of(key, 0)))
		return 1;
	/* Each byte of the value is one of the bits'. */
	at = number_of(key, sizeof(struct key64)) * value.len;
	last = c->reach.last[REACH_PACKAGE] / 8;
	for (size_t i = 0; i < value.len; i++) {
		unsigned char seen = (unsigned char)value.ptr[i];

		if (at + i >= last && seen)
			return 0;
		if (at + i < packages->size && (seen & packages->v[at + i]))
			return 0;
	}
	return 1;
}

/* What is known of the paths of packages none of which stays. */
static int
is_path_block_unused(const struct cleanup *c, struct span key)
{
	uint64_t first;

	if (key.len != sizeof(struct key64))
		return 0;
	first = number_of(key, 0) * PATH_BLOCK;
	for (uint64_t i = 0; i < PATH_BLOCK; i++)
		if (reach_has(&c->reach, REACH_PACKAGE, first + i))
			return 0;
	return 1;
}

/* A stanza that stays keeps its dictionary. */
static int
keep_dict(struct cleanup *c, struct txn *t, struct span heavy)
{
	uint64_t dict, last;
	int r = heavy_record_dict(heavy, &dict);

	if (r == 0 && (dict == 0 || bits_has(&c->dicts, dict)))
		return 0;
	if (r == 0)
		r = txn_last(t, C_DICT, &last);
	if (r == 0 && dict <= last)
		return bits_set(&c->dicts, dict);
	/* A damaged one may mean any. */
	c->all_dicts = true;
	return 0;
}

static int
is_heavy_unused(
    struct cleanup *c, struct txn *t, struct span key, struct span value)
{
	int r;

	if (is_number_unused(c, key, REACH_PACKAGE))
		return 1;
	r = keep_dict(c, t, value);
	return r == -ENOMEM ? r : 0;
}

/* Nobody compresses with it meanwhile: that needs the hold. */
static int
is_dict_unused(const struct cleanup *c, struct span key)
{
	return !c->all_dicts && key.len == sizeof(struct key64) &&
	       !bits_has(&c->dicts, number_of(key, 0));
}

static int
is_unused(const struct sweep *s, struct txn *t, struct span key, struct span v)
{
	struct cleanup *c = s->c;

	switch (s->table) {
	case T_CONTENTS:
		return is_content_unused(c, v);
	case T_PACKAGE_IDS:
		return is_id_unused(c, v, REACH_PACKAGE);
	case T_RUN_IDS:
		return is_id_unused(c, v, REACH_RUN);
	case T_FORM_IDS:
		return is_id_unused(c, v, REACH_FORM);
	case T_DROPPED:
	case T_ROOTS:
		return is_number_unused(c, key, REACH_ROOT);
	case T_STATES:
		return is_number_unused(c, key, REACH_STATE);
	case T_FORMS:
		return is_number_unused(c, key, REACH_FORM);
	case T_LISTS:
		return is_number_unused(c, key, REACH_LIST);
	case T_PIECES:
		return is_piece_unused(c, key);
	case T_RUNS:
		return is_number_unused(c, key, REACH_RUN);
	case T_TEXTS:
		return is_number_unused(c, key, REACH_TEXT);
	case T_GONE:
	case T_BLOBS:
		return is_blob_unused(c, t, key);
	case T_SIGHTINGS:
		return is_sighting_unused(c, key, v);
	case T_PATHS:
		return is_path_block_unused(c, key);
	case T_ORIGINS:
		return is_number_unused(c, key, REACH_ORIGIN);
	case T_HEAVY:
		return is_heavy_unused(c, t, key, v);
	case T_DICTS:
		return is_dict_unused(c, key);
	case T_KEYS:
		return !strs_has(&c->reach.signers, key);
	case T_LIGHT:
		return is_number_unused(c, key, REACH_PACKAGE);
	default:
		return 0;
	}
}

static int
collect(struct txn *t, struct span key, struct span value, void *arg)
{
	struct sweep *s = arg;
	struct victim *v;
	int r = is_unused(s, t, key, value);

	if (r <= 0)
		return r;
	if (key.len > VICTIM_KEY)
		return -EIO;
	v = &s->v[s->n++];
	memcpy(v->key, key.ptr, key.len);
	v->len = (uint32_t)key.len;
	v->bytes = key.len + value.len;
	return s->n == VICTIMS;
}

static int
remove_some(struct txn *t, void *arg, struct error *err)
{
	struct sweep *s = arg;
	int64_t until = clock_ns() + WRITE_NS;
	int r = 0;

	s->reached = s->done;
	while (s->reached < s->n && r >= 0) {
		const struct victim *v = &s->v[s->reached++];

		r = txn_del(t, s->table, v->key, v->len);
		if (r == -ENOENT)
			r = 0;
		if (clock_ns() > until)
			break;
	}
	return r < 0 ? error_sys(err, r, "cannot remove from table %s",
			   txn_table_name(s->table))
		     : 0;
}

static void
count(struct sweep *s, size_t to)
{
	struct cleanup_count *n = &s->c->result->tables[s->table];

	for (; s->done < to; s->done++) {
		n->n++;
		n->bytes += s->v[s->done].bytes;
	}
}

static int
remove_all(struct sweep *s)
{
	const struct timespec breathe = {.tv_nsec = BREATHE_NS};
	struct cleanup *c = s->c;
	int r = 0;

	while (s->done < s->n && r >= 0) {
		r = cleanup_stopped(c);
		if (r < 0)
			return r;
		r = store_write(c->store, remove_some, s, c->err);
		if (r < 0)
			return r;
		progress_add(c->opts->progress, 0, s->reached - s->done);
		count(s, s->reached);
		/* LMDB's lock is not fair. */
		(void)nanosleep(&breathe, NULL);
	}
	return r;
}

static int
sweep_table(struct sweep *s)
{
	struct cleanup *c = s->c;
	struct walk w = {.store = c->store,
	    .table = s->table,
	    .fn = collect,
	    .arg = s,
	    .cancel = c->opts->cancel};
	int r;

	do {
		int r2 = 0;

		s->n = s->done = 0;
		r = walk_on(&w, c->err);
		if (r < 0)
			return r;
		if (c->opts->dry_run)
			count(s, s->n);
		else
			r2 = remove_all(s);
		if (r2 < 0)
			return r2;
	} while (r > 0);
	return 0;
}

/* In this order nothing that is left names, or leads to, what is gone. */
int
cleanup_records(struct cleanup *c)
{
	static const enum table tables[] = {T_CONTENTS, T_PACKAGE_IDS,
	    T_RUN_IDS, T_FORM_IDS, /* by hash */
	    T_ROOTS, T_DROPPED, T_STATES, T_FORMS, T_LISTS, T_PIECES, T_RUNS,
	    T_TEXTS, T_GONE, T_BLOBS, T_SIGHTINGS, T_PATHS, T_ORIGINS, T_HEAVY,
	    T_LIGHT, T_DICTS, T_KEYS};
	struct sweep *s = calloc(1, sizeof(*s));
	int r = 0;

	if (!s)
		return error_sys(c->err, -ENOMEM, "cannot clean up");
	s->c = c;
	for (size_t i = 0; i < ARRAY_LEN(tables) && r >= 0; i++) {
		s->table = tables[i];
		r = sweep_table(s);
	}
	free(s);
	return r;
}
