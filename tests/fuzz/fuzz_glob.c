/*
 * A pattern and, behind the first newline, a text: the matcher agrees with one
 * that tries every way.
 */

#include <stdint.h>
#include <stdlib.h>

#include "base/glob.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX 12 /* bytes of each: the slow one takes every way */

static bool
slow(struct span pattern, struct span text)
{
	struct span one = pattern;

	if (pattern.len == 0)
		return text.len == 0;
	if (pattern.ptr[0] == '*') {
		struct span behind = {pattern.ptr + 1, pattern.len - 1};

		for (;;) {
			if (slow(behind, text))
				return true;
			if (text.len == 0 || text.ptr[0] == '/')
				return false;
			text.ptr++;
			text.len--;
		}
	}
	if (text.len == 0)
		return false;
	/* The one item at the head, against the one character. */
	for (one.len = 1; one.len < pattern.len && glob_check(one);)
		one.len++;
	return glob_match(one, (struct span){text.ptr, 1}) &&
	       slow((struct span){pattern.ptr + one.len, pattern.len - one.len},
		   (struct span){text.ptr + 1, text.len - 1});
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = {(const char *)data, size}, pattern = {0};

	(void)span_cut(&text, '\n', &pattern);
	if (pattern.len > MAX || text.len > MAX || glob_check(pattern))
		return 0;
	/* The slow one knows bytes, not characters. */
	for (size_t i = 0; i < size; i++)
		if (data[i] >= 0x80)
			return 0;
	if (glob_match(pattern, text) != slow(pattern, text))
		abort();
	return 0;
}
