/* The first stage of an update: get Release and prove it. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mirror/update_run.h"
#include "mirror/verify.h"
#include "store/text.h"

struct getting {
	struct update *u;
	struct release_got *got;
	struct error *err;
	struct verifier *verifier; /* NULL: no keyring */
};

void
release_got_free(struct release_got *g)
{
	buf_release(&g->in_release);
	buf_release(&g->release);
	buf_release(&g->release_gpg);
	buf_release(&g->listing);
	strs_release(&g->signers);
	strs_release(&g->keyring_hashes);
	free(g->etag);
	*g = (struct release_got){0};
}

static int
no_memory(struct error *err)
{
	return error_sys(err, -ENOMEM, "cannot get Release");
}

/*
 * Fetches a small file; conditional where it was `had` by the old state.  *same
 * says that the server answered that it has not changed.
 */
static int
get_file(
    struct getting *g, const char *name, bool had, struct buf *out, bool *same)
{
	const struct mirror *m = &g->u->mirror;
	CLEANUP_FREE char *url = update_url(g->u, span_of(name));
	CLEANUP(fetch_answer_release) struct fetch_answer answer = {0};
	struct fetch_request rq;
	int r;

	if (!url)
		return no_memory(g->err);
	rq = update_request(g->u, url);
	rq.max_bytes = RELEASE_MAX;
	if (had && !g->u->anew) {
		rq.if_none_match = m->etag;
		rq.if_modified_since = m->last_modified;
	}
	r = fetch_buf(g->u->fetcher, &rq, out, &answer, g->err);
	if (r < 0)
		return r;
	g->u->result.bytes += answer.bytes;
	if (same) {
		*same = answer.not_modified;
		free(g->got->etag);
		g->got->etag = TAKE(answer.etag);
		g->got->last_modified = answer.last_modified;
	}
	return 0;
}

/* Are the bytes those of a text that the old state has? */
static int
same_as_text(struct getting *g, uint64_t text, const struct buf *bytes)
{
	CLEANUP(txn_cleanup) struct txn *t = NULL;
	CLEANUP(buf_release) struct buf old = {0};
	int r;

	if (text == 0 || g->u->anew)
		return 0;
	r = txn_read(g->u->store, &t, g->err);
	if (r < 0)
		return r;
	r = text_get(t, text, &old);
	if (r == -ENOMEM)
		return no_memory(g->err);
	/* A text that can't be read is not the same. */
	return r == 0 && span_eq(buf_span(&old), buf_span(bytes));
}

/* The validators stay those of the old answer where a 304 names none. */
static int
keep_validators(struct getting *g)
{
	const struct mirror *m = &g->u->mirror;

	g->got->same = true;
	if (!g->got->etag && m->etag) {
		g->got->etag = strdup(m->etag);
		if (!g->got->etag)
			return no_memory(g->err);
	}
	if (g->got->last_modified == 0)
		g->got->last_modified = m->last_modified;
	return 0;
}

/* Gets InRelease or Release, and notices that it has not changed. */
static int
get_main(struct getting *g, const char *name, uint64_t old, struct buf *out)
{
	bool same = false;
	int r = get_file(g, name, old != 0, out, &same);

	if (r < 0)
		return r;
	if (same)
		return keep_validators(g);
	r = same_as_text(g, old, out);
	if (r > 0)
		g->got->same = true;
	return r < 0 ? r : 0;
}

/*
 * A companion that may be absent, or hidden behind a 403: any failure that is
 * the server's counts as absent.
 */
static int
get_companion(struct getting *g, const char *name, struct buf *out)
{
	int r = get_file(g, name, false, out, NULL);

	if (r == -EINTR || r == -ENOMEM)
		return r;
	if (r < 0)
		buf_clear(out);
	return 0;
}

/* -ENOKEY is forgiven to those who said --allow-unsigned. */
static bool
may_be_unsigned(const struct getting *g, int r)
{
	return r == -ENOKEY && g->u->mirror.allow_unsigned;
}

static int
prove_in_release(struct getting *g)
{
	struct release_got *got = g->got;
	CLEANUP_FREE char *url = update_url_shown(g->u, SPAN("InRelease"));
	struct span bytes = buf_span(&got->in_release);

	if (!url)
		return no_memory(g->err);
	if (g->verifier) {
		int r = verify_inline(g->verifier, bytes, url, &got->listing,
		    &got->signers, g->err);

		if (!may_be_unsigned(g, r))
			return r;
		buf_clear(&got->listing);
		strs_release(&got->signers);
	}
	got->is_unsigned = true;
	return verify_strip(bytes, url, &got->listing, g->err);
}

/* Verifies Release.gpg; without a keyring there is nothing to say. */
static int
prove_detached(struct getting *g, struct strs *signers, struct error *err)
{
	CLEANUP_FREE char *url = update_url_shown(g->u, SPAN("Release.gpg"));

	if (!url)
		return no_memory(err);
	return verify_detached(g->verifier, buf_span(&g->got->release),
	    buf_span(&g->got->release_gpg), url, signers, err);
}

static int
prove_release(struct getting *g)
{
	struct release_got *got = g->got;
	CLEANUP_FREE char *url = update_url_shown(g->u, SPAN("Release"));
	int r = -ENOKEY;

	if (!url)
		return no_memory(g->err);
	if (g->verifier && got->release_gpg.len > 0) {
		r = prove_detached(g, &got->signers, g->err);
	} else if (!g->u->mirror.allow_unsigned) {
		return error_set(g->err, r,
		    "%s has no signature: there is no InRelease and no "
		    "Release.gpg (--allow-unsigned takes it nevertheless)",
		    url);
	}
	if (r < 0 && !may_be_unsigned(g, r))
		return r;
	if (r < 0) {
		got->is_unsigned = true;
		strs_release(&got->signers);
	}
	r = buf_add_span(&got->listing, buf_span(&got->release));
	return r < 0 ? no_memory(g->err) : 0;
}

/* The next line without blanks at its end; false behind the last that has
 * anything. */
static bool
next_line(struct span *text, struct span *line)
{
	struct span rest = *text;

	if (!span_cut(text, '\n', line))
		return false;
	while (line->len > 0 && strchr(" \t\r", line->ptr[line->len - 1]))
		line->len--;
	return line->len > 0 || span_trim(rest).len > 0;
}

/* The same but for blanks at ends of lines, which clearsigning drops? */
static bool
same_lines(struct span a, struct span b)
{
	struct span x, y;

	for (;;) {
		bool more_a = next_line(&a, &x);
		bool more_b = next_line(&b, &y);

		if (more_a != more_b)
			return false;
		if (!more_a)
			return true;
		if (!span_eq(x, y))
			return false;
	}
}

/*
 * Release and Release.gpg beside InRelease are kept to be served as they are,
 * where they say the same and are signed too.  Where not, nothing is lost.
 */
static int
get_companions(struct getting *g)
{
	struct release_got *got = g->got;
	CLEANUP(strs_release) struct strs signers = {0};
	struct error ignored;
	int r = get_companion(g, "Release", &got->release);
	bool good;

	if (r == 0 && got->release.len > 0)
		r = get_companion(g, "Release.gpg", &got->release_gpg);
	if (r < 0)
		return r;
	good = same_lines(buf_span(&got->release), buf_span(&got->listing));
	if (good && !got->is_unsigned) {
		good = got->release_gpg.len > 0;
		r = good ? prove_detached(g, &signers, &ignored) : 0;
		if (r == -ENOMEM)
			return no_memory(g->err);
		good = good && r == 0;
	}
	if (!good) {
		buf_release(&got->release);
		buf_release(&got->release_gpg);
	}
	return 0;
}

/* An archive without InRelease. */
static int
get_pair(struct getting *g)
{
	struct release_got *got = g->got;
	const struct state *old = &g->u->old;
	uint64_t had = old->in_release == 0 ? old->release : 0;
	int r = get_main(g, "Release", had, &got->release);

	if (r == -ENOENT) {
		CLEANUP_FREE char *url = update_url_shown(g->u, SPAN(""));

		return error_set(g->err, r,
		    "%s has no InRelease and no Release: is suite '%s' there?",
		    url ? url : "", g->u->mirror.suite);
	}
	if (r < 0 || got->same)
		return r;
	r = get_companion(g, "Release.gpg", &got->release_gpg);
	return r;
}

static int
open_verifier(struct getting *g)
{
	const struct strs *keyrings = &g->u->mirror.keyrings;
	int r;

	if (keyrings->n == 0)
		return 0;
	r = verifier_new(keyrings, &g->verifier, g->err);
	if (r < 0)
		return r;
	r = strs_add_all(&g->got->keyring_hashes, verifier_hashes(g->verifier));
	return r < 0 ? no_memory(g->err) : 0;
}

/*
 * InRelease, or the pair where the server says that there is no InRelease.
 * Some stores say so by refusing it; where the pair can't be had either, the
 * refusal is what is told.
 */
static int
get_either(struct getting *g, bool *inlined)
{
	struct release_got *got = g->got;
	struct error refusal;
	int r, first = get_main(
		   g, "InRelease", g->u->old.in_release, &got->in_release);

	*inlined = first == 0;
	if (first != -ENOENT && first != -EACCES)
		return first;
	if (first == -EACCES)
		refusal = *g->err;
	r = get_pair(g);
	if (first == -EACCES && (r == -ENOENT || r == -EACCES))
		return error_set(g->err, first, "%s", refusal.text);
	return r;
}

static int
get_and_prove(struct getting *g)
{
	struct release_got *got = g->got;
	bool inlined;
	int r = get_either(g, &inlined);

	if (r < 0 || got->same)
		return r;
	r = open_verifier(g);
	if (r < 0)
		return r;
	if (!inlined)
		return prove_release(g);
	r = prove_in_release(g);
	return r < 0 ? r : get_companions(g);
}

int
release_get(struct update *u, struct release_got *ret, struct error *err)
{
	CLEANUP(release_got_free) struct release_got got = {0};
	struct getting g = {.u = u, .got = &got, .err = err};
	int r;

	if (u->mirror.keyrings.n == 0 && !u->mirror.allow_unsigned)
		return error_set(err, -ENOKEY,
		    "no keyring to check Release with: give it one with "
		    "--keyring=FILE (or --allow-unsigned)");
	r = get_and_prove(&g);
	verifier_free(g.verifier);
	if (r < 0)
		return r;
	*ret = got;
	got = (struct release_got){0};
	return 0;
}
