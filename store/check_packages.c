/* Packages, runs, lists and forms: what they hold against what they say. */

#include <errno.h>
#include <inttypes.h>

#include "store/check_run.h"
#include "store/content.h"
#include "store/list_record.h"
#include "store/render.h"
#include "store/run_id.h"

static int
check_by_hash(struct check *c, enum reach_kind kind, uint64_t number)
{
	int r = bits_set(&c->by_hash[kind], number);

	return r == -ENOMEM ? r : 0;
}

int
check_light(struct check *c, struct txn *t, struct span key, struct span value)
{
	struct check_key k = {"package", C_PACKAGE, key};
	struct span heavy;
	uint64_t number = 0;
	int r = check_number(c, t, &k, &number);

	(void)value;
	if (r <= 0)
		return r;
	r = package_light(t, number, &c->package);
	if (is_damage(r))
		return check_found_number(c, k.what, number, "is damaged");
	if (r < 0)
		return r;
	r = txn_get64(t, T_HEAVY, number, &heavy);
	if (r != -ENOENT)
		return r == -EIO ? check_found_number(c, k.what, number,
				       "has a damaged stanza")
				 : r;
	if (!reach_has(&c->reach, REACH_PACKAGE, number))
		return 0;
	return check_found_number(c, k.what, number, "has no stanza");
}

/* Puts a package's stanza into c->stanza, in place of what that has. */
static int
read_stanza(struct check *c, struct txn *t, uint64_t package)
{
	buf_clear(&c->stanza);
	return heavy_stanza(c->heavy, t, package, &c->stanza);
}

static int
check_stanza(struct check *c, struct txn *t, struct span key, uint64_t number)
{
	struct digest digest;
	int r = read_stanza(c, t, number);

	/* One that is there and can't be read may lack its dictionary. */
	if (is_damage(r))
		return check_found_number(c, "package", number,
		    r == -ENOENT ? "has no stanza"
				 : "has a stanza that can't be read");
	if (r < 0)
		return r;
	if (c->stanza.len != c->package.light.stanza_len)
		return check_found_number(c, "package", number,
		    "has a stanza of %zu bytes, and says %" PRIu64,
		    c->stanza.len, c->package.light.stanza_len);
	digest_of(c->stanza.ptr, c->stanza.len, &digest);
	if (memcmp(digest.byte, key.ptr, DIGEST_SIZE) != 0)
		return check_found_number(c, "package", number,
		    "is found by a hash that is not its stanza's");
	r = check_by_hash(c, REACH_PACKAGE, number);
	if (r < 0)
		return r;
	if (!light_agrees(&c->package.light, buf_span(&c->stanza), &c->light))
		return check_found_number(c, "package", number,
		    "is recorded as another than its stanza says");
	return 0;
}

int
check_package_id(
    struct check *c, struct txn *t, struct span key, struct span value)
{
	uint64_t number = 0;
	int r;

	if (key.len != DIGEST_SIZE || value.len != sizeof(struct key64)) {
		check_found(c, "packages by hash", false, "have a bad entry");
		return 0;
	}
	number = key64_value(value.ptr);
	r = package_light(t, number, &c->package);
	if (r == -ENOENT)
		return check_found_number(c, "package", number,
		    "is missing, but can be found by its hash");
	/* A damaged one was told where its table was gone through. */
	if (r < 0)
		return is_damage(r) ? 0 : r;
	return check_stanza(c, t, key, number);
}

/* The rendered bytes of c->run; -ENOENT and damage as they come, with *ret the
 * package. */
static int
sum_run(struct check *c, struct txn *t, uint64_t *bytes, uint64_t *ret)
{
	*bytes = 0;
	for (size_t i = 0; i < c->run.n; i++) {
		int r = package_light(t, c->run.v[i], &c->package);

		*ret = c->run.v[i];
		if (r < 0)
			return r;
		*bytes += c->package.light.stanza_len + 1;
	}
	return 0;
}

int
check_run(struct check *c, struct txn *t, struct span key, struct span value)
{
	CLEANUP(record_release) struct record record = {0};
	struct check_key k = {"run", C_RUN, key};
	struct record_view v;
	uint64_t number = 0, bytes = 0, package = 0;
	int r = check_number(c, t, &k, &number);

	if (r <= 0)
		return r;
	r = run_load(t, number, &c->run);
	if (r == 0)
		r = record_parse(&record, value, RUN_VERSION, &v);
	if (is_damage(r))
		return check_found_number(c, k.what, number, "is damaged");
	if (r == 0)
		r = sum_run(c, t, &bytes, &package);
	if (r == -ENOENT)
		return check_found_number(c, k.what, number,
		    "has package %" PRIu64 ", which is missing", package);
	if (r < 0)
		return is_damage(r) ? 0 : r;
	if (record_u64(&v, 0) == bytes)
		return 0;
	return check_found_number(c, k.what, number,
	    "has %" PRIu64 " bytes, and says %" PRIu64, bytes,
	    record_u64(&v, 0));
}

/* As a rule the packages' kind is the list's; but the same stanza may stand in
 * lists of two kinds, and has that of the first. */
int
check_run_hash(struct check *c, struct txn *t, uint64_t number,
    const char *wanted, struct digest *ret)
{
	enum package_kind usual = PACKAGE_BINARY;
	int r = run_load(t, number, &c->run);

	if (r == 0 && c->run.n > 0) {
		r = package_light(t, c->run.v[0], &c->package);
		usual = c->package.light.kind;
	}
	if (r == 0)
		r = run_id(c->heavy, t, number, usual, ret);
	for (unsigned k = PACKAGE_BINARY;
	     wanted && k <= PACKAGE_UDEB && r == 0 &&
	     memcmp(ret->byte, wanted, sizeof(ret->byte)) != 0;
	     k++)
		r = run_id(c->heavy, t, number, (enum package_kind)k, ret);
	return r;
}

int
check_run_id(struct check *c, struct txn *t, struct span key, struct span value)
{
	struct digest digest;
	uint64_t number = 0;
	int r;

	if (key.len != DIGEST_SIZE || value.len != sizeof(struct key64)) {
		check_found(c, "runs by hash", false, "have a bad entry");
		return 0;
	}
	number = key64_value(value.ptr);
	r = run_load(t, number, &c->run);
	if (r == -ENOENT)
		return check_found_number(c, "run", number,
		    "is missing, but can be found by its hash");
	if (r == 0)
		r = check_run_hash(c, t, number, key.ptr, &digest);
	/* What is damaged was told where its table was gone through. */
	if (r < 0)
		return is_damage(r) ? 0 : r;
	if (memcmp(digest.byte, key.ptr, DIGEST_SIZE) == 0)
		return check_by_hash(c, REACH_RUN, number);
	return check_found_number(
	    c, "run", number, "is found by a hash that is not its own");
}

/* Compares what went into c->hash. */
static int
check_hash(struct check *c, const struct check_key *k, uint64_t number,
    const struct digest *want)
{
	struct digest digest;

	hash_end(c->hash, &digest);
	if (digest_eq(&digest, want))
		return 0;
	return check_found_number(
	    c, k->what, number, "has another SHA-256 than it says");
}

/* Leads the hash of what a head reaches somewhere? */
static int
check_content_of(struct check *c, struct txn *t, const struct check_key *k,
    uint64_t number, const struct digest *sha256)
{
	struct content content;
	int r = content_find(t, sha256, &content);

	if (r == -ENOENT)
		return check_found_number(
		    c, k->what, number, "can't be found by its hash");
	/* A damaged entry is told where its table is gone through. */
	return is_damage(r) ? 0 : r;
}

/* 1 where all is well, 0 where it was told. */
static int
check_list_run(struct check *c, struct txn *t, const struct list *l, size_t i)
{
	const struct list_run *run = &l->runs[i];
	uint64_t package = 0;
	int r = run_load(t, run->run, &c->run);

	if (is_damage(r))
		return check_found_number(c, "list", l->number,
		    "has run %" PRIu64 ", which is %s", run->run,
		    r == -ENOENT ? "missing" : "damaged");
	buf_clear(&c->stanza);
	if (r == 0)
		r = render_packages(c->heavy, t, &c->run, &c->stanza, &package);
	if (is_damage(r))
		return check_found_number(c, "list", l->number,
		    "has package %" PRIu64 ", whose stanza is %s", package,
		    r == -ENOENT ? "missing" : "damaged");
	if (r < 0)
		return r;
	hash_add(c->hash, c->stanza.ptr, c->stanza.len);
	if (c->run.n != run->packages || c->stanza.len != list_run_bytes(l, i))
		return check_found_number(c, "list", l->number,
		    "says %" PRIu64 " bytes of %" PRIu32
		    " packages of run %" PRIu64 ", which has %zu of %zu",
		    list_run_bytes(l, i), run->packages, run->run,
		    c->stanza.len, c->run.n);
	return 1;
}

int
check_list(struct check *c, struct txn *t, struct span key, struct span value)
{
	CLEANUP(list_release) struct list l = {0};
	struct check_key k = {"list", C_LIST, key};
	struct digest digest;
	uint64_t number = 0;
	int r = check_number(c, t, &k, &number);

	(void)value;
	if (r <= 0)
		return r;
	r = list_load(t, number, &l);
	if (is_damage(r))
		return check_found_number(c, k.what, number, "is damaged");
	hash_end(c->hash, &digest);
	r = r < 0 ? r : 1;
	for (size_t i = 0; i < l.nruns && r > 0; i++)
		r = check_list_run(c, t, &l, i);
	if (r <= 0)
		return r;
	r = check_hash(c, &k, number, &l.sha256);
	if (r < 0 || !reach_has(&c->reach, REACH_LIST, number))
		return r;
	return check_content_of(c, t, &k, number, &l.sha256);
}

/* 1 where all is well, 0 where it was told. */
static int
check_form_piece(struct check *c, struct txn *t, const struct form *f, size_t i)
{
	uint64_t want = f->offset[i + 1] - f->offset[i];
	struct span piece;
	int r = piece_get(t, f->run[i], f->codec, &piece);

	if (r == -ENOENT)
		return check_found_number(c, "form", f->number,
		    "needs the piece of run %" PRIu64 ", which is missing",
		    f->run[i]);
	if (r == -EIO)
		return check_found_number(c, "form", f->number,
		    "needs the piece of run %" PRIu64 ", which is damaged",
		    f->run[i]);
	if (r < 0)
		return r;
	if (piece.len != want)
		return check_found_number(c, "form", f->number,
		    "has %" PRIu64 " bytes of run %" PRIu64
		    ", whose piece has %zu",
		    want, f->run[i], piece.len);
	hash_add(c->hash, piece.ptr, piece.len);
	return 1;
}

/* By its hash, and by its list: another form of that may be newer. */
static int
check_form_found(struct check *c, struct txn *t, const struct check_key *k,
    const struct form *f)
{
	uint64_t newest;
	int r = check_content_of(c, t, k, f->number, &f->sha256);

	if (r == 0)
		r = form_find(t, f->list, f->codec, &newest);
	if (r == -ENOENT)
		return check_found_number(
		    c, k->what, f->number, "can't be found by its list");
	return is_damage(r) ? 0 : r;
}

int
check_form(struct check *c, struct txn *t, struct span key, struct span value)
{
	CLEANUP(form_release) struct form f = {0};
	struct check_key k = {"form", C_FORM, key};
	struct digest digest;
	uint64_t number = 0;
	int r = check_number(c, t, &k, &number);

	(void)value;
	if (r <= 0)
		return r;
	r = form_load(t, number, &f);
	if (is_damage(r))
		return check_found_number(c, k.what, number, "is damaged");
	hash_end(c->hash, &digest);
	r = r < 0 ? r : 1;
	if (r > 0)
		hash_add(c->hash, f.head.ptr, f.head.len);
	for (size_t i = 0; i < f.npieces && r > 0; i++)
		r = check_form_piece(c, t, &f, i);
	if (r <= 0)
		return r;
	hash_add(c->hash, f.tail.ptr, f.tail.len);
	if (f.offset[0] != f.head.len ||
	    f.offset[f.npieces] + f.tail.len != f.size)
		return check_found_number(
		    c, k.what, number, "has another size than it says");
	r = check_hash(c, &k, number, &f.sha256);
	if (r < 0 || !reach_has(&c->reach, REACH_FORM, number))
		return r;
	return check_form_found(c, t, &k, &f);
}

/* A number and a codec. */
static bool
is_coded(struct span key)
{
	return key.len == sizeof(struct key64) + 1 &&
	       (unsigned char)key.ptr[sizeof(struct key64)] <= CODEC_BZ2;
}

int
check_form_id(
    struct check *c, struct txn *t, struct span key, struct span value)
{
	CLEANUP(form_release) struct form f = {0};
	uint64_t number = 0;
	int r;

	if (!is_coded(key) || value.len != sizeof(struct key64)) {
		check_found(c, "forms by list", false, "have a bad entry");
		return 0;
	}
	number = key64_value(value.ptr);
	r = form_load(t, number, &f);
	if (r == -ENOENT)
		return check_found_number(c, "form", number,
		    "is missing, but can be found by its list");
	if (r < 0)
		return is_damage(r) ? 0 : r;
	if (f.list == key64_value(key.ptr) &&
	    f.codec == (enum codec)key.ptr[sizeof(struct key64)])
		return 0;
	return check_found_number(
	    c, "form", number, "is found by a list that is not its own");
}

int
check_piece(struct check *c, struct txn *t, struct span key, struct span value)
{
	struct span bytes;
	int r;

	if (!is_coded(key) || value.len == 0) {
		check_found(c, "pieces", false, "have a bad entry");
		return 0;
	}
	r = txn_get64(t, T_RUNS, key64_value(key.ptr), &bytes);
	if (r != -ENOENT)
		return is_damage(r) ? 0 : r;
	return check_found_number(c, "run", key64_value(key.ptr),
	    "is missing, but is there compressed");
}
