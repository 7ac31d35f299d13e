#include "store/index.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/deb822.h"

/*
 * A stanza that lies in one piece of input is lent from there; only what is
 * cut by the piece's end is copied to held.
 */
struct index_reader {
	index_stanza_fn *fn;
	void *arg;
	struct hash *hash;
	uint64_t len; /* bytes so far */
	size_t line;  /* the one that is being read, from 1 */

	/* The stanza under way. */
	bool started; /* it has a line that is not blank */
	size_t first; /* that line */
	struct buf held;

	/* The line under way. */
	bool blank;	/* nothing but blanks so far */
	size_t partial; /* bytes of it in held, at the end */

	int r; /* the error that ended it */
};

/* As deb822_stanza() sees it. */
static bool
is_blank(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t' || *p == '\r'))
		p++;
	return p == end;
}

static int
too_long(const struct index_reader *r, struct error *err)
{
	return error_set(err, -EBADMSG,
	    "line %zu: stanza of more than %d bytes",
	    r->started ? r->first : r->line, STANZA_MAX);
}

static int
no_memory(struct error *err)
{
	return error_set(err, -ENOMEM, "out of memory");
}

/* Keeps the rest of a piece for the next one. */
static int
hold(struct index_reader *r, const char *from, const char *end,
    struct error *err)
{
	size_t len = (size_t)(end - from);
	/* A line that is blank up to here may not belong to the stanza. */
	size_t blanks = r->blank ? r->partial : 0;

	if (r->partial > STANZA_MAX || len > 2 * STANZA_MAX ||
	    r->held.len + len - blanks > STANZA_MAX)
		return too_long(r, err);
	if (len > 0 && buf_add(&r->held, from, len) < 0)
		return no_memory(err);
	return 0;
}

/* The stanza ends: what is held, without the blank line that ended it, and
 * what stands between from and end. */
static int
flush(struct index_reader *r, const char *from, const char *end,
    struct error *err)
{
	struct span stanza = {from, (size_t)(end - from)};
	bool started = r->started;
	int result;

	r->held.len -= r->partial;
	r->partial = 0;
	r->started = false;
	if (!started) {
		r->held.len = 0;
		return 0;
	}
	if (r->held.len + stanza.len > STANZA_MAX) {
		r->started = true;
		return too_long(r, err);
	}
	if (r->held.len > 0) {
		if (stanza.len > 0 &&
		    buf_add(&r->held, stanza.ptr, stanza.len) < 0)
			return no_memory(err);
		stanza = buf_span(&r->held);
	}
	result = r->fn(r->arg, stanza, r->first, err);
	r->held.len = 0;
	return result;
}

/* What stands between p and end belongs to the line under way. */
static void
see_line(struct index_reader *r, const char *p, const char *end)
{
	r->blank = r->blank && is_blank(p, end);
	if (r->blank || r->started)
		return;
	r->started = true;
	r->first = r->line;
}

static int
take_lines(
    struct index_reader *r, const char *p, const char *end, struct error *err)
{
	/* What has not been held yet of the stanza under way. */
	const char *from = p;

	for (;;) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));

		see_line(r, p, nl ? nl : end);
		if (!nl)
			break;
		if (r->partial + (size_t)(nl - p) > STANZA_MAX)
			return too_long(r, err);
		if (r->blank) {
			int result = flush(r, from, p, err);

			if (result < 0)
				return result;
			from = nl + 1;
		}
		r->partial = 0;
		r->blank = true;
		r->line++;
		p = nl + 1;
	}
	r->partial += (size_t)(end - p);
	return hold(r, from, end, err);
}

static int
nul_byte(const struct index_reader *r, const char *p, const char *nul,
    struct error *err)
{
	size_t line = r->line;

	for (; p < nul; p++)
		line += *p == '\n';
	return error_set(err, -EBADMSG, "line %zu: NUL byte", line);
}

int
index_reader_new(index_stanza_fn *fn, void *arg, struct index_reader **ret)
{
	CLEANUP(index_reader_cleanup)
	struct index_reader *r = calloc(1, sizeof(*r));
	int result;

	if (!r)
		return -ENOMEM;
	result = hash_new(&r->hash);
	if (result < 0)
		return result;
	r->fn = fn;
	r->arg = arg;
	r->line = 1;
	r->blank = true;
	*ret = TAKE(r);
	return 0;
}

void
index_reader_free(struct index_reader *r)
{
	if (!r)
		return;
	hash_free(r->hash);
	buf_release(&r->held);
	free(r);
}

int
index_reader_add(
    struct index_reader *r, const void *ptr, size_t len, struct error *err)
{
	const char *p = ptr;
	const char *nul;

	if (r->r < 0 || len == 0)
		return r->r;
	hash_add(r->hash, p, len);
	r->len += len;
	nul = memchr(p, '\0', len);
	/* The stanzas before it don't count either. */
	if (nul)
		r->r = nul_byte(r, p, nul, err);
	else
		r->r = take_lines(r, p, p + len, err);
	return r->r;
}

int
index_reader_end(struct index_reader *r, struct digest *ret, uint64_t *ret_len,
    struct error *err)
{
	if (r->r < 0)
		return r->r;
	if (!r->blank) {
		if (buf_add_char(&r->held, '\n') < 0)
			return no_memory(err);
		r->partial = 0;
	}
	r->r = flush(r, NULL, NULL, err);
	if (r->r < 0)
		return r->r;
	hash_end(r->hash, ret);
	*ret_len = r->len;
	return 0;
}
