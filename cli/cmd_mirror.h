#ifndef CLI_CMD_MIRROR_H
#define CLI_CMD_MIRROR_H

#include "cli/command.h"

int cmd_mirror_create(struct cli *c);
int cmd_mirror_update(struct cli *c);
int cmd_mirror_fetch(struct cli *c);
int cmd_mirror_list(struct cli *c);
int cmd_mirror_show(struct cli *c);
int cmd_mirror_search(struct cli *c);
int cmd_mirror_edit(struct cli *c);
int cmd_mirror_rename(struct cli *c);
int cmd_mirror_drop(struct cli *c);

#endif
