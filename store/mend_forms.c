/*
 * Forms, their pieces and joined runs: what publishing made of lists.  It makes
 * the same again, as a rule; a form whose hash is another than Release says
 * helps nobody, and does no harm.
 */

#include <errno.h>
#include <string.h>

#include "store/content.h"
#include "store/listing.h"
#include "store/mend_run.h"

/* --- what stands in the way
 * --------------------------------------------------- */

static int
remove_damaged_piece(
    struct mend *m, struct txn *t, struct span key, struct span value)
{
	(void)t;
	return value.len == 0 ? mend_remove(m, T_PIECES, key) : 0;
}

/* A run that stands in no list joins others, or is garbage. */
static int
is_joined(const struct mend *m, uint64_t run)
{
	enum package_kind kind;

	return mend_is_suspect(m, T_RUNS, run) &&
	       mend_kind(m->run_kinds, run, &kind) == 0;
}

static int
remove_joined_id(
    struct mend *m, struct txn *t, struct span key, struct span value)
{
	(void)t;
	if (value.len == sizeof(struct key64) &&
	    is_joined(m, key64_value(value.ptr)))
		return mend_remove(m, T_RUN_IDS, key);
	return 0;
}

/* Not while there is a list that can't be read, which may have them. */
static int
remove_joined(struct mend *m)
{
	int r = 0;

	for (uint64_t n = mend_next(m, T_LISTS, 1); n != UINT64_MAX;
	     n = mend_next(m, T_LISTS, n + 1)) {
		CLEANUP(txn_cleanup) struct txn *t = NULL;
		CLEANUP(list_release) struct list l = {0};

		r = txn_read(m->store, &t, m->err);
		if (r >= 0)
			r = list_load(t, n, &l);
		if (r < 0)
			return is_damage(r) ? 0 : r;
		for (size_t i = 0; i < l.nruns && r >= 0; i++)
			r = mend_set(
			    m, T_RUNS, &m->run_kinds[l.kind], l.runs[i].run);
		/* Who knows what the list has. */
		if (r < 0)
			return r == -E2BIG ? 0 : r;
	}
	for (uint64_t n = mend_next(m, T_RUNS, 1); n != UINT64_MAX && r >= 0;
	     n = mend_next(m, T_RUNS, n + 1))
		if (is_joined(m, n))
			r = mend_remove64(m, T_RUNS, n);
	return r < 0 ? r : mend_each(m, T_RUN_IDS, remove_joined_id);
}

/* --- a form
 * -------------------------------------------------------------------
 */

static int
hash_form(struct mend *m, struct txn *t, const struct form *f)
{
	struct digest digest;
	uint64_t size = f->head.len + f->tail.len;
	int r = 0;

	hash_end(m->hash, &digest);
	hash_add(m->hash, f->head.ptr, f->head.len);
	for (size_t i = 0; r == 0 && i < f->npieces; i++) {
		struct span piece;

		r = piece_get(t, f->run[i], f->codec, &piece);
		if (r == 0)
			hash_add(m->hash, piece.ptr, piece.len);
		if (r == 0 && piece.len != f->offset[i + 1] - f->offset[i])
			r = -EIO;
		size += r == 0 ? piece.len : 0;
	}
	hash_add(m->hash, f->tail.ptr, f->tail.len);
	hash_end(m->hash, &digest);
	if (r == 0 && (size != f->size || !digest_eq(&digest, &f->sha256)))
		r = -EIO;
	return r;
}

struct made {
	uint64_t list;
	enum codec codec;
	struct release_file file; /* that it is to be */
};

/* 1: the file is to be made, 0: it can be had, or it is none that is made. */
static int
look(struct mend *m, const struct made *f, uint64_t *ret_form)
{
	CLEANUP(txn_cleanup) struct txn *t = NULL;
	CLEANUP(form_release) struct form form = {0};
	struct content c = {0};
	int r = txn_read(m->store, &t, m->err);

	*ret_form = 0;
	if (r < 0)
		return r;
	r = content_find_file(t, &f->file.sha256, f->file.size, &c);
	if (r == 0 && c.kind != CONTENT_FORM)
		return 0;
	*ret_form = c.number;
	if (r == 0)
		r = form_load(t, c.number, &form);
	if (r == 0)
		r = hash_form(m, t, &form);
	return is_damage(r) ? 1 : r;
}

struct unlist {
	struct mend *mend;
	const struct made *f;
	uint64_t form; /* the old one */
};

/* The next try to find the form of the list finds none, and makes it. */
static int
unlist(struct txn *t, void *arg, struct error *err)
{
	const struct unlist *u = arg;
	struct key64 list = key64(u->f->list);
	char id[sizeof(list.byte) + 1];
	struct span there;
	int r;

	(void)err;
	memcpy(id, list.byte, sizeof(list.byte));
	id[sizeof(list.byte)] = (char)u->f->codec;
	r = txn_del(t, T_FORM_IDS, id, sizeof(id));
	if (r < 0 && r != -ENOENT)
		return r;
	/* A damaged entry stands in the way of a new one. */
	r = txn_get(t, T_CONTENTS, u->f->file.sha256.byte, DIGEST_SIZE, &there);
	if (r == -EIO)
		r = txn_del(t, T_CONTENTS, u->f->file.sha256.byte, DIGEST_SIZE);
	return r == -ENOENT ? 0 : r;
}

static int
is_piece_of(struct mend *m, struct txn *t, const struct form *f, size_t i)
{
	struct span piece;
	int r = piece_get(t, f->run[i], f->codec, &piece);

	(void)m;
	return r == 0 && piece.len == f->offset[i + 1] - f->offset[i];
}

/* Pieces that are not as long as the form says; which are not of the right
 * bytes can't be told. */
static int
remove_wrong_pieces(struct mend *m, uint64_t number)
{
	CLEANUP(txn_cleanup) struct txn *t = NULL;
	CLEANUP(form_release) struct form f = {0};
	int r = txn_read(m->store, &t, m->err);

	if (r >= 0)
		r = form_load(t, number, &f);
	if (r < 0)
		return is_damage(r) ? 0 : r;
	for (size_t i = 0; i < f.npieces && r >= 0; i++) {
		struct key64 run = key64(f.run[i]);
		char key[sizeof(run.byte) + 1];

		if (is_piece_of(m, t, &f, i))
			continue;
		memcpy(key, run.byte, sizeof(run.byte));
		key[sizeof(run.byte)] = (char)f.codec;
		r = mend_remove(m, T_PIECES, (struct span){key, sizeof(key)});
	}
	txn_end(TAKE(t));
	return r < 0 ? r : mend_flush(m);
}

static int
mend_form(struct mend *m, const struct made *f)
{
	const struct mend_help *help = m->opts->help;
	struct unlist u = {.mend = m, .f = f};
	int r = look(m, f, &u.form);

	if (r <= 0)
		return r;
	r = u.form != 0 ? remove_wrong_pieces(m, u.form) : 0;
	if (r >= 0)
		r = mend_list_is_sound(m, f->list);
	if (r > 0)
		r = store_write(m->store, unlist, &u, m->err);
	else
		return r;
	if (r >= 0)
		r = help->compress(help->arg, f->list, f->codec, m->err);
	/* What can't be made is told by the check. */
	return r == -EINTR || r == -ENOSPC || r == -ENOMEM ? r : 0;
}

/* --- those of a state -------------------------------------------------------
 */

static int
add_made(struct made **v, size_t *n, const struct made *one)
{
	struct made *more = reallocarray(*v, *n + 1, sizeof(*more));

	if (!more)
		return -ENOMEM;
	*v = more;
	more[(*n)++] = *one;
	return 0;
}

static int
find_of_list(const struct release *rel, const struct state_list *l,
    struct made **v, size_t *n)
{
	int r = 0;

	for (unsigned c = CODEC_GZ; c <= CODEC_ZST && r == 0; c++) {
		CLEANUP(buf_release) struct buf name = {0};
		const struct release_file *file;
		struct made one = {.list = l->list, .codec = (enum codec)c};

		r = buf_addf(&name, "%s.%s", l->path, codec_suffix(one.codec));
		file = r == 0 ? release_find(rel, buf_span(&name)) : NULL;
		if (!file)
			continue;
		one.file = *file;
		one.file.path = (struct span){0};
		r = add_made(v, n, &one);
	}
	return r;
}

/* What the state's Release lists of compressed lists; only what is made here
 * can be made again. */
static int
find_made(struct mend *m, uint64_t state, struct made **v, size_t *n)
{
	CLEANUP(txn_cleanup) struct txn *t = NULL;
	CLEANUP(state_release) struct state s = {0};
	CLEANUP(listing_release) struct listing l = {0};
	int r = txn_read(m->store, &t, m->err);

	if (r < 0)
		return r;
	r = state_load(t, state, &s);
	if (r == 0 && s.origin != 0)
		return 0;
	if (r == 0)
		r = listing_load(t, s.listing, &l);
	for (size_t i = 0; r == 0 && i < s.nlists; i++)
		r = find_of_list(&l.release, &s.lists[i], v, n);
	return is_damage(r) ? 0 : r;
}

static int
mend_state_forms(struct mend *m, uint64_t state)
{
	CLEANUP_FREE struct made *v = NULL;
	size_t n = 0;
	int r = find_made(m, state, &v, &n);

	for (size_t i = 0; i < n && r >= 0; i++)
		r = mend_form(m, &v[i]);
	return r;
}

int
mend_forms(struct mend *m)
{
	const struct bits *states = &m->reach.bits[REACH_STATE];
	const struct mend_help *help = m->opts->help;
	int r = mend_each(m, T_PIECES, remove_damaged_piece);

	if (r >= 0)
		r = remove_joined(m);
	if (!help || !help->compress)
		return r;
	for (uint64_t n = bits_next(states, 1); n != UINT64_MAX && r >= 0;
	     n = bits_next(states, n + 1)) {
		r = mend_stopped(m);
		if (r >= 0)
			r = mend_state_forms(m, n);
	}
	return r;
}
