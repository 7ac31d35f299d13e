#include "store/blob_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

struct reading {
	struct store *store;
	int (*give)(
	    const struct reading *r, int fd, const char *sub, const char *name);
	blob_dir_fn *fn; /* give_entry()'s, or: */
	blob_dir_name_fn *name_fn;
	void *arg;
	struct error *err;
};

static int
cannot_read(const struct reading *r, const char *sub)
{
	return error_sys(
	    r->err, -errno, "%s/blobs/sha256/%s", store_dir(r->store), sub);
}

static bool
is_dot(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* Lower case is part of the name. */
static bool
is_hash(const char *name, struct digest *ret)
{
	char hex[DIGEST_HEX_SIZE];

	return digest_parse(span_of(name), ret) == 0 &&
	       strcmp(digest_hex(ret, hex), name) == 0;
}

/* In the right directory. */
static bool
is_blob_name(const char *sub, const char *name, struct digest *ret)
{
	return sub && is_hash(name, ret) && strncmp(name, sub, 2) == 0;
}

static int
give_name(const struct reading *r, int fd, const char *sub, const char *name)
{
	struct digest sha256;

	(void)fd;
	return is_blob_name(sub, name, &sha256) ? r->name_fn(&sha256, r->arg)
						: 0;
}

static int
give_entry(const struct reading *r, int fd, const char *sub, const char *name)
{
	char path[2 * NAME_MAX + 2];
	struct blob_dir_entry e = {.dirfd = fd, .name = name, .path = path};
	struct stat st;

	if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : cannot_read(r, sub);
	(void)snprintf(
	    path, sizeof(path), "%s%s%s", sub ? sub : "", sub ? "/" : "", name);
	e.is_blob = S_ISREG(st.st_mode) && is_blob_name(sub, name, &e.sha256);
	e.size = (uint64_t)st.st_size;
	return r->fn(&e, r->arg);
}

static int
read_sub(const struct reading *r, const char *sub)
{
	int fd = openat(store_blobs_fd(r->store), sub,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;
	int result = 0;

	if (!d) {
		result = cannot_read(r, sub);
		cleanup_fd(&fd);
		return result;
	}
	while (result == 0) {
		errno = 0;
		e = readdir(d);
		if (!e) {
			if (errno != 0)
				result = cannot_read(r, sub);
			break;
		}
		if (!is_dot(e->d_name))
			result = r->give(r, fd, sub, e->d_name);
	}
	(void)closedir(d);
	return result;
}

static bool
is_sub(int dirfd, const char *name)
{
	struct stat st;

	return strlen(name) == 2 && strspn(name, "0123456789abcdef") == 2 &&
	       fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISDIR(st.st_mode);
}

int
blob_dir_each(struct store *s, blob_dir_fn *fn, void *arg, struct error *err)
{
	const struct reading r = {
	    .store = s, .give = give_entry, .fn = fn, .arg = arg, .err = err};
	int top = store_blobs_fd(s), result = 0;
	int fd = openat(top, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (!d) {
		result = cannot_read(&r, "");
		cleanup_fd(&fd);
		return result;
	}
	while (result == 0 && (e = readdir(d)) != NULL) {
		if (is_dot(e->d_name))
			continue;
		result = is_sub(fd, e->d_name)
			     ? read_sub(&r, e->d_name)
			     : give_entry(&r, fd, NULL, e->d_name);
	}
	(void)closedir(d);
	return result;
}

int
blob_dir_each_name(struct store *s, blob_dir_name_fn *fn, void *arg)
{
	const struct reading r = {
	    .store = s, .give = give_name, .name_fn = fn, .arg = arg};
	int result = 0;

	for (unsigned i = 0; i < 256 && result == 0; i++) {
		char sub[3];

		(void)snprintf(sub, sizeof(sub), "%02x", i & 0xff);
		result = read_sub(&r, sub);
		if (result == -ENOENT)
			result = 0;
	}
	return result;
}
