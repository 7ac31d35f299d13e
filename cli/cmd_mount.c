#include "cli/cmd_mount.h"

#include <errno.h>
#include <string.h>

#include "fs/mount.h"
#include "mirror/blob_queue.h"
#include "mirror/fetch.h"

/* The fetching side of a mount, made once the process is the one that stays. */
struct fetching {
	struct blob_queue *queue;
};

static int
start_fetching(
    void *arg, struct store *s, struct blob_requests **ret, struct error *err)
{
	struct fetching *f = arg;
	struct blob_queue_opts opts = {0};
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

static int
serve(const char *store, const char *mountpoint, bool foreground,
    const char *options)
{
	struct fetching f = {0};
	struct mount_opts opts = {
	    .store = store,
	    .mountpoint = mountpoint,
	    .foreground = foreground,
	    .fuse_options = options,
	    .start_fetching = start_fetching,
	    .stop_fetching = stop_fetching,
	    .arg = &f,
	};
	struct error err = {0};
	int r = mount_serve(&opts, &err);

	return r < 0 ? cli_fail(r, &err) : EXIT_DONE;
}

int
cmd_mount(struct cli *c)
{
	CLEANUP_FREE char *dir = NULL;

	dir = c->store_dir ? span_dup(span_of(c->store_dir))
			   : store_default_dir();
	if (!dir)
		return cli_fail(-ENOMEM, NULL);
	return serve(dir, c->args[0], cli_flag(c, "foreground"),
	    cli_value(c, "options"));
}

int
cmd_mount_helper(struct cli *c)
{
	const char *words[2] = {NULL, NULL};
	const char *options = NULL;
	size_t n = 0;

	for (size_t i = 0; i < c->nargs; i++) {
		const char *a = c->args[i];

		if (strcmp(a, "-o") == 0 && i + 1 < c->nargs)
			options = c->args[++i];
		else if (a[0] == '-')
			continue; /* -s, -n, -v mean nothing here */
		else if (n < ARRAY_LEN(words))
			words[n++] = a;
		else
			return cli_usage(c, "%s: one word too many", a);
	}
	if (n < ARRAY_LEN(words))
		return cli_usage(c, "usage: %s", c->command->args);
	return serve(words[0], words[1], false, options);
}
