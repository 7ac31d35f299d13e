#ifndef CLI_CMD_GRAPH_H
#define CLI_CMD_GRAPH_H

#include "cli/command.h"

int cmd_graph(struct cli *c);

#endif
