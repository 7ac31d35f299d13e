#ifndef CLI_CMD_PULL_H
#define CLI_CMD_PULL_H

#include "cli/command.h"

int cmd_snapshot_pull(struct cli *c);

#endif
