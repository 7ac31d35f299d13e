#include "store/stats.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "store/blob_dir.h"
#include "store/env.h"

/* Inside the gate: LMDB is asked about the environment itself. */
static int
read_env(struct store *s, struct store_stats *st, struct error *err)
{
	MDB_envinfo info;
	MDB_stat main_stat;
	struct stat file;
	mdb_filehandle_t fd = -1;
	int rc;

	(void)mdb_env_info(s->env, &info);
	(void)mdb_env_stat(s->env, &main_stat);
	(void)mdb_env_get_fd(s->env, &fd);
	if (fstat(fd, &file) < 0)
		return error_sys(err, -errno, "%s/data.mdb", s->db);
	st->file_size = (uint64_t)file.st_size;
	st->map_size = info.me_mapsize;
	st->page_size = main_stat.ms_psize;
	st->readers = info.me_numreaders;
	rc = env_free_pages(s->env, 0, &st->free_pages);
	return rc == 0 ? 0 : env_error(s, rc, "cannot count free pages", err);
}

static int
read_tables(struct store *s, struct store_stats *st, struct error *err)
{
	CLEANUP(txn_cleanup) struct txn *t = NULL;
	int r = txn_read(s, &t, err);

	for (size_t i = 0; i < T_COUNT && r >= 0; i++) {
		MDB_stat m;
		int rc = mdb_stat(t->mdb, s->dbi[i], &m);

		if (rc != 0)
			return env_error(s, rc, "cannot read a table", err);
		st->tables[i].entries = m.ms_entries;
		st->tables[i].bytes =
		    (uint64_t)m.ms_psize *
		    (m.ms_branch_pages + m.ms_leaf_pages + m.ms_overflow_pages);
	}
	return r;
}

static int
add_blob(const struct blob_dir_entry *e, void *arg)
{
	struct store_stats *st = arg;

	if (e->is_blob) {
		st->blobs++;
		st->blob_bytes += e->size;
	}
	return 0;
}

static int
read_downloads(struct store *s, struct store_stats *st, struct error *err)
{
	int fd =
	    openat(store_tmp_fd(s), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;
	struct stat file;
	int r = 0;

	if (!d) {
		r = error_sys(err, -errno, "%s/tmp", s->dir);
		cleanup_fd(&fd);
		return r;
	}
	while ((e = readdir(d)) != NULL) {
		if (fstatat(fd, e->d_name, &file, AT_SYMLINK_NOFOLLOW) < 0 ||
		    !S_ISREG(file.st_mode))
			continue;
		st->downloads++;
		st->download_bytes += (uint64_t)file.st_size;
	}
	(void)closedir(d);
	return r;
}

int
stats_read(struct store *s, struct store_stats *ret, struct error *err)
{
	struct store_stats st = {0};
	int r = gate_enter(s, err);

	if (r < 0)
		return r;
	r = read_env(s, &st, err);
	gate_leave(s);
	if (r >= 0)
		r = read_tables(s, &st, err);
	if (r >= 0)
		r = blob_dir_each(s, add_blob, &st, err);
	if (r >= 0)
		r = read_downloads(s, &st, err);
	if (r < 0)
		return r;
	*ret = st;
	return 0;
}
