#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

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

int
blob_open(struct store *s, const struct digest *sha256, uint64_t size)
{
	char name[BLOB_FILE_NAME_SIZE];
	struct stat st;
	int fd, r = 0;

	blob_file_name(sha256, name);
	fd = openat(store_blobs_fd(s), name,
	    O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		r = -errno;
	else if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size != size)
		r = -EIO;
	if (r == 0)
		return fd;
	(void)close(fd);
	return r;
}
