#include "fs/reader.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "fs/list_reader.h"
#include "store/blob.h"
#include "store/form.h"
#include "store/text.h"

struct reader {
	struct read_pool *pool; /* NULL: the bytes are all there are */
	atomic_uint refs;	/* who has it open, and who reads ahead */
	struct content content;
	uint64_t size;
	int fd;			  /* of a blob, or -1 */
	bool was_damaged;	  /* likewise: its file was another one */
	struct list_reader *list; /* of a list, or NULL */
	pthread_mutex_t lock;	  /* of the rest */
	bool loaded;
	struct form form; /* CONTENT_FORM */
	struct buf bytes; /* the whole of a small content */
};

void
reader_close(struct reader *r)
{
	if (!r || atomic_fetch_sub(&r->refs, 1) > 1)
		return;
	if (r->fd >= 0)
		(void)close(r->fd);
	list_reader_free(r->list);
	form_release(&r->form);
	buf_release(&r->bytes);
	(void)pthread_mutex_destroy(&r->lock);
	free(r);
}

static struct reader *
reader_new(void)
{
	struct reader *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->fd = -1;
	atomic_init(&r->refs, 1);
	/* Does not fail with default attributes on Linux. */
	(void)pthread_mutex_init(&r->lock, NULL);
	return r;
}

int
reader_open_bytes(struct span bytes, struct reader **ret)
{
	CLEANUP(reader_cleanup) struct reader *r = reader_new();

	if (!r || buf_add_span(&r->bytes, bytes) < 0)
		return -ENOMEM;
	r->loaded = true;
	r->size = bytes.len;
	*ret = TAKE(r);
	return 0;
}

static int
open_blob(struct reader *r, const struct digest *sha256)
{
	struct store *s = read_pool_store(r->pool);
	int fd = blob_open(s, sha256, r->size);

	if (fd < 0)
		return fd == -ENOENT ? -EREMOTE : fd;
	r->fd = fd;
	r->was_damaged = blob_was_damaged(s, sha256);
	return 0;
}

int
reader_open(struct read_pool *p, struct content c, struct reader **ret)
{
	CLEANUP(txn_cleanup) struct txn *t = NULL;
	CLEANUP(reader_cleanup) struct reader *r = reader_new();
	struct content_info info = {0};
	int result;

	if (!r)
		return -ENOMEM;
	result = txn_read(read_pool_store(p), &t, NULL);
	if (result == 0)
		result = content_info(t, c, &info);
	if (result < 0)
		return result;
	r->pool = p;
	r->content = c;
	r->size = info.size;
	if (c.kind == CONTENT_BLOB)
		result = open_blob(r, &info.sha256);
	else if (c.kind == CONTENT_LIST)
		result = list_reader_new(p, c.number, &r->list);
	if (result < 0)
		return result;
	*ret = TAKE(r);
	return 0;
}

uint64_t
reader_size(const struct reader *r)
{
	return r->size;
}

bool
reader_was_damaged(const struct reader *r)
{
	return r->was_damaged;
}

int
reader_fd(const struct reader *r)
{
	return r->fd;
}

static int
load_stanza(struct reader *r, struct txn *t)
{
	struct renderer *renderer;
	int result = read_pool_take(r->pool, &renderer);

	if (result < 0)
		return result;
	result = heavy_stanza(renderer->heavy, t, r->content.number, &r->bytes);
	read_pool_put(r->pool, renderer);
	return result;
}

/* Reads what the first read needs: the whole of a small content, or where in
 * a large one each part stands. */
static int
load(struct reader *r, struct txn *t)
{
	uint64_t number = r->content.number;
	int result = -EINVAL;

	switch (r->content.kind) {
	case CONTENT_FORM:
		return form_load(t, number, &r->form);
	case CONTENT_TEXT:
		result = text_get(t, number, &r->bytes);
		break;
	case CONTENT_STANZA:
		result = load_stanza(r, t);
		break;
	case CONTENT_LIST:
	case CONTENT_BLOB:
		break;
	}
	if (result == 0 && r->bytes.len != r->size)
		result = -EIO;
	if (result < 0)
		buf_clear(&r->bytes);
	return result;
}

/* A request under way: where the next byte goes and how many are wanted. */
struct want {
	char *ptr;
	size_t len;
	uint64_t offset;
};

/* Serves what part, which begins at an offset, has of the wanted bytes; -EIO
 * where it has none. */
static int
copy_part(struct want *w, struct span part, uint64_t begins)
{
	uint64_t skip = w->offset - begins;
	size_t n;

	if (w->offset < begins || skip >= part.len)
		return -EIO;
	n = part.len - (size_t)skip;
	if (n > w->len)
		n = w->len;
	memcpy(w->ptr, part.ptr + skip, n);
	w->ptr += n;
	w->len -= n;
	w->offset += n;
	return 0;
}

/* The piece that has the byte. */
static size_t
piece_at(const struct form *f, uint64_t offset)
{
	size_t low = 0, high = f->npieces;

	while (high - low > 1) {
		size_t mid = low + (high - low) / 2;

		if (f->offset[mid] <= offset)
			low = mid;
		else
			high = mid;
	}
	return low;
}

static int
read_piece(const struct form *f, struct txn *t, size_t i, struct want *w)
{
	struct span piece;
	int result;

	if (i >= f->npieces)
		return -EIO;
	result = piece_get(t, f->run[i], f->codec, &piece);
	if (result < 0)
		return result;
	if (piece.len != f->offset[i + 1] - f->offset[i])
		return -EIO;
	return copy_part(w, piece, f->offset[i]);
}

static int
read_form(const struct form *f, struct txn *t, struct want *w)
{
	uint64_t end = f->offset[f->npieces]; /* of the last piece */
	int result = 0;

	if (w->offset < f->head.len)
		result = copy_part(w, buf_span(&f->head), 0);
	for (size_t i = piece_at(f, w->offset);
	     result == 0 && w->len > 0 && w->offset < end; i++)
		result = read_piece(f, t, i, w);
	if (result == 0 && w->len > 0)
		result = copy_part(w, buf_span(&f->tail), end);
	return result == 0 && w->len > 0 ? -EIO : result;
}

static int
read_with_txn(struct reader *r, struct want *w)
{
	CLEANUP(txn_cleanup) struct txn *t = NULL;

	int result = txn_read(read_pool_store(r->pool), &t, NULL);

	if (result == 0 && !r->loaded) {
		result = load(r, t);
		r->loaded = result == 0;
	}
	if (result < 0)
		return result;
	if (r->content.kind == CONTENT_FORM)
		return read_form(&r->form, t, w);
	return copy_part(w, buf_span(&r->bytes), 0);
}

static int
read_locked(struct reader *r, struct want *w)
{
	if (r->loaded && r->content.kind != CONTENT_FORM)
		return copy_part(w, buf_span(&r->bytes), 0);
	return read_with_txn(r, w);
}

static int
read_rendered(struct reader *r, struct want *w)
{
	int result;

	if (r->list)
		return list_reader_read(r->list, w->ptr, w->len, w->offset);
	(void)pthread_mutex_lock(&r->lock);
	result = read_locked(r, w);
	(void)pthread_mutex_unlock(&r->lock);
	return result;
}

ssize_t
reader_read(struct reader *r, void *ptr, size_t len, uint64_t offset)
{
	struct want w = {ptr, len, offset};
	int result;

	if (offset >= r->size)
		return 0;
	if (len > r->size - offset)
		w.len = len = (size_t)(r->size - offset);
	if (r->fd >= 0) {
		ssize_t n = file_pread_all(r->fd, ptr, len, (off_t)offset);

		return n >= 0 && (size_t)n < len ? -EIO : n;
	}
	result = read_rendered(r, &w);
	/* The content was there when it was opened. */
	if (result == -ENOENT)
		result = -EIO;
	return result < 0 ? result : (ssize_t)len;
}

bool
reader_begin_ahead(struct reader *r)
{
	if (!r->list || !list_reader_begin_ahead(r->list))
		return false;
	(void)atomic_fetch_add(&r->refs, 1);
	return true;
}

void
reader_ahead(struct reader *r)
{
	list_reader_ahead(r->list);
	reader_close(r);
}
