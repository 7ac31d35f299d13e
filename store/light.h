#ifndef STORE_LIGHT_H
#define STORE_LIGHT_H

/* How a light is filled: for light.c and light_stanza.c alone. */

#include "store/package.h"

/* Empties it, keeps its memory. */
void light_clear(struct light *l);
/* Makes room for n files altogether. */
int light_reserve_files(struct light *l, size_t n) MUST_CHECK;
/* Adds a file, within what was reserved; its path becomes dir/path where dir
 * is not empty, for which the caller has reserved room in l->paths. */
int light_add_file(
    struct light *l, struct span dir, const struct package_file *f) MUST_CHECK;

#endif
