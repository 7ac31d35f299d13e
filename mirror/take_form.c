/* One form of an index, at one place, into the store. */

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/url.h"
#include "mirror/rate.h"
#include "mirror/take_form.h"
#include "mirror/unpack.h"
#include "store/blob.h"

#define INDEX_MAX_PLAIN (UINT64_C(16) << 30) /* where Release has no size */
#define READ_BLOCK	(256 * 1024)

void
take_release(struct take *t)
{
	pipeline_free(t->pipeline);
	blob_writer_free(t->writer);
	hash_free(t->hash);
}

static int
start_pipeline(struct take *t, struct error *err)
{
	struct pipeline_opts opts = {.kind = t->w->kind,
	    .codec = t->form->codec,
	    .limit = t->w->plain ? t->w->plain->size : INDEX_MAX_PLAIN};

	pipeline_free(t->pipeline);
	t->pipeline = NULL;
	return pipeline_new(t->u->store, &opts, &t->pipeline, err);
}

/* The body begins, for the first time or anew. */
static int
sink_begin(void *arg, uint64_t from)
{
	struct take *t = arg;
	struct digest dropped;

	t->got = 0;
	t->sink = from != 0 ? -EIO : 0; /* nothing but all was asked for */
	if (t->sink == 0 && t->writer)
		t->sink = blob_writer_restart(t->writer);
	if (t->hash)
		hash_end(t->hash, &dropped);
	if (t->sink < 0)
		return error_sys(&t->sink_err, t->sink, "cannot begin anew");
	t->sink = start_pipeline(t, &t->sink_err);
	return t->sink;
}

static void
count(struct take *t)
{
	if (t->got <= t->counted)
		return;
	progress_add(t->u->opts->progress, t->got - t->counted, 0);
	t->counted = t->got;
}

/*
 * The bytes are hashed to the end even where the pipeline has given up: the
 * hash tells whether these are the right bytes, and so whose fault it is.
 */
static int
sink_write(void *arg, const void *ptr, size_t len)
{
	struct take *t = arg;

	t->got += len;
	if (t->writer)
		t->sink = blob_writer_add(t->writer, ptr, len, &t->sink_err);
	else if (t->got > t->form->file->size)
		t->sink = error_set(&t->sink_err, -EBADMSG,
		    "more than the announced %" PRIu64 " bytes",
		    t->form->file->size);
	else
		hash_add(t->hash, ptr, len);
	if (t->sink < 0)
		return t->sink;
	count(t);
	if (pipeline_add(t->pipeline, ptr, len) == -ENOMEM)
		t->sink = error_sys(&t->sink_err, -ENOMEM, "cannot read");
	else if (rate_pay(t->u->rate, len, t->u->opts->cancel) < 0)
		t->sink = error_set(&t->sink_err, -EINTR, "stopped");
	return t->sink;
}

static struct fetch_request
request_of(const struct take *t)
{
	struct fetch_request rq = update_request(t->u, t->url);

	rq.origin = t->origin;
	rq.max_bytes = t->form->file->size;
	return rq;
}

static int
transfer(struct take *t, struct error *err)
{
	struct fetch_request rq = request_of(t);
	struct fetch_sink sink = {sink_begin, sink_write, t};
	CLEANUP(fetch_answer_release) struct fetch_answer answer = {0};
	int r;

	r = fetch(t->u->fetcher, &rq, &sink, &answer, err);
	if (r < 0 && t->sink < 0)
		return error_set(err, r, "%s: %s", t->shown, t->sink_err.text);
	if (r < 0)
		return r;
	t->u->result.bytes += answer.bytes;
	if (t->pipeline)
		return 0;
	/* An empty body. */
	r = sink_begin(t, 0);
	if (r < 0)
		return error_set(err, r, "%s: %s", t->shown, t->sink_err.text);
	return 0;
}

/* Are the bytes those that Release announces? */
static int
check_bytes(struct take *t, struct error *err)
{
	const struct release_file *file = t->form->file;
	struct digest got;

	if (t->writer)
		return blob_writer_end(t->writer, err);
	if (t->got != file->size)
		return error_set(err, -EBADMSG,
		    "%" PRIu64 " bytes instead of the announced %" PRIu64,
		    t->got, file->size);
	hash_end(t->hash, &got);
	if (!digest_eq(&got, &file->sha256))
		return error_set(
		    err, -EBADMSG, "SHA-256 differs from the announced one");
	return 0;
}

/* The plain index against Release, and into the store. */
static int
store_list(struct take *t, struct error *err)
{
	const struct release_file *plain = t->w->plain;
	struct digest digest;
	uint64_t len;
	int r = pipeline_end(t->pipeline, &digest, &len, err);

	if (r < 0) {
		/* A damaged form may have a sound sister; a malformed index
		 * is the same in all of them. */
		t->final = pipeline_malformed(t->pipeline);
		return r;
	}
	if (plain &&
	    (len != plain->size || !digest_eq(&digest, &plain->sha256)))
		return error_set(err, -EBADMSG,
		    "decompressed it is not the %s that Release announces",
		    t->w->path);
	return pipeline_store(t->pipeline, &t->result, err);
}

/* Reads a form that is already here through the pipeline. */
static int
read_present(struct take *t, struct error *err)
{
	const struct release_file *file = t->form->file;
	CLEANUP_FREE char *block = malloc(READ_BLOCK);
	CLEANUP_FD int fd = blob_open(t->u->store, &file->sha256, file->size);
	off_t at = 0;
	int r;

	if (!block)
		return error_sys(err, -ENOMEM, "cannot read an index");
	if (fd < 0)
		return error_sys(err, fd, "cannot open the kept index");
	r = start_pipeline(t, err);
	while (r == 0) {
		ssize_t n = file_pread_all(fd, block, READ_BLOCK, at);

		if (n < 0)
			return error_sys(err, (int)n, "cannot read the index");
		if (n == 0)
			break;
		at += n;
		if (pipeline_add(t->pipeline, block, (size_t)n) < 0)
			break; /* pipeline_end() says why */
		r = update_cancelled(t->u, err);
	}
	progress_add(t->u->opts->progress, file->size, 0);
	return r < 0 ? r : store_list(t, err);
}

static int
open_writer(struct take *t, const struct release_file *file,
    struct blob_writer **ret, struct error *err)
{
	struct blob_wish wish = {file->sha256, file->size, t->u->opts->cancel};
	uint64_t have;

	return blob_writer_open(t->u->store, &wish, ret, &have, err);
}

/* 1: the form stands in the blob store; 0: t is ready for a transfer. */
static int
open_sinks(struct take *t, struct error *err)
{
	const struct release_file *file = t->form->file;
	int r;

	if (t->form->codec == CODEC_PLAIN) {
		r = hash_new(&t->hash);
		return r < 0 ? error_sys(err, r, "cannot read an index") : 0;
	}
	r = open_writer(t, file, &t->writer, err);
	return r == -EEXIST ? 1 : r;
}

/* Reads what is fetched ahead as it comes.  1: it could not be had so. */
static int
read_ahead(struct take *t, struct error *err)
{
	CLEANUP_FREE char *block = malloc(READ_BLOCK);
	uint64_t at = 0;
	ssize_t n;
	int r;

	if (!block)
		return error_sys(err, -ENOMEM, "cannot read an index");
	r = start_pipeline(t, err);
	if (r < 0)
		return r;
	for (;;) {
		n = ahead_read(t->ahead, t->at, at, block, READ_BLOCK);
		if (n <= 0)
			break;
		at += (uint64_t)n;
		/* pipeline_end() says why; whose fault it is, the hash. */
		(void)!pipeline_add(t->pipeline, block, (size_t)n);
	}
	t->counted = ahead_bytes_of(t->ahead, t->at);
	if (n == -ENOENT)
		return 1;
	if (n == -EINTR)
		return error_set(err, -EINTR, "stopped");
	if (n < 0)
		return error_sys(err, (int)n, "cannot read the index");
	return store_list(t, err);
}

/* Tries one form at one place. */
static int
take_from(struct take *t, struct error *err)
{
	int r = t->ahead ? read_ahead(t, err) : 1;

	if (r == 1)
		r = open_sinks(t, err);
	else
		return r < 0 ? error_prefix(err, r, "%s", t->shown) : 0;
	if (r < 0)
		return r;
	if (r > 0) {
		r = read_present(t, err);
		return r < 0 ? error_prefix(err, r, "%s", t->shown) : 0;
	}
	r = transfer(t, err);
	if (r < 0)
		return r;
	r = check_bytes(t, err);
	if (r == 0)
		r = store_list(t, err);
	return r < 0 ? error_prefix(err, r, "%s", t->shown) : 0;
}

/*
 * Where the list does not render as the index was (odd blank lines, CRLF),
 * the plain index itself is kept, to be served in its place.
 */
struct keep {
	struct blob_writer *writer;
	int sink; /* why it took no more */
	struct error sink_err;
};

static int
keep_begin(void *arg, uint64_t from)
{
	struct keep *k = arg;

	k->sink = from == 0 ? blob_writer_restart(k->writer) : -EIO;
	if (k->sink < 0)
		return error_sys(&k->sink_err, k->sink, "cannot begin anew");
	return 0;
}

static int
keep_write(void *arg, const void *ptr, size_t len)
{
	struct keep *k = arg;

	k->sink = blob_writer_add(k->writer, ptr, len, &k->sink_err);
	return k->sink;
}

static int
keep_from_blob(struct take *t, struct keep *k, struct error *err)
{
	const struct release_file *file = t->form->file;
	struct unpack u = {t->u->store, file->sha256, file->size,
	    t->form->codec, t->w->plain->size, t->u->opts->cancel};

	return unpack_into(&u, k->writer, err);
}

static int
keep_from_url(struct take *t, struct keep *k, struct error *err)
{
	struct fetch_request rq = request_of(t);
	struct fetch_sink sink = {keep_begin, keep_write, k};
	CLEANUP(fetch_answer_release) struct fetch_answer answer = {0};

	return fetch(t->u->fetcher, &rq, &sink, &answer, err);
}

static int
keep_plain(struct take *t, struct error *err)
{
	const struct release_file *plain = t->w->plain;
	struct keep k = {0};
	int r;

	if (!plain || digest_eq(&t->result.rendered, &plain->sha256))
		return 0;
	r = open_writer(t, plain, &k.writer, err);
	if (r < 0)
		return r == -EEXIST ? 0 : r;
	r = blob_writer_restart(k.writer);
	if (r < 0)
		r = error_sys(err, r, "cannot keep %s", t->w->path);
	else if (t->form->codec == CODEC_PLAIN)
		r = keep_from_url(t, &k, err);
	else
		r = keep_from_blob(t, &k, err);
	if (r == 0)
		r = blob_writer_end(k.writer, err);
	else if (k.sink < 0)
		(void)error_set(err, r, "%s", k.sink_err.text);
	blob_writer_free(k.writer);
	return r < 0 ? error_prefix(err, r, "%s", t->shown) : 0;
}

int
take_form(struct take *t, struct error *err)
{
	int r = update_cancelled(t->u, err);

	(void)url_shown(t->url, t->shown);
	if (r == 0)
		r = take_from(t, err);
	if (r == 0)
		r = keep_plain(t, err);
	return r;
}
