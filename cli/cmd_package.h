#ifndef CLI_CMD_PACKAGE_H
#define CLI_CMD_PACKAGE_H

#include "cli/command.h"

int cmd_package_show(struct cli *c);

#endif
