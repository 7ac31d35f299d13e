/*
 * Stanzas and fields of any bytes: all that is lent lies in the input, line
 * numbers don't pass the number of lines, and deb822_get() finds every first
 * field of its name.
 */

#include <stdint.h>
#include <stdlib.h>

#include "base/deb822.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static bool
within(struct span inner, struct span outer)
{
	return inner.ptr >= outer.ptr &&
	       inner.ptr + inner.len <= outer.ptr + outer.len;
}

static void
fields_of(struct span stanza)
{
	struct span rest = stanza, value;
	size_t line = 0, lines = span_lines(stanza);
	const char *why = NULL;
	struct field f;
	int r;

	while ((r = deb822_field(&rest, &line, &f, &why)) > 0) {
		must(within(f.name, stanza) && within(f.value, stanza));
		must(f.name.len > 0 && f.name.len <= FIELD_NAME_MAX);
		must(line <= lines);
		must(deb822_get(stanza, f.name, &value));
		must(value.ptr <= f.value.ptr);
	}
	must(r == 0 ? rest.len == 0 && line == lines : why && line <= lines);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct span all = {(const char *)data, size};
	struct span rest = all, stanza;

	while (deb822_stanza(&rest, &stanza)) {
		must(stanza.len > 0 && within(stanza, all));
		must(span_trim(stanza).len > 0);
		/* Looking up is quadratic here: not for large ones. */
		if (stanza.len < 4096)
			fields_of(stanza);
	}
	must(rest.len == 0);
	return 0;
}
