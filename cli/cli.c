#include "cli/command.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>

#include "base/log.h"

atomic_bool cancelled;

static void
cancel(int sig)
{
	/* SA_RESETHAND: the next one ends the process. */
	(void)sig;
	atomic_store(&cancelled, true);
}

void
cancel_on_signals(void)
{
	struct sigaction sa = {
	    .sa_handler = cancel,
	    .sa_flags = (int)SA_RESETHAND,
	};

	(void)sigaction(SIGINT, &sa, NULL);
	(void)sigaction(SIGTERM, &sa, NULL);
}

/* A name that the table lacks is our own mistake. */
static void
check_name(const struct cli *c, const char *name)
{
	const struct option_def *o = c->command->options;

	while (o && o->name && strcmp(o->name, name) != 0)
		o++;
	assert(o && o->name);
	(void)o;
}

const char *
cli_value(const struct cli *c, const char *name)
{
	const char *value = NULL;

	check_name(c, name);
	for (size_t i = 0; i < c->ngiven; i++) {
		if (strcmp(c->given[i].def->name, name) == 0)
			value = c->given[i].value;
	}
	return value;
}

bool
cli_flag(const struct cli *c, const char *name)
{
	check_name(c, name);
	for (size_t i = 0; i < c->ngiven; i++) {
		if (strcmp(c->given[i].def->name, name) == 0)
			return true;
	}
	return false;
}

int
cli_list(const struct cli *c, const char *name, struct strs *ret)
{
	check_name(c, name);
	for (size_t i = 0; i < c->ngiven; i++) {
		int r;

		if (strcmp(c->given[i].def->name, name) != 0)
			continue;
		r = strs_add_split(ret, span_of(c->given[i].value), ',');
		if (r < 0)
			return r;
	}
	return 0;
}

int
cli_values(const struct cli *c, const char *name, struct strs *ret)
{
	int r = 0;

	check_name(c, name);
	for (size_t i = 0; r == 0 && i < c->ngiven; i++) {
		if (strcmp(c->given[i].def->name, name) == 0)
			r = strs_add(ret, span_of(c->given[i].value));
	}
	return r;
}

int
cli_files(const struct cli *c, const char *name, struct strs *ret)
{
	check_name(c, name);
	for (size_t i = 0; i < c->ngiven; i++) {
		const char *file = c->given[i].value;
		CLEANUP_FREE char *path = NULL;
		int r;

		if (strcmp(c->given[i].def->name, name) != 0)
			continue;
		path = realpath(file, NULL);
		if (!path || access(path, R_OK) < 0) {
			log_error("--%s: %s: %s", name, file, strerror(errno));
			return -EINVAL;
		}
		r = strs_add(ret, span_of(path));
		if (r < 0)
			return r;
	}
	return 0;
}

int
cli_fail(int r, const struct error *err)
{
	if (err && err->text[0])
		log_error("%s", err->text);
	else
		log_error("%s", strerror(-r));
	return r == -EINVAL ? EXIT_USAGE : EXIT_FAILED;
}

int
cli_usage(const struct cli *c, const char *fmt, ...)
{
	const struct command *cmd = c->command;
	CLEANUP_FREE char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	log_error("%s%s%s: %s", cmd->noun, cmd->verb ? " " : "",
	    cmd->verb ? cmd->verb : "", text ? text : "wrong usage");
	return EXIT_USAGE;
}
