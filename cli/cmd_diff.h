#ifndef CLI_CMD_DIFF_H
#define CLI_CMD_DIFF_H

#include "cli/command.h"

int cmd_snapshot_diff(struct cli *c);

#endif
