#ifndef CLI_CMD_PUBLISH_H
#define CLI_CMD_PUBLISH_H

#include "cli/command.h"

int cmd_publish_snapshot(struct cli *c);
int cmd_publish_mirror(struct cli *c);
int cmd_publish_switch(struct cli *c);
int cmd_publish_update(struct cli *c);
int cmd_publish_list(struct cli *c);
int cmd_publish_show(struct cli *c);
int cmd_publish_drop(struct cli *c);

#endif
