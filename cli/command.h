#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

/*
 * The commands: one table, from which parsing, --help and the checks of the
 * manual and the completion work.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/strs.h"
#include "store/store.h"

/* Exit status. */
enum {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_NO = 3, /* the answer is no */
};

struct option_def {
	const char *name;  /* without the dashes */
	const char *value; /* what it takes, for --help; NULL: nothing */
	const char *help;
};

struct cli;
struct memstats;

enum command_flags {
	CMD_NO_STORE = 1 << 0, /* opens it itself, or not at all */
	CMD_READS = 1 << 1,    /* prints, and changes nothing */
	CMD_STAYS = 1 << 2,    /* begins memstats in the process that stays */
};

struct command {
	const char *noun;
	const char *verb; /* NULL: the noun is the whole command */
	const char *args; /* for --help: "NAME URL SUITE [COMPONENT...]" */
	const char *summary;
	size_t min_args, max_args; /* SIZE_MAX: any number */
	unsigned flags;
	const struct option_def *options; /* ends with a NULL name; or NULL */
	int (*run)(struct cli *c);	  /* an exit status */
};

/* Ends with a NULL noun. */
extern const struct command commands[];
/* What mount(8) runs; not in the table. */
extern const struct command mount_helper;
extern const struct option_def global_options[];

/* What was typed, and what every command gets. */
struct cli {
	const struct command *command;
	struct store *store;
	const char *store_dir;	   /* --store, or NULL */
	struct memstats *memstats; /* --memstats, or NULL */
	bool json;
	size_t nargs;
	char **args;
	struct {
		const struct option_def *def;
		const char *value;
	} * given;
	size_t ngiven;
};

/* Becomes true at SIGINT and SIGTERM; see cancel_on_signals(). */
extern atomic_bool cancelled;
/* Lets the two signals set `cancelled`, once; the second one kills. */
void cancel_on_signals(void);

/*
 * Questions about the options of the command; name is one of its table.
 * cli_value() yields the last one given, or NULL.
 */
bool cli_flag(const struct cli *c, const char *name);
const char *cli_value(const struct cli *c, const char *name);
/* Adds every value given, each split at commas, to ret; -ENOMEM. */
int cli_list(const struct cli *c, const char *name, struct strs *ret);
/* Adds every value given as it is; -ENOMEM. */
int cli_values(const struct cli *c, const char *name, struct strs *ret);
/* Adds every value given, as absolute file names, to ret; fails (with a
 * message) where one can't be read. */
int cli_files(const struct cli *c, const char *name, struct strs *ret);

/* For commands with CMD_NO_STORE: opens the store that was meant, or makes it
 * (STORE_CREATE in flags).  What keeps it from being opened has been told then;
 * it is closed after the command. */
int cli_open_store(struct cli *c, unsigned flags) MUST_CHECK;

/* One line on stderr and the exit status: usage errors are 2. */
int cli_fail(int r, const struct error *err);
int cli_usage(const struct cli *c, const char *fmt, ...) PRINTF_LIKE(2, 3);

void help_program(void);
void help_noun(const char *noun);
void help_command(const struct command *cmd);

#endif
