#include "mirror/wanted.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/path.h"

struct search {
	const struct mirror *m;
	const struct release *rel;
	struct strs components;	   /* directories of the wanted ones */
	struct strs architectures; /* wanted, without source */
	struct wanted_list found;
	struct error *err;
};

bool
suite_is_flat(const char *suite)
{
	return span_ends(span_of(suite), SPAN("/"));
}

static void
wanted_clear(struct wanted *w)
{
	free(w->component);
	free(w->architecture);
	free(w->path);
	*w = (struct wanted){0};
}

void
wanted_release(struct wanted_list *w)
{
	for (size_t i = 0; i < w->n; i++)
		wanted_clear(&w->v[i]);
	free(w->v);
	*w = (struct wanted_list){0};
}

/* "Release has no <what> '<item>', only: a b c" */
static int
not_there(struct search *s, const char *what, const char *item,
    const struct strs *have)
{
	CLEANUP_FREE char *list = strs_join(have, " ");

	return error_set(s->err, -EINVAL, "Release has no %s '%s', only: %s",
	    what, item, list && *list ? list : "none");
}

/* Do files stand in that directory? */
static bool
has_dir(const struct release *rel, struct span dir)
{
	for (size_t i = 0; i < rel->nfiles; i++) {
		struct span path = rel->files[i].path;

		if (path.len > dir.len && path.ptr[dir.len] == '/' &&
		    span_starts(path, dir))
			return true;
	}
	return false;
}

/*
 * Where a component's indexes lie.  Security archives call it "updates/main",
 * after the tail of the suite "stable/updates", and put it into "main".
 */
static struct span
component_dir(const struct release *rel, struct span component)
{
	struct span rest = component, part;

	while (rest.len > 0 && !has_dir(rel, rest))
		(void)span_cut(&rest, '/', &part);
	return rest.len > 0 ? rest : component;
}

/* Does what the user calls `given` mean Release's component `have`? */
static bool
same_component(const char *suite, struct span given, struct span have)
{
	struct span tail = path_dir(given);

	if (span_eq(given, have) || span_eq(given, path_base(have)))
		return true;
	return tail.len > 0 && span_eq(path_base(given), have) &&
	       span_ends(span_of(suite), tail);
}

static int
add_component(struct search *s, struct span component)
{
	struct span dir = component_dir(s->rel, component);

	if (strs_has(&s->components, dir))
		return 0;
	return strs_add(&s->components, dir);
}

/* A component that was asked for. */
static int
find_component(struct search *s, struct span given)
{
	const struct strs *have = &s->rel->components;
	CLEANUP_FREE char *name = NULL;

	for (size_t i = 0; i < have->n; i++) {
		struct span c = span_of(have->v[i]);

		if (same_component(s->m->suite, given, c))
			return add_component(s, c);
	}
	/* Some archives don't name their components at all. */
	if (have->n == 0 && has_dir(s->rel, given))
		return add_component(s, given);
	name = span_dup(given);
	return name ? not_there(s, "component", name, have) : -ENOMEM;
}

static int
find_components(struct search *s)
{
	const struct strs *given = &s->m->components;
	const struct strs *have = &s->rel->components;
	int r = 0;

	for (size_t i = 0; r == 0 && i < given->n; i++)
		r = find_component(s, span_of(given->v[i]));
	for (size_t i = 0; r == 0 && given->n == 0 && i < have->n; i++)
		r = add_component(s, span_of(have->v[i]));
	if (r == 0 && s->components.n == 0)
		return error_set(s->err, -EINVAL,
		    "Release names no components: say which are wanted");
	return r;
}

static int
find_given_architectures(struct search *s)
{
	const struct strs *given = &s->m->architectures;
	const struct strs *have = &s->rel->architectures;

	for (size_t i = 0; i < given->n; i++) {
		struct span a = span_of(given->v[i]);
		int r;

		if (span_eq(a, SPAN("source")))
			return error_set(s->err, -EINVAL,
			    "architecture 'source': use --source");
		if (have->n > 0 && !strs_has(have, a))
			return not_there(s, "architecture", given->v[i], have);
		if (strs_has(&s->architectures, a))
			continue;
		r = strs_add(&s->architectures, a);
		if (r < 0)
			return r;
	}
	return 0;
}

/*
 * Packages of architecture all stand in lists of their own, which apt reads
 * beside those of every architecture, unless Release says that the others hold
 * them too.
 */
static bool
wants_all(const struct search *s)
{
	return strs_has(&s->rel->architectures, SPAN("all")) &&
	       !s->rel->no_arch_all;
}

static int
find_architectures(struct search *s)
{
	const struct strs *have = &s->rel->architectures;
	int r = find_given_architectures(s);

	for (size_t i = 0; r == 0 && s->m->architectures.n == 0 && i < have->n;
	     i++) {
		struct span a = span_of(have->v[i]);

		if (!span_eq(a, SPAN("source")) && !span_eq(a, SPAN("all")))
			r = strs_add(&s->architectures, a);
	}
	if (r == 0 && wants_all(s) && !strs_has(&s->architectures, SPAN("all")))
		r = strs_add(&s->architectures, SPAN("all"));
	if (r == 0 && s->architectures.n == 0)
		return error_set(s->err, -EINVAL,
		    "Release names no architectures: use --arch");
	return r;
}

/* The form that is fetched is the one that stays present.  apt asks for xz
 * wherever Release lists it, and gives up where that can't be had: it comes
 * first, though another form of a tiny index may be some bytes smaller. */
static bool
goes_before(enum codec codec, const struct release_file *file,
    const struct wanted_form *other)
{
	if ((codec == CODEC_XZ) != (other->codec == CODEC_XZ))
		return codec == CODEC_XZ;
	return file->size < other->file->size;
}

/* Keeps the forms ordered: xz, then by size, the plain one behind equals. */
static void
add_form(struct wanted *w, enum codec codec, const struct release_file *file)
{
	size_t i = w->nforms++;

	while (i > 0 && goes_before(codec, file, &w->forms[i - 1])) {
		w->forms[i] = w->forms[i - 1];
		i--;
	}
	w->forms[i] = (struct wanted_form){codec, file};
}

static int
find_forms(const struct search *s, struct wanted *w)
{
	static const enum codec codecs[] = {
	    CODEC_XZ, CODEC_GZ, CODEC_ZST, CODEC_BZ2};

	for (size_t i = 0; i < ARRAY_LEN(codecs); i++) {
		CLEANUP(buf_release) struct buf path = {0};
		const struct release_file *f;
		int r =
		    buf_addf(&path, "%s.%s", w->path, codec_suffix(codecs[i]));

		if (r < 0)
			return r;
		f = release_find(s->rel, buf_span(&path));
		if (f)
			add_form(w, codecs[i], f);
	}
	w->plain = release_find(s->rel, span_of(w->path));
	if (w->plain)
		add_form(w, CODEC_PLAIN, w->plain);
	return 0;
}

static int
add_found(struct search *s, struct wanted *w)
{
	struct wanted *v = reallocarray(s->found.v, s->found.n + 1, sizeof(*v));

	if (!v)
		return -ENOMEM;
	s->found.v = v;
	v[s->found.n++] = *w;
	*w = (struct wanted){0};
	return 1;
}

/* Adds the index if Release lists it in any form: 1, or 0 if it does not. */
static int
add_index(struct search *s, const char *component, const char *architecture,
    enum package_kind kind)
{
	CLEANUP(wanted_clear) struct wanted w = {.kind = kind};
	CLEANUP(buf_release) struct buf path = {0};
	bool source = kind == PACKAGE_SOURCE;
	int r;

	if (*component)
		(void)buf_addf(&path, "%s/%s%s%s/", component,
		    kind == PACKAGE_UDEB ? "debian-installer/" : "",
		    source ? "" : "binary-", architecture);
	(void)buf_add_str(&path, source ? "Sources" : "Packages");
	if (path.failed)
		return -ENOMEM;
	w.component = strdup(component);
	w.architecture = strdup(architecture);
	w.path = buf_take(&path);
	if (!w.component || !w.architecture || !w.path)
		return -ENOMEM;
	r = find_forms(s, &w);
	if (r < 0)
		return r;
	return w.nforms > 0 ? add_found(s, &w) : 0;
}

static int
find_flat(struct search *s)
{
	int packages, sources = 0;

	if (s->m->components.n > 0)
		return error_set(s->err, -EINVAL,
		    "'%s' is a flat archive: it has no components",
		    s->m->suite);
	packages = add_index(s, "", "", PACKAGE_BINARY);
	if (packages < 0)
		return packages;
	if (s->m->sources)
		sources = add_index(s, "", "", PACKAGE_SOURCE);
	if (sources < 0)
		return sources;
	if (s->m->sources && sources == 0)
		return error_set(s->err, -EINVAL, "Release lists no Sources");
	if (packages == 0 && sources == 0)
		return error_set(s->err, -EINVAL, "Release lists no Packages");
	return 0;
}

static bool
found_any(
    const struct search *s, enum package_kind kind, const char *architecture)
{
	for (size_t i = 0; i < s->found.n; i++) {
		const struct wanted *w = &s->found.v[i];

		if (w->kind == kind &&
		    (!architecture ||
			strcmp(w->architecture, architecture) == 0))
			return true;
	}
	return false;
}

static int
find_in_component(struct search *s, const char *component)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < s->architectures.n; i++)
		r = add_index(
		    s, component, s->architectures.v[i], PACKAGE_BINARY);
	for (size_t i = 0; r >= 0 && s->m->udebs && i < s->architectures.n; i++)
		r = add_index(
		    s, component, s->architectures.v[i], PACKAGE_UDEB);
	if (r >= 0 && s->m->sources)
		r = add_index(s, component, "source", PACKAGE_SOURCE);
	return r < 0 ? r : 0;
}

/* What was asked for by name has to be there. */
static int
check_found(struct search *s)
{
	const struct strs *given = &s->m->architectures;

	for (size_t i = 0; i < given->n; i++) {
		if (!found_any(s, PACKAGE_BINARY, given->v[i]))
			return error_set(s->err, -EINVAL,
			    "Release lists no Packages for architecture '%s'",
			    given->v[i]);
	}
	if (s->m->sources && !found_any(s, PACKAGE_SOURCE, NULL))
		return error_set(s->err, -EINVAL, "Release lists no Sources");
	if (s->m->udebs && !found_any(s, PACKAGE_UDEB, NULL))
		return error_set(s->err, -EINVAL,
		    "Release lists no Packages of debian-installer");
	if (s->found.n == 0)
		return error_set(s->err, -EINVAL,
		    "Release lists none of the wanted Packages");
	return 0;
}

static int
find_all(struct search *s)
{
	int r;

	if (suite_is_flat(s->m->suite))
		return find_flat(s);
	r = find_components(s);
	if (r == 0)
		r = find_architectures(s);
	for (size_t i = 0; r == 0 && i < s->components.n; i++)
		r = find_in_component(s, s->components.v[i]);
	return r < 0 ? r : check_found(s);
}

int
wanted_find(const struct mirror *m, const struct release *rel,
    struct wanted_list *ret, struct error *err)
{
	struct search s = {.m = m, .rel = rel, .err = err};
	int r = find_all(&s);

	strs_release(&s.components);
	strs_release(&s.architectures);
	if (r < 0) {
		wanted_release(&s.found);
		if (r == -ENOMEM)
			return error_sys(err, r, "cannot choose indexes");
		return r;
	}
	*ret = s.found;
	return 0;
}
