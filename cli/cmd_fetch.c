#include "cli/cmd_fetch.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"
#include "base/progress.h"
#include "cli/out_state.h"
#include "cli/output.h"
#include "mirror/fetch.h"
#include "mirror/pool.h"

static void
one_failed(void *arg, const char *why)
{
	(void)arg;
	log_error("%s", why);
}

static json_t *
json_counts(const struct file_count *n, const struct pool_result *got)
{
	return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "files",
	    (json_int_t)n->files, "bytes", (json_int_t)n->bytes,
	    "missing_files", (json_int_t)n->missing_files, "missing_bytes",
	    (json_int_t)n->missing_bytes, "fetched_files",
	    (json_int_t)got->fetched_files, "fetched_bytes",
	    (json_int_t)got->fetched_bytes, "failed_files",
	    (json_int_t)got->failed_files, "absent_files",
	    (json_int_t)got->absent_files);
}

int
fetch_limits(const struct cli *c, struct limits *ret)
{
	const char *jobs = cli_value(c, "jobs");
	const char *rate = cli_value(c, "rate");

	*ret = (struct limits){0};
	if (jobs && limit_fetches(span_of(jobs), &ret->fetches) < 0) {
		(void)cli_usage(c, "--jobs=%s is no number from 1 to %d", jobs,
		    LIMIT_FETCHES_MAX);
		return -EINVAL;
	}
	if (rate && limit_rate(span_of(rate), &ret->bytes_per_s) < 0) {
		(void)cli_usage(
		    c, "--rate=%s is no number such as 500k or 2M", rate);
		return -EINVAL;
	}
	return 0;
}

static int
fetch_missing(struct cli *c, const struct pool_want *want,
    const struct limits *limits, struct pool_result *got, struct error *err)
{
	CLEANUP(progress_cleanup) struct progress *p = progress_new();
	struct blob_queue_opts opts = {.retry = true,
	    .threads = limits->fetches,
	    .bytes_per_s = limits->bytes_per_s,
	    .progress = p};
	int r = fetch_global_init(err);

	if (r < 0)
		return r;
	cancel_on_signals();
	return pool_fetch(
	    c->store, want, &opts, &cancelled, one_failed, NULL, got, err);
}

static void
tell_missing(const struct file_count *n)
{
	log_info("%" PRIu64 " of %" PRIu64 " files are missing, %" PRIu64
		 " of %" PRIu64 " bytes",
	    n->missing_files, n->files, n->missing_bytes, n->bytes);
}

static void
tell_fetched(const struct pool_result *got)
{
	char size[OUT_SIZE_MAX];

	if (got->fetched_files > 0)
		log_info("%" PRIu64 " file%s fetched, %s", got->fetched_files,
		    PLURAL(got->fetched_files),
		    out_size(got->fetched_bytes, size));
	if (got->absent_files > 0)
		log_warn("%" PRIu64 " files that Release lists are not "
			 "there, the first is %s",
		    got->absent_files, got->absent.text);
}

/* What is wanted: queries are given after the name, or all that the tree
 * serves. */
static int
read_wanted(struct cli *c, struct pool_want *want, struct strs *queries,
    struct strs *archs)
{
	int r = cli_list(c, "arch", archs);

	*queries = (struct strs){.v = c->args + 1, .n = c->nargs - 1};
	want->queries = queries;
	want->architectures = archs;
	want->listed =
	    queries->n == 0 && archs->n == 0 && !cli_flag(c, "no-indexes");
	return r;
}

static int
count(struct cli *c, const struct pool_want *want, struct pool_count *ret,
    struct error *err)
{
	CLEANUP(txn_cleanup) struct txn *t = NULL;
	int r = txn_read(c->store, &t, err);

	return r < 0 ? r : pool_count(t, want, ret, err);
}

int
fetch_state(struct cli *c, uint64_t state)
{
	CLEANUP(strs_release) struct strs archs = {0};
	struct pool_want want = {.state = state};
	struct strs queries;
	struct pool_count n = {0};
	struct pool_result got = {0};
	struct file_count all;
	struct error err = {0};
	struct limits limits;
	int r;

	if (fetch_limits(c, &limits) < 0)
		return EXIT_USAGE;
	r = read_wanted(c, &want, &queries, &archs);
	if (r == 0)
		r = count(c, &want, &n, &err);
	if (r < 0)
		return cli_fail(r, &err);
	if (n.unknown) {
		log_error("%s has no such package: %s", c->args[0], n.unknown);
		return EXIT_FAILED;
	}
	all = state_files_sum(&n);
	tell_missing(&all);
	if (!cli_flag(c, "dry-run") && all.missing_files > 0)
		r = fetch_missing(c, &want, &limits, &got, &err);
	tell_fetched(&got);
	if (c->json && out_json(json_counts(&all, &got)) < 0)
		return EXIT_FAILED;
	return r < 0 ? cli_fail(r, &err) : EXIT_DONE;
}
