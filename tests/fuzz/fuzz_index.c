/*
 * Indexes of any bytes: the first byte says the size of the pieces.  What the
 * reader gives are the stanzas that deb822_stanza() finds in the whole, each
 * with the line where it stands, however the input is cut.
 */

#include <stdint.h>
#include <stdlib.h>

#include "base/deb822.h"
#include "store/index.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct check {
	struct span whole, rest;
};

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static size_t
line_at(struct span text, const char *at)
{
	size_t line = 1;

	for (const char *p = text.ptr; p < at; p++)
		line += *p == '\n';
	return line;
}

static int
take(void *arg, struct span stanza, size_t line, struct error *err)
{
	struct check *c = arg;
	struct span expected;

	(void)err;
	must(stanza.len > 1 && stanza.len <= STANZA_MAX);
	must(deb822_stanza(&c->rest, &expected));
	/* A last line without its newline was given one. */
	if (!span_ends(expected, SPAN("\n"))) {
		must(span_ends(stanza, SPAN("\n")));
		stanza.len--;
	}
	must(span_eq(stanza, expected));
	must(line == line_at(c->whole, expected.ptr));
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(index_reader_cleanup) struct index_reader *r = NULL;
	struct check c;
	struct digest digest, expected;
	struct span in, none;
	uint64_t len;
	size_t step;

	if (size < 1)
		return 0;
	in = (struct span){(const char *)data + 1, size - 1};
	c = (struct check){in, in};
	step = 1 + data[0];
	must(index_reader_new(take, &c, &r) == 0);
	for (struct span rest = in; rest.len > 0;) {
		size_t n = rest.len < step ? rest.len : step;

		if (index_reader_add(r, rest.ptr, n, NULL) < 0)
			return 0;
		rest.ptr += n;
		rest.len -= n;
	}
	if (index_reader_end(r, &digest, &len, NULL) < 0)
		return 0;
	must(!deb822_stanza(&c.rest, &none));
	digest_of(in.ptr, in.len, &expected);
	must(digest_eq(&digest, &expected) && len == in.len);
	return 0;
}
