#include "base/buf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CAP 64

static int
fail(struct buf *b)
{
	b->failed = true;
	return -ENOMEM;
}

int
buf_reserve(struct buf *b, size_t more)
{
	size_t need, cap = b->cap > 0 ? b->cap : FIRST_CAP;
	char *ptr;

	if (more >= SIZE_MAX - b->len)
		return fail(b);
	need = b->len + more + 1;
	if (need <= b->cap)
		return 0;
	while (cap < need)
		cap = cap <= SIZE_MAX / 2 ? cap * 2 : need;
	ptr = realloc(b->ptr, cap);
	if (!ptr)
		return fail(b);
	b->ptr = ptr;
	b->cap = cap;
	b->ptr[b->len] = '\0';
	return 0;
}

int
buf_add(struct buf *b, const void *ptr, size_t len)
{
	int r = buf_reserve(b, len);

	if (r < 0)
		return r;
	if (len > 0)
		memcpy(b->ptr + b->len, ptr, len);
	b->len += len;
	b->ptr[b->len] = '\0';
	return 0;
}

int
buf_add_str(struct buf *b, const char *str)
{
	return buf_add(b, str, strlen(str));
}

int
buf_add_span(struct buf *b, struct span s)
{
	return buf_add(b, s.ptr, s.len);
}

int
buf_add_char(struct buf *b, char c)
{
	return buf_add(b, &c, 1);
}

int
buf_addf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int len, r;

	va_start(ap, fmt);
	len = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	/* Beyond INT_MAX, or no memory for a conversion. */
	if (len < 0)
		return fail(b);
	r = buf_reserve(b, (size_t)len);
	if (r < 0)
		return r;
	va_start(ap, fmt);
	(void)vsnprintf(b->ptr + b->len, (size_t)len + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)len;
	return 0;
}

void
buf_clear(struct buf *b)
{
	b->len = 0;
	b->failed = false;
	if (b->ptr)
		b->ptr[0] = '\0';
}

void
buf_release(struct buf *b)
{
	free(b->ptr);
	*b = (struct buf){0};
}

char *
buf_take(struct buf *b)
{
	char *ptr = NULL;

	if (!b->failed && buf_reserve(b, 0) == 0)
		ptr = TAKE(b->ptr);
	buf_release(b);
	return ptr;
}
