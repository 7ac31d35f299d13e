/* All indexes that are missing, into the store: they come several at once and
 * are stored one after another, in their order, so that the same archive makes
 * the same store. */

#include <errno.h>
#include <stdlib.h>

#include "mirror/ahead.h"
#include "mirror/update_run.h"

#define SEEN_AT_ONCE 16 /* lists noted as seen in one transaction */

struct taking {
	struct update *u;
	const struct wanted_list *wanted;
	bool by_hash;
	uint64_t *lists;
	/* What is fetched ahead, in the order of wanted. */
	struct ahead_file *files;
	size_t nfiles;
	struct ahead *ahead;  /* or NULL */
	struct fetcher *lent; /* to it */
	/* Lists that the archive is known to have, and that is to be noted. */
	uint64_t unseen[SEEN_AT_ONCE];
	size_t nunseen;
};

static void
taking_release(struct taking *t)
{
	ahead_free(t->ahead);
	if (t->lent) {
		fetcher_free(t->u->fetcher);
		t->u->fetcher = t->lent;
	}
	for (size_t i = 0; i < t->nfiles; i++)
		free(t->files[i].url);
	free(t->files);
}

/* A plain index is not kept as a file. */
static bool
comes_ahead(const struct taking *t, size_t i)
{
	return t->lists[i] == 0 &&
	       t->wanted->v[i].forms[0].codec != CODEC_PLAIN;
}

static int
list_files(struct taking *t)
{
	t->files = calloc(t->wanted->n + 1, sizeof(*t->files));
	if (!t->files)
		return -ENOMEM;
	for (size_t i = 0; i < t->wanted->n; i++) {
		const struct wanted *w = &t->wanted->v[i];
		const struct release_file *file = w->forms[0].file;
		char *url;

		if (!comes_ahead(t, i))
			continue;
		url = index_first_url(t->u, w, t->by_hash);
		if (!url)
			return -ENOMEM;
		t->files[t->nfiles++] =
		    (struct ahead_file){url, file->sha256, file->size};
	}
	return 0;
}

/* One file alone comes as well without: it is stored while it comes. */
static int
start_ahead(struct taking *t)
{
	struct update *u = t->u;
	struct ahead_opts opts = {.store = u->store,
	    .request = update_request(u, NULL),
	    .fetcher = u->fetcher,
	    .fetches = u->opts->fetches,
	    .rate = u->rate,
	    .progress = u->opts->progress};
	struct fetcher *other = NULL;
	int r = list_files(t);

	if (r < 0 || t->nfiles < 2)
		return r;
	r = fetcher_new(&other);
	if (r < 0)
		return r;
	t->lent = u->fetcher;
	u->fetcher = other;
	return ahead_new(&opts, t->files, t->nfiles, &t->ahead);
}

static int
note_seen(struct taking *t, struct error *err)
{
	size_t n = t->nunseen;

	t->nunseen = 0;
	return index_seen(t->u, t->unseen, n, err);
}

/* A flush to disk for each of many small ones would take longer than all
 * else. */
static int
take_next(struct taking *t, const struct index_wish *wish, size_t i,
    struct error *err)
{
	int r = index_take(t->u, wish, &t->lists[i], err);

	if (r < 0)
		return r;
	t->unseen[t->nunseen++] = t->lists[i];
	return t->nunseen == SEEN_AT_ONCE ? note_seen(t, err) : 0;
}

static int
take_each(struct taking *t, struct error *err)
{
	size_t file = 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < t->wanted->n; i++) {
		struct index_wish wish = {
		    .w = &t->wanted->v[i], .by_hash = t->by_hash};

		if (t->lists[i] != 0)
			continue;
		if (comes_ahead(t, i)) {
			wish.ahead = t->ahead;
			wish.at = file++;
		}
		r = take_next(t, &wish, i, err);
		progress_add(t->u->opts->progress, 0, 1);
	}
	if (r == 0)
		r = note_seen(t, err);
	if (t->ahead)
		t->u->result.bytes += ahead_bytes(t->ahead);
	return r;
}

int
indexes_take(struct update *u, const struct wanted_list *wanted, bool by_hash,
    uint64_t *lists, struct error *err)
{
	CLEANUP(taking_release)
	struct taking t = {
	    .u = u, .wanted = wanted, .by_hash = by_hash, .lists = lists};
	int r = start_ahead(&t);

	if (r < 0)
		return error_sys(err, r, "cannot fetch indexes");
	r = take_each(&t, err);
	progress_end(u->opts->progress);
	return r;
}
