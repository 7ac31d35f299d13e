#ifndef BASE_STRS_H
#define BASE_STRS_H

/*
 * An owned array of strings.  A zeroed struct is empty; v is NULL-terminated
 * once something was added.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/span.h"

struct strs {
	char **v;
	size_t n;
};

int strs_add(struct strs *s, struct span item);
/* Adds the words of text, separated by sep (or by white space where sep is
 * 0); empty ones are left out. */
int strs_add_split(struct strs *s, struct span text, char sep);
int strs_add_all(struct strs *s, const struct strs *from);
bool strs_has(const struct strs *s, struct span item);
void strs_sort(struct strs *s);
/* The items with sep between them, for the caller to free. */
char *strs_join(const struct strs *s, const char *sep);
void strs_release(struct strs *s);

#endif
