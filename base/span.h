#ifndef BASE_SPAN_H
#define BASE_SPAN_H

/*
 * A stretch of bytes that somebody else owns; not NUL-terminated.  The empty
 * span may have a NULL pointer.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span {
	const char *ptr;
	size_t len;
};

#define SPAN(literal) ((struct span){"" literal, sizeof(literal) - 1})
/* The same for static tables, where a compound literal is no constant. */
#define SPAN_INIT(literal)                                                     \
	{                                                                      \
		"" literal, sizeof(literal) - 1                                \
	}
/* For printf's "%.*s". */
#define SPAN_ARG(s) (int)(s).len, (s).ptr

static inline struct span
span_of(const char *str)
{
	return (struct span){str, str ? strlen(str) : 0};
}

bool span_eq(struct span a, struct span b);
/* ASCII letters compare without case, as deb822(5) field names do. */
bool span_eq_nocase(struct span a, struct span b);
/* Bytewise order, as memcmp() with the shorter first. */
int span_cmp(struct span a, struct span b);
bool span_starts(struct span s, struct span prefix);
bool span_ends(struct span s, struct span suffix);
/* Without blanks, tabs, CR and LF at both ends. */
struct span span_trim(struct span s);
/*
 * Cuts the next word (run of non-blank bytes) from *text.  False when there
 * is none.
 */
bool span_word(struct span *text, struct span *ret);
/*
 * Cuts what stands before the next sep from *text, and the separator too.
 * False when text is empty.
 */
bool span_cut(struct span *text, char sep, struct span *ret);
/* How many lines there are, an unfinished last one too. */
size_t span_lines(struct span text);
/* Decimal digits only, the whole span; -EINVAL or -ERANGE otherwise. */
int span_u64(struct span s, uint64_t *ret);
/* A NUL-terminated copy that the caller frees; NULL when out of memory. */
char *span_dup(struct span s);

#endif
