#include "cli/cmd_pull.h"

#include <errno.h>
#include <inttypes.h>
#include <time.h>

#include "algebra/pull.h"
#include "base/log.h"
#include "base/progress.h"
#include "cli/cmd_derive.h"
#include "cli/cmd_diff.h"

static int
compare(struct store *s, const struct state *before, const struct state *after,
    struct diff **ret)
{
	static const struct diff_opts all = {0};
	CLEANUP(txn_cleanup) struct txn *t = NULL;
	int r = txn_read(s, &t, NULL);

	return r < 0 ? r : diff_new(t, before, after, &all, ret);
}

/* Without a transaction: who reads the output may take its time. */
static int
print_changes(struct store *s, const struct state *before,
    const struct state *after, void *arg)
{
	CLEANUP(diff_cleanup) struct diff *d = NULL;
	uint64_t rows;
	int r = compare(s, before, after, &d);

	return r < 0 ? r : diff_print(arg, d, NULL, &rows);
}

/* NAME SRC DST QUERY... */
static int
pull(struct cli *c, const struct pull_opts *opts, struct pull_result *ret,
    struct error *err)
{
	CLEANUP(progress_cleanup) struct progress *p = progress_new();
	CLEANUP(buf_release) struct buf description = {0};
	struct derive_input inputs[2] = {0};
	struct derive_opts derive = {.name = c->args[2],
	    .inputs = inputs,
	    .ninputs = ARRAY_LEN(inputs),
	    .now = time(NULL),
	    .progress = p,
	    .cancel = &cancelled};
	int r = buf_addf(
	    &description, "pull into %s from %s", c->args[0], c->args[1]);

	derive.description = description.ptr;
	for (size_t i = 0; i < ARRAY_LEN(inputs) && r == 0; i++)
		r = derive_input_of(c, c->args[i], &inputs[i], err);
	return r == 0 ? pull_snapshot(c->store, &derive, opts, ret, err) : r;
}

static void
log_result(const struct cli *c, const struct pull_result *res)
{
	if (res->matches == 0)
		log_warn("nothing in %s matches", c->args[1]);
	else
		log_info("%" PRIu64 " package%s chosen, %" PRIu64
			 " more needed",
		    res->matches, PLURAL(res->matches), res->needed);
	if (!cli_flag(c, "dry-run"))
		derive_log_made(c->args[2], res->packages);
}

int
cmd_snapshot_pull(struct cli *c)
{
	CLEANUP(query_cleanup) struct query *query = NULL;
	CLEANUP(strs_release) struct strs archs = {0};
	struct strs texts = {.v = c->args + 3, .n = c->nargs - 3};
	struct pull_opts opts = {
	    .architectures = &archs,
	    .all_matches = cli_flag(c, "all-matches"),
	    .no_remove = cli_flag(c, "no-remove"),
	    .no_deps = cli_flag(c, "no-deps"),
	    .recommends = cli_flag(c, "recommends"),
	    .suggests = cli_flag(c, "suggests"),
	    .dry_run = cli_flag(c, "dry-run"),
	    .changed = print_changes,
	    .arg = c,
	};
	struct pull_result res = {0};
	struct error err = {0};
	int r = query_parse_any(&texts, &query, &err);

	opts.query = query;
	if (r == 0)
		r = cli_list(c, "arch", &archs);
	cancel_on_signals();
	if (r == 0)
		r = pull(c, &opts, &res, &err);
	if (r < 0)
		return cli_fail(r, &err);
	log_result(c, &res);
	return EXIT_DONE;
}
