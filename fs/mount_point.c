#include "fs/mount_point.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdint.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"

#define MOUNTINFO     "/proc/self/mountinfo"
#define MOUNTINFO_MAX (16 * 1024 * 1024)

/* proc(5): id, parent, major:minor, root, mount point, options, optional
 * fields, "-", type, source, super options. */
int
mount_line_parse(struct span line, struct mount_line *ret)
{
	struct mount_line l = {0};
	struct span word;

	for (unsigned i = 0; i < 6; i++) {
		if (!span_word(&line, &word))
			return -EBADMSG;
		if (i == 2)
			l.device = word;
		else if (i == 4)
			l.where = word;
	}
	do {
		if (!span_word(&line, &word))
			return -EBADMSG;
	} while (!span_eq(word, SPAN("-")));
	if (!span_word(&line, &l.type))
		return -EBADMSG;
	*ret = l;
	return 0;
}

/* The path as the kernel writes it there. */
static int
escape(const char *path, struct buf *out)
{
	for (const char *p = path; *p; p++) {
		if (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\\')
			(void)buf_addf(out, "\\%03o", (unsigned)*p);
		else
			(void)buf_add_char(out, *p);
	}
	return out->failed ? -ENOMEM : 0;
}

/* The uppermost mount at a path: 1 with *ret filled, or 0.  text is what *ret
 * points into. */
static int
find_mount(const char *where, struct buf *text, struct mount_line *ret)
{
	CLEANUP(buf_release) struct buf name = {0};
	struct span rest, line;
	int found = 0;
	int r = escape(where, &name);

	if (r == 0)
		r = file_read(AT_FDCWD, MOUNTINFO, MOUNTINFO_MAX, text, NULL);
	if (r < 0)
		return r;
	rest = buf_span(text);
	while (span_cut(&rest, '\n', &line)) {
		struct mount_line l;

		if (mount_line_parse(line, &l) == 0 &&
		    span_eq(l.where, buf_span(&name))) {
			*ret = l;
			found = 1;
		}
	}
	return found;
}

/* Is path dir itself, or below it?  Both are absolute. */
static bool
is_within(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	/* The root ends in the slash that others are followed by. */
	if (len == 1)
		return true;
	return strncmp(path, dir, len) == 0 &&
	       (path[len] == '\0' || path[len] == '/');
}

static int
is_mounted(const char *path, struct span type, struct error *err)
{
	struct statvfs st;

	/* What stat(2) says may be from the kernel's memory. */
	if (statvfs(path, &st) < 0 &&
	    (errno == ENOTCONN || errno == ECONNABORTED))
		return error_set(err, -EBUSY,
		    "%s: a mount that has died is there; unmount it first",
		    path);
	return error_set(err, -EBUSY,
	    "%s: something is mounted there already (%.*s)", path,
	    SPAN_ARG(type));
}

static int
check_place(const char *path, const char *store, struct error *err)
{
	CLEANUP(buf_release) struct buf text = {0};
	struct mount_line line;
	int r;

	if (is_within(path, store))
		return error_set(
		    err, -EINVAL, "%s: is in the store %s", path, store);
	if (is_within(store, path))
		return error_set(err, -EINVAL,
		    "%s: the store %s is in it and would be hidden", path,
		    store);
	r = find_mount(path, &text, &line);
	if (r < 0)
		return error_sys(err, r, "%s", MOUNTINFO);
	/* Other file systems may be mounted over (an autofs wants to be). */
	if (r == 1 && (span_eq(line.type, SPAN("fuse")) ||
			  span_starts(line.type, SPAN("fuse."))))
		return is_mounted(path, line.type, err);
	return 0;
}

int
mount_point_check(
    const char *name, const char *store, char **ret, struct error *err)
{
	struct stat st;
	CLEANUP_FREE char *path = NULL;
	int r;

	if (stat(name, &st) < 0) {
		if (errno == ENOTCONN)
			return is_mounted(name, SPAN("fuse"), err);
		if (errno == ENOENT)
			return error_set(err, -ENOENT,
			    "%s: there is no such directory to mount on", name);
		return error_sys(err, -errno, "%s", name);
	}
	if (!S_ISDIR(st.st_mode))
		return error_set(err, -ENOTDIR, "%s: is not a directory", name);
	path = realpath(name, NULL);
	if (!path)
		return error_sys(err, -errno, "%s", name);
	r = check_place(path, store, err);
	if (r < 0)
		return r;
	*ret = TAKE(path);
	return 0;
}

void
mount_point_read_ahead(const char *where)
{
	CLEANUP(buf_release) struct buf text = {0};
	struct mount_line line;
	char name[64];
	CLEANUP_FD int fd = -1;

	if (find_mount(where, &text, &line) != 1 || line.device.len > 32)
		return;
	(void)snprintf(name, sizeof(name), "/sys/class/bdi/%.*s/read_ahead_kb",
	    SPAN_ARG(line.device));
	fd = open(name, O_WRONLY | O_CLOEXEC);
	if (fd >= 0)
		(void)dprintf(fd, "%d\n", READ_AHEAD_KB);
}

void
mount_point_unmount(const char *where)
{
	char *const argv[] = {(char[]){"fusermount3"}, (char[]){"-uqz"},
	    (char[]){"--"}, (char *)(uintptr_t)where, NULL};
	pid_t pid;

	if (umount2(where, MNT_DETACH) == 0)
		return;
	if (posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ) == 0)
		(void)waitpid(pid, NULL, 0);
}
