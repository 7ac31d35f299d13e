#ifndef CLI_CMD_MOUNT_H
#define CLI_CMD_MOUNT_H

#include "cli/command.h"

int cmd_mount(struct cli *c);
/* As mount(8) calls a helper: STORE MOUNTPOINT [-sfnv] [-o OPTIONS]. */
int cmd_mount_helper(struct cli *c);

#endif
