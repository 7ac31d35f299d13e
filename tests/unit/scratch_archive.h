#ifndef TESTS_SCRATCH_ARCHIVE_H
#define TESTS_SCRATCH_ARCHIVE_H

/* An archive of small text files beside the scratch store, reached by file:
 * URLs.  Include scratch_store.h first. */

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <zlib.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/hash.h"
#include "store/mirror.h"
#include "store/origin.h"

#define ARCHIVE_DATE 1747475487 /* Sat, 17 May 2025 09:51:27 UTC */

static inline void
archive_path(const struct scratch *s, const char *name, char out[512])
{
	(void)snprintf(out, 512, "%s/archive/%s", s->dir, name);
}

static inline void
archive_write(const struct scratch *s, const char *name, struct span bytes)
{
	char path[512], *slash;
	struct error err;

	archive_path(s, name, path);
	slash = strrchr(path, '/');
	*slash = '\0';
	assert_int_equal(dir_make(path, 0755, &err), 0);
	*slash = '/';
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(file_write_all(fd, bytes.ptr, bytes.len), 0);
	assert_int_equal(close(fd), 0);
}

static inline void
archive_remove(const struct scratch *s, const char *name)
{
	char path[512];

	archive_path(s, name, path);
	assert_int_equal(remove(path), 0);
}

/* text as a gzip member; release the buffer. */
static inline struct buf
gzipped(struct span text)
{
	struct buf out = {0};
	z_stream z = {0};

	assert_int_equal(
	    deflateInit2(&z, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
	assert_int_equal(buf_reserve(&out, text.len + 1024), 0);
	z.next_in = (unsigned char *)(uintptr_t)text.ptr;
	z.avail_in = (unsigned)text.len;
	z.next_out = (unsigned char *)out.ptr;
	z.avail_out = (unsigned)(text.len + 1024);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	out.len = z.total_out;
	assert_int_equal(deflateEnd(&z), Z_OK);
	return out;
}

/* Adds a line to the list of files in a Release. */
static inline void
release_add(struct buf *files, const char *path, struct span bytes)
{
	struct digest d;
	char hex[DIGEST_HEX_SIZE];

	digest_of(bytes.ptr, bytes.len, &d);
	assert_int_equal(buf_addf(files, " %s %zu %s\n", digest_hex(&d, hex),
			     bytes.len, path),
	    0);
}

/* Lists the index plain and gzipped, and writes the gzipped one. */
static inline void
archive_index(const struct scratch *s, struct buf *files, const char *dir,
    const char *path, const char *text)
{
	struct buf gz = gzipped(span_of(text));
	char name[256];

	release_add(files, path, span_of(text));
	(void)snprintf(name, sizeof(name), "%s.gz", path);
	release_add(files, name, buf_span(&gz));
	(void)snprintf(name, sizeof(name), "%s%s.gz", dir, path);
	archive_write(s, name, buf_span(&gz));
	buf_release(&gz);
}

/* One stanza; the file is "pool/<name>.deb" with the content "<name>\n". */
static inline void
add_stanza(struct buf *b, const char *name, const char *version)
{
	struct digest d;
	char hex[DIGEST_HEX_SIZE], content[128];

	(void)snprintf(content, sizeof(content), "%s %s\n", name, version);
	digest_of(content, strlen(content), &d);
	assert_int_equal(buf_addf(b,
			     "Package: %s\nVersion: %s\nArchitecture: amd64\n"
			     "Filename: pool/%s_%s.deb\nSize: %zu\n"
			     "SHA256: %s\nDescription: a package\n\n",
			     name, version, name, version, strlen(content),
			     digest_hex(&d, hex)),
	    0);
}

/* The file that add_stanza() named. */
static inline void
archive_deb(const struct scratch *s, const char *name, const char *version)
{
	char path[256], content[128];

	(void)snprintf(path, sizeof(path), "pool/%s_%s.deb", name, version);
	(void)snprintf(content, sizeof(content), "%s %s\n", name, version);
	archive_write(s, path, span_of(content));
}

struct archive_mirror {
	struct scratch *s;
	struct mirror m;
	struct origin o;
};

static inline int
archive_mirror_put(struct txn *t, void *arg, struct error *err)
{
	struct archive_mirror *a = arg;
	int r = origin_put(t, &a->o);

	(void)err;
	a->m.origin = a->o.number;
	return r < 0 ? r : mirror_put(t, &a->m);
}

/* Enters a mirror of the archive; unsigned archives are accepted. */
static inline void
archive_mirror(struct scratch *s, const char *name, const char *suite,
    const char *components)
{
	char url[512];
	struct archive_mirror a = {.s = s, .m = {.allow_unsigned = true}};

	(void)snprintf(url, sizeof(url), "file://%s/archive/", s->dir);
	a.o.url = strdup(url);
	a.m.name = strdup(name);
	a.m.suite = strdup(suite);
	assert_true(a.o.url && a.m.name && a.m.suite);
	assert_int_equal(
	    strs_add_split(&a.m.components, span_of(components), 0), 0);
	scratch_write(s, archive_mirror_put, &a);
	origin_release(&a.o);
	mirror_release(&a.m);
}

#endif
