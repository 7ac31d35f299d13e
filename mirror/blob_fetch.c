#include "mirror/blob_fetch.h"

#include <errno.h>
#include <stdlib.h>

#include "base/url.h"
#include "mirror/places.h"
#include "mirror/rate.h"
#include "mirror/unpack.h"

struct job {
	struct store *store;
	struct fetcher *fetcher;
	const struct blob_queue_opts *opts;
	const atomic_bool *cancel;
	struct blob blob;
	struct places places;
	struct blob_writer *writer;
	uint64_t have;	  /* bytes in the writer */
	uint64_t skip;	  /* bytes that come once more */
	uint64_t counted; /* of these: shown as progress */
	bool beside;	  /* of no interest to the progress */
	int sink;	  /* why the sink ended the transfer */
	struct error sink_err;
};

static void
job_release(struct job *j)
{
	blob_writer_free(j->writer);
	blob_release(&j->blob);
	places_release(&j->places);
}

/* Everything that is needed is copied: no transaction lasts as long as a
 * transfer. */
static int
look_up(struct job *j, uint64_t number, struct error *err)
{
	struct txn *t = NULL;
	int r = txn_read(j->store, &t, err);

	if (r < 0)
		return r;
	r = blob_load(t, number, &j->blob);
	if (r == 0)
		r = places_find(t, &j->blob, &j->places);
	txn_end(t);
	if (r < 0)
		return error_sys(err, r, "cannot look up a file to fetch");
	return 0;
}

static void
count(struct job *j)
{
	if (j->beside || j->have <= j->counted)
		return;
	progress_add(j->opts->progress, j->have - j->counted, 0);
	j->counted = j->have;
}

static int
sink_begin(void *arg, uint64_t from)
{
	struct job *j = arg;

	j->sink = 0;
	j->skip = 0;
	/* A try that was cut off: it begins anew where the request did. */
	if (from > 0 && from <= j->have)
		j->skip = j->have - from;
	if (from == j->have || j->skip > 0)
		return 0;
	if (from != 0) {
		j->sink = -EIO;
		return error_set(&j->sink_err, j->sink,
		    "the answer begins at a byte that was not asked for");
	}
	j->sink = blob_writer_restart(j->writer);
	if (j->sink < 0)
		return error_sys(&j->sink_err, j->sink, "cannot begin anew");
	j->have = 0;
	return 0;
}

static int
sink_write(void *arg, const void *ptr, size_t len)
{
	struct job *j = arg;
	size_t known = len < j->skip ? len : (size_t)j->skip;

	j->skip -= known;
	len -= known;
	j->sink = blob_writer_add(
	    j->writer, (const char *)ptr + known, len, &j->sink_err);
	if (j->sink < 0)
		return j->sink;
	j->have += len;
	count(j);
	j->sink = rate_pay(j->opts->rate, known + len, j->cancel);
	if (j->sink < 0)
		return error_set(&j->sink_err, j->sink, "stopped");
	return 0;
}

static int
transfer(struct job *j, const struct place *p, struct error *err)
{
	CLEANUP(fetch_answer_release) struct fetch_answer answer = {0};
	struct fetch_sink sink = {sink_begin, sink_write, j};
	struct fetch_request rq = {.url = p->url,
	    .origin = p->origin,
	    .max_bytes = j->blob.size,
	    .from = j->have,
	    .from_anyway = true, /* the hash tells */
	    .cancel = j->cancel,
	    .connect_ms = j->opts->connect_ms,
	    .stall_ms = j->opts->stall_ms,
	    .tries = j->opts->tries,
	    .bytes_per_s = j->opts->bytes_per_s,
	    .quiet = j->opts->quiet,
	    .quiet_arg = j->opts->quiet_arg};
	char shown[URL_SHOWN_SIZE];
	int r;

	j->sink = 0;
	r = fetch(j->fetcher, &rq, &sink, &answer, err);
	if (r < 0 && j->sink < 0)
		return error_set(err, r, "%s: %s", url_shown(p->url, shown),
		    j->sink_err.text);
	return r;
}

/* 1: the blob is here, by somebody else's doing. */
static int
open_writer(struct job *j, struct error *err)
{
	struct blob_wish wish = {j->blob.sha256, j->blob.size, j->cancel};
	int r;

	if (j->writer)
		return 0;
	r = blob_writer_open(j->store, &wish, &j->writer, &j->have, err);
	if (r == 0)
		count(j);
	return r == -EEXIST ? 1 : r;
}

/*
 * One try at one place.  What an earlier try left may be of other bytes: *old
 * says that the hash that failed covered such bytes.
 */
static int
try_once(struct job *j, const struct place *p, bool *old, struct error *err)
{
	char shown[URL_SHOWN_SIZE];
	int r = open_writer(j, err);

	*old = false;
	if (r != 0)
		return r < 0 ? r : 0;
	*old = j->have > 0;
	/* What is complete already is only checked. */
	if (j->have == 0 || j->have < j->blob.size) {
		r = transfer(j, p, err);
		if (r < 0)
			return r;
	}
	r = blob_writer_end(j->writer, err);
	blob_writer_free(TAKE(j->writer));
	j->have = 0;
	return r < 0 ? error_prefix(err, r, "%s", url_shown(p->url, shown)) : 0;
}

static int
try_place(struct job *j, const struct place *p, struct error *err)
{
	bool old;
	int r = try_once(j, p, &old, err);

	/* Too long as well: a resumed file may be beside the mark. */
	if ((r == -EBADMSG || r == -E2BIG) && old) {
		if (j->writer) {
			r = blob_writer_restart(j->writer);
			if (r < 0)
				return error_sys(err, r, "cannot begin anew");
			j->have = 0;
		}
		r = try_once(j, p, &old, err);
	}
	return r;
}

/* Not the place's fault: no other can help. */
static bool
ends_all(int r)
{
	return r == -EINTR || r == -ENOMEM || r == -ENOSPC;
}

static int
try_places(struct job *j, struct error *err)
{
	char hex[DIGEST_HEX_SIZE];
	int why = -ENOENT;

	(void)error_set(err, why, "nobody has the file with SHA-256 %s",
	    digest_hex(&j->blob.sha256, hex));
	for (size_t i = 0; i < j->places.n; i++) {
		struct error place_err = {""};
		int r;

		if (j->cancel && atomic_load(j->cancel))
			return error_set(err, -EINTR, "stopped");
		r = try_place(j, &j->places.v[i], &place_err);
		if (r >= 0)
			return r;
		/* The first that says more than "not there" is told. */
		if (ends_all(r) || i == 0 || (why == -ENOENT && r != why)) {
			why = r;
			(void)error_set(err, r, "%s", place_err.text);
		}
		if (ends_all(r))
			return r;
	}
	return why;
}

/* Fetches what is not present from its places.  Sisters are not looked at, so
 * that those of a forged Release never lead in a circle. */
static int
fetch_blob(struct job *j, struct error *err)
{
	int r = blob_present(j->store, &j->blob.sha256);

	if (r < 0)
		return error_sys(err, r, "cannot look for a file");
	return r > 0 ? 0 : try_places(j, err);
}

/* Unpacks the sister, which is present. */
static int
unpack_sister(struct job *j, const struct blob_sister *sister,
    const struct blob *packed, struct error *err)
{
	struct unpack u = {j->store, packed->sha256, packed->size,
	    sister->codec, j->blob.size, j->cancel};
	char hex[DIGEST_HEX_SIZE];
	int r = open_writer(j, err);

	if (r != 0)
		return r < 0 ? r : 0;
	r = blob_writer_restart(j->writer);
	if (r < 0)
		return error_sys(err, r, "cannot begin anew");
	r = unpack_into(&u, j->writer, err);
	if (r == 0)
		r = blob_writer_end(j->writer, err);
	blob_writer_free(TAKE(j->writer));
	j->have = 0;
	return r < 0
		   ? error_prefix(err, r, "unpacking the file with SHA-256 %s",
			 digest_hex(&packed->sha256, hex))
		   : 0;
}

/* A job for the sister, for the same requester. */
static struct job
job_beside(const struct job *j)
{
	return (struct job){.store = j->store,
	    .fetcher = j->fetcher,
	    .opts = j->opts,
	    .cancel = j->cancel,
	    .beside = true};
}

/* Makes the blob from one of its sisters; fetches that one only where
 * may_fetch.  -ENOENT: there is none that is here, or to be had. */
static int
try_sister(struct job *j, const struct blob_sister *sister, bool may_fetch,
    struct error *err)
{
	CLEANUP(job_release) struct job packed = job_beside(j);
	int r = look_up(&packed, sister->blob, err);

	if (r < 0)
		return r;
	r = blob_present(j->store, &packed.blob.sha256);
	if (r < 0)
		return error_sys(err, r, "cannot look for a file");
	if (r == 0 && !may_fetch)
		return error_set(err, -ENOENT, "not here");
	/* No writer is held while another is waited for. */
	blob_writer_free(TAKE(j->writer));
	j->have = 0;
	r = fetch_blob(&packed, err);
	return r < 0 ? r : unpack_sister(j, sister, &packed.blob, err);
}

/* The first error that says more than "not there" is told. */
static int
try_sisters(struct job *j, bool may_fetch, struct error *err)
{
	int why = -ENOENT;

	for (size_t i = 0; i < j->blob.nsisters; i++) {
		struct error sister_err = {""};
		int r =
		    try_sister(j, &j->blob.sisters[i], may_fetch, &sister_err);

		if (r >= 0)
			return r;
		if (ends_all(r) || (why == -ENOENT && r != why)) {
			why = r;
			(void)error_set(err, r, "%s", sister_err.text);
		}
		if (ends_all(r))
			return r;
	}
	return why;
}

/* What is here already is cheaper than what has to come; what nobody has may
 * be made of what somebody has. */
static int
get_blob(struct job *j, struct error *err)
{
	struct error sister_err = {""};
	int made, r = blob_present(j->store, &j->blob.sha256);

	if (r < 0)
		return error_sys(err, r, "cannot look for a file");
	if (r > 0)
		return 0;
	made = try_sisters(j, false, &sister_err);
	r = made < 0 && !ends_all(made) ? fetch_blob(j, err) : made;
	if (r < 0 && !ends_all(r))
		made = try_sisters(j, true, &sister_err);
	if (made >= 0)
		return 0;
	/* What the archive said of the file itself is told, if it is more than
	 * that it is not there. */
	if (r == 0 || (r != -ENOENT && !ends_all(made)) || made == -ENOENT)
		return r;
	return error_set(err, made, "%s", sister_err.text);
}

int
blob_fetch_with(struct store *s, struct fetcher *f, uint64_t blob,
    const struct blob_queue_opts *opts, const atomic_bool *cancel,
    struct error *err)
{
	CLEANUP(job_release)
	struct job j = {
	    .store = s, .fetcher = f, .opts = opts, .cancel = cancel};
	int r = look_up(&j, blob, err);

	if (r == 0)
		r = get_blob(&j, err);
	if (r < 0)
		return r;
	progress_add(opts->progress,
	    j.blob.size > j.counted ? j.blob.size - j.counted : 0, 1);
	return 0;
}

int
blob_fetch(struct store *s, uint64_t blob, const struct blob_queue_opts *opts,
    struct error *err)
{
	static const struct blob_queue_opts defaults;
	CLEANUP(fetcher_cleanup) struct fetcher *f = NULL;
	int r = fetch_global_init(err);

	if (r < 0)
		return r;
	r = fetcher_new(&f);
	if (r < 0)
		return error_sys(err, r, "cannot fetch");
	return blob_fetch_with(s, f, blob, opts ? opts : &defaults, NULL, err);
}
