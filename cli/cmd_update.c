/* mirror update: the run itself, and what is published of the mirror. */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "base/log.h"
#include "cli/cmd_fetch.h"
#include "cli/cmd_mirror.h"
#include "cli/output.h"
#include "fs/publish.h"
#include "mirror/fetch.h"
#include "mirror/update.h"
#include "store/mirrors.h"

/* The publications that follow a mirror with a Release of their own. */
struct followers {
	struct strs places; /* prefix and distribution, one after the other */
};

static int
add_follower(const struct publication *p, void *arg)
{
	struct followers *f = arg;
	int r;

	if (p->verbatim)
		return 0; /* moved with the mirror's head */
	r = strs_add(&f->places, span_of(p->prefix));
	return r < 0 ? r : strs_add(&f->places, span_of(p->distribution));
}

static int
find_followers(struct store *s, const char *mirror, struct followers *ret,
    struct error *err)
{
	CLEANUP(txn_cleanup) struct txn *t = NULL;
	int r = txn_read(s, &t, err);

	if (r < 0)
		return r;
	return publication_each_of(t, SOURCE_MIRROR, mirror, add_follower, ret);
}

static int
publish_follower(struct cli *c, const char *prefix, const char *distribution,
    struct progress *p)
{
	struct publish_opts opts = {.now = time(NULL), .progress = p};
	struct publish_result result = {0};
	struct error err = {0};
	const char *place = *prefix ? prefix : ".";
	int r = publish_update(
	    c->store, prefix, distribution, &opts, &result, &err);

	if (r < 0) {
		error_prefix(&err, r, "%s/%s", place, distribution);
		(void)cli_fail(r, &err);
	} else if (result.changed) {
		log_info("%s/%s published anew", place, distribution);
	}
	return r;
}

/* Asked for after every update: an earlier one may have been cut short
 * between the mirror's head and the publications. */
static int
publish_followers(struct cli *c, const char *mirror, struct progress *p)
{
	struct followers f = {0};
	struct error err = {0};
	int r = find_followers(c->store, mirror, &f, &err);

	if (r < 0)
		(void)cli_fail(r, &err);
	/* One that fails doesn't keep the others from following. */
	for (size_t i = 0; i + 1 < f.places.n && !atomic_load(&cancelled);
	     i += 2) {
		int one =
		    publish_follower(c, f.places.v[i], f.places.v[i + 1], p);

		r = one < 0 ? one : r;
	}
	strs_release(&f.places);
	return r;
}

static json_t *
json_result(const char *name, const struct update_result *u)
{
	return json_pack("{s:s,s:b,s:I,s:I,s:I,s:i,s:i}", "name", name,
	    "changed", u->changed, "packages", (json_int_t)u->packages,
	    "new_packages", (json_int_t)u->new_packages, "bytes",
	    (json_int_t)u->bytes, "indexes_fetched", (int)u->indexes,
	    "indexes_kept", (int)u->indexes_kept);
}

static void
warn(void *arg, const char *text)
{
	log_warn("mirror %s: %s", (const char *)arg, text);
}

static int
update_one(struct cli *c, const char *name, const struct limits *limits,
    struct progress *p, json_t *json)
{
	struct update_opts opts = {
	    .force = cli_flag(c, "force"),
	    .ignore_valid_until = cli_flag(c, "ignore-valid-until"),
	    .now = time(NULL),
	    .progress = p,
	    .cancel = &cancelled,
	    .fetches = limits->fetches,
	    .bytes_per_s = limits->bytes_per_s,
	    .warn = warn,
	    .warn_arg = (void *)(uintptr_t)name,
	};
	struct update_result u = {0};
	struct error err = {0};
	int r = update_mirror(c->store, name, &opts, &u, &err);

	if (r < 0) {
		(void)cli_fail(r, &err);
		return r;
	}
	if (json)
		(void)json_array_append_new(json, json_result(name, &u));
	if (u.changed)
		log_info("mirror %s: %" PRIu64 " package%s, %" PRIu64 " new",
		    name, u.packages, PLURAL(u.packages), u.new_packages);
	else
		log_info("mirror %s is up to date", name);
	return publish_followers(c, name, p);
}

int
cmd_mirror_update(struct cli *c)
{
	CLEANUP(progress_cleanup) struct progress *p = progress_new();
	struct error err = {0};
	struct limits limits;
	json_t *json;
	int r = fetch_limits(c, &limits);
	int failed = 0;

	if (r < 0)
		return EXIT_USAGE; /* said already */
	r = fetch_global_init(&err);
	if (r < 0)
		return cli_fail(r, &err);
	json = c->json ? json_array() : NULL;
	cancel_on_signals();
	/* One that fails doesn't keep the others from being updated. */
	for (size_t i = 0; i < c->nargs && !atomic_load(&cancelled); i++) {
		if (update_one(c, c->args[i], &limits, p, json) < 0)
			failed++;
	}
	progress_end(p);
	if (c->json && out_json(json) < 0)
		failed++;
	return failed || atomic_load(&cancelled) ? EXIT_FAILED : EXIT_DONE;
}
