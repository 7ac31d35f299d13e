#ifndef CLI_FORMAT_H
#define CLI_FORMAT_H

/*
 * What --format says of each package, as dpkg-query(1) has it: text in which
 * ${Field} stands for the field's value, ${Field;WIDTH} for the same in so many
 * columns (-WIDTH: at their left end), and \n, \t and \\ for what they are in
 * C.  A field that a package does not have is empty.  Beside the fields of
 * stanzas there are ${source:Package} and ${source:Version}.
 */

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"
#include "store/heavy.h"
#include "store/package.h"

#define FORMAT_MAX_WIDTH 1000

struct format;

/* -EINVAL: err says in which column what is wrong. */
int format_parse(
    const char *text, struct format **ret, struct error *err) MUST_CHECK;
void format_free(struct format *f);
static inline void
format_cleanup(struct format **f)
{
	format_free(*f);
}

/* Adds it to out; the stanza is read where the light record is not enough. */
int format_add(struct format *f, struct heavy *h, struct txn *t,
    const struct package *p, struct buf *out) MUST_CHECK;

#endif
