#include "mirror/gnupg_home.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"

#define WALK_FDS 8 /* directories open at once */

/*
 * no-autostart: a keyring with secret keys must not start an agent that would
 * outlive us.  trust-model: there is no trust database to build or look at.
 */
static const char options[] = "no-autostart\n"
			      "disable-dirmngr\n"
			      "no-auto-key-retrieve\n"
			      "no-auto-check-trustdb\n"
			      "trust-model always\n"
			      /* gpg writes it when it ends, which gpgme
			       * doesn't wait for: into a home that is
			       * being removed. */
			      "no-random-seed-file\n"
			      "batch\n";

static int
write_options(const char *home)
{
	CLEANUP_FD int dir = open(home, O_DIRECTORY | O_PATH | O_CLOEXEC);
	CLEANUP_FD int fd = -1;

	if (dir < 0)
		return -errno;
	fd = openat(
	    dir, "gpg.conf", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	return file_write_all(fd, options, sizeof(options) - 1);
}

int
gnupg_home_make(char **ret, struct error *err)
{
	const char *tmp = getenv("TMPDIR");
	CLEANUP_FREE char *home = NULL;
	int r;

	if (!tmp || tmp[0] != '/')
		tmp = "/tmp";
	if (asprintf(&home, "%s/suitefs-XXXXXX", tmp) < 0) {
		home = NULL;
		return error_set(err, -ENOMEM, "out of memory");
	}
	if (!mkdtemp(home))
		return error_set(err, -EIO, "%s: can't make a directory: %s",
		    tmp, strerrordesc_np(errno));
	r = write_options(home);
	if (r < 0) {
		gnupg_home_remove(home);
		return error_set(
		    err, -EIO, "%s: %s", home, strerrordesc_np(-r));
	}
	*ret = TAKE(home);
	return 0;
}

static int
remove_one(const char *name, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	/* What can't be removed stays: there is nobody to tell. */
	(void)remove(name);
	return 0;
}

void
gnupg_home_remove(const char *home)
{
	if (home)
		(void)nftw(home, remove_one, WALK_FDS,
		    FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}
