#include "store/trust.h"

#include <errno.h>
#include <sys/stat.h>

static int
check_one(const char *path, struct error *err)
{
	struct stat st;

	/* What can't be looked at can't be opened either, and it is said then.
	 */
	if (stat(path, &st) < 0)
		return 0;
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return error_set(err, -EPERM,
		    "%s: belongs to the user %u, who could write anything into "
		    "it: only that user can use this store",
		    path, (unsigned)st.st_uid);
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		return error_set(err, -EPERM,
		    "%s: others could write to it (mode %04o): chmod go-w",
		    path, (unsigned)st.st_mode & 07777);
	return 0;
}

int
trust_check(const char *dir, struct error *err)
{
	static const char *const parts[] = {"", "/db", "/db/data.mdb",
	    "/db/lock.mdb", "/blobs", "/blobs/sha256", "/tmp"};
	int r = 0;

	for (size_t i = 0; i < ARRAY_LEN(parts) && r == 0; i++) {
		CLEANUP_FREE char *path = NULL;

		if (asprintf(&path, "%s%s", dir, parts[i]) < 0)
			return error_sys(err, -ENOMEM, "%s", dir);
		r = check_one(path, err);
	}
	return r;
}
