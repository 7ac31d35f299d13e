#ifndef CLI_CMD_VERIFY_H
#define CLI_CMD_VERIFY_H

#include "cli/command.h"

int cmd_snapshot_verify(struct cli *c);

#endif
