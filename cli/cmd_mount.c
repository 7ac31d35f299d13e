#include "cli/cmd_mount.h"

#include <errno.h>
#include <string.h>

#include "base/memstats.h"
#include "fs/mount.h"
#include "mirror/blob_queue.h"
#include "mirror/fetch.h"
#include "mirror/limits.h"

/* The fetching side of a mount, made once the process is the one that stays. */
struct fetching {
	struct limits limits;
	struct blob_queue *queue;
	struct memstats *memstats; /* or NULL */
};

static int
begin(void *arg, struct error *err)
{
	struct fetching *f = arg;

	return f->memstats ? memstats_begin(f->memstats, err) : 0;
}

static int
end(void *arg, struct error *err)
{
	struct fetching *f = arg;

	return memstats_end(f->memstats, err);
}

static int
start_fetching(
    void *arg, struct store *s, struct blob_requests **ret, struct error *err)
{
	struct fetching *f = arg;
	struct blob_queue_opts opts = {.threads = f->limits.fetches,
	    .bytes_per_s = f->limits.bytes_per_s,
	    .stall_ms = f->limits.stall_ms};
	int r = fetch_global_init(err);

	if (r == 0)
		r = blob_queue_new(s, &opts, &f->queue, err);
	if (r == 0)
		*ret = blob_queue_requests(f->queue);
	return r;
}

static void
stop_fetching(void *arg)
{
	struct fetching *f = arg;

	blob_queue_free(f->queue);
	f->queue = NULL;
}

struct wish {
	const char *store, *mountpoint, *options;
	bool foreground;
	struct memstats *memstats;
};

static int
serve(const struct wish *w)
{
	CLEANUP(buf_release) struct buf rest = {0};
	struct fetching f = {.memstats = w->memstats};
	struct mount_opts opts = {
	    .store = w->store,
	    .mountpoint = w->mountpoint,
	    .foreground = w->foreground,
	    .begin = begin,
	    .end = end,
	    .start_fetching = start_fetching,
	    .stop_fetching = stop_fetching,
	    .arg = &f,
	};
	struct error err = {0};
	int r = limits_take(
	    span_of(w->options ? w->options : ""), &f.limits, &rest, &err);

	if (r < 0)
		return cli_fail(r, &err);
	opts.fuse_options = rest.len > 0 ? rest.ptr : NULL;
	r = mount_serve(&opts, &err);
	return r < 0 ? cli_fail(r, &err) : EXIT_DONE;
}

int
cmd_mount(struct cli *c)
{
	CLEANUP_FREE char *dir = NULL;
	struct wish w = {.mountpoint = c->args[0],
	    .options = cli_value(c, "options"),
	    .foreground = cli_flag(c, "foreground"),
	    .memstats = c->memstats};

	dir = c->store_dir ? span_dup(span_of(c->store_dir))
			   : store_default_dir();
	if (!dir)
		return cli_fail(-ENOMEM, NULL);
	w.store = dir;
	return serve(&w);
}

/* What mount(8) says to its helpers: two words, and [-sfnv] [-N namespace]
 * [-o options] [-t type] before, between and behind them. */
struct helper {
	const char *words[2];
	size_t nwords;
	const char *options;
	bool fake;
};

static bool
takes_word(const char *option)
{
	return strcmp(option, "-o") == 0 || strcmp(option, "-N") == 0 ||
	       strcmp(option, "-t") == 0;
}

static int
parse_helper(const struct cli *c, struct helper *h)
{
	for (size_t i = 0; i < c->nargs; i++) {
		const char *a = c->args[i];
		bool two = takes_word(a);

		if (two && i + 1 == c->nargs)
			return cli_usage(c, "%s: something is missing", a);
		/* Of the others -f alone means something here. */
		if (strcmp(a, "-o") == 0)
			h->options = c->args[i + 1];
		else if (strcmp(a, "-f") == 0)
			h->fake = true;
		else if (a[0] != '-' && h->nwords == ARRAY_LEN(h->words))
			return cli_usage(c, "%s: one word too many", a);
		else if (a[0] != '-')
			h->words[h->nwords++] = a;
		i += two;
	}
	if (h->nwords < ARRAY_LEN(h->words))
		return cli_usage(
		    c, "usage: mount.suitefs %s", c->command->args);
	return EXIT_DONE;
}

int
cmd_mount_helper(struct cli *c)
{
	struct helper h = {0};
	int status = parse_helper(c, &h);

	if (status != EXIT_DONE || h.fake)
		return status;
	return serve(&(struct wish){.store = h.words[0],
	    .mountpoint = h.words[1],
	    .options = h.options});
}
