/* The files of Release that a mirror has beside the indexes it knows. */

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "base/path.h"
#include "mirror/blob_batch.h"
#include "mirror/update_run.h"
#include "store/blob.h"
#include "store/content.h"

#define FORMS_MAX 5 /* plain, gz, xz, zst, bz2 */

/* One file in all the forms that are wanted of it: xz, which apt asks for where
 * it is listed, the others by size, and the plain one, which may be listed
 * only for its hash. */
struct group {
	const struct release_file *forms[FORMS_MAX];
	uint64_t blobs[FORMS_MAX]; /* numbers */
	size_t nforms;
	bool has_xz;
	size_t at;  /* the form to try next */
	bool there; /* in one form */
	/* The error to tell: the first that says more than "not there". */
	int why;
	char *why_text;
};

struct choice {
	struct update *u;
	const struct release *rel;
	const struct wanted_list *wanted;
	struct group *v;
	size_t n, cap;
};

static void
choice_release(struct choice *c)
{
	for (size_t i = 0; i < c->n; i++)
		free(c->v[i].why_text);
	free(c->v);
}

/* "main/i18n/Translation-en" of a mirrored component; right in the suite or
 * beside it in a flat archive. */
static bool
is_translation(const struct choice *c, struct span stem)
{
	struct span dir = path_dir(stem);

	if (c->u->mirror.no_translations ||
	    !span_eq(path_base(stem), SPAN("Translation-en")))
		return false;
	if (span_eq(path_base(dir), SPAN("i18n")))
		dir = path_dir(dir);
	for (size_t i = 0; i < c->wanted->n; i++) {
		if (span_eq(dir, span_of(c->wanted->v[i].component)))
			return true;
	}
	return false;
}

static bool
matches(const struct choice *c, struct span path)
{
	const struct strs *globs = &c->u->mirror.indexes;
	char text[PATH_MAX_LEN + 1];

	if (globs->n == 0 || path.len >= sizeof(text))
		return false;
	memcpy(text, path.ptr, path.len);
	text[path.len] = '\0';
	for (size_t i = 0; i < globs->n; i++) {
		if (fnmatch(globs->v[i], text, 0) == 0)
			return true;
	}
	return false;
}

/* Added in the order of codecs[]: the first and the last stay there. */
static void
add_form(struct group *g, enum codec codec, const struct release_file *file)
{
	size_t first = g->has_xz ? 1 : 0, i = g->nforms++;

	g->has_xz = g->has_xz || codec == CODEC_XZ;
	while (codec != CODEC_PLAIN && i > first &&
	       g->forms[i - 1]->size > file->size) {
		g->forms[i] = g->forms[i - 1];
		i--;
	}
	g->forms[i] = file;
}

/* The forms of what is called stem when it is plain; *ret_first is the first
 * that Release lists at all.  A glob means all forms, unless it names one. */
static int
find_forms(const struct choice *c, struct span stem, struct group *g,
    const struct release_file **ret_first)
{
	static const enum codec codecs[FORMS_MAX] = {
	    CODEC_XZ, CODEC_GZ, CODEC_ZST, CODEC_BZ2, CODEC_PLAIN};
	bool all = is_translation(c, stem) || matches(c, stem);
	CLEANUP(buf_release) struct buf path = {0};

	*ret_first = NULL;
	for (size_t i = 0; i < FORMS_MAX; i++) {
		const char *suffix = codec_suffix(codecs[i]);
		const struct release_file *f;

		buf_clear(&path);
		(void)buf_add_span(&path, stem); /* path.failed tells */
		(void)buf_addf(&path, "%s%s", *suffix ? "." : "", suffix);
		if (path.failed)
			return -ENOMEM;
		f = release_find(c->rel, buf_span(&path));
		if (!f)
			continue;
		if (!*ret_first)
			*ret_first = f;
		if (all || matches(c, f->path))
			add_form(g, codecs[i], f);
	}
	return 0;
}

static int
add_group(struct choice *c, const struct group *g)
{
	if (c->n == c->cap) {
		size_t cap = c->cap ? 2 * c->cap : 64;
		struct group *v = reallocarray(c->v, cap, sizeof(*v));

		if (!v)
			return -ENOMEM;
		c->v = v;
		c->cap = cap;
	}
	c->v[c->n++] = *g;
	return 0;
}

/* Each group is found by the first of its forms. */
static int
choose(struct choice *c, struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < c->rel->nfiles; i++) {
		const struct release_file *first;
		struct group g = {0};
		struct span stem;

		(void)codec_of_path(c->rel->files[i].path, &stem);
		r = find_forms(c, stem, &g, &first);
		if (r == 0 && first == &c->rel->files[i] && g.nforms > 0)
			r = add_group(c, &g);
	}
	return r < 0 ? error_sys(err, r, "cannot choose files of Release") : 0;
}

static int
put_files(struct txn *t, void *arg, struct error *err)
{
	const struct choice *c = arg;
	struct release_place place = update_place(c->u);

	return release_files_put(t, &place, c->rel, err);
}

/* Looks which form of a group is here. */
static int
look_up(struct txn *t, struct group *g)
{
	for (size_t i = 0; i < g->nforms; i++) {
		const struct release_file *f = g->forms[i];
		struct content c;
		int r = content_find_file(t, &f->sha256, f->size, &c);

		if (r < 0)
			return r;
		g->blobs[i] = c.number;
		if (c.kind == CONTENT_BLOB)
			r = blob_present(txn_store(t), &f->sha256);
		if (r < 0)
			return r;
		if (r > 0 || c.kind != CONTENT_BLOB)
			g->there = true;
	}
	return 0;
}

/* The blobs of what was chosen, and whether all of it is there. */
static int
look_all_up(struct choice *c, bool *ret_all, struct error *err)
{
	CLEANUP(txn_cleanup) struct txn *t = NULL;
	int r = txn_read(c->u->store, &t, err);

	if (r < 0)
		return r;
	*ret_all = true;
	for (size_t i = 0; r == 0 && i < c->n; i++) {
		r = look_up(t, &c->v[i]);
		*ret_all = *ret_all && c->v[i].there;
	}
	if (r == -ENOENT)
		return r; /* a file that the store has not heard of */
	return r < 0 ? error_sys(err, r, "cannot look for files of Release")
		     : 0;
}

/* Until Release is that of a state, its files may be unknown. */
static int
find_blobs(struct choice *c, bool *ret_all, struct error *err)
{
	int r = look_all_up(c, ret_all, err);

	if (r < 0 ? r != -ENOENT : *ret_all)
		return r;
	r = store_write(c->u->store, put_files, c, err);
	if (r < 0)
		return r;
	r = look_all_up(c, ret_all, err);
	return r == -ENOENT
		   ? error_set(err, -EIO, "cannot look for files of Release")
		   : r;
}

/* The items of a round stand in the order of their groups. */
struct round {
	struct blob_item *items;
	struct group **of; /* the group of each item */
	size_t n;
};

static void
round_release(struct round *r)
{
	free(r->items);
	free(r->of);
}

static void
form_failed(void *arg, const struct blob_item *item, const char *why)
{
	const struct round *round = arg;
	struct group *g = round->of[item - round->items];

	if (g->why != 0 && (g->why != -ENOENT || item->r == -ENOENT))
		return;
	g->why = item->r;
	free(g->why_text);
	g->why_text = strdup(why); /* without, the number has to do */
}

static int
begin_round(struct choice *c, struct round *round)
{
	round->items = calloc(c->n, sizeof(*round->items));
	round->of = calloc(c->n, sizeof(struct group *));
	if (!round->items || !round->of)
		return -ENOMEM;
	for (size_t i = 0; i < c->n; i++) {
		struct group *g = &c->v[i];

		if (g->there || g->at == g->nforms)
			continue;
		round->items[round->n] = (struct blob_item){
		    .blob = g->blobs[g->at], .size = g->forms[g->at]->size};
		round->of[round->n++] = g;
	}
	return 0;
}

static void
announce(const struct choice *c, const struct round *round)
{
	struct progress *p = c->u->opts->progress;
	char stage[160];
	uint64_t bytes = 0;

	for (size_t i = 0; i < round->n; i++)
		bytes += round->items[i].size;
	(void)snprintf(stage, sizeof(stage), "%s: other files of Release",
	    c->u->mirror.name);
	progress_stage(p, stage, bytes, round->n);
}

/* Tries one form of each file that is not there: 1 if there were any. */
static int
try_round(struct choice *c, struct error *err)
{
	CLEANUP(round_release) struct round round = {0};
	struct blob_queue_opts opts = update_fetching(c->u);
	struct blob_batch batch = {.failed = form_failed, .arg = &round};
	int r = begin_round(c, &round);

	if (r < 0)
		return error_sys(err, r, "cannot fetch files of Release");
	if (round.n == 0)
		return 0;
	announce(c, &round);
	batch.v = round.items;
	batch.n = round.n;
	r = blob_batch_fetch(
	    c->u->store, &batch, &opts, c->u->opts->cancel, err);
	progress_end(opts.progress);
	c->u->result.bytes += batch.fetched_bytes;
	for (size_t i = 0; i < round.n; i++) {
		round.of[i]->there = round.items[i].r == 0;
		round.of[i]->at++;
	}
	return r < 0 ? r : 1;
}

static void
warn(const struct choice *c, const struct group *g)
{
	const struct update_opts *opts = c->u->opts;
	struct error text;

	if (!opts->warn)
		return;
	(void)error_set(&text, 0, "%s%.*s is listed but not there: %s",
	    c->u->dir, SPAN_ARG(g->forms[0]->path),
	    g->why_text ? g->why_text : strerror(-g->why));
	opts->warn(opts->warn_arg, text.text);
}

/* What archives list and have not got, Debian's among them, is no failure. */
static int
judge(struct choice *c, struct error *err)
{
	for (size_t i = 0; i < c->n; i++) {
		const struct group *g = &c->v[i];

		if (g->there)
			continue;
		if (g->why == -E2BIG || g->why == -EBADMSG)
			c->u->mismatch = true;
		if (g->why != -ENOENT && g->why != -EACCES)
			return error_set(err,
			    g->why == -E2BIG ? -EBADMSG : g->why,
			    "no form of %s%.*s can be had: %s", c->u->dir,
			    SPAN_ARG(g->forms[0]->path),
			    g->why_text ? g->why_text : strerror(-g->why));
		warn(c, g);
	}
	return 0;
}

int
files_take(struct update *u, const struct release *rel,
    const struct wanted_list *wanted, struct error *err)
{
	CLEANUP(choice_release)
	struct choice c = {.u = u, .rel = rel, .wanted = wanted};
	bool all = true;
	int r = choose(&c, err);

	if (r == 0 && c.n > 0)
		r = find_blobs(&c, &all, err);
	if (r < 0 || all)
		return r;
	do {
		r = try_round(&c, err);
	} while (r > 0);
	return r < 0 ? r : judge(&c, err);
}
