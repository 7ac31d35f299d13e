#ifndef BASE_BUF_H
#define BASE_BUF_H

/*
 * Growing bytes.  A zeroed struct is an empty buffer; ptr[len] is always NUL
 * once something was added, so ptr can be used as a string.  Growing calls
 * return -ENOMEM and leave the buffer as it was; failed says afterwards that
 * one of them did, so that a long rendering can check once at its end.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "base/span.h"

struct buf {
	char *ptr;
	size_t len;
	size_t cap;
	bool failed;
};

int buf_reserve(struct buf *b, size_t more);
int buf_add(struct buf *b, const void *ptr, size_t len);
int buf_add_str(struct buf *b, const char *str);
int buf_add_span(struct buf *b, struct span s);
int buf_add_char(struct buf *b, char c);
int buf_addf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Forgets the content, keeps the memory. */
void buf_clear(struct buf *b);
void buf_release(struct buf *b);
/* The content as a string for the caller to free; the buffer is empty then.
 * NULL when out of memory, now or in a call before (failed). */
char *buf_take(struct buf *b);

static inline struct span
buf_span(const struct buf *b)
{
	return (struct span){b->ptr, b->len};
}

#endif
