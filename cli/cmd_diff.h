#ifndef CLI_CMD_DIFF_H
#define CLI_CMD_DIFF_H

#include "algebra/diff.h"
#include "cli/command.h"

int cmd_snapshot_diff(struct cli *c);

/* Prints the rows of two states, as lines or as a JSON array.  opts less fn and
 * arg; heavy: names the fields that differ, too; NULL: not. */
int diff_print(struct cli *c, struct txn *t, const struct state *old,
    const struct state *new, const struct diff_opts *opts, struct heavy *heavy,
    uint64_t *ret_rows) MUST_CHECK;

#endif
