/* One index from the archive into the store. */

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/url.h"
#include "mirror/pipeline.h"
#include "mirror/unpack.h"
#include "mirror/update_run.h"
#include "store/blob.h"

#define INDEX_MAX_PLAIN (UINT64_C(16) << 30) /* where Release has no size */
#define READ_BLOCK	(256 * 1024)

/* One try to take one form of an index. */
struct take {
	struct update *u;
	const struct wanted *w;
	const struct wanted_form *form;
	const char *url;
	const struct origin *origin; /* NULL at a fallback */
	char shown[URL_SHOWN_SIZE];  /* the URL, for messages */
	struct pipeline *pipeline;
	/* What keeps the compressed bytes and checks their hash; for a plain
	 * index only the hash, which the pipeline makes anyway. */
	struct blob_writer *writer;
	struct hash *hash; /* of a plain one */
	uint64_t got;	   /* bytes */
	uint64_t counted;  /* of these: shown as progress */
	/* Why the sink ended the transfer. */
	int sink;
	struct error sink_err;
	struct ingest_result result;
	/* Another form can't help: the bytes are those announced. */
	bool final;
};

static void
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

/* Tries one form at one place. */
static int
take_from(struct take *t, struct error *err)
{
	int r = open_sinks(t, err);

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

/* The search through forms and places. */
struct search {
	struct update *u;
	const struct wanted *w;
	bool by_hash; /* the archive offers it */
	uint64_t list;
	int last; /* the error of the last place */
	/* The error to tell: the first that says more than "not there". */
	int why;
	struct error why_err;
};

static bool
goes_on_after(int r)
{
	return r == -ENOENT || r == -EACCES || r == -EBADMSG || r == -E2BIG;
}

static void
remember(struct search *s, int r, const struct error *err)
{
	s->last = r;
	if (s->why != 0 && (s->why != -ENOENT || r == -ENOENT))
		return;
	s->why = r;
	s->why_err = *err;
}

static void
count_taken(struct search *s, const struct ingest_result *result)
{
	s->list = result->list;
	s->u->result.indexes++;
	s->u->result.packages += result->packages;
	s->u->result.new_packages += result->new_packages;
}

/* 1: taken; 0: try elsewhere; or an error that ends the update. */
static int
try_url(struct search *s, const struct wanted_form *form, const char *url,
    const struct origin *origin, struct error *err)
{
	CLEANUP(take_release)
	struct take t = {
	    .u = s->u, .w = s->w, .form = form, .url = url, .origin = origin};
	int r;

	if (!url)
		return error_sys(err, -ENOMEM, "cannot fetch an index");
	(void)url_shown(url, t.shown);
	r = update_cancelled(s->u, err);
	if (r == 0)
		r = take_from(&t, err);
	if (r == 0)
		r = keep_plain(&t, err);
	/* Only now is it sure that the archive says so. */
	if (r == 0) {
		r = index_seen(s->u, t.result.list, err);
		if (r < 0)
			return r;
		count_taken(s, &t.result);
		return 1;
	}
	if (t.final || !goes_on_after(r))
		return r;
	remember(s, r, err);
	return 0;
}

/* The paths of a form below the archive's root. */
struct paths {
	struct buf by_hash, by_name;
};

static void
paths_release(struct paths *p)
{
	buf_release(&p->by_hash);
	buf_release(&p->by_name);
}

static int
paths_of(const struct search *s, const struct wanted_form *form,
    struct paths *ret, struct error *err)
{
	(void)buf_add_str(&ret->by_hash, s->u->dir); /* failed tells */
	(void)release_by_hash(form->file, &ret->by_hash);
	(void)buf_add_str(&ret->by_name, s->u->dir);
	(void)buf_add_span(&ret->by_name, form->file->path);
	if (ret->by_hash.failed || ret->by_name.failed)
		return error_sys(err, -ENOMEM, "cannot fetch an index");
	return 0;
}

static int
try_own(struct search *s, const struct wanted_form *form,
    const struct buf *path, struct error *err)
{
	CLEANUP_FREE char *url = origin_url(&s->u->origin, buf_span(path));

	return try_url(s, form, url, &s->u->origin, err);
}

static int
try_form(struct search *s, const struct wanted_form *form, struct error *err)
{
	CLEANUP(paths_release) struct paths paths = {0};
	int r = paths_of(s, form, &paths, err);

	if (r == 0 && s->by_hash)
		r = try_own(s, form, &paths.by_hash, err);
	if (r == 0)
		r = try_own(s, form, &paths.by_name, err);
	/* Other content under the name: the archive has moved on.  It may have
	 * the old file by hash, though it does not say so. */
	if (r == 0 && !s->by_hash && s->last == -EBADMSG)
		r = try_own(s, form, &paths.by_hash, err);
	else
		return r;
	/* Whatever it says to that, it was not promised. */
	return r == -EIO ? 0 : r;
}

static int
try_fallback(struct search *s, const struct wanted_form *form, size_t index,
    struct error *err)
{
	const struct origin *o = &s->u->origin;
	const struct digest *sha256 = &form->file->sha256;
	CLEANUP(paths_release) struct paths paths = {0};
	CLEANUP_FREE char *by_hash = NULL;
	CLEANUP_FREE char *by_name = NULL;
	int r = paths_of(s, form, &paths, err);

	if (r < 0)
		return r;
	by_hash = origin_fallback(o, index, buf_span(&paths.by_hash), sha256);
	by_name = origin_fallback(o, index, buf_span(&paths.by_name), sha256);
	if (s->by_hash)
		r = try_url(s, form, by_hash, NULL, err);
	if (r == 0 && !(s->by_hash && by_name && strcmp(by_hash, by_name) == 0))
		r = try_url(s, form, by_name, NULL, err);
	return r;
}

/* Where there are fallbacks, a server in trouble ends nothing but the tries
 * there. */
static int
go_on(struct search *s, int r, const struct error *err)
{
	if (r != -EIO || s->u->origin.fallbacks.n == 0)
		return r;
	remember(s, r, err);
	return 0;
}

static int
try_all(struct search *s, struct error *err)
{
	const struct wanted *w = s->w;
	int r = 0;

	for (size_t i = 0; r == 0 && i < w->nforms; i++)
		r = try_form(s, &w->forms[i], err);
	r = go_on(s, r, err);
	for (size_t f = 0; f < s->u->origin.fallbacks.n; f++) {
		for (size_t i = 0; r == 0 && i < w->nforms; i++)
			r = try_fallback(s, &w->forms[i], f, err);
		r = go_on(s, r, err);
	}
	return r;
}

int
index_take(struct update *u, const struct wanted *w, bool by_hash,
    uint64_t *ret_list, struct error *err)
{
	struct search s = {.u = u, .w = w, .by_hash = by_hash};
	int r = try_all(&s, err);

	if (r < 0)
		return r;
	if (r == 0) {
		u->mismatch = true;
		/* Longer than announced is not what was announced. */
		r = s.why == -E2BIG ? -EBADMSG : s.why;
		return error_set(err, r, "no form of %s%s can be had: %s",
		    u->dir, w->path, s.why_err.text);
	}
	*ret_list = s.list;
	return 0;
}
