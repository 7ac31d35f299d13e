#ifndef STORE_DAMAGE_H
#define STORE_DAMAGE_H

#include <errno.h>
#include <stdbool.h>

/* Is r what following a reference yields that leads to nothing, or to a record
 * that is not what it says? */
static inline bool
is_damage(int r)
{
	return r == -EIO || r == -EPROTO || r == -EBADMSG || r == -ENOENT;
}

#endif
