#include "base/span.h"

#include <errno.h>
#include <stdlib.h>

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The C locale's tolower(), whatever the program's locale is. */
static unsigned char
lower(char c)
{
	unsigned char u = (unsigned char)c;

	return u >= 'A' && u <= 'Z' ? (unsigned char)(u + ('a' - 'A')) : u;
}

/* memcmp() may not be given the NULL of an empty span. */
static int
compare(const char *a, const char *b, size_t len)
{
	return len == 0 ? 0 : memcmp(a, b, len);
}

bool
span_eq(struct span a, struct span b)
{
	return a.len == b.len && compare(a.ptr, b.ptr, a.len) == 0;
}

bool
span_eq_nocase(struct span a, struct span b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		if (lower(a.ptr[i]) != lower(b.ptr[i]))
			return false;
	return true;
}

int
span_cmp(struct span a, struct span b)
{
	int r = compare(a.ptr, b.ptr, a.len < b.len ? a.len : b.len);

	return r != 0 ? r : (a.len > b.len) - (a.len < b.len);
}

bool
span_starts(struct span s, struct span prefix)
{
	return s.len >= prefix.len &&
	       compare(s.ptr, prefix.ptr, prefix.len) == 0;
}

bool
span_ends(struct span s, struct span suffix)
{
	if (s.len < suffix.len)
		return false;
	if (suffix.len == 0)
		return true;
	return memcmp(s.ptr + (s.len - suffix.len), suffix.ptr, suffix.len) ==
	       0;
}

struct span
span_trim(struct span s)
{
	while (s.len > 0 && is_blank(s.ptr[s.len - 1]))
		s.len--;
	while (s.len > 0 && is_blank(s.ptr[0])) {
		s.ptr++;
		s.len--;
	}
	return s;
}

bool
span_word(struct span *text, struct span *ret)
{
	const char *p = text->ptr;
	size_t from = 0, to;

	while (from < text->len && is_blank(p[from]))
		from++;
	for (to = from; to < text->len && !is_blank(p[to]);)
		to++;
	if (to > 0)
		*text = (struct span){p + to, text->len - to};
	if (to == from)
		return false;
	*ret = (struct span){p + from, to - from};
	return true;
}

bool
span_cut(struct span *text, char sep, struct span *ret)
{
	const char *end;

	if (text->len == 0)
		return false;
	end = memchr(text->ptr, sep, text->len);
	ret->ptr = text->ptr;
	ret->len = end ? (size_t)(end - text->ptr) : text->len;
	text->ptr += ret->len + (end != NULL);
	text->len -= ret->len + (end != NULL);
	return true;
}

size_t
span_lines(struct span text)
{
	struct span line;
	size_t n = 0;

	while (span_cut(&text, '\n', &line))
		n++;
	return n;
}

int
span_u64(struct span s, uint64_t *ret)
{
	bool over = false;
	uint64_t n = 0;

	if (s.len == 0)
		return -EINVAL;
	for (size_t i = 0; i < s.len; i++) {
		unsigned digit = (unsigned char)s.ptr[i] - (unsigned)'0';

		if (digit > 9)
			return -EINVAL;
		over |= n > (UINT64_MAX - digit) / 10;
		n = n * 10 + digit;
	}
	if (over)
		return -ERANGE;
	*ret = n;
	return 0;
}

char *
span_dup(struct span s)
{
	char *copy = malloc(s.len + 1);

	if (!copy)
		return NULL;
	if (s.len > 0)
		memcpy(copy, s.ptr, s.len);
	copy[s.len] = '\0';
	return copy;
}
