#ifndef CLI_CMD_DIFF_H
#define CLI_CMD_DIFF_H

#include "algebra/diff.h"
#include "cli/command.h"

int cmd_snapshot_diff(struct cli *c);

/* Prints the rows, as lines or as a JSON array.  heavy: names the fields that
 * differ, too; NULL: not.  The caller has no transaction open where it is
 * given. */
int diff_print(struct cli *c, const struct diff *d, struct heavy *heavy,
    uint64_t *ret_rows) MUST_CHECK;

#endif
