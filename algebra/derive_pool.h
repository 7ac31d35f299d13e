#ifndef ALGEBRA_DERIVE_POOL_H
#define ALGEBRA_DERIVE_POOL_H

/* Private to algebra/derive*.c. */

#include <stdatomic.h>

#include "base/error.h"
#include "store/state.h"

/* -EEXIST: two packages of the state's lists claim one path for different
 * files; err names them. */
int derive_check_pool(struct store *s, const struct state *state,
    const atomic_bool *cancel, struct error *err) MUST_CHECK;

#endif
