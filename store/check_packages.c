/* Packages, runs, lists and forms: what they hold against what they say. */

#include <errno.h>
#include <inttypes.h>

#include "store/check_run.h"
#include "store/list_record.h"
#include "store/render.h"
#include "store/run_join.h"

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
	if (check_is_damage(r))
		return check_found_number(c, k.what, number, "is damaged");
	if (r < 0)
		return r;
	r = txn_get64(t, T_HEAVY, number, &heavy);
	if (r != -ENOENT || !reach_has(&c->reach, REACH_PACKAGE, number))
		return r == -ENOENT ? 0 : r;
	return check_found_number(c, k.what, number, "has no stanza");
}

/* Puts a package's stanza into c->stanza, in place of what that has. */
static int
read_stanza(struct check *c, struct txn *t, uint64_t package)
{
	buf_clear(&c->stanza);
	return heavy_stanza(c->heavy, t, package, &c->stanza);
}

static bool
same_files(const struct light *a, const struct light *b)
{
	if (a->nfiles != b->nfiles)
		return false;
	for (size_t i = 0; i < a->nfiles; i++) {
		const struct package_file *x = &a->files[i], *y = &b->files[i];

		if (x->size != y->size || !span_eq(x->path, y->path) ||
		    !digest_eq(&x->sha256, &y->sha256))
			return false;
	}
	return true;
}

/* Does the light record say what the stanza says?  Only what it must not be
 * wrong about: another version of the program may read more from a stanza. */
static bool
says_the_same(struct check *c)
{
	const struct light *l = &c->package.light, *s = &c->light;
	struct span stanza = buf_span(&c->stanza);

	if (light_from_stanza(stanza, l->kind, 1, &c->light, NULL) < 0)
		return true;
	return span_eq(l->name, s->name) && span_eq(l->version, s->version) &&
	       span_eq(l->architecture, s->architecture) && same_files(l, s);
}

static int
check_stanza(struct check *c, struct txn *t, struct span key, uint64_t number)
{
	struct digest digest;
	int r = read_stanza(c, t, number);

	if (check_is_damage(r))
		return check_found_number(c, "package", number,
		    r == -ENOENT ? "has no stanza" : "has a damaged stanza");
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
	if (!says_the_same(c))
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
		return check_is_damage(r) ? 0 : r;
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
	if (check_is_damage(r))
		return check_found_number(c, k.what, number, "is damaged");
	if (r == 0)
		r = sum_run(c, t, &bytes, &package);
	if (r == -ENOENT)
		return check_found_number(c, k.what, number,
		    "has package %" PRIu64 ", which is missing", package);
	if (r < 0)
		return check_is_damage(r) ? 0 : r;
	if (record_u64(&v, 0) == bytes)
		return 0;
	return check_found_number(c, k.what, number,
	    "has %" PRIu64 " bytes, and says %" PRIu64, bytes,
	    record_u64(&v, 0));
}

/* A run's ID from its stanzas, in a list of that kind; see list_writer.c. */
static int
hash_run_as(
    struct check *c, struct txn *t, enum package_kind kind, struct digest *ret)
{
	unsigned char byte = (unsigned char)kind;
	int r;

	hash_end(c->hash, ret);
	hash_add(c->hash, &byte, 1);
	for (size_t i = 0; i < c->run.n; i++) {
		r = read_stanza(c, t, c->run.v[i]);
		if (r < 0)
			return r;
		digest_of(c->stanza.ptr, c->stanza.len, ret);
		hash_add(c->hash, ret->byte, DIGEST_SIZE);
	}
	hash_end(c->hash, ret);
	return 0;
}

/*
 * A run's ID: `wanted`, if it is that in a list of any kind.  As a rule the
 * packages' kind is the list's; but the same stanza may stand in lists of two
 * kinds, and has that of the first.
 */
static int
hash_run(struct check *c, struct txn *t, struct span wanted, struct digest *ret)
{
	enum package_kind usual = PACKAGE_BINARY;
	int r = 0;

	if (c->run.n > 0) {
		r = package_light(t, c->run.v[0], &c->package);
		usual = c->package.light.kind;
	}
	if (r == 0)
		r = hash_run_as(c, t, usual, ret);
	for (unsigned k = PACKAGE_BINARY;
	     k <= PACKAGE_UDEB && r == 0 &&
	     memcmp(ret->byte, wanted.ptr, sizeof(ret->byte)) != 0;
	     k++)
		r = hash_run_as(c, t, (enum package_kind)k, ret);
	return r;
}

/* 1 and the ID of a run that joins others, 0 where it joins none. */
static int
hash_joined(struct txn *t, uint64_t number, struct digest *ret)
{
	CLEANUP(record_release) struct record record = {0};
	CLEANUP(run_packages_release) struct run_packages joined = {0};
	struct span bytes;
	struct record_view v = {0};
	int r = txn_get64(t, T_RUNS, number, &bytes);

	if (r == 0)
		r = record_parse(&record, bytes, RUN_VERSION, &v);
	if (r < 0 || v.n <= RUN_ITEMS)
		return r;
	r = run_steps(record_span(&v, RUN_ITEMS), &joined);
	if (r == 0)
		r = run_join_id(joined.v, joined.n, ret);
	return r < 0 ? r : 1;
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
		r = hash_joined(t, number, &digest);
	if (r == 0)
		r = hash_run(c, t, key, &digest);
	/* What is damaged was told where its table was gone through. */
	if (r < 0)
		return check_is_damage(r) ? 0 : r;
	if (memcmp(digest.byte, key.ptr, DIGEST_SIZE) == 0)
		return 0;
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

/* 1 where all is well, 0 where it was told. */
static int
check_list_run(struct check *c, struct txn *t, const struct list *l, size_t i)
{
	const struct list_run *run = &l->runs[i];
	uint64_t package = 0;
	int r = run_load(t, run->run, &c->run);

	if (check_is_damage(r))
		return check_found_number(c, "list", l->number,
		    "has run %" PRIu64 ", which is %s", run->run,
		    r == -ENOENT ? "missing" : "damaged");
	buf_clear(&c->stanza);
	if (r == 0)
		r = render_packages(c->heavy, t, &c->run, &c->stanza, &package);
	if (check_is_damage(r))
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
	if (check_is_damage(r))
		return check_found_number(c, k.what, number, "is damaged");
	hash_end(c->hash, &digest);
	r = r < 0 ? r : 1;
	for (size_t i = 0; i < l.nruns && r > 0; i++)
		r = check_list_run(c, t, &l, i);
	if (r <= 0)
		return r;
	return check_hash(c, &k, number, &l.sha256);
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
	if (check_is_damage(r))
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
	return check_hash(c, &k, number, &f.sha256);
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
		return check_is_damage(r) ? 0 : r;
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
		return r;
	return check_found_number(c, "run", key64_value(key.ptr),
	    "is missing, but is there compressed");
}
