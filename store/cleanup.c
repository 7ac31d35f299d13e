#include "store/cleanup.h"

#include <errno.h>

#include "store/cleanup_run.h"
#include "store/hold.h"

int
cleanup_stopped(const struct cleanup *c)
{
	if (c->opts->cancel && atomic_load(c->opts->cancel))
		return error_set(c->err, -EINTR, "stopped");
	return 0;
}

static int64_t
grace_of(struct cleanup *c)
{
	if (c->opts->grace >= 0)
		return c->opts->grace;
	return hold_is_alone(c->store) ? 0 : CLEANUP_GRACE;
}

static int
mark(struct cleanup *c)
{
	int64_t grace = grace_of(c);
	struct reach_opts opts = {
	    /* The second of the drop itself is not over at once. */
	    .dropped_since =
		grace > 0 ? store_now(c->store) - grace : INT64_MAX,
	    .progress = c->opts->progress,
	    .cancel = c->opts->cancel,
	};
	int r;

	progress_stage(opts.progress, "looking for what is used", 0, 0);
	r = reach_mark(c->store, &opts, &c->reach, c->err);
	progress_end(opts.progress);
	c->result->kept_roots = c->reach.dropped;
	return r;
}

static int
sweep(struct cleanup *c)
{
	struct progress *p = c->opts->progress;
	int r;

	progress_stage(p, "removing what is not used", 0, 0);
	r = cleanup_sources(c);
	if (r >= 0)
		r = cleanup_records(c);
	if (r >= 0)
		r = cleanup_files(c);
	if (r >= 0)
		r = cleanup_downloads(c);
	progress_end(p);
	return r;
}

static int
run(struct cleanup *c)
{
	struct hold_wait wait = {c->opts->cancel, c->opts->progress};
	CLEANUP_FD int hold = -1;
	int r = hold_take(c->store, HOLD_ALONE, &wait, &hold, c->err);

	if (r >= 0)
		r = mark(c);
	return r < 0 ? r : sweep(c);
}

int
cleanup_store(struct store *s, const struct cleanup_opts *opts,
    struct cleanup_result *ret, struct error *err)
{
	struct cleanup c = {
	    .store = s, .opts = opts, .result = ret, .err = err};
	int r;

	*ret = (struct cleanup_result){0};
	r = run(&c);
	reach_release(&c.reach);
	bits_release(&c.dicts);
	return r < 0 ? r : 0;
}
