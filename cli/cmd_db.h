#ifndef CLI_CMD_DB_H
#define CLI_CMD_DB_H

#include "cli/command.h"

int cmd_db_check(struct cli *c);
int cmd_db_cleanup(struct cli *c);
int cmd_db_stats(struct cli *c);
int cmd_db_backup(struct cli *c);

#endif
