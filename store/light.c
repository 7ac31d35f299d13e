#include "store/package.h"

#include <errno.h>

#include "base/path.h"
#include "store/light.h"

/*
 * A light record, version 1: kind, name, version, architecture, source,
 * source version, Multi-Arch, Essential, relations, directory, files, origin
 * path, stanza length.  relations is [relation, value, ...] of those that
 * stand in the stanza; files is [path, size, SHA-256, ...], the paths being
 * relative to directory where that is not empty.
 */
#define LIGHT_VERSION 1
#define LIGHT_ITEMS   13
#define FILES_ITEM    9 /* directory; the files follow */

const char *const relation_field[REL_COUNT] = {
    [REL_PRE_DEPENDS] = "Pre-Depends",
    [REL_DEPENDS] = "Depends",
    [REL_RECOMMENDS] = "Recommends",
    [REL_SUGGESTS] = "Suggests",
    [REL_ENHANCES] = "Enhances",
    [REL_BREAKS] = "Breaks",
    [REL_CONFLICTS] = "Conflicts",
    [REL_REPLACES] = "Replaces",
    [REL_PROVIDES] = "Provides",
    [REL_BUILD_DEPENDS] = "Build-Depends",
    [REL_BUILD_DEPENDS_INDEP] = "Build-Depends-Indep",
    [REL_BUILD_DEPENDS_ARCH] = "Build-Depends-Arch",
    [REL_BUILD_CONFLICTS] = "Build-Conflicts",
    [REL_BUILD_CONFLICTS_INDEP] = "Build-Conflicts-Indep",
    [REL_BUILD_CONFLICTS_ARCH] = "Build-Conflicts-Arch",
};

void
light_clear(struct light *l)
{
	struct package_file *files = l->files;
	size_t files_cap = l->files_cap;
	struct buf paths = l->paths;

	*l = (struct light){
	    .files = files, .files_cap = files_cap, .paths = paths};
	buf_clear(&l->paths);
}

void
light_release(struct light *l)
{
	free(l->files);
	buf_release(&l->paths);
	*l = (struct light){0};
}

int
light_reserve_files(struct light *l, size_t n)
{
	struct package_file *files;

	if (n <= l->files_cap)
		return 0;
	files = reallocarray(l->files, n, sizeof(*files));
	if (!files)
		return -ENOMEM;
	l->files = files;
	l->files_cap = n;
	return 0;
}

int
light_add_file(struct light *l, struct span dir, const struct package_file *f)
{
	struct package_file *to = &l->files[l->nfiles];
	size_t start = l->paths.len;

	*to = *f;
	if (dir.len > 0) {
		if (buf_add_span(&l->paths, dir) < 0 ||
		    buf_add_char(&l->paths, '/') < 0 ||
		    buf_add_span(&l->paths, f->path) < 0)
			return -ENOMEM;
		to->path =
		    (struct span){l->paths.ptr + start, l->paths.len - start};
	}
	l->nfiles++;
	return 0;
}

/* The directory that all files share, where writing it once saves bytes. */
static struct span
shared_dir(const struct light *l)
{
	struct span dir = {0};

	if (l->nfiles < 2)
		return dir;
	dir = path_dir(l->files[0].path);
	for (size_t i = 1; i < l->nfiles; i++)
		if (!span_eq(path_dir(l->files[i].path), dir))
			return (struct span){0};
	return dir;
}

static void
encode_relations(const struct light *l, struct record_writer *w)
{
	size_t n = 0;

	for (size_t i = 0; i < REL_COUNT; i++)
		n += l->relations[i].len > 0;
	record_array(w, 2 * n);
	for (size_t i = 0; i < REL_COUNT; i++) {
		if (l->relations[i].len == 0)
			continue;
		record_put_u64(w, i);
		record_put_str(w, l->relations[i]);
	}
}

static void
encode_files(const struct light *l, struct record_writer *w)
{
	struct span dir = shared_dir(l);

	record_put_str(w, dir);
	record_array(w, 3 * l->nfiles);
	for (size_t i = 0; i < l->nfiles; i++) {
		const struct package_file *f = &l->files[i];

		record_put_str(w, dir.len > 0 ? path_base(f->path) : f->path);
		record_put_u64(w, f->size);
		record_put_digest(w, &f->sha256);
	}
}

int
light_encode(const struct light *l, struct record_writer *w, struct span *ret)
{
	record_begin(w, LIGHT_VERSION, LIGHT_ITEMS);
	record_put_u64(w, l->kind);
	record_put_str(w, l->name);
	record_put_str(w, l->version);
	record_put_str(w, l->architecture);
	record_put_str(w, l->source);
	record_put_str(w, l->source_version);
	record_put_str(w, l->multi_arch);
	record_put_bool(w, l->essential);
	encode_relations(l, w);
	encode_files(l, w);
	record_put_str(w, l->origin_path);
	record_put_u64(w, l->stanza_len);
	return record_end(w, ret);
}

static void
decode_relations(const struct record_view *v, struct light *l)
{
	for (size_t i = 0; i + 1 < v->n; i += 2) {
		uint64_t relation = record_u64(v, i);

		/* One that a later version added is none of ours. */
		if (relation < REL_COUNT)
			l->relations[relation] = record_span(v, i + 1);
	}
}

static int
decode_files(struct span dir, const struct record_view *v, struct light *l)
{
	size_t n = v->n / 3, bytes = 0;

	if (n > PACKAGE_MAX_FILES)
		return -EBADMSG;
	if (light_reserve_files(l, n) < 0)
		return -ENOMEM;
	/* All at once: paths that were put together must not move. */
	for (size_t i = 0; i < n && dir.len > 0; i++)
		bytes += dir.len + 1 + record_span(v, 3 * i).len;
	if (bytes > 0 && buf_reserve(&l->paths, bytes) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		struct package_file f = {
		    .path = record_span(v, 3 * i),
		    .size = record_u64(v, 3 * i + 1),
		};

		record_digest(v, 3 * i + 2, &f.sha256);
		if (light_add_file(l, dir, &f) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* The items of a record, after its version. */
static int
decode_name(const struct record_view *v, struct light *l)
{
	uint64_t kind = record_u64(v, 0);

	if (kind > PACKAGE_UDEB)
		return -EBADMSG;
	l->kind = (enum package_kind)kind;
	l->name = record_span(v, 1);
	l->version = record_span(v, 2);
	l->architecture = record_span(v, 3);
	return *v->bad;
}

int
light_decode(struct span bytes, struct record *r, struct light *ret)
{
	struct record_view v, relations, files;
	int res;

	light_clear(ret);
	res = record_parse(r, bytes, LIGHT_VERSION, &v);
	if (res == 0)
		res = decode_name(&v, ret);
	if (res < 0)
		return res;
	ret->source = record_span(&v, 4);
	ret->source_version = record_span(&v, 5);
	ret->multi_arch = record_span(&v, 6);
	ret->essential = record_bool(&v, 7);
	relations = record_array_at(&v, 8);
	decode_relations(&relations, ret);
	files = record_array_at(&v, FILES_ITEM + 1);
	res = decode_files(record_span(&v, FILES_ITEM), &files, ret);
	if (res < 0)
		return res;
	ret->origin_path = record_span(&v, 11);
	ret->stanza_len = record_u64(&v, 12);
	return r->bad;
}

int
light_decode_name(struct span bytes, struct record *r, struct light *ret)
{
	struct record_view v;
	int res;

	light_clear(ret);
	res = record_parse_some(
	    r, bytes, LIGHT_VERSION, (struct record_items){0, 4}, &v);
	return res < 0 ? res : decode_name(&v, ret);
}

int
light_decode_files(struct span bytes, struct record *r, struct light *ret)
{
	struct record_view v, files;
	int res;

	light_clear(ret);
	res = record_parse_some(
	    r, bytes, LIGHT_VERSION, (struct record_items){FILES_ITEM, 2}, &v);
	if (res < 0)
		return res;
	files = record_array_at(&v, 1);
	res = decode_files(record_span(&v, 0), &files, ret);
	return res < 0 ? res : r->bad;
}

bool
light_field(const struct light *l, struct span name, struct span *ret)
{
	const struct {
		struct span name, value;
	} known[] = {
	    {SPAN("Package"), l->name},
	    {SPAN("Version"), l->version},
	    {SPAN("Multi-Arch"), l->multi_arch},
	    {SPAN("Architecture"), l->architecture},
	};
	/* Those that a source package is for are not in its record. */
	size_t n = ARRAY_LEN(known) - (l->kind == PACKAGE_SOURCE);

	for (size_t i = 0; i < n; i++) {
		if (span_eq_nocase(name, known[i].name)) {
			*ret = known[i].value;
			return true;
		}
	}
	for (size_t i = 0; i < REL_COUNT; i++) {
		if (span_eq_nocase(name, span_of(relation_field[i]))) {
			*ret = l->relations[i];
			return true;
		}
	}
	return false;
}

int
package_add_name(const struct light *l, struct buf *b)
{
	size_t need = l->name.len + l->version.len + l->architecture.len + 2;

	if (buf_reserve(b, need) < 0)
		return -ENOMEM;
	(void)buf_add_span(b, l->name); /* there is room for it */
	(void)buf_add_char(b, '_');
	(void)buf_add_span(b, l->version);
	(void)buf_add_char(b, '_');
	(void)buf_add_span(b, l->architecture);
	return 0;
}
