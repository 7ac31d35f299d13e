#include "base/glob.h"

#define NO_CHARACTER 0x110000 /* beyond Unicode: bytes that are not UTF-8 */

static void
drop(struct span *s, size_t len)
{
	s->ptr += len;
	s->len -= len;
}

/* How many bytes follow the first one of a character; 0 also where it cannot
 * begin one. */
static size_t
bytes_that_follow(unsigned char c)
{
	if (c >= 0xc2 && c <= 0xdf)
		return 1;
	if (c >= 0xe0 && c <= 0xef)
		return 2;
	return c >= 0xf0 && c <= 0xf4 ? 3 : 0;
}

static uint32_t
cut_character(struct span *s)
{
	const unsigned char *p = (const unsigned char *)s->ptr;
	size_t more = bytes_that_follow(p[0]);
	uint32_t c = p[0];

	if (c < 0x80 || more == 0 || more >= s->len) {
		drop(s, 1);
		return c < 0x80 ? c : NO_CHARACTER + c;
	}
	c &= 0x3fu >> more;
	for (size_t i = 1; i <= more; i++) {
		if ((p[i] & 0xc0) != 0x80) {
			drop(s, 1);
			return NO_CHARACTER + p[0];
		}
		c = c << 6 | (p[i] & 0x3f);
	}
	drop(s, more + 1);
	return c;
}

static bool
begins(struct span s, char c)
{
	return s.len > 0 && s.ptr[0] == c;
}

/* One end of a range; '\' before it is dropped. */
static uint32_t
cut_end(struct span *s)
{
	if (begins(*s, '\\'))
		drop(s, 1);
	return cut_character(s);
}

static const char *
check_end(struct span *s)
{
	if (s->len == 0)
		return "'[' without ']'";
	if (begins(*s, '-') || begins(*s, ']'))
		return "a '-' or ']' in a class needs a '\\' before it";
	if (begins(*s, '\\') && s->len == 1)
		return "'\\' at the end";
	(void)cut_end(s);
	return NULL;
}

/* What follows a '['. */
static const char *
check_class(struct span *s)
{
	const char *why = NULL;
	bool empty = true;

	if (begins(*s, '^'))
		drop(s, 1);
	for (; !why && (empty || !begins(*s, ']')); empty = false) {
		why = check_end(s);
		if (!why && begins(*s, '-')) {
			drop(s, 1);
			why = check_end(s);
		}
	}
	if (!why)
		drop(s, 1);
	return why;
}

const char *
glob_check(struct span pattern)
{
	const char *why = NULL;

	while (!why && pattern.len > 0) {
		char c = pattern.ptr[0];

		drop(&pattern, 1);
		if (c == '[') {
			why = check_class(&pattern);
		} else if (c == '\\') {
			if (pattern.len == 0)
				return "'\\' at the end";
			drop(&pattern, 1);
		}
	}
	return why;
}

static bool
class_matches(struct span *pattern, uint32_t c)
{
	bool negated = begins(*pattern, '^'), found = false;

	if (negated)
		drop(pattern, 1);
	while (!begins(*pattern, ']')) {
		uint32_t low = cut_end(pattern), high = low;

		if (begins(*pattern, '-')) {
			drop(pattern, 1);
			high = cut_end(pattern);
		}
		found = found || (low <= c && c <= high);
	}
	drop(pattern, 1);
	return c != '/' && found != negated;
}

/* Cuts what stands for one character, and tells whether it stands for c. */
static bool
item_matches(struct span *pattern, uint32_t c)
{
	switch (pattern->ptr[0]) {
	case '?':
		drop(pattern, 1);
		return c != '/';
	case '[':
		drop(pattern, 1);
		return class_matches(pattern, c);
	default:
		return cut_end(pattern) == c;
	}
}

/*
 * Only the last '*' ever takes more: as no item but '/' itself stands for a
 * '/', the earliest place for what stands between two '*' leaves the later one
 * the same choices as any other place, and more.
 */
bool
glob_match(struct span pattern, struct span text)
{
	struct span behind_star = {0}, retry = {0};
	bool starred = false;

	while (text.len > 0 || pattern.len > 0) {
		struct span p = pattern, t = text;

		if (begins(pattern, '*')) {
			drop(&pattern, 1);
			behind_star = pattern;
			retry = text;
			starred = true;
			continue;
		}
		if (text.len == 0)
			return false;
		if (pattern.len > 0 && item_matches(&p, cut_character(&t))) {
			pattern = p;
			text = t;
			continue;
		}
		if (!starred || retry.len == 0 || begins(retry, '/'))
			return false;
		(void)cut_character(&retry);
		pattern = behind_star;
		text = retry;
	}
	return true;
}
