#ifndef BASE_DEB822_H
#define BASE_DEB822_H

/*
 * Stanzas of deb822(5) in memory.  Pure: no I/O, nothing allocated.
 *
 * A stanza is a run of fields without a blank line; a field is "Name: value"
 * and any number of continuation lines that begin with a blank or tab.  The
 * values that are lent keep their continuation lines as they stand, without
 * the final newline.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/span.h"

#define STANZA_MAX     (512 * 1024) /* bytes of one stanza of an index */
#define FIELD_NAME_MAX 128	    /* bytes of a field's name */

struct field {
	struct span name;
	struct span value; /* trimmed at both ends; may hold newlines */
};

/*
 * Cuts the next field from *text (the rest of a stanza).  1 with *ret filled,
 * 0 at the end, -EBADMSG where the line is no field: no colon, a name with
 * forbidden bytes or of more than FIELD_NAME_MAX, a continuation line with
 * nothing before it, a NUL byte.  *line counts on from what the caller put
 * there; at an error it is the line at fault and *reterr_why says what is
 * wrong in a few words.
 */
int deb822_field(struct span *text, size_t *line, struct field *ret,
    const char **reterr_why);

/* The value of the first field with that name (any case); false without. */
bool deb822_get(struct span stanza, struct span name, struct span *ret);

/*
 * Cuts the next stanza from *text: what stands between blank lines (a line of
 * only blanks, tabs and CR counts as one), with its final newline.  False at
 * the end.
 */
bool deb822_stanza(struct span *text, struct span *ret);

#endif
