/*
 * Clearsigned messages of any bytes: what is accepted yields lines without
 * blanks at their ends and no more bytes than came, and signing it anew would
 * yield the same text.
 */

#include <stdint.h>
#include <stdlib.h>

#include "mirror/clearsign.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool ok)
{
	if (!ok)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = {(const char *)data, size};
	CLEANUP(buf_release) struct buf plain = {0};
	CLEANUP(buf_release) struct buf again = {0};
	struct error err = {""};
	int r = clearsign_split(in, "x", &plain, &err);

	must((r == 0) == (clearsign_split(in, "x", NULL, NULL) == 0));
	must((r == 0) == (err.text[0] == '\0'));
	must(r == 0 || plain.len == 0);
	must(plain.len <= size);
	must(plain.len == 0 || plain.ptr[plain.len - 1] == '\n');
	must(clearsign_trim(buf_span(&plain), &again) == 0);
	must(span_eq(buf_span(&plain), buf_span(&again)));
	return 0;
}
