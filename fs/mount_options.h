#ifndef FS_MOUNT_OPTIONS_H
#define FS_MOUNT_OPTIONS_H

/* Mount options: from what mount(8), fstab and users say to libfuse's. */

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"

struct mount_wishes {
	bool allow_other; /* where it was not said, and is possible */
	const char *fsname;
};

/*
 * Adds libfuse's options, with commas between, to out.  given is a list with
 * commas, or NULL.  -EINVAL: an option that means nothing here.
 */
int mount_options(const char *given, const struct mount_wishes *wishes,
    struct buf *out, struct error *err) MUST_CHECK;

#define FETCH_WAIT_MAX_S 86400

/* Those of our own that are numbers. */
struct mount_numbers {
	unsigned restarts;     /* see fs/restarts.h */
	unsigned fetch_wait_s; /* see fs/wait_limit.h; 0: none was said */
};

/* restarts=N and fetch_wait=SECONDS, or the defaults.  -EINVAL. */
int mount_options_numbers(
    const char *given, struct mount_numbers *ret, struct error *err) MUST_CHECK;

/* Was this option given? */
bool mount_options_say(const char *given, const char *name);
/* Was it said who else may see the mount? */
bool mount_options_say_who(const char *given);

/* May users say allow_other?  text is fuse.conf(5)'s. */
bool fuse_conf_allows_other(struct span text);

#endif
