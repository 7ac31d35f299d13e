/* Packages, as far as their two records and their hash bear each other out. */

#include <errno.h>

#include "base/deb822.h"
#include "store/mend_run.h"

/* --- of what kind they are -------------------------------------------------
 */

static bool
has_kind(const struct bits kinds[MEND_KINDS], uint64_t number)
{
	enum package_kind kind;

	return mend_kind(kinds, number, &kind) > 0;
}

/* Lists come in the order in which they became known: a package is of the kind
 * of the first that it stood in. */
static int
note_kinds(struct mend *m, struct txn *t, struct span key, struct span value)
{
	CLEANUP(list_release) struct list l = {0};
	int r;

	(void)value;
	if (key.len != sizeof(struct key64))
		return 0;
	r = list_load(t, key64_value(key.ptr), &l);
	for (size_t i = 0; r >= 0 && i < l.nruns; i++) {
		uint64_t run = l.runs[i].run;

		if (has_kind(m->run_kinds, run))
			continue;
		r = mend_set(m, T_RUNS, &m->run_kinds[l.kind], run);
		if (r >= 0)
			r = run_load(t, run, &m->run);
		for (size_t k = 0; r >= 0 && k < m->run.n; k++)
			if (!has_kind(m->package_kinds, m->run.v[k]))
				r = mend_set(m, T_LIGHT,
				    &m->package_kinds[l.kind], m->run.v[k]);
		if (is_damage(r) || r == -E2BIG)
			r = 0;
	}
	return r < 0 && !is_damage(r) ? r : 0;
}

static enum package_kind
kind_of(const struct mend *m, uint64_t number, struct span stanza)
{
	enum package_kind kind;
	struct span value;

	if (mend_kind(m->package_kinds, number, &kind) > 0)
		return kind;
	return deb822_get(stanza, SPAN("Filename"), &value) ? PACKAGE_BINARY
							    : PACKAGE_SOURCE;
}

/* --- a package
 * ----------------------------------------------------------------
 */

int
mend_light(
    struct mend *m, uint64_t number, struct span stanza, enum package_kind kind)
{
	struct span light = {0};
	int r = light_from_stanza(stanza, kind, 1, &m->light, NULL);

	if (r == 0)
		r = light_encode(&m->light, &m->writer, &light);
	return r < 0 ? r : mend_put64(m, T_LIGHT, number, light);
}

/* Has the package with that number this very stanza? */
static bool
is_stanza_of(
    struct mend *m, struct txn *t, uint64_t number, const struct digest *stanza)
{
	CLEANUP(buf_release) struct buf other = {0};
	struct digest digest;

	if (heavy_stanza(m->heavy, t, number, &other) < 0)
		return false;
	digest_of(other.ptr, other.len, &digest);
	return digest_eq(&digest, stanza);
}

static int
put_id(struct mend *m, const struct digest *stanza, uint64_t number)
{
	struct key64 value = key64(number);

	return mend_put(m, T_PACKAGE_IDS,
	    (struct span){(const char *)stanza->byte, DIGEST_SIZE},
	    (struct span){(const char *)value.byte, sizeof(value.byte)});
}

/* The stanza can be read: two of stanza, light record and hash must agree. */
static int
mend_with_stanza(struct mend *m, struct txn *t, uint64_t number)
{
	struct span stanza = buf_span(&m->stanza);
	struct digest digest;
	uint64_t found = 0;
	bool agrees;
	int r = package_light(t, number, &m->package);

	if (r < 0 && !is_damage(r))
		return r;
	agrees = r == 0 && light_agrees(&m->package.light, stanza, &m->light);
	digest_of(stanza.ptr, stanza.len, &digest);
	r = package_find(t, &digest, &found);
	if (r < 0 && !is_damage(r))
		return r;
	if (r == 0 && found == number)
		return agrees ? 0
			      : mend_light(m, number, stanza,
				    kind_of(m, number, stanza));
	/* Another hash leads here: it is the stanza that has changed. */
	if (!agrees || bits_has(&m->by_hash, number))
		return bits_set(&m->lost, number);
	if (r == 0 && is_stanza_of(m, t, found, &digest))
		return 0;
	return put_id(m, &digest, number);
}

static int
mend_package(struct mend *m, uint64_t number)
{
	CLEANUP(txn_cleanup) struct txn *t = NULL;
	int r = txn_read(m->store, &t, m->err);

	if (r < 0)
		return r;
	buf_clear(&m->stanza);
	r = heavy_stanza(m->heavy, t, number, &m->stanza);
	if (is_damage(r))
		r = bits_set(&m->lost, number);
	else if (r == 0)
		r = mend_with_stanza(m, t, number);
	/* What is no stanza, or beyond all numbers, is no package. */
	return r == -EBADMSG || r == -E2BIG ? 0 : r;
}

static int
note_id(struct mend *m, struct txn *t, struct span key, struct span value)
{
	int r = 0;

	(void)t, (void)key;
	if (value.len == sizeof(struct key64))
		r = mend_set(m, T_LIGHT, &m->by_hash, key64_value(value.ptr));
	return r == -ENOMEM ? r : 0;
}

int
mend_packages(struct mend *m)
{
	int r = mend_each(m, T_LISTS, note_kinds);

	if (r >= 0)
		r = mend_each(m, T_PACKAGE_IDS, note_id);

	for (uint64_t n = mend_next(m, T_LIGHT, 1); n != UINT64_MAX && r >= 0;
	     n = mend_next(m, T_LIGHT, n + 1)) {
		r = mend_package(m, n);
		if (r >= 0 && mend_is_full(m))
			r = mend_flush(m);
	}
	return r < 0 ? r : mend_flush(m);
}
