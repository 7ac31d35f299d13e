#include "store/record.h"

#include <errno.h>

/*
 * Limits of a record, checked before msgpack-c sees it: it takes memory for
 * as many items as an array announces, 24 bytes each, and recurses.
 */
#define RECORD_MAX	 (64 * 1024 * 1024) /* bytes */
#define RECORD_MAX_DEPTH 8

void
record_writer_init(struct record_writer *w)
{
	msgpack_sbuffer_init(&w->buf);
	msgpack_packer_init(&w->packer, &w->buf, msgpack_sbuffer_write);
	w->failed = false;
}

void
record_writer_release(struct record_writer *w)
{
	msgpack_sbuffer_destroy(&w->buf);
}

void
record_begin(struct record_writer *w, uint64_t version, size_t n)
{
	msgpack_sbuffer_clear(&w->buf);
	/* The struct may have been moved since it was initialised. */
	w->packer.data = &w->buf;
	w->failed = false;
	record_array(w, n + 1);
	record_put_u64(w, version);
}

static void
check(struct record_writer *w, int r)
{
	if (r != 0)
		w->failed = true;
}

void
record_array(struct record_writer *w, size_t n)
{
	check(w, n > RECORD_MAX ? -1 : msgpack_pack_array(&w->packer, n));
}

void
record_put_u64(struct record_writer *w, uint64_t v)
{
	check(w, msgpack_pack_uint64(&w->packer, v));
}

void
record_put_i64(struct record_writer *w, int64_t v)
{
	check(w, msgpack_pack_int64(&w->packer, v));
}

void
record_put_bool(struct record_writer *w, bool v)
{
	check(w,
	    v ? msgpack_pack_true(&w->packer) : msgpack_pack_false(&w->packer));
}

void
record_put_str(struct record_writer *w, struct span s)
{
	if (s.len > RECORD_MAX) {
		w->failed = true;
		return;
	}
	check(w, msgpack_pack_str(&w->packer, s.len));
	if (s.len > 0)
		check(w, msgpack_pack_str_body(&w->packer, s.ptr, s.len));
}

void
record_put_cstr(struct record_writer *w, const char *s)
{
	if (s)
		record_put_str(w, span_of(s));
	else
		record_put_nil(w);
}

void
record_put_bin(struct record_writer *w, const void *ptr, size_t len)
{
	if (len > RECORD_MAX) {
		w->failed = true;
		return;
	}
	check(w, msgpack_pack_bin(&w->packer, len));
	if (len > 0)
		check(w, msgpack_pack_bin_body(&w->packer, ptr, len));
}

void
record_put_digest(struct record_writer *w, const struct digest *d)
{
	record_put_bin(w, d->byte, sizeof(d->byte));
}

void
record_put_nil(struct record_writer *w)
{
	check(w, msgpack_pack_nil(&w->packer));
}

void
record_put_strs(struct record_writer *w, const struct strs *s)
{
	record_array(w, s->n);
	for (size_t i = 0; i < s->n; i++)
		record_put_cstr(w, s->v[i]);
}

int
record_end(struct record_writer *w, struct span *ret)
{
	if (w->failed || w->buf.size > RECORD_MAX)
		return -ENOMEM;
	*ret = (struct span){w->buf.data, w->buf.size};
	return 0;
}

/* What follows an item's first byte: a big-endian number of `width` bytes
 * that is a length or a count, then that many bytes or items. */
struct head {
	unsigned char width;
	bool is_array;	     /* else bytes follow */
	unsigned char fixed; /* bytes that follow in any case */
};

/* Of a first byte from 0xc0 on, except for negative fixed numbers. */
static bool
head_of(unsigned char byte, struct head *ret)
{
	static const struct head heads[] = {
	    [0xc0 - 0xc0] = {0, false, 0}, /* nil */
	    [0xc2 - 0xc0] = {0, false, 0}, /* false, true */
	    [0xc3 - 0xc0] = {0, false, 0},
	    [0xc4 - 0xc0] = {1, false, 0}, /* bin */
	    [0xc5 - 0xc0] = {2, false, 0},
	    [0xc6 - 0xc0] = {4, false, 0},
	    [0xcc - 0xc0] = {0, false, 1}, /* uint */
	    [0xcd - 0xc0] = {0, false, 2},
	    [0xce - 0xc0] = {0, false, 4},
	    [0xcf - 0xc0] = {0, false, 8},
	    [0xd0 - 0xc0] = {0, false, 1}, /* int */
	    [0xd1 - 0xc0] = {0, false, 2},
	    [0xd2 - 0xc0] = {0, false, 4},
	    [0xd3 - 0xc0] = {0, false, 8},
	    [0xd9 - 0xc0] = {1, false, 0}, /* str */
	    [0xda - 0xc0] = {2, false, 0},
	    [0xdb - 0xc0] = {4, false, 0},
	    [0xdc - 0xc0] = {2, true, 0}, /* array */
	    [0xdd - 0xc0] = {4, true, 0},
	};
	size_t i = (size_t)byte - 0xc0;

	/* No maps, floats and extensions: we do not write them. */
	if (byte < 0xc0 || i >= ARRAY_LEN(heads) || byte == 0xc1 ||
	    (byte >= 0xc7 && byte <= 0xcb) || (byte >= 0xd4 && byte <= 0xd8))
		return false;
	*ret = heads[i];
	return true;
}

/* Cuts the head of an item from s: the bytes and the items that follow. */
static inline bool
scan_head(struct span *s, uint64_t *ret_bytes, uint64_t *ret_items)
{
	unsigned char byte;
	struct head head = {0};
	uint64_t n = 0;

	if (s->len == 0)
		return false;
	byte = (unsigned char)*s->ptr++;
	s->len--;
	*ret_bytes = *ret_items = 0;
	if (byte < 0x80 || byte >= 0xe0)
		return true;
	if ((byte & 0xf0) == 0x90)
		*ret_items = byte & 0x0f;
	else if ((byte & 0xe0) == 0xa0)
		*ret_bytes = byte & 0x1f;
	else if (!head_of(byte, &head) || s->len < head.width)
		return false;
	for (unsigned char i = 0; i < head.width; i++)
		n = n << 8 | (unsigned char)*s->ptr++;
	s->len -= head.width;
	if (head.width > 0)
		*(head.is_array ? ret_items : ret_bytes) = n;
	*ret_bytes += head.fixed;
	return true;
}

/* Cuts the head of an item and the bytes that follow; items are left. */
static inline bool
cut_head(struct span *s, uint64_t *ret_items)
{
	uint64_t bytes;

	/* Every item has a byte at least. */
	if (!scan_head(s, &bytes, ret_items) || bytes > s->len ||
	    *ret_items > s->len)
		return false;
	s->ptr += bytes;
	s->len -= (size_t)bytes;
	return true;
}

/* Cuts so many items, each with those in it. */
static bool
cut_items(struct span *s, uint64_t n)
{
	uint64_t left[RECORD_MAX_DEPTH] = {n};
	size_t depth = 0;

	for (;;) {
		while (left[depth] == 0) {
			if (depth == 0)
				return true;
			depth--;
		}
		left[depth]--;
		if (!cut_head(s, &n))
			return false;
		if (n == 0)
			continue;
		if (depth == RECORD_MAX_DEPTH - 1)
			return false;
		left[++depth] = n;
	}
}

/* Cuts an item, whole and within the limits, from s; what is left where it
 * is none is undefined. */
static bool
cut_item(struct span *s)
{
	uint64_t items;

	return cut_head(s, &items) && (items == 0 || cut_items(s, items));
}

/* The zone is kept from one record to the next. */
static int
begin(struct record *r)
{
	r->bad = 0;
	if (r->unpacked.zone)
		msgpack_zone_clear(r->unpacked.zone);
	else
		r->unpacked.zone = msgpack_zone_new(MSGPACK_ZONE_CHUNK_SIZE);
	return r->unpacked.zone ? 0 : -ENOMEM;
}

/* Of an item that is whole and within the limits. */
static int
unpack(struct record *r, struct span item, msgpack_object *ret)
{
	size_t at = 0;
	msgpack_unpack_return got =
	    msgpack_unpack(item.ptr, item.len, &at, r->unpacked.zone, ret);

	/* A sound item is refused for no other reason, whatever the code. */
	if (got < 0)
		return -ENOMEM;
	return got == MSGPACK_UNPACK_SUCCESS ? 0 : -EBADMSG;
}

static int
check_version(const msgpack_object *o, uint64_t max_version)
{
	if (o->type != MSGPACK_OBJECT_POSITIVE_INTEGER)
		return -EBADMSG;
	return o->via.u64 > max_version ? -EPROTO : 0;
}

int
record_parse(struct record *r, struct span bytes, uint64_t max_version,
    struct record_view *ret)
{
	msgpack_object *o = &r->unpacked.data;
	struct span rest = bytes;
	int res = begin(r);

	if (bytes.len > RECORD_MAX || !cut_item(&rest) || rest.len > 0)
		return -EBADMSG;
	if (res == 0)
		res = unpack(r, bytes, o);
	if (res < 0)
		return res;
	if (o->type != MSGPACK_OBJECT_ARRAY || o->via.array.size == 0)
		return -EBADMSG;
	*ret = (struct record_view){
	    o->via.array.ptr + 1, o->via.array.size - 1, &r->bad};
	return check_version(o->via.array.ptr, max_version);
}

static int
unpack_next(struct record *r, struct span *rest, msgpack_object *ret)
{
	struct span item = *rest;

	if (!cut_items(rest, 1))
		return -EBADMSG;
	item.len = (size_t)(rest->ptr - item.ptr);
	return unpack(r, item, ret);
}

int
record_parse_some(struct record *r, struct span bytes, uint64_t max_version,
    struct record_items which, struct record_view *ret)
{
	msgpack_object *v, version;
	struct span rest = bytes;
	uint64_t none, items;
	int res = begin(r);

	if (res < 0)
		return res;
	if (bytes.len > RECORD_MAX || !scan_head(&rest, &none, &items) ||
	    items < 1 + which.first + which.n)
		return -EBADMSG;
	v = msgpack_zone_malloc(r->unpacked.zone, which.n * sizeof(*v));
	if (!v)
		return -ENOMEM;
	res = unpack_next(r, &rest, &version);
	if (res == 0)
		res = check_version(&version, max_version);
	if (res == 0 && !cut_items(&rest, which.first))
		res = -EBADMSG;
	for (size_t i = 0; i < which.n && res == 0; i++)
		res = unpack_next(r, &rest, &v[i]);
	*ret = (struct record_view){v, which.n, &r->bad};
	return res;
}

void
record_release(struct record *r)
{
	msgpack_unpacked_destroy(&r->unpacked);
}

void
record_spoil(const struct record_view *v, int r)
{
	if (*v->bad == 0)
		*v->bad = r;
}

/* The item, if it has the type; else NULL, and the record is bad. */
static const msgpack_object *
item_of(const struct record_view *v, size_t i, msgpack_object_type type)
{
	if (i < v->n && v->item[i].type == type)
		return &v->item[i];
	record_spoil(v, -EBADMSG);
	return NULL;
}

uint64_t
record_u64(const struct record_view *v, size_t i)
{
	const msgpack_object *o =
	    item_of(v, i, MSGPACK_OBJECT_POSITIVE_INTEGER);

	return o ? o->via.u64 : 0;
}

int64_t
record_i64(const struct record_view *v, size_t i)
{
	uint64_t n;

	if (i < v->n && v->item[i].type == MSGPACK_OBJECT_NEGATIVE_INTEGER)
		return v->item[i].via.i64;
	n = record_u64(v, i);
	if (n <= INT64_MAX)
		return (int64_t)n;
	record_spoil(v, -EBADMSG);
	return 0;
}

bool
record_bool(const struct record_view *v, size_t i)
{
	const msgpack_object *o = item_of(v, i, MSGPACK_OBJECT_BOOLEAN);

	return o && o->via.boolean;
}

bool
record_is_nil(const struct record_view *v, size_t i)
{
	if (i >= v->n)
		record_spoil(v, -EBADMSG);
	return i >= v->n || v->item[i].type == MSGPACK_OBJECT_NIL;
}

struct span
record_span(const struct record_view *v, size_t i)
{
	const msgpack_object *o;

	if (i < v->n && v->item[i].type == MSGPACK_OBJECT_BIN)
		return (struct span){
		    v->item[i].via.bin.ptr, v->item[i].via.bin.size};
	o = item_of(v, i, MSGPACK_OBJECT_STR);
	return o ? (struct span){o->via.str.ptr, o->via.str.size}
		 : (struct span){NULL, 0};
}

char *
record_dup(const struct record_view *v, size_t i)
{
	struct span s;
	char *copy;

	if (i < v->n && v->item[i].type == MSGPACK_OBJECT_NIL)
		return NULL;
	if (!item_of(v, i, MSGPACK_OBJECT_STR))
		return NULL;
	s = record_span(v, i);
	copy = span_dup(s);
	if (!copy)
		record_spoil(v, -ENOMEM);
	return copy;
}

void
record_digest(const struct record_view *v, size_t i, struct digest *ret)
{
	struct span s = record_span(v, i);

	if (s.len == sizeof(ret->byte)) {
		memcpy(ret->byte, s.ptr, sizeof(ret->byte));
		return;
	}
	record_spoil(v, -EBADMSG);
	memset(ret, 0, sizeof(*ret));
}

struct record_view
record_array_at(const struct record_view *v, size_t i)
{
	const msgpack_object *o = item_of(v, i, MSGPACK_OBJECT_ARRAY);

	if (!o)
		return (struct record_view){NULL, 0, v->bad};
	return (struct record_view){
	    o->via.array.ptr, o->via.array.size, v->bad};
}

void
record_strs(const struct record_view *v, size_t i, struct strs *ret)
{
	struct record_view items = record_array_at(v, i);

	for (size_t k = 0; k < items.n; k++) {
		if (!item_of(&items, k, MSGPACK_OBJECT_STR))
			return;
		if (strs_add(ret, record_span(&items, k)) < 0) {
			record_spoil(v, -ENOMEM);
			return;
		}
	}
}
