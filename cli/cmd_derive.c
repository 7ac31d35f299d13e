#include "cli/cmd_derive.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/log.h"
#include "cli/cmd_snapshot.h"
#include "store/merge.h"
#include "store/snapshot.h"
#include "store/txn.h"

#define MIRROR "mirror:"

int
derive_input_of(struct cli *c, const char *arg, struct derive_input *ret)
{
	CLEANUP(txn_cleanup) struct txn *t = NULL;
	CLEANUP(snapshot_release) struct snapshot s = {0};
	int r;

	*ret = (struct derive_input){SOURCE_SNAPSHOT, arg};
	if (strncmp(arg, MIRROR, strlen(MIRROR)) != 0)
		return 0;
	r = txn_read(c->store, &t, NULL);
	if (r == 0)
		r = snapshot_load(t, arg, &s);
	if (r == -ENOENT)
		*ret =
		    (struct derive_input){SOURCE_MIRROR, arg + strlen(MIRROR)};
	return r < 0 && r != -ENOENT ? r : 0;
}

int
derive_made(struct cli *c, const char *name, uint64_t packages)
{
	if (packages == 0)
		log_info("snapshot %s created: it has no packages", name);
	else
		log_info("snapshot %s created: %" PRIu64 " packages", name,
		    packages);
	return c->json ? snapshot_print(c, name) : EXIT_DONE;
}

/* "merge of a, b" */
static char *
describe(const char *what, char **args, size_t n)
{
	CLEANUP(buf_release) struct buf b = {0};

	(void)buf_addf(&b, "%s of ", what);
	for (size_t i = 0; i < n; i++)
		(void)buf_addf(&b, "%s%s", i ? ", " : "", args[i]);
	return buf_take(&b);
}

static int
merge(struct cli *c, const struct derive_opts *derive, struct merge_opts *opts,
    struct error *err)
{
	CLEANUP(strs_release) struct strs archs = {0};
	struct merge_result result = {0};
	int r = cli_list(c, "arch", &archs);

	if (r < 0)
		return error_sys(err, r, "cannot merge");
	opts->architectures = &archs;
	r = merge_snapshots(c->store, derive, opts, &result, err);
	return r < 0 ? r : derive_made(c, derive->name, result.packages);
}

int
cmd_snapshot_merge(struct cli *c)
{
	CLEANUP(progress_cleanup) struct progress *p = progress_new();
	CLEANUP_FREE struct derive_input *inputs =
	    calloc(c->nargs, sizeof(*inputs));
	CLEANUP_FREE char *description =
	    describe("merge", c->args + 1, c->nargs - 1);
	struct derive_opts derive = {.name = c->args[0],
	    .description = description,
	    .inputs = inputs,
	    .ninputs = c->nargs - 1,
	    .now = time(NULL),
	    .progress = p,
	    .cancel = &cancelled};
	struct merge_opts opts = {.keep = MERGE_REPLACE};
	struct error err = {0};
	int r = inputs && description ? 0 : -ENOMEM;

	if (cli_flag(c, "latest") && cli_flag(c, "no-remove"))
		return cli_usage(
		    c, "--latest and --no-remove exclude each other");
	if (cli_flag(c, "latest"))
		opts.keep = MERGE_LATEST;
	if (cli_flag(c, "no-remove"))
		opts.keep = MERGE_ALL;
	cancel_on_signals();
	for (size_t i = 0; i < derive.ninputs && r == 0; i++)
		r = derive_input_of(c, c->args[i + 1], &inputs[i]);
	if (r == 0)
		r = merge(c, &derive, &opts, &err);
	return r < 0 ? cli_fail(r, &err) : r;
}
