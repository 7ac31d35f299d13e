/*
 * Dependency fields of any bytes: all that is lent lies in the input, and what
 * an alternative is written as reads as the same alternative again.
 */

#include <stdint.h>
#include <stdlib.h>

#include "algebra/depends.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static void
must_lie_in(struct span inner, struct span outer)
{
	must(inner.len == 0 ||
	     (inner.ptr >= outer.ptr &&
		 inner.ptr + inner.len <= outer.ptr + outer.len));
}

static void
must_read_again(const struct dep *d)
{
	CLEANUP(buf_release) struct buf text = {0};
	struct span rest;
	struct dep again;
	const char *why;

	must(dep_add_text(d, &text) == 0);
	rest = buf_span(&text);
	must(dep_next(&rest, &again, &why) == 1);
	must(rest.len == 0 && !again.more && again.op == d->op);
	must(span_eq(again.name, d->name));
	must(span_eq(again.qualifier, d->qualifier));
	must(span_eq(again.version, d->version));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct span all = {(const char *)data, size};
	struct span rest = all, name;
	struct dep_offer offer = {.architecture = SPAN("amd64")};
	const char *why = NULL;
	size_t left = size + 1;
	struct dep d;
	int r;

	while ((r = dep_next(&rest, &d, &why)) > 0) {
		must(rest.len < left);
		left = rest.len;
		must(d.name.len > 0 && d.name.len <= DEP_TOKEN_MAX);
		must((d.op == DEP_NO_OP) == (d.version.len == 0));
		must_lie_in(d.name, all);
		must_lie_in(d.qualifier, all);
		must_lie_in(d.version, all);
		must_lie_in(d.architectures, all);
		must_lie_in(d.profiles, all);
		must_read_again(&d);
		(void)dep_concerns(&d, SPAN("amd64"));
		(void)dep_in_profiles(&d, NULL);
	}
	must(r == 0 || why);
	rest = all;
	while (dep_next_provided(&rest, &name, &offer, &why) > 0) {
		must_lie_in(name, all);
		must_lie_in(offer.version, all);
	}
	return 0;
}
