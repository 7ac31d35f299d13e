#include <errno.h>
#include <getopt.h>
#include <locale.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/memstats.h"
#include "base/nearest.h"
#include "cli/command.h"

const struct option_def global_options[] = {
    {"store", "DIR", "the store (default: see suitefs(1), FILES)"},
    {"quiet", NULL, "only warnings and errors"},
    {"verbose", NULL, "more about what is being done"},
    {"json", NULL, "print JSON"},
    {"memstats", "FILE", "write a table of the memory that is taken"},
    {"meminterval", "TIME", "time between its lines (default: 100ms)"},
    {"help", NULL, "print this and exit"},
    {"version", NULL, "print the version and exit"},
    {NULL, NULL, NULL},
};

#define MAX_OPTIONS  64
#define THREAD_STACK (1024 * 1024) /* bytes */

/* One pass of getopt_long(3) over some tables of options. */
struct parser {
	struct option longs[MAX_OPTIONS];
	const struct option_def *defs[MAX_OPTIONS];
	int n;
	char shorts[16];
	bool help;
	bool version;
	const char *store;
	const char *memstats, *meminterval;
};

static bool
parser_has(const struct parser *p, const char *name)
{
	for (int i = 0; i < p->n; i++) {
		if (strcmp(p->defs[i]->name, name) == 0)
			return true;
	}
	return false;
}

/* What was added first wins: "publish" has a --version of its own. */
static void
parser_add(struct parser *p, const struct option_def *o)
{
	for (; o && o->name && p->n < MAX_OPTIONS - 1; o++) {
		if (parser_has(p, o->name))
			continue;
		p->longs[p->n] = (struct option){
		    .name = o->name,
		    .has_arg = o->value ? required_argument : no_argument,
		    .val = 256 + p->n,
		};
		p->defs[p->n++] = o;
		p->longs[p->n] = (struct option){0};
	}
}

static bool
is_global(const struct option_def *o)
{
	for (const struct option_def *g = global_options; g->name; g++) {
		if (g == o)
			return true;
	}
	return false;
}

static void
take_global(struct parser *p, struct cli *c, const char *name)
{
	if (strcmp(name, "store") == 0)
		p->store = optarg;
	else if (strcmp(name, "quiet") == 0)
		log_set_level(LOG_WARN);
	else if (strcmp(name, "verbose") == 0)
		log_set_level(LOG_DEBUG);
	else if (strcmp(name, "json") == 0)
		c->json = true;
	else if (strcmp(name, "memstats") == 0)
		p->memstats = optarg;
	else if (strcmp(name, "meminterval") == 0)
		p->meminterval = optarg;
	else if (strcmp(name, "help") == 0)
		p->help = true;
	else if (strcmp(name, "version") == 0)
		p->version = true;
}

/* mount(8) helpers speak with -f and -o; everybody knows -h. */
static const char *
short_name(int ch)
{
	switch (ch) {
	case 'h':
		return "help";
	case 'f':
		return "foreground";
	case 'o':
		return "options";
	default:
		return NULL;
	}
}

static const struct option_def *
option_of(const struct parser *p, int ch)
{
	const char *name = short_name(ch);

	if (ch >= 256)
		return p->defs[ch - 256];
	for (int i = 0; name && i < p->n; i++) {
		if (strcmp(p->defs[i]->name, name) == 0)
			return p->defs[i];
	}
	return NULL;
}

/* After getopt's complaint of an option that there is not. */
static void
suggest_option(const struct parser *p, const char *word)
{
	char question[NEAREST_SIZE];
	struct nearest n = {0};
	struct span name;

	if (strncmp(word, "--", 2) != 0 || word[2] == '\0')
		return;
	name = (struct span){word + 2, strcspn(word + 2, "=")};
	n.word = name;
	for (int i = 0; i < p->n; i++) {
		/* One that it begins was ambiguous, or had a value too many. */
		if (span_starts(span_of(p->defs[i]->name), name))
			return;
		nearest_try(&n, span_of(p->defs[i]->name));
	}
	if (nearest_found(&n))
		log_error("%s", nearest_question(&n, "--", question) + 2);
}

/* Takes options until the first word (stop), or all of them. */
static int
parse(struct parser *p, struct cli *c, int argc, char **argv, bool stop)
{
	bool mount = c->command && strcmp(c->command->noun, "mount") == 0;
	int ch;

	(void)snprintf(p->shorts, sizeof(p->shorts), "%sh%s", stop ? "+" : "",
	    mount ? "fo:" : "");
	while (
	    ch = getopt_long(argc, argv, p->shorts, p->longs, NULL), ch != -1) {
		const struct option_def *o = option_of(p, ch);

		if (!o) {
			suggest_option(p, argv[optind - 1]);
			return -EINVAL; /* getopt has said it */
		}
		if (is_global(o)) {
			take_global(p, c, o->name);
			continue;
		}
		c->given[c->ngiven].def = o;
		c->given[c->ngiven++].value = optarg;
	}
	return 0;
}

static const struct command *
find_command(const char *noun, const char *verb, bool *ret_noun)
{
	for (const struct command *cmd = commands; cmd->noun; cmd++) {
		if (strcmp(cmd->noun, noun) != 0)
			continue;
		*ret_noun = true;
		if (!cmd->verb || (verb && strcmp(cmd->verb, verb) == 0))
			return cmd;
	}
	return NULL;
}

int
cli_open_store(struct cli *c, unsigned flags)
{
	CLEANUP_FREE char *def = NULL;
	const char *dir = c->store_dir;
	struct error err = {0};
	int r;

	if (!dir)
		dir = def = store_default_dir();
	if (!dir)
		return cli_fail(-ENOMEM, &err), -ENOMEM;
	r = store_open(dir, flags, 0, &c->store, &err);
	return r < 0 ? (cli_fail(r, &err), r) : 0;
}

static int
run(struct cli *c)
{
	const struct command *cmd = c->command;
	int status;

	if (c->nargs < cmd->min_args || c->nargs > cmd->max_args)
		return cli_usage(c, "%s; usage: suitefs %s%s%s%s%s",
		    c->nargs < cmd->min_args ? "something is missing"
					     : "too many arguments",
		    cmd->noun, cmd->verb ? " " : "", cmd->verb ? cmd->verb : "",
		    *cmd->args ? " " : "", cmd->args);
	/* What only prints ends silently with who reads it: "| head". */
	if (cmd->flags & CMD_READS)
		(void)signal(SIGPIPE, SIG_DFL);
	if (!(cmd->flags & CMD_NO_STORE) && cli_open_store(c, 0) < 0)
		return EXIT_FAILED;
	status = cmd->run(c);
	store_close(c->store);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		log_error("standard output: %s", strerror(errno));
		return EXIT_FAILED;
	}
	return status;
}

/* Opens the table that was asked for; EXIT_DONE, or an exit status. */
static int
open_memstats(const struct parser *p, struct cli *c)
{
	unsigned interval_ms = MEMSTATS_INTERVAL_MS;
	struct error err = {0};

	if (p->meminterval && !p->memstats)
		return cli_usage(c, "--meminterval wants --memstats=FILE");
	if (p->meminterval &&
	    memstats_interval(span_of(p->meminterval), &interval_ms) < 0)
		return cli_usage(
		    c, "--meminterval: %s: no such time", p->meminterval);
	/* That it can't be written is no wrong usage. */
	if (p->memstats && memstats_open(p->memstats, interval_ms, "/data.mdb",
			       &c->memstats, &err) < 0)
		return cli_fail(-EIO, &err);
	return EXIT_DONE;
}

static int
run_watched(struct cli *c)
{
	struct error err = {0};
	int r = 0, status;

	if (c->memstats && !(c->command->flags & CMD_STAYS))
		r = memstats_begin(c->memstats, &err);
	if (r < 0)
		return cli_fail(-EIO, &err);
	status = run(c);
	r = memstats_end(c->memstats, &err);
	return r < 0 ? cli_fail(-EIO, &err) : status;
}

/*
 * Lets getopt_long(3) begin anew behind the words that have been taken.  Only
 * then does it forget that it was to stop at the first word, and finds options
 * between and behind the arguments too.
 */
static void
restart(int *argc, char ***argv)
{
	char *name = (*argv)[0];

	*argc -= optind - 1;
	*argv += optind - 1;
	(*argv)[0] = name; /* getopt's messages begin with it */
	optind = 0;
}

#define GO_ON (-1)

static int
answer_version(void)
{
	printf("suitefs %s\n", VERSION);
	return EXIT_DONE;
}

static int
unknown_noun(const char *noun)
{
	struct nearest n = {.word = span_of(noun)};
	const char *last = "";
	char question[NEAREST_SIZE];

	for (const struct command *cmd = commands; cmd->noun; cmd++) {
		if (strcmp(cmd->noun, last) != 0)
			nearest_try(&n, span_of(cmd->noun));
		last = cmd->noun;
	}
	log_error("%s: no such command%s%s", noun,
	    nearest_question(&n, "", question),
	    nearest_found(&n) ? "" : "; see suitefs --help");
	return EXIT_USAGE;
}

static int
unknown_verb(const char *noun, const char *verb)
{
	struct nearest n = {.word = span_of(verb)};
	char question[NEAREST_SIZE];

	for (const struct command *cmd = commands; cmd->noun; cmd++) {
		if (strcmp(cmd->noun, noun) == 0 && cmd->verb)
			nearest_try(&n, span_of(cmd->verb));
	}
	(void)nearest_question(&n, "", question);
	if (nearest_found(&n))
		log_error("%s %s: no such command%s", noun, verb, question);
	else
		log_error("%s %s: no such command; see suitefs %s --help", noun,
		    verb, noun);
	return EXIT_USAGE;
}

/* "help NOUN VERB" is "NOUN VERB --help", and "version" is "--version": aptly
 * and git have both.  With more words behind them they are nouns, of which
 * there are none. */
static void
take_word(struct parser *p, int argc, char **argv)
{
	int n = argc - optind;

	if (n == 1 && strcmp(argv[optind], "version") == 0)
		p->version = true;
	else if (n >= 1 && n <= 3 && strcmp(argv[optind], "help") == 0) {
		p->help = true;
		optind++;
	}
}

/* Finds the command that is meant; GO_ON, or an exit status. */
static int
choose_command(struct parser *p, struct cli *c, int argc, char **argv)
{
	const char *noun, *verb;
	bool known = false;

	/* Stops at the noun, then at the verb. */
	if (parse(p, c, argc, argv, true) < 0)
		return EXIT_USAGE;
	take_word(p, argc, argv);
	if (p->version)
		return answer_version();
	if (optind == argc) {
		help_program();
		return p->help ? EXIT_DONE : EXIT_USAGE;
	}
	noun = argv[optind++];
	c->command = find_command(noun, NULL, &known);
	if (c->command)
		return GO_ON;
	if (!known)
		return unknown_noun(noun);
	if (parse(p, c, argc, argv, true) < 0)
		return EXIT_USAGE;
	if (optind == argc) {
		help_noun(noun);
		return p->help ? EXIT_DONE : EXIT_USAGE;
	}
	verb = argv[optind++];
	c->command = find_command(noun, verb, &known);
	if (c->command)
		return GO_ON;
	return unknown_verb(noun, verb);
}

static int
parse_and_run(struct cli *c, int argc, char **argv)
{
	struct parser p = {0};
	int status;

	parser_add(&p, global_options);
	status = choose_command(&p, c, argc, argv);
	if (status != GO_ON)
		return status;
	p.n = 0;
	parser_add(&p, c->command->options);
	parser_add(&p, global_options);
	restart(&argc, &argv);
	if (parse(&p, c, argc, argv, false) < 0)
		return EXIT_USAGE;
	if (p.help) {
		help_command(c->command);
		return EXIT_DONE;
	}
	if (p.version)
		return answer_version();
	c->args = argv + optind;
	c->nargs = (size_t)(argc - optind);
	c->store_dir = p.store;
	status = open_memstats(&p, c);
	if (status == EXIT_DONE)
		status = run_watched(c);
	memstats_close(c->memstats);
	return status;
}

/*
 * The system's stacks of 8 MB are only reserved, but that counts where memory
 * is limited (RLIMIT_DATA), and a mount has a dozen of them.
 */
static void
set_stacks(void)
{
	pthread_attr_t attr;

	if (pthread_attr_init(&attr) != 0)
		return;
	if (pthread_attr_setstacksize(&attr, THREAD_STACK) == 0)
		(void)pthread_setattr_default_np(&attr);
	(void)pthread_attr_destroy(&attr);
}

/* mount(8) and fstab call "mount.suitefs STORE MOUNTPOINT [-o ...]". */
static bool
is_mount_helper(const char *name)
{
	const char *base = strrchr(name, '/');

	return strcmp(base ? base + 1 : name, "mount.suitefs") == 0;
}

int
main(int argc, char **argv)
{
	struct cli c = {0};
	char name[] = "suitefs";
	int status;

	set_stacks();
	(void)setlocale(LC_CTYPE, "");
	(void)signal(SIGPIPE, SIG_IGN);
	if (argc < 1)
		return EXIT_USAGE;
	c.given = calloc((size_t)argc + 1, sizeof(*c.given));
	if (!c.given) {
		log_error("%s", strerror(ENOMEM));
		return EXIT_FAILED;
	}
	if (is_mount_helper(argv[0])) {
		c.command = &mount_helper;
		c.nargs = (size_t)argc - 1;
		c.args = argv + 1;
		status = c.command->run(&c);
	} else {
		argv[0] = name; /* getopt's messages begin with it */
		status = parse_and_run(&c, argc, argv);
	}
	free(c.given);
	return status;
}
