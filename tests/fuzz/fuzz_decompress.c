/*
 * Compressed data of any bytes: the first byte says the codec, the second the
 * size of the pieces.  Never more than the limit comes out, and what comes out
 * does not depend on how the input is cut.
 */

#include <stdint.h>
#include <stdlib.h>

#include "base/buf.h"
#include "store/decompress.h"

#define LIMIT (256 * 1024) /* bytes */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static int
take(void *arg, const void *ptr, size_t len)
{
	struct buf *plain = arg;

	must(len > 0 && plain->len + len <= LIMIT);
	return buf_add(plain, ptr, len);
}

static int
unpack(enum codec codec, struct span in, size_t step, struct buf *plain)
{
	CLEANUP(decompress_cleanup) struct decompress *d = NULL;
	struct error err = {""};
	int r = decompress_new(codec, LIMIT, take, plain, &d);

	while (r == 0 && in.len > 0) {
		size_t n = in.len < step ? in.len : step;

		r = decompress_add(d, in.ptr, n, &err);
		in.ptr += n;
		in.len -= n;
	}
	if (r == 0)
		r = decompress_end(d, &err);
	must(r <= 0);
	must((r == 0) == (err.text[0] == '\0'));
	return r;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(buf_release) struct buf whole = {0};
	CLEANUP(buf_release) struct buf pieces = {0};
	enum codec codec;
	struct span in;
	int r, s;

	if (size < 2)
		return 0;
	codec = data[0] % (CODEC_BZ2 + 1);
	in = (struct span){(const char *)data + 2, size - 2};
	r = unpack(codec, in, SIZE_MAX, &whole);
	s = unpack(codec, in, 1 + data[1], &pieces);
	must((r == 0) == (s == 0));
	must(r < 0 || span_eq(buf_span(&whole), buf_span(&pieces)));
	return 0;
}
