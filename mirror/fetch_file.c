#include "mirror/fetch_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/url.h"
#include "mirror/fetch_url.h"

#define BLOCK (128 * 1024) /* bytes read at once */

static int
fill_answer(const struct stat *st, struct fetch_answer *ret)
{
	if (asprintf(&ret->etag, "\"%llx-%llx-%llx.%09lx\"",
		(unsigned long long)st->st_ino, (unsigned long long)st->st_size,
		(unsigned long long)st->st_mtim.tv_sec,
		(unsigned long)st->st_mtim.tv_nsec) < 0) {
		ret->etag = NULL;
		return -ENOMEM;
	}
	ret->validator = strdup(ret->etag);
	if (!ret->validator)
		return -ENOMEM;
	ret->last_modified = st->st_mtim.tv_sec;
	return 0;
}

static bool
is_unchanged(const struct fetch_request *rq, const struct fetch_answer *answer)
{
	if (rq->if_none_match)
		return strcmp(rq->if_none_match, answer->etag) == 0;
	return rq->if_modified_since != 0 &&
	       answer->last_modified <= rq->if_modified_since;
}

static int
open_regular(const char *path, const char *shown, int *ret, struct stat *st,
    struct error *err)
{
	/* Non-blocking, for a FIFO would keep us waiting. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0) {
		int r = -errno;
		bool absent = r == -ENOENT || r == -ENOTDIR;

		return error_set(err, absent ? -ENOENT : -EIO, "%s: %s", shown,
		    strerrordesc_np(-r));
	}
	if (fstat(fd, st) < 0 || !S_ISREG(st->st_mode)) {
		(void)close(fd);
		return error_set(err, -EIO, "%s: not a regular file", shown);
	}
	*ret = fd;
	return 0;
}

static int
copy(int fd, off_t offset, const struct fetch_request *rq,
    const struct fetch_sink *sink, struct fetch_answer *ret, struct error *err)
{
	char shown[URL_SHOWN_SIZE];
	CLEANUP_FREE char *block = malloc(BLOCK);

	if (!block)
		return error_set(err, -ENOMEM, "out of memory");
	for (;;) {
		ssize_t n;
		int r;

		if (rq->cancel && atomic_load(rq->cancel))
			return error_set(err, -EINTR, "%s: stopped",
			    url_shown(rq->url, shown));
		n = file_pread_all(fd, block, BLOCK, offset);
		if (n < 0)
			return error_set(err, -EIO, "%s: %s",
			    url_shown(rq->url, shown),
			    strerrordesc_np((int)-n));
		if (n == 0)
			return 0;
		offset += n;
		/* Once more: the file may grow while it is read. */
		if (rq->max_bytes && (uint64_t)offset > rq->max_bytes)
			return error_set(err, -E2BIG,
			    "%s: longer than %llu bytes",
			    url_shown(rq->url, shown),
			    (unsigned long long)rq->max_bytes);
		r = sink->write(sink->arg, block, (size_t)n);
		if (r < 0)
			return r;
		ret->bytes += (uint64_t)n;
	}
}

int
fetch_file(const struct fetch_request *rq, const struct fetch_sink *sink,
    struct fetch_answer *ret, struct error *err)
{
	char shown[URL_SHOWN_SIZE];
	CLEANUP_FREE char *path = NULL;
	int r;
	CLEANUP_FD int fd = -1;
	struct stat st = {0};
	uint64_t from = 0;
	bool same;

	(void)url_shown(rq->url, shown);
	r = url_file_path(rq->url, &path);
	if (r == -ENOMEM)
		return error_set(err, r, "out of memory");
	if (r < 0)
		return error_set(err, -EIO, "%s: no well-formed URL", shown);
	r = open_regular(path, shown, &fd, &st, err);
	if (r < 0)
		return r;
	r = fill_answer(&st, ret);
	if (r < 0)
		return error_set(err, r, "out of memory");
	if (is_unchanged(rq, ret)) {
		ret->not_modified = true;
		return 0;
	}
	if (rq->max_bytes && (uint64_t)st.st_size > rq->max_bytes)
		return error_set(err, -E2BIG, "%s: longer than %llu bytes",
		    shown, (unsigned long long)rq->max_bytes);
	same = rq->if_range && strcmp(rq->if_range, ret->etag) == 0;
	if ((same || rq->from_anyway) && rq->from <= (uint64_t)st.st_size)
		from = rq->from;
	r = sink->begin(sink->arg, from);
	if (r < 0)
		return r;
	return copy(fd, (off_t)from, rq, sink, ret, err);
}
