#include "algebra/derive.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "algebra/derive_pool.h"
#include "base/buf.h"
#include "base/release.h"
#include "store/hold.h"
#include "store/list.h"
#include "store/mirrors.h"
#include "store/snapshots.h"
#include "store/text.h"

struct source {
	const struct derive_input *input;
	struct state state;
	struct buf text; /* its Release, where it has one */
	struct release release;
	bool has_release;
};

struct derive {
	struct store *store;
	struct derive_opts opts; /* as given: the strings are the caller's */
	int hold;
	struct source *sources; /* opts.ninputs */
	struct state state;	/* what is made */
	struct strs components; /* in the order in which they came */
	uint64_t packages;	/* of all lists, once it has ended */
};

void
derive_free(struct derive *d)
{
	if (!d)
		return;
	for (size_t i = 0; d->sources && i < d->opts.ninputs; i++) {
		struct source *src = &d->sources[i];

		state_release(&src->state);
		release_free(&src->release);
		buf_release(&src->text);
	}
	free(d->sources);
	state_release(&d->state);
	strs_release(&d->components);
	cleanup_fd(&d->hold);
	free(d);
}

const struct state *
derive_source(const struct derive *d, size_t i)
{
	return &d->sources[i].state;
}

const struct state *
derive_state(const struct derive *d)
{
	return &d->state;
}

static bool
has_arch_all(const struct state *s)
{
	for (size_t i = 0; i < s->nlists; i++)
		if (s->lists[i].kind == PACKAGE_BINARY &&
		    strcmp(s->lists[i].architecture, "all") == 0)
			return true;
	return false;
}

bool
derive_source_no_arch_all(const struct derive *d, size_t i)
{
	const struct source *src = &d->sources[i];

	return src->release.no_arch_all || !has_arch_all(&src->state);
}

int
derive_input_state(struct txn *t, const struct derive_input *in, uint64_t *ret,
    struct error *err)
{
	CLEANUP(snapshot_release) struct snapshot s = {0};
	CLEANUP(mirror_release) struct mirror m = {0};
	int r;

	if (in->kind == SOURCE_SNAPSHOT) {
		r = snapshots_load(t, in->name, &s, err);
		*ret = s.state;
		return r;
	}
	if (in->kind != SOURCE_MIRROR)
		return error_set(err, -EINVAL,
		    "%s: snapshots are made of mirrors and snapshots",
		    in->name);
	r = mirrors_load(t, in->name, &m, err);
	if (r == 0 && m.state == 0)
		return error_set(err, -ENOENT,
		    "mirror %s has never been updated: suitefs mirror update "
		    "%s",
		    in->name, in->name);
	*ret = m.state;
	return r;
}

static int
load_release(struct txn *t, struct source *src, struct error *err)
{
	int r;

	if (src->state.listing == 0)
		return 0;
	r = text_get(t, src->state.listing, &src->text);
	if (r < 0)
		return error_sys(err, r, "%s %s: cannot read its Release",
		    source_kind_name[src->input->kind], src->input->name);
	r = release_parse(buf_span(&src->text), &src->release, err);
	if (r < 0)
		return error_prefix(err, r, "%s %s: its Release",
		    source_kind_name[src->input->kind], src->input->name);
	src->has_release = true;
	return 0;
}

static int
load_source(struct txn *t, struct source *src, struct error *err)
{
	uint64_t number = 0;
	int r = derive_input_state(t, src->input, &number, err);

	if (r < 0)
		return r;
	r = state_load(t, number, &src->state);
	if (r < 0)
		return error_sys(err, r == -ENOENT ? -EIO : r, "%s %s",
		    source_kind_name[src->input->kind], src->input->name);
	return load_release(t, src, err);
}

/* The suite that all sources have, or one of the snapshot's own.  A source
 * without lists, an empty snapshot, has no say in that. */
static const char *
choose_suite(const struct derive *d)
{
	const char *suite = NULL;

	for (size_t i = 0; i < d->opts.ninputs; i++) {
		const struct state *s = &d->sources[i].state;

		/* A flat archive has none, an empty one none of its own. */
		if (s->flat || s->nlists == 0)
			continue;
		if (suite && strcmp(suite, s->suite) != 0)
			return d->opts.name;
		suite = s->suite;
	}
	return suite ? suite : d->opts.name;
}

static int
load(struct derive *d, struct error *err)
{
	CLEANUP(txn_cleanup) struct txn *t = NULL;
	int r = txn_read(d->store, &t, err);

	if (r == 0)
		r = snapshots_check_new(t, d->opts.name, err);
	for (size_t i = 0; r == 0 && i < d->opts.ninputs; i++) {
		struct source *src = &d->sources[i];

		src->input = &d->opts.inputs[i];
		r = load_source(t, src, err);
		if (src->state.trusted_unsigned)
			d->state.trusted_unsigned = true;
	}
	if (r < 0)
		return r;
	d->state.date = d->state.taken = d->opts.now;
	d->state.suite = strdup(choose_suite(d));
	return d->state.suite
		   ? 0
		   : error_sys(err, -ENOMEM, "cannot make a snapshot");
}

int
derive_new(struct store *s, const struct derive_opts *opts, struct derive **ret,
    struct error *err)
{
	CLEANUP(derive_cleanup) struct derive *d = calloc(1, sizeof(*d));
	struct hold_wait wait = {
	    .cancel = opts->cancel, .progress = opts->progress};
	int r;

	if (!d)
		return error_sys(err, -ENOMEM, "cannot make a snapshot");
	d->store = s;
	d->hold = -1;
	if (opts->ninputs > SNAPSHOT_MAX_SOURCES)
		return error_set(err, -E2BIG,
		    "a snapshot can be made of %d sources at most",
		    SNAPSHOT_MAX_SOURCES);
	d->sources = calloc(opts->ninputs + 1, sizeof(*d->sources));
	if (!d->sources)
		return error_sys(err, -ENOMEM, "cannot make a snapshot");
	d->opts = *opts;
	r = hold_take(s, HOLD_SHARED, &wait, &d->hold, err);
	if (r == 0)
		r = load(d, err);
	if (r < 0)
		return r;
	*ret = TAKE(d);
	return 0;
}

static int
check_architectures(const struct index_plan *plan,
    const struct strs *architectures, struct error *err)
{
	for (size_t i = 0; architectures && i < architectures->n; i++) {
		const char *a = architectures->v[i];
		size_t k = 0;

		while (k < plan->n && strcmp(plan->v[k].architecture, a) != 0)
			k++;
		if (k == plan->n && strcmp(a, "all") != 0)
			return error_set(err, -EINVAL,
			    "no source has packages for the architecture %s",
			    a);
	}
	return 0;
}

int
derive_plan(const struct derive *d, const struct strs *architectures,
    struct index_plan *ret, struct error *err)
{
	CLEANUP(txn_cleanup) struct txn *t = NULL;
	CLEANUP_FREE struct index_source *sources =
	    calloc(d->opts.ninputs + 1, sizeof(*sources));
	int r;

	if (!sources)
		return error_sys(err, -ENOMEM, "cannot make a snapshot");
	for (size_t i = 0; i < d->opts.ninputs; i++)
		sources[i] = (struct index_source){
		    derive_source(d, i), derive_source_no_arch_all(d, i)};
	r = txn_read(d->store, &t, err);
	if (r < 0)
		return r;
	r = index_plan_make(t, sources, d->opts.ninputs, architectures, ret);
	if (r < 0)
		return error_sys(err, r, "cannot read packages");
	return check_architectures(ret, architectures, err);
}

int
derive_list(struct derive *d, const struct derive_list *l, struct error *err)
{
	struct state_list sl = {
	    .component = (char *)(uintptr_t)l->component,
	    .architecture = (char *)(uintptr_t)l->architecture,
	    .kind = l->kind,
	};
	int r;

	progress_stage(d->opts.progress, "arranging", 0, 0);
	r = derive_make_list(d->store, l, &d->opts, &sl.list, err);
	progress_end(d->opts.progress);
	if (r < 0)
		return r;
	if (!strs_has(&d->components, span_of(l->component)))
		r = strs_add(&d->components, span_of(l->component));
	if (r == 0)
		r = state_add_list(&d->state, &sl);
	return r < 0 ? error_sys(err, r, "cannot make a snapshot") : 0;
}

/* The Release. */

static int
add_words(const struct state *s, struct release_out *out)
{
	for (size_t i = 0; i < s->nlists; i++) {
		struct span c = span_of(s->lists[i].component);
		struct span a = span_of(s->lists[i].architecture);
		int r = 0;

		if (c.len > 0 && !strs_has(&out->components, c))
			r = strs_add(&out->components, c);
		if (r == 0 && a.len > 0 && !span_eq(a, SPAN("source")) &&
		    !strs_has(&out->architectures, a))
			r = strs_add(&out->architectures, a);
		if (r < 0)
			return r;
	}
	strs_sort(&out->architectures);
	return 0;
}

int
derive_release(struct txn *t, struct state *s, struct release_out *out)
{
	CLEANUP(buf_release) struct buf text = {0};
	int r = add_words(s, out);

	for (size_t i = 0; r == 0 && i < s->nlists; i++) {
		struct digest sha256;
		uint64_t size;
		int64_t mtime;

		r = list_info(t, s->lists[i].list, &size, &mtime, &sha256);
		if (r == 0)
			r = release_out_add(
			    out, s->lists[i].path, size, &sha256);
	}
	if (r == 0)
		r = release_text(out, &text);
	if (r == 0)
		r = text_put(t, buf_span(&text), 0, &s->release);
	s->listing = s->release;
	return r < 0 ? r : 0;
}

/* A field of a source's Release, by its place in struct release. */
static struct span
field_of(const struct source *src, size_t offset)
{
	struct span value = {0};

	if (src->has_release)
		memcpy(&value, (const char *)&src->release + offset,
		    sizeof(value));
	return value;
}

/* What all sources agree on, for the caller to free; NULL where they don't. */
static int
agreed(const struct derive *d, size_t offset, const char **ret)
{
	struct span value = {0};
	char *copy;

	for (size_t i = 0; i < d->opts.ninputs; i++) {
		struct span v = field_of(&d->sources[i], offset);

		if (d->sources[i].state.nlists == 0)
			continue;
		if (v.len == 0 || (value.len > 0 && !span_eq(v, value)))
			return 0;
		value = v;
	}
	if (value.len == 0)
		return 0;
	copy = span_dup(value);
	*ret = copy;
	return copy ? 0 : -ENOMEM;
}

/* What fill_fields() fills in. */
static void
fields_release(struct release_out *out)
{
	const char *owned[] = {out->origin, out->label, out->codename,
	    out->version, out->description};

	for (size_t i = 0; i < ARRAY_LEN(owned); i++)
		free((char *)(uintptr_t)owned[i]);
	release_out_free(out);
}

/* Are all binary packages there are in binary-all? */
static bool
is_all_only(const struct state *s)
{
	for (size_t i = 0; i < s->nlists; i++)
		if (s->lists[i].kind == PACKAGE_BINARY &&
		    strcmp(s->lists[i].architecture, "all") != 0)
			return false;
	return has_arch_all(s);
}

static int
fill_fields(const struct derive *d, struct release_out *out)
{
	static const struct {
		size_t from, to;
		bool alone; /* only of a single source */
	} fields[] = {
	    {offsetof(struct release, origin),
		offsetof(struct release_out, origin), false},
	    {offsetof(struct release, label),
		offsetof(struct release_out, label), false},
	    {offsetof(struct release, codename),
		offsetof(struct release_out, codename), false},
	    {offsetof(struct release, version),
		offsetof(struct release_out, version), true},
	    {offsetof(struct release, description),
		offsetof(struct release_out, description), true},
	};

	out->date = d->state.date;
	out->no_arch_all = !is_all_only(&d->state);
	for (size_t i = 0; i < d->opts.ninputs; i++)
		if (!derive_source_no_arch_all(d, i))
			out->no_arch_all = false;
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		const char *value = NULL;
		int r = 0;

		if (!fields[i].alone || d->opts.ninputs == 1)
			r = agreed(d, fields[i].from, &value);
		if (r < 0)
			return r;
		memcpy((char *)out + fields[i].to, &value, sizeof(value));
	}
	return 0;
}

static int
list_cmp(const void *a, const void *b, void *components)
{
	const struct state_list *x = a, *y = b;

	return index_place_cmp(
	    &(struct index_place){x->component, x->architecture, x->kind},
	    &(struct index_place){y->component, y->architecture, y->kind},
	    components);
}

static int
put_snapshot(struct txn *t, const struct derive *d)
{
	CLEANUP(snapshot_release)
	struct snapshot s = {.created = d->opts.now, .state = d->state.number};
	int r = 0;

	s.name = strdup(d->opts.name);
	s.description = strdup(d->opts.description);
	if (!s.name || !s.description)
		return -ENOMEM;
	for (size_t i = 0; i < d->opts.ninputs && r == 0; i++)
		r = snapshot_add_source(&s, d->opts.inputs[i].kind,
		    d->opts.inputs[i].name, d->sources[i].state.number);
	return r < 0 ? r : snapshot_put(t, &s);
}

static int
count_packages(struct txn *t, struct derive *d)
{
	int r = 0;

	d->packages = 0;
	for (size_t i = 0; i < d->state.nlists && r == 0; i++) {
		CLEANUP(list_release) struct list l = {0};

		r = list_load(t, d->state.lists[i].list, &l);
		d->packages += l.packages;
	}
	return r;
}

void
derive_count(
    const struct derive *d, uint64_t *ret_packages, uint64_t *ret_indexes)
{
	*ret_packages = d->packages;
	*ret_indexes = d->state.nlists;
}

static int
put_all(struct txn *t, void *arg, struct error *err)
{
	struct derive *d = arg;
	CLEANUP(fields_release) struct release_out out = {0};
	int r = snapshots_check_new(t, d->opts.name, err);

	if (r < 0)
		return r;
	r = fill_fields(d, &out);
	out.suite = d->state.suite;
	if (r == 0)
		r = derive_release(t, &d->state, &out);
	if (r == 0)
		r = state_put(t, &d->state);
	if (r == 0)
		r = put_snapshot(t, d);
	if (r == 0)
		r = count_packages(t, d);
	return r < 0 ? error_sys(err, r, "cannot make a snapshot") : 0;
}

int
derive_check(const struct derive *d, struct error *err)
{
	/* One source has its own pool. */
	if (d->opts.ninputs <= 1)
		return 0;
	return derive_check_pool(d->store, &d->state, d->opts.cancel, err);
}

int
derive_end(struct derive *d, struct error *err)
{
	int r = derive_check(d, err);

	if (r < 0)
		return r;
	if (d->state.nlists > 1)
		qsort_r(d->state.lists, d->state.nlists,
		    sizeof(*d->state.lists), list_cmp, &d->components);
	return store_write(d->store, put_all, d, err);
}

int
derive_empty(struct store *s, const char *name, int64_t now, struct error *err)
{
	struct derive_opts opts = {
	    .name = name, .description = "empty", .now = now};
	CLEANUP(derive_cleanup) struct derive *d = NULL;
	int r = derive_new(s, &opts, &d, err);

	return r != 0 || !d ? r : derive_end(d, err);
}
