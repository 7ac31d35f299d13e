#include "cli/command.h"

#include <stdio.h>

static void
print_options(const struct option_def *o)
{
	for (; o && o->name; o++) {
		char left[64];

		(void)snprintf(left, sizeof(left), "--%s%s%s", o->name,
		    o->value ? "=" : "", o->value ? o->value : "");
		if (strlen(left) > 24)
			printf("  %s\n  %-24s  %s\n", left, "", o->help);
		else
			printf("  %-24s  %s\n", left, o->help);
	}
}

static void
print_name(const struct command *cmd)
{
	printf("%s%s%s", cmd->noun, cmd->verb ? " " : "",
	    cmd->verb ? cmd->verb : "");
}

void
help_program(void)
{
	const char *noun = "";

	printf("Usage: suitefs [OPTION]... NOUN VERB [ARGUMENT]...\n"
	       "Mirrors apt archives, freezes them as snapshots, and publishes "
	       "them as a\nfilesystem.\n\nCommands:\n");
	for (const struct command *cmd = commands; cmd->noun; cmd++) {
		if (strcmp(noun, cmd->noun) != 0)
			printf("%s  %s\n", *noun ? "\n" : "", cmd->noun);
		noun = cmd->noun;
		printf(
		    "    %-10s %s\n", cmd->verb ? cmd->verb : "", cmd->summary);
	}
	printf("\nOptions of every command:\n");
	print_options(global_options);
	printf("\n\"suitefs NOUN VERB --help\" tells more of one command; "
	       "suitefs(1) of all.\n");
}

void
help_noun(const char *noun)
{
	printf("Usage: suitefs %s VERB [OPTION]... [ARGUMENT]...\n\n", noun);
	for (const struct command *cmd = commands; cmd->noun; cmd++) {
		if (strcmp(noun, cmd->noun) != 0)
			continue;
		printf(
		    "  %-10s %s\n", cmd->verb ? cmd->verb : "", cmd->summary);
	}
	printf("\n\"suitefs %s VERB --help\" tells more of each.\n", noun);
}

void
help_command(const struct command *cmd)
{
	printf("Usage: suitefs ");
	print_name(cmd);
	printf("%s%s%s\n%s.\n", cmd->options ? " [OPTION]..." : "",
	    *cmd->args ? " " : "", cmd->args, cmd->summary);
	if (cmd->options) {
		printf("\nOptions:\n");
		print_options(cmd->options);
	}
	printf("\nOptions of every command:\n");
	print_options(global_options);
}
