#include "cli/cmd_derive.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "algebra/filter.h"
#include "algebra/merge.h"
#include "base/buf.h"
#include "base/log.h"
#include "cli/cmd_snapshot.h"
#include "store/mirror.h"
#include "store/snapshot.h"
#include "store/txn.h"
#include "store/unknown.h"

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
		return unknown_name(
		    t, UNKNOWN_SNAPSHOT | UNKNOWN_MIRROR, arg, err);
	*ret = (struct derive_input){SOURCE_MIRROR, arg};
	return r < 0 ? error_sys(err, r, "mirror %s", arg) : 0;
}

void
derive_log_made(const char *name, uint64_t packages)
{
	if (packages == 0)
		log_info("snapshot %s created: it has no packages", name);
	else
		log_info("snapshot %s created: %" PRIu64 " package%s", name,
		    packages, PLURAL(packages));
}

int
derive_made(struct cli *c, const char *name, uint64_t packages)
{
	derive_log_made(name, packages);
	return c->json ? snapshot_print(c, name) : EXIT_DONE;
}

#define DESCRIPTION_MAX 500 /* bytes; what is longer is cut */

/* "merge of a, b" and "filter of a: query, query" */
static char *
describe(const char *what, char **args, size_t nargs, size_t nsources)
{
	CLEANUP(buf_release) struct buf b = {0};

	(void)buf_addf(&b, "%s of ", what);
	for (size_t i = 0; i < nargs && b.len < DESCRIPTION_MAX; i++)
		(void)buf_addf(&b, "%s%s",
		    i == 0	    ? ""
		    : i == nsources ? ": "
				    : ", ",
		    args[i]);
	if (b.len > DESCRIPTION_MAX) {
		b.len = DESCRIPTION_MAX;
		(void)buf_add_str(&b, "...");
	}
	if (b.ptr)
		error_clean(b.ptr);
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
	    describe("merge", c->args + 1, c->nargs - 1, c->nargs - 1);
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

static int
filter(struct cli *c, struct derive_opts *derive, uint64_t *ret_packages,
    struct error *err)
{
	CLEANUP(strs_release) struct strs archs = {0};
	struct strs texts = {.v = c->args + 2, .n = c->nargs - 2};
	CLEANUP(query_cleanup) struct query *query = NULL;
	struct derive_input input = {0};
	struct filter_opts opts = {
	    .with_deps = cli_flag(c, "with-deps"), .architectures = &archs};
	int r = cli_list(c, "arch", &archs);

	if (r == 0)
		r = query_parse_any(&texts, &query, err);
	if (r == 0)
		r = derive_input_of(c, c->args[0], &input, err);
	if (r < 0)
		return r;
	derive->inputs = &input;
	derive->ninputs = 1;
	opts.query = query;
	r = filter_snapshot(c->store, derive, &opts, ret_packages, err);
	derive->inputs = NULL;
	return r;
}

int
cmd_snapshot_filter(struct cli *c)
{
	CLEANUP(progress_cleanup) struct progress *p = progress_new();
	CLEANUP_FREE char **args = calloc(c->nargs, sizeof(char *));
	CLEANUP_FREE char *description = NULL;
	struct derive_opts derive = {.name = c->args[1],
	    .now = time(NULL),
	    .progress = p,
	    .cancel = &cancelled};
	struct error err = {0};
	uint64_t packages = 0;
	int r;

	if (!args)
		return cli_fail(-ENOMEM, NULL);
	args[0] = c->args[0];
	memcpy(args + 1, c->args + 2, (c->nargs - 2) * sizeof(*args));
	description = describe(
	    cli_flag(c, "with-deps") ? "filter with dependencies" : "filter",
	    args, c->nargs - 1, 1);
	if (!description)
		return cli_fail(-ENOMEM, NULL);
	derive.description = description;
	cancel_on_signals();
	r = filter(c, &derive, &packages, &err);
	return r < 0 ? cli_fail(r, &err) : derive_made(c, c->args[1], packages);
}
