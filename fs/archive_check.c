#include "fs/archive_ref.h"

#include <errno.h>

#include "base/path.h"
#include "fs/archive_pool.h"

/* What archive_check_pool() knows while it looks for clashes. */
struct check {
	struct txn *t;
	struct catalog *c;
	struct pool_walk *walk;
	const uint64_t *states;
	size_t nstates;
	struct error *err;
};

struct holds {
	uint64_t package;
};

static int
is_package(const struct package *p, void *arg)
{
	const struct holds *h = arg;

	return p->number == h->package;
}

/* Adds "dists/bookworm/main/binary-amd64/Packages", the first list of the
 * states that has the package. */
static int
add_list_of(const struct check *check, uint64_t package, struct buf *b)
{
	struct holds holds = {package};

	for (size_t i = 0; i < check->nstates; i++) {
		CLEANUP(state_release) struct state s = {0};
		CLEANUP_FREE char *dir = NULL;
		int r = state_load(check->t, check->states[i], &s);

		if (r < 0)
			return r;
		dir = state_dir(&s);
		if (!dir)
			return -ENOMEM;
		for (size_t j = 0; j < s.nlists; j++) {
			r = pool_walk_list(check->walk, s.lists[j].list, false,
			    is_package, &holds);
			if (r < 0)
				return r;
			if (r == 1)
				return buf_addf(
				    b, "%s%s", dir, s.lists[j].path);
		}
	}
	return -ENOENT;
}

static int
add_claimant(const struct check *check, uint64_t ref, struct buf *b)
{
	uint64_t number = archive_ref_package(ref);
	CLEANUP(package_release) struct package p = {0};

	int r = package_light(check->t, number, &p);

	if (r == 0)
		r = package_add_name(&p.light, b);
	if (r == 0)
		r = buf_add_str(b, " of ");
	return r < 0 ? r : add_list_of(check, number, b);
}

static int
pool_clash(void *arg, struct span path, uint64_t first, uint64_t other)
{
	struct check *check = arg;
	CLEANUP(buf_release) struct buf a = {0}, b = {0};

	int r = add_claimant(check, first, &a);

	if (r == 0)
		r = add_claimant(check, other, &b);
	if (r < 0)
		return error_sys(check->err, r, "%.*s", SPAN_ARG(path));
	return error_set(check->err, -EEXIST,
	    "%.*s: %s and %s claim it with different content", SPAN_ARG(path),
	    a.ptr, b.ptr);
}

/* Contents are compared, whoever names them. */
static int
same_content(void *arg, uint64_t first, uint64_t other)
{
	struct check *check = arg;
	struct archive_identity x = {0}, y = {0};
	int r = archive_ref_identity(check->t, first, &x);

	if (r == 0)
		r = archive_ref_identity(check->t, other, &y);
	return r < 0 ? r : x.size == y.size && digest_eq(&x.sha256, &y.sha256);
}

static int
file_is_dir(struct check *check, uint64_t package, struct span path)
{
	CLEANUP(package_release) struct package p = {0};
	int r = package_name(check->t, package, &p);

	if (r < 0)
		return error_sys(check->err, r, "%.*s", SPAN_ARG(path));
	return error_set(check->err, -EEXIST,
	    "%.*s: %.*s has it as a file, another package as a directory",
	    SPAN_ARG(path), SPAN_ARG(p.light.name));
}

static int
check_pool_file(const struct package *p, void *arg)
{
	struct check *check = arg;
	const struct light *l = &p->light;

	for (size_t i = 0; i < l->nfiles; i++) {
		struct span path = path_strip_dot(l->files[i].path);
		int r = catalog_add(
		    check->c, path, archive_ref_file(p->number, (unsigned)i));

		if (r == -ENOTDIR || r == -EISDIR)
			return file_is_dir(check, p->number, path);
		if (r < 0)
			return error_sys(check->err, r, "%.*s", SPAN_ARG(path));
	}
	return 0;
}

static int
check_states(struct check *check)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < check->nstates; i++) {
		CLEANUP(state_release) struct state s = {0};

		r = state_load(check->t, check->states[i], &s);
		if (r < 0)
			return error_sys(check->err, r, "cannot read a state");
		r = pool_walk_state(check->walk, &s, check_pool_file, check);
	}
	return r;
}

int
archive_check_pool(
    struct txn *t, const uint64_t *states, size_t n, struct error *err)
{
	CLEANUP(catalog_cleanup) struct catalog *c = NULL;
	CLEANUP(pool_walk_cleanup) struct pool_walk *walk = NULL;
	struct check check = {
	    .t = t,
	    .states = states,
	    .nstates = n,
	    .err = err,
	};
	struct catalog_judge judge = {same_content, pool_clash, &check};
	int r = catalog_new(&c);

	if (r == 0)
		r = pool_walk_new(t, package_files, &walk);
	if (r < 0)
		return error_sys(err, r, "cannot compare the pools");
	check.c = c;
	check.walk = walk;
	r = check_states(&check);
	if (r >= 0)
		r = catalog_end(c, &judge);
	if (r < 0 && err && !err->text[0])
		(void)error_sys(err, r, "cannot compare the pools");
	return r;
}
