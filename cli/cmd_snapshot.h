#ifndef CLI_CMD_SNAPSHOT_H
#define CLI_CMD_SNAPSHOT_H

#include "cli/command.h"

int cmd_snapshot_create(struct cli *c);
int cmd_snapshot_list(struct cli *c);
int cmd_snapshot_show(struct cli *c);
int cmd_snapshot_search(struct cli *c);
int cmd_snapshot_fetch(struct cli *c);
int cmd_snapshot_rename(struct cli *c);
int cmd_snapshot_drop(struct cli *c);

/* Prints a new snapshot as JSON: which name it has got is for programs to know,
 * too.  An exit status. */
int snapshot_print(struct cli *c, const char *name);

#endif
