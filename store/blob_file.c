#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "store/blob.h"
#include "store/blob_file.h"

char *
blob_file_name(const struct digest *sha256, char out[BLOB_FILE_NAME_SIZE])
{
	char hex[DIGEST_HEX_SIZE];

	digest_hex(sha256, hex);
	memcpy(out, hex, 2);
	out[2] = '/';
	memcpy(out + 3, hex, sizeof(hex));
	return out;
}

int
blob_present(struct store *s, const struct digest *sha256)
{
	char name[BLOB_FILE_NAME_SIZE];
	struct stat st;

	blob_file_name(sha256, name);
	if (fstatat(store_blobs_fd(s), name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	return S_ISREG(st.st_mode) ? 1 : -EIO;
}

/* Links are nobody's who may be asked: they are not followed. */
static int
open_file(int dirfd, const char *name, int flags)
{
	struct open_how how = {
	    .flags = (uint64_t)flags,
	    .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
	};
	long fd = syscall(SYS_openat2, dirfd, name, &how, sizeof(how));

	/* Linux before 5.6, and filters that do not know of it. */
	if (fd < 0 && (errno == ENOSYS || errno == EPERM))
		return openat(dirfd, name, flags | O_NOFOLLOW);
	return (int)fd;
}

bool
blob_was_damaged(struct store *s, const struct digest *sha256)
{
	char name[64 + DIGEST_HEX_SIZE] = "../../damaged/";

	digest_hex(sha256, name + strlen(name));
	return faccessat(store_blobs_fd(s), name, F_OK, AT_SYMLINK_NOFOLLOW) ==
	       0;
}

int
blob_open(struct store *s, const struct digest *sha256, uint64_t size)
{
	char name[BLOB_FILE_NAME_SIZE];
	struct stat st;
	int fd, r = 0;

	blob_file_name(sha256, name);
	fd = open_file(
	    store_blobs_fd(s), name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return errno == ELOOP ? -EIO : -errno;
	if (fstat(fd, &st) < 0)
		r = -errno;
	else if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size != size)
		r = -EIO;
	if (r == 0)
		return fd;
	(void)close(fd);
	return r;
}
