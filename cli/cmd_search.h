#ifndef CLI_CMD_SEARCH_H
#define CLI_CMD_SEARCH_H

#include <stdint.h>

#include "cli/command.h"

/* mirror search and snapshot search: prints the packages of a state that the
 * query matches, which the second argument is, or all. */
int search_state(struct cli *c, uint64_t state);
int cmd_package_search(struct cli *c);

#endif
