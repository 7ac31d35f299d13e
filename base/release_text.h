#ifndef BASE_RELEASE_TEXT_H
#define BASE_RELEASE_TEXT_H

/* Writes Release files.  Pure. */

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/hash.h"
#include "base/strs.h"

struct release_out_file {
	char *path; /* below the suite's directory */
	uint64_t size;
	struct digest sha256;
};

struct release_out {
	/* Left out where NULL; a newline in a value becomes a blank. */
	const char *origin, *label, *suite, *codename, *version, *description;
	int64_t date;
	int64_t valid_until; /* 0: left out */
	bool not_automatic, but_automatic_upgrades;
	/* Packages of architecture all stand in binary-<arch> too. */
	bool no_arch_all;
	const char *snapshots; /* left out where NULL */
	struct strs architectures, components;
	struct release_out_file *files;
	size_t nfiles;
};

/* Adds the Release; files are listed by path under SHA256. */
int release_text(struct release_out *r, struct buf *out) MUST_CHECK;
int release_out_add(struct release_out *r, const char *path, uint64_t size,
    const struct digest *sha256) MUST_CHECK;
void release_out_free(struct release_out *r);

#endif
