/*
 * Look-ups with hostile names: each input is a list of paths, one on a line,
 * that are first added to a catalog as an archive would have them and then
 * looked up as a client might.  What has been added is found, nothing else is,
 * and the listing agrees.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/path.h"
#include "fs/catalog.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool ok)
{
	if (!ok)
		abort();
}

/* Adds each good path; its reference is where it begins in the input. */
static void
add_all(struct catalog *c, struct span text)
{
	struct span rest = text, path;

	while (span_cut(&rest, '\n', &path))
		if (!path_check(path))
			(void)catalog_add(
			    c, path, (uint64_t)(path.ptr - text.ptr) + 1);
}

static bool
find(const struct catalog *c, struct span path, struct catalog_entry *ret)
{
	uint32_t dir = catalog_find_dir(c, path_dir(path));

	return dir != CATALOG_NONE &&
	       catalog_lookup(c, dir, path_base(path), ret);
}

/* Every line is looked up, good or not; what a good one finds is a line that
 * says the same. */
static void
look_up_all(const struct catalog *c, struct span text)
{
	struct span rest = text, path;
	struct catalog_entry e;

	while (span_cut(&rest, '\n', &path)) {
		if (!find(c, path, &e) || e.is_dir)
			continue;
		must(e.ref >= 1 && e.ref <= text.len);
		must(span_eq(e.name, path_base(path)));
		if (!path_check(path))
			must(memcmp(text.ptr + e.ref - 1, path.ptr, path.len) ==
			     0);
	}
}

static void
list_all(const struct catalog *c)
{
	struct catalog_entry e, again;

	for (uint32_t dir = 0; dir < catalog_dirs(c); dir++) {
		uint32_t subdirs = 0;

		must(catalog_parent(c, dir) < catalog_dirs(c));
		for (uint64_t i = 0; catalog_at(c, dir, i, &e); i++) {
			must(catalog_lookup(c, dir, e.name, &again));
			must(again.ref == e.ref && again.dir == e.dir);
			must(!path_check(e.name));
			must(!memchr(e.name.ptr, '/', e.name.len));
			must(!e.is_dir || catalog_parent(c, e.dir) == dir);
			subdirs += e.is_dir;
		}
		must(subdirs == catalog_subdirs(c, dir));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = {(const char *)data, size};
	struct catalog *c;

	if (catalog_new(&c) < 0)
		return 0;
	add_all(c, text);
	must(catalog_end(c, NULL) == 0);
	look_up_all(c, text);
	list_all(c);
	catalog_free(c);
	return 0;
}
