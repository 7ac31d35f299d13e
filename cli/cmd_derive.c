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
#include "store/mirror.h"
#include "store/snapshot.h"
#include "store/txn.h"

int
derive_input_of(
    struct cli *c, const char *arg, struct derive_input *ret, struct error *err)
{
	CLEANUP(txn_cleanup) struct txn *t = NULL;
	CLEANUP(snapshot_release) struct snapshot s = {0};
	CLEANUP(mirror_release) struct mirror m = {0};
	int r = txn_read(c->store, &t, err);

	if (r < 0)
		return r;
	r = snapshot_load(t, arg, &s);
	if (r == 0)
		*ret = (struct derive_input){SOURCE_SNAPSHOT, arg};
	if (r != -ENOENT)
		return r < 0 ? error_sys(err, r, "snapshot %s", arg) : 0;
	r = mirror_load(t, arg, &m);
	if (r == -ENOENT)
		return error_set(
		    err, r, "no snapshot or mirror is named %s", arg);
	*ret = (struct derive_input){SOURCE_MIRROR, arg};
	return r < 0 ? error_sys(err, r, "mirror %s", arg) : 0;
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

static enum merge_keep
merge_keep(const struct cli *c)
{
	if (cli_flag(c, "latest"))
		return MERGE_LATEST;
	return cli_flag(c, "no-remove") ? MERGE_ALL : MERGE_REPLACE;
}

static int
merge(struct cli *c, struct derive_opts *derive, struct derive_input *inputs,
    uint64_t *ret_packages, struct error *err)
{
	CLEANUP(strs_release) struct strs archs = {0};
	struct merge_opts opts = {
	    .keep = merge_keep(c), .architectures = &archs};
	struct merge_result result = {0};
	int r = cli_list(c, "arch", &archs);

	for (size_t i = 0; i < derive->ninputs && r == 0; i++)
		r = derive_input_of(c, c->args[i + 1], &inputs[i], err);
	derive->inputs = inputs;
	if (r == 0)
		r = merge_snapshots(c->store, derive, &opts, &result, err);
	*ret_packages = result.packages;
	return r;
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
	    .ninputs = c->nargs - 1,
	    .now = time(NULL),
	    .progress = p,
	    .cancel = &cancelled};
	struct error err = {0};
	uint64_t packages = 0;
	int r;

	if (cli_flag(c, "latest") && cli_flag(c, "no-remove"))
		return cli_usage(
		    c, "--latest and --no-remove exclude each other");
	if (!inputs || !description)
		return cli_fail(-ENOMEM, NULL);
	cancel_on_signals();
	r = merge(c, &derive, inputs, &packages, &err);
	return r < 0 ? cli_fail(r, &err) : derive_made(c, c->args[0], packages);
}
