/*
 * Allocations that fail.  glibc's own are there under another name.  What the C
 * library allocates is its caller's: such calls are here too, since which
 * caller that is can be told here only.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fault.h"

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t size);

void *
malloc(size_t size)
{
	if (fault_malloc(__builtin_return_address(0))) {
		errno = ENOMEM;
		return NULL;
	}
	return __libc_malloc(size);
}

void *
calloc(size_t n, size_t size)
{
	if (fault_malloc(__builtin_return_address(0))) {
		errno = ENOMEM;
		return NULL;
	}
	return __libc_calloc(n, size);
}

void *
realloc(void *p, size_t size)
{
	if (fault_malloc(__builtin_return_address(0))) {
		errno = ENOMEM;
		return NULL;
	}
	return __libc_realloc(p, size);
}

static char *
copy_of(const char *s, size_t len, const void *caller)
{
	char *copy = fault_malloc(caller) ? NULL : __libc_malloc(len + 1);

	if (!copy) {
		errno = ENOMEM;
		return NULL;
	}
	memcpy(copy, s, len);
	copy[len] = '\0';
	return copy;
}

char *
strdup(const char *s)
{
	return copy_of(s, strlen(s), __builtin_return_address(0));
}

char *
strndup(const char *s, size_t max)
{
	return copy_of(s, strnlen(s, max), __builtin_return_address(0));
}

static int
print(char **ret, const char *fmt, va_list args, const void *caller)
{
	static int (*next)(char **, const char *, va_list);

	if (!next)
		*(void **)&next = dlsym(RTLD_NEXT, "vasprintf");
	if (fault_malloc(caller)) {
		errno = ENOMEM;
		return -1;
	}
	return next(ret, fmt, args);
}

int
vasprintf(char **ret, const char *fmt, va_list args)
{
	return print(ret, fmt, args, __builtin_return_address(0));
}

int
asprintf(char **ret, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = print(ret, fmt, args, __builtin_return_address(0));
	va_end(args);
	return n;
}
