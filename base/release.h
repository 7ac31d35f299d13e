#ifndef BASE_RELEASE_H
#define BASE_RELEASE_H

/*
 * Release files: the fields, and the index files they list, after the Debian
 * repository format (wiki.debian.org/DebianRepository/Format).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/span.h"
#include "base/strs.h"

#define RELEASE_MAX	  (16 * 1024 * 1024)  /* bytes of a Release file */
#define RELEASE_MAX_FILES 200000	      /* files that it may list */
#define RELEASE_MAX_SIZE  (UINT64_C(1) << 40) /* bytes of one of them */

struct release_file {
	struct span path; /* relative to the directory of Release */
	uint64_t size;
	struct digest sha256;
};

/*
 * A parsed Release.  Spans point into the text, which must outlive it.
 * Fields that are absent are empty; times that are absent are 0.
 */
struct release {
	struct span origin, label, suite, codename, version, description;
	struct span signed_by;
	int64_t date;
	int64_t valid_until;
	bool acquire_by_hash;
	bool not_automatic;
	bool but_automatic_upgrades;
	/* "No-Support-for-Architecture-all: Packages": binary-<arch> lists
	 * hold the packages of architecture all too. */
	bool no_arch_all;
	struct strs architectures;
	struct strs components;
	struct release_file *files; /* by path, bytewise; no path twice */
	size_t nfiles;
};

/*
 * Parses text.  -EBADMSG with *err naming line and field: no SHA256 list, a
 * path that path_check() refuses, a path listed twice with different content,
 * a size beyond the limit, too many files, no or a bad Date (a Date may be
 * absent in flat archives: then date is 0).  Without a Components field the
 * archive counts as flat here; the caller knows better.  -E2BIG beyond
 * RELEASE_MAX.  -ENOMEM.  *ret is filled only on success.
 */
int release_parse(struct span text, struct release *ret, struct error *err);
void release_free(struct release *r); /* the content, not r itself */
/* The listed file, or NULL. */
const struct release_file *release_find(
    const struct release *r, struct span path);

#endif
