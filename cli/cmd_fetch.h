#ifndef CLI_CMD_FETCH_H
#define CLI_CMD_FETCH_H

#include <stdint.h>

#include "cli/command.h"
#include "mirror/limits.h"

/* mirror fetch and snapshot fetch: makes the pool files of a state present,
 * those of the packages named from the second argument on, or all. */
int fetch_state(struct cli *c, uint64_t state);
/* What --jobs and --rate say; -EINVAL with a message. */
int fetch_limits(const struct cli *c, struct limits *ret);

#endif
