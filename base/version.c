#include "base/version.h"

#include <stdbool.h>

struct version {
	struct span epoch, upstream, revision;
};

static struct version
split(struct span s)
{
	struct version v = {.upstream = span_trim(s)};
	struct span *up = &v.upstream;
	struct span rest = *up, head;

	if (span_cut(&rest, ':', &head) && head.len < up->len) {
		v.epoch = head;
		*up = rest;
	}
	for (size_t i = up->len; i > 0; i--)
		if (up->ptr[i - 1] == '-') {
			v.revision = (struct span){up->ptr + i, up->len - i};
			up->len = i - 1;
			break;
		}
	return v;
}

static bool
digit_at(struct span s, size_t i)
{
	return i < s.len && s.ptr[i] >= '0' && s.ptr[i] <= '9';
}

/*
 * Where a byte stands among those that are not digits: '~' first, then the
 * end of the run (a digit, or of the version), letters, everything else.
 */
static int
weight(struct span s, size_t i)
{
	unsigned char c;

	if (i >= s.len || digit_at(s, i))
		return 0;
	c = (unsigned char)s.ptr[i];
	if (c == '~')
		return -1;
	if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
		return c;
	return c + 256;
}

/* Cuts the digits at the head, without leading zeros. */
static struct span
cut_number(struct span *s)
{
	struct span n;
	size_t from = 0, to;

	while (digit_at(*s, from) && s->ptr[from] == '0')
		from++;
	for (to = from; digit_at(*s, to);)
		to++;
	if (to == 0)
		return (struct span){0};
	n = (struct span){s->ptr + from, to - from};
	*s = (struct span){s->ptr + to, s->len - to};
	return n;
}

/* Of any length, so not as integers: the longer is the larger. */
static int
compare_numbers(struct span a, struct span b)
{
	if (a.len != b.len)
		return a.len < b.len ? -1 : 1;
	return span_cmp(a, b);
}

/* By turns a run without digits and a run of digits. */
static int
compare_parts(struct span a, struct span b)
{
	while (a.len > 0 || b.len > 0) {
		size_t i = 0;
		int r;

		while ((i < a.len && !digit_at(a, i)) ||
		       (i < b.len && !digit_at(b, i))) {
			r = weight(a, i) - weight(b, i);
			if (r != 0)
				return r;
			i++;
		}
		if (i > 0) {
			a = (struct span){a.ptr + i, a.len - i};
			b = (struct span){b.ptr + i, b.len - i};
		}
		r = compare_numbers(cut_number(&a), cut_number(&b));
		if (r != 0)
			return r;
	}
	return 0;
}

int
version_cmp(struct span a, struct span b)
{
	struct version va = split(a), vb = split(b);
	int r = compare_parts(va.epoch, vb.epoch);

	if (r == 0)
		r = compare_parts(va.upstream, vb.upstream);
	return r != 0 ? r : compare_parts(va.revision, vb.revision);
}
