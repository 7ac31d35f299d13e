/*
 * Records of any bytes: parsing takes memory in proportion to the bytes, no
 * item lies outside of them, and every question about every item is answered.
 * What reads as a record of numbers and strings can be written and read again.
 */

#include <stdint.h>
#include <stdlib.h>

#include "store/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static void
ask_within(const struct record_view *v, size_t i, struct span bytes)
{
	struct span s = record_span(v, i);
	struct digest d;
	struct strs strs = {0};
	char *copy;

	must(s.len == 0 ||
	     (s.ptr >= bytes.ptr && s.ptr + s.len <= bytes.ptr + bytes.len));
	(void)record_u64(v, i);
	(void)record_i64(v, i);
	(void)record_bool(v, i);
	(void)record_is_nil(v, i);
	record_digest(v, i, &d);
	copy = record_dup(v, i);
	free(copy);
	record_strs(v, i, &strs);
	strs_release(&strs);
}

/* A record nests 8 deep at most. */
static void
ask_all(const struct record_view *v, struct span bytes, unsigned depth)
{
	must(depth <= 8);
	for (size_t i = 0; i <= v->n; i++) {
		struct record_view inner = record_array_at(v, i);

		ask_within(v, i, bytes);
		if (inner.n > 0)
			ask_all(&inner, bytes, depth + 1);
	}
}

static void
write_again(const struct record_view *v)
{
	struct record_writer w;
	struct record rec = {0};
	struct record_view got;
	struct span bytes;

	record_writer_init(&w);
	record_begin(&w, 1, v->n);
	for (size_t i = 0; i < v->n; i++)
		record_put_u64(&w, record_u64(v, i));
	must(record_end(&w, &bytes) == 0);
	must(record_parse(&rec, bytes, 1, &got) == 0);
	must(got.n == v->n);
	for (size_t i = 0; i < v->n; i++)
		must(record_u64(&got, i) == record_u64(v, i));
	must(!rec.bad);
	record_release(&rec);
	record_writer_release(&w);
}

/* A part is what the whole says. */
static void
ask_part(struct span bytes, const struct record_view *whole)
{
	struct record_items which = {whole->n / 2, whole->n - whole->n / 2};
	struct record rec = {0};
	struct record_view part;

	must(record_parse_some(&rec, bytes, 100, which, &part) == 0);
	must(part.n == which.n);
	for (size_t i = 0; i < part.n; i++) {
		must(
		    record_u64(&part, i) == record_u64(whole, which.first + i));
		must(span_eq(record_span(&part, i),
		    record_span(whole, which.first + i)));
	}
	record_release(&rec);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span bytes = {(const char *)data, size};
	struct record rec = {0};
	struct record_view v;

	/* Twice, as the memory of the first is used again. */
	for (int i = 0; i < 2; i++) {
		struct record_items some = {size % 5, size % 3};

		if (record_parse_some(&rec, bytes, 100, some, &v) == 0)
			ask_all(&v, bytes, 1);
		if (record_parse(&rec, bytes, 100, &v) < 0)
			continue;
		ask_part(bytes, &v);
		ask_all(&v, bytes, 1);
		write_again(&v);
	}
	record_release(&rec);
	return 0;
}
