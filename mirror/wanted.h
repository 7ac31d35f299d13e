#ifndef MIRROR_WANTED_H
#define MIRROR_WANTED_H

/* Which indexes of a Release a mirror wants.  Pure: no I/O. */

#include <stddef.h>

#include "base/error.h"
#include "base/release.h"
#include "store/form.h"
#include "store/mirror.h"
#include "store/package.h"

#define WANTED_FORMS 5 /* plain, xz, gz, bz2, zst */

struct wanted_form {
	enum codec codec;
	const struct release_file *file; /* lent by the release */
};

struct wanted {
	char *component;    /* the directory's: "main" of "updates/main" */
	char *architecture; /* "source" for sources; "" in a flat archive */
	enum package_kind kind;
	char *path; /* of the plain index, listed or not */
	const struct release_file *plain; /* NULL where it is not listed */
	struct wanted_form forms[WANTED_FORMS]; /* xz, then smallest */
	size_t nforms;				/* at least 1 */
};

struct wanted_list {
	struct wanted *v;
	size_t n;
};

/*
 * -EINVAL: a component or architecture that Release does not have (err names
 * those that it has), or an index that was asked for and is not listed at all;
 * -ENOMEM.
 */
int wanted_find(const struct mirror *m, const struct release *rel,
    struct wanted_list *ret, struct error *err) MUST_CHECK;
void wanted_release(struct wanted_list *w);

/* Is the suite a flat archive's: does it end in a slash? */
bool suite_is_flat(const char *suite);

#endif
