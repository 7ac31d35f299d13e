#include "store/origin.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "store/head.h"
#include "store/record.h"

/* T_ORIGINS, version 2: URL, CA file, certificate file, key file; the last
 * three may be nil; and, since version 2, the fallbacks. */
#define ORIGIN_VERSION 2
#define ORIGIN_ITEMS   5
#define FALLBACKS      4

int
origin_load(struct txn *t, uint64_t number, struct origin *ret)
{
	CLEANUP(record_release) struct record rec = {0};
	CLEANUP(origin_release) struct origin o = {.number = number};
	struct record_view v;
	struct span bytes;
	int r = txn_get64(t, T_ORIGINS, number, &bytes);

	if (r < 0)
		return r;
	r = head_parse(bytes, ORIGIN_VERSION, &rec, &v);
	if (r < 0)
		return r;
	o.url = record_dup(&v, 0);
	o.ca = record_dup(&v, 1);
	o.cert = record_dup(&v, 2);
	o.key = record_dup(&v, 3);
	if (v.n > FALLBACKS)
		record_strs(&v, FALLBACKS, &o.fallbacks);
	r = head_check(&rec);
	if (r < 0)
		return r;
	if (!o.url)
		return -EIO;
	*ret = o;
	o = (struct origin){0};
	return 0;
}

void
origin_release(struct origin *o)
{
	free(o->url);
	free(o->ca);
	free(o->cert);
	free(o->key);
	strs_release(&o->fallbacks);
	*o = (struct origin){0};
}

int
origin_put(struct txn *t, struct origin *o)
{
	CLEANUP(record_writer_release) struct record_writer w;
	uint64_t number = o->number;
	int r;

	record_writer_init(&w);
	if (number == 0) {
		r = txn_take(t, C_ORIGIN, 1, &number);
		if (r < 0)
			return r;
	}
	record_begin(&w, ORIGIN_VERSION, ORIGIN_ITEMS);
	record_put_cstr(&w, o->url);
	record_put_cstr(&w, o->ca);
	record_put_cstr(&w, o->cert);
	record_put_cstr(&w, o->key);
	record_put_strs(&w, &o->fallbacks);
	r = head_put64(t, T_ORIGINS, number, &w);
	if (r < 0)
		return r;
	o->number = number;
	return 0;
}

/*
 * RFC 3986's unreserved characters and those that are plain in a path.  '+'
 * is not among them: some object stores take it for a blank.
 */
static bool
is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || (c != '\0' && strchr("-._~/:@,=", c));
}

static void
add_encoded(struct buf *b, struct span path)
{
	for (size_t i = 0; i < path.len; i++) {
		unsigned char c = (unsigned char)path.ptr[i];

		if (is_plain((char)c))
			(void)buf_add_char(b, (char)c); /* as b->failed tells */
		else
			(void)buf_addf(b, "%%%02X", (unsigned)c);
	}
}

char *
origin_url(const struct origin *o, struct span path)
{
	CLEANUP(buf_release) struct buf b = {0};

	(void)buf_add_str(&b, o->url); /* buf_take() tells */
	add_encoded(&b, path);
	return buf_take(&b);
}

char *
origin_fallback(const struct origin *o, size_t index, struct span path,
    const struct digest *sha256)
{
	CLEANUP(buf_release) struct buf b = {0};
	const char *url = o->fallbacks.v[index];
	const char *mark = strstr(url, ORIGIN_HASH);
	char hex[DIGEST_HEX_SIZE];

	if (!mark) {
		(void)buf_add_str(&b, url); /* buf_take() tells */
		add_encoded(&b, path);
	}
	while (mark) {
		(void)buf_addf(&b, "%.*s%s", (int)(mark - url), url,
		    digest_hex(sha256, hex));
		url = mark + strlen(ORIGIN_HASH);
		mark = strstr(url, ORIGIN_HASH);
		if (!mark)
			(void)buf_add_str(&b, url);
	}
	return buf_take(&b);
}
