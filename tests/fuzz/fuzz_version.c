/*
 * Three versions, separated by newlines: whatever they are, they must stand
 * in one order, as lists are sorted by it.
 */

#include <stdint.h>
#include <stdlib.h>

#include "base/version.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static int
sign(int n)
{
	return (n > 0) - (n < 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span rest = {(const char *)data, size};
	struct span a = {0}, b = {0}, c;
	int ab, bc, ac;

	(void)span_cut(&rest, '\n', &a);
	(void)span_cut(&rest, '\n', &b);
	c = rest;
	ab = sign(version_cmp(a, b));
	bc = sign(version_cmp(b, c));
	ac = sign(version_cmp(a, c));
	must(version_cmp(a, a) == 0);
	must(sign(version_cmp(b, a)) == -ab);
	/* a <= b <= c, or a >= b >= c: so a and c are in the same order. */
	if (ab == bc || ab == 0 || bc == 0)
		must(ac == (ab != 0 ? ab : bc));
	return 0;
}
