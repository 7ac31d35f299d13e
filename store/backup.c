#include "store/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "store/env.h"

struct backup {
	struct store *store;
	const char *file;
	char *tmp; /* its name until it is whole */
	char *dir; /* where it stands */
	int fd;
	struct error *err;
};

static void
backup_release(struct backup *b)
{
	if (b->fd >= 0 && b->tmp)
		(void)unlink(b->tmp);
	cleanup_fd(&b->fd);
	free(b->tmp);
	free(b->dir);
}

static int
fail(const struct backup *b, int r)
{
	return error_sys(b->err, r, "%s", b->file);
}

static int
begin(struct backup *b)
{
	const char *slash = strrchr(b->file, '/');

	if (asprintf(&b->tmp, "%s.XXXXXX", b->file) < 0)
		b->tmp = NULL;
	b->dir = slash ? strndup(b->file, (size_t)(slash - b->file) + 1)
		       : strdup(".");
	if (!b->tmp || !b->dir)
		return fail(b, -ENOMEM);
	if (access(b->file, F_OK) == 0)
		return fail(b, -EEXIST);
	b->fd = mkostemp(b->tmp, O_CLOEXEC);
	return b->fd < 0 ? fail(b, -errno) : 0;
}

/* Who may read the database may read its copy. */
static int
copy_mode(const struct backup *b)
{
	mdb_filehandle_t fd = -1;
	struct stat st;

	(void)mdb_env_get_fd(b->store->env, &fd);
	if (fstat(fd, &st) < 0 || fchmod(b->fd, st.st_mode & 0666) < 0)
		return fail(b, -errno);
	return 0;
}

/* Inside the gate: the map must stay where it is. */
static int
copy(const struct backup *b)
{
	MDB_env *env = b->store->env;
	int rc = mdb_env_copyfd2(env, b->fd, MDB_CP_COMPACT);

	/* What LMDB says where pages were leaked: all of them, then. */
	if (rc == MDB_INCOMPATIBLE) {
		if (ftruncate(b->fd, 0) < 0 || lseek(b->fd, 0, SEEK_SET) < 0)
			return fail(b, -errno);
		rc = mdb_env_copyfd2(env, b->fd, 0);
	}
	if (rc == 0)
		return copy_mode(b);
	if (rc == ENOSPC || rc == EDQUOT || rc == EFBIG)
		return fail(b, -rc);
	return env_error(b->store, rc, "cannot copy", b->err);
}

static int
finish(struct backup *b)
{
	int r;

	if (fsync(b->fd) < 0)
		return fail(b, -errno);
	if (renameat2(AT_FDCWD, b->tmp, AT_FDCWD, b->file, RENAME_NOREPLACE) <
	    0) {
		/* Some filesystems don't know how: it was not there before. */
		if (errno != EINVAL || access(b->file, F_OK) == 0)
			return fail(b, errno == EINVAL ? -EEXIST : -errno);
		if (rename(b->tmp, b->file) < 0)
			return fail(b, -errno);
	}
	free(TAKE(b->tmp));
	r = dir_sync(AT_FDCWD, b->dir);
	return r < 0 ? fail(b, r) : 0;
}

int
backup_store(struct store *s, const char *file, struct error *err)
{
	CLEANUP(backup_release)
	struct backup b = {.store = s, .file = file, .fd = -1, .err = err};
	int r = begin(&b);

	if (r < 0)
		return r;
	r = gate_enter(s, err);
	if (r < 0)
		return r;
	r = copy(&b);
	gate_leave(s);
	return r < 0 ? r : finish(&b);
}
