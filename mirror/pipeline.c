#include "mirror/pipeline.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/queue.h"
#include "store/decompress.h"
#include "store/index.h"

#define PIPELINE_BLOCKS 8 /* of plain bytes, under way */

struct pipeline {
	struct queue *queue;
	struct decompress *decompress;
	struct index_reader *reader;
	struct ingest *ingest;
	/* The caller's side. */
	pthread_t thread;
	bool running;
	int failed; /* its first error */
	struct error failed_err;
	/* The thread's side; the caller reads it after joining. */
	int status;
	bool gave_up; /* status is the thread's own, not the caller's */
	struct error status_err;
	struct digest digest;
	uint64_t len;
};

static int
take_stanza(void *arg, struct span stanza, size_t line, struct error *err)
{
	struct pipeline *p = arg;

	return ingest_stanza(p->ingest, stanza, line, err);
}

static int
take_plain(void *arg, const void *ptr, size_t len)
{
	struct pipeline *p = arg;

	return queue_write(p->queue, ptr, len);
}

static void *
consume(void *arg)
{
	struct pipeline *p = arg;
	struct span block;
	int r = queue_read(p->queue, &block);

	while (r > 0) {
		int bad = index_reader_add(
		    p->reader, block.ptr, block.len, &p->status_err);

		if (bad < 0) {
			p->gave_up = true;
			p->status = bad;
			queue_stop(p->queue, bad);
			return NULL;
		}
		r = queue_read(p->queue, &block);
	}
	p->status = r;
	if (r == 0) {
		p->status = index_reader_end(
		    p->reader, &p->digest, &p->len, &p->status_err);
		p->gave_up = p->status < 0;
	}
	return NULL;
}

static int
start(struct pipeline *p, struct store *s, const struct pipeline_opts *opts,
    struct error *err)
{
	int r = ingest_new(s, opts->kind, &p->ingest, err);

	if (r < 0)
		return r;
	r = queue_new(PIPELINE_BLOCKS, &p->queue);
	if (r == 0)
		r = decompress_new(
		    opts->codec, opts->limit, take_plain, p, &p->decompress);
	if (r == 0)
		r = index_reader_new(take_stanza, p, &p->reader);
	if (r == 0)
		r = -pthread_create(&p->thread, NULL, consume, p);
	if (r < 0)
		return error_sys(err, r, "cannot start reading an index");
	p->running = true;
	return 0;
}

int
pipeline_new(struct store *s, const struct pipeline_opts *opts,
    struct pipeline **ret, struct error *err)
{
	CLEANUP(pipeline_cleanup)
	struct pipeline *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return error_sys(err, -ENOMEM, "cannot read an index");
	r = start(p, s, opts, err);
	if (r < 0)
		return r;
	*ret = TAKE(p);
	return 0;
}

static void
finish(struct pipeline *p, int status)
{
	if (!p->running)
		return;
	queue_end(p->queue, status);
	(void)pthread_join(p->thread, NULL); /* can't fail: it is ours */
	p->running = false;
}

void
pipeline_free(struct pipeline *p)
{
	if (!p)
		return;
	finish(p, -ECANCELED);
	ingest_free(p->ingest);
	index_reader_free(p->reader);
	decompress_free(p->decompress);
	queue_free(p->queue);
	free(p);
}

int
pipeline_add(struct pipeline *p, const void *ptr, size_t len)
{
	if (p->failed == 0)
		p->failed =
		    decompress_add(p->decompress, ptr, len, &p->failed_err);
	return p->failed;
}

int
pipeline_end(struct pipeline *p, struct digest *ret, uint64_t *ret_len,
    struct error *err)
{
	if (p->failed == 0)
		p->failed = decompress_end(p->decompress, &p->failed_err);
	finish(p, p->failed);
	if (p->gave_up)
		return error_set(err, p->status, "%s", p->status_err.text);
	if (p->failed < 0)
		return error_set(err, p->failed, "%s", p->failed_err.text);
	if (p->status < 0)
		return error_sys(err, p->status, "cannot read an index");
	*ret = p->digest;
	*ret_len = p->len;
	return 0;
}

bool
pipeline_malformed(const struct pipeline *p)
{
	return p->gave_up;
}

int
pipeline_store(struct pipeline *p, struct ingest_result *ret, struct error *err)
{
	return ingest_end(p->ingest, ret, err);
}
