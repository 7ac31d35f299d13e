#include "cli/cmd_mount.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memstats.h"
#include "fs/mount.h"
#include "mirror/blob_queue.h"
#include "mirror/fetch.h"
#include "mirror/limits.h"

struct mounting {
	struct limits limits;
	struct blob_queue *queue;
	const char *options; /* as given, or NULL */
	bool foreground;
	struct memstats *memstats; /* or NULL */
	char program[PATH_MAX];	   /* this one's file; "" if not known */
};

static int
begin(void *arg, struct error *err)
{
	const struct mounting *m = arg;

	return m->memstats ? memstats_begin(m->memstats, err) : 0;
}

static int
end(void *arg, struct error *err)
{
	const struct mounting *m = arg;

	return memstats_end(m->memstats, err);
}

/* --- the fetching side, made once the process is the one that serves ---------
 */

static int
start_fetching(
    void *arg, struct store *s, struct blob_requests **ret, struct error *err)
{
	struct mounting *m = arg;
	struct blob_queue_opts opts = {.threads = m->limits.fetches,
	    .bytes_per_s = m->limits.bytes_per_s,
	    .stall_ms = m->limits.stall_ms};
	int r = fetch_global_init(err);

	if (r == 0)
		r = blob_queue_new(s, &opts, &m->queue, err);
	if (r == 0)
		*ret = blob_queue_requests(m->queue);
	return r;
}

static void
stop_fetching(void *arg)
{
	struct mounting *m = arg;

	blob_queue_free(m->queue);
	m->queue = NULL;
}

/* --- becoming the program that is installed now ------------------------------
 */

/* "/usr/bin/suitefs (deleted)", once it has been replaced: to be asked early.
 */
static void
find_program(struct mounting *m)
{
	ssize_t n =
	    readlink("/proc/self/exe", m->program, sizeof(m->program) - 1);

	m->program[n > 0 ? n : 0] = '\0';
}

static char *
word(const char *text)
{
	return (char *)(uintptr_t)text;
}

static void
become(void *arg, const char *store, const char *mountpoint)
{
	const struct mounting *m = arg;
	char *argv[14], interval[16];
	unsigned n = 0;

	argv[n++] = word("suitefs");
	argv[n++] = word("--store");
	argv[n++] = word(store);
	if (log_get_level() != LOG_INFO)
		argv[n++] = word(
		    log_get_level() == LOG_DEBUG ? "--verbose" : "--quiet");
	if (m->memstats) {
		(void)snprintf(interval, sizeof(interval), "%u",
		    memstats_interval_ms(m->memstats));
		argv[n++] = word("--memstats");
		argv[n++] = word(memstats_file(m->memstats));
		argv[n++] = word("--meminterval");
		argv[n++] = interval;
	}
	argv[n++] = word("mount");
	if (m->foreground)
		argv[n++] = word("-f");
	if (m->options) {
		argv[n++] = word("-o");
		argv[n++] = word(m->options);
	}
	argv[n++] = word(mountpoint);
	argv[n] = NULL;
	(void)execv(m->program, argv);
	log_error("%s: %s", m->program, strerror(errno));
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
	struct mounting m = {.options = w->options,
	    .foreground = w->foreground,
	    .memstats = w->memstats};
	struct mount_opts opts = {
	    .store = w->store,
	    .mountpoint = w->mountpoint,
	    .foreground = w->foreground,
	    .begin = begin,
	    .end = end,
	    .start_fetching = start_fetching,
	    .stop_fetching = stop_fetching,
	    .become = become,
	    .arg = &m,
	};
	struct error err = {0};
	int r = limits_take(
	    span_of(w->options ? w->options : ""), &m.limits, &rest, &err);

	if (r < 0)
		return cli_fail(r, &err);
	find_program(&m);
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
