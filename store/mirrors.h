#ifndef STORE_MIRRORS_H
#define STORE_MIRRORS_H

/*
 * What commands do to mirrors, apart from updating them: each call is one
 * write transaction, and changes nothing where it fails.
 */

#include "base/error.h"
#include "store/mirror.h"
#include "store/origin.h"

/* As mirror_load(), with a message: -ENOENT where there is none of that name.
 */
int mirrors_load(struct txn *t, const char *name, struct mirror *ret,
    struct error *err) MUST_CHECK;
/* -EBUSY: it has a filter (a query; algebra/query.h), and is published verbatim
 * (err says where), which only the whole of an archive can be. */
int mirrors_check_filter(
    struct txn *t, const struct mirror *m, struct error *err) MUST_CHECK;
/* Enters a new mirror; m->origin and o->number are filled in.  -EINVAL: a bad
 * name, or a suite, component or architecture that can't be part of a path;
 * -EEXIST: the name is taken. */
int mirrors_create(struct store *s, struct mirror *m, struct origin *o,
    struct error *err) MUST_CHECK;
/*
 * Lets fn change a mirror and its origin (not the name).  fn may be called
 * again with fresh copies; its error is passed on.  -EINVAL as above.
 */
typedef int mirrors_edit_fn(
    struct mirror *m, struct origin *o, void *arg, struct error *err);
int mirrors_edit(struct store *s, const char *name, mirrors_edit_fn *fn,
    void *arg, struct error *err) MUST_CHECK;
/* Publications and snapshots that name it follow. */
int mirrors_rename(struct store *s, const char *from, const char *to,
    struct error *err) MUST_CHECK;
/* -EBUSY: publications follow it (err names them) and not force.  Snapshots of
 * it stay whole. */
int mirrors_drop(struct store *s, const char *name, bool force,
    struct error *err) MUST_CHECK;

#endif
