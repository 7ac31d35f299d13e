#include "cli/cmd_graph.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "algebra/graph.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/log.h"
#include "cli/output.h"

extern char **environ;

/*
 * The graph in the language of graphviz.  Inside a quoted string only '"' ends
 * it, and a backslash may begin an escape sequence of a label: both get a
 * backslash.
 */
static void
add_quoted(struct buf *b, const char *s)
{
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '"' || c == '\\')
			(void)buf_add_char(b, '\\');
		(void)buf_add_char(b, c < ' ' || c == 0x7f ? '?' : *s);
	}
}

static void
add_node(struct buf *b, size_t number, const struct graph_node *n)
{
	static const char *const shapes[] = {
	    [GRAPH_MIRROR] = "cylinder",
	    [GRAPH_SNAPSHOT] = "box",
	    [GRAPH_PUBLICATION] = "folder",
	};

	(void)buf_addf(b, "\tn%zu [shape=%s", number, shapes[n->kind]);
	if (n->gone)
		(void)buf_add_str(b, ", style=dashed");
	(void)buf_addf(b, ", label=\"%s ", graph_kind_name[n->kind]);
	add_quoted(b, n->name);
	if (n->gone)
		(void)buf_add_str(b, "\\n(dropped)");
	if (*n->detail) {
		(void)buf_add_str(b, "\\n");
		add_quoted(b, n->detail);
	}
	(void)buf_add_str(b, "\"];\n");
}

static int
add_dot(struct buf *b, const struct graph *g)
{
	(void)buf_add_str(b, "digraph suitefs {\n\trankdir=LR;\n"
			     "\tnode [fontname=\"sans-serif\"];\n");
	for (size_t i = 0; i < g->nnodes; i++)
		add_node(b, i, &g->nodes[i]);
	for (size_t i = 0; i < g->nedges; i++)
		(void)buf_addf(
		    b, "\tn%zu -> n%zu;\n", g->edges[i].from, g->edges[i].to);
	(void)buf_add_str(b, "}\n");
	return b->failed ? -ENOMEM : 0;
}

static int
print_json(const struct graph *g)
{
	json_t *nodes = json_array(), *edges = json_array();

	for (size_t i = 0; nodes && i < g->nnodes; i++) {
		const struct graph_node *n = &g->nodes[i];

		(void)json_array_append_new(
		    nodes, json_pack("{s:s,s:s,s:s,s:b}", "kind",
			       graph_kind_name[n->kind], "name", n->name,
			       "detail", n->detail, "gone", n->gone));
	}
	for (size_t i = 0; edges && i < g->nedges; i++)
		(void)json_array_append_new(
		    edges, json_pack("[I,I]", (json_int_t)g->edges[i].from,
			       (json_int_t)g->edges[i].to));
	return out_json(json_pack("{s:o,s:o}", "nodes", nodes, "edges", edges));
}

/* A file without a name that has the text, to be read from its beginning. */
static int
open_text(const struct buf *text)
{
	CLEANUP_FD int fd = memfd_create("graph", MFD_CLOEXEC);
	int ret = fd;
	int r;

	if (fd < 0)
		return -errno;
	r = file_write_all(fd, text->ptr, text->len);
	if (r < 0)
		return r;
	if (lseek(fd, 0, SEEK_SET) < 0)
		return -errno;
	fd = -1;
	return ret;
}

/* Lets graphviz draw the text on standard output. */
static int
draw(const struct buf *text, const char *format, struct error *err)
{
	char option[16];
	char *argv[] = {(char[]){"dot"}, option, NULL};
	CLEANUP_FD int fd = open_text(text);
	posix_spawn_file_actions_t actions;
	pid_t pid;
	int status, r;

	if (fd < 0)
		return error_sys(err, fd, "cannot draw the graph");
	(void)snprintf(option, sizeof(option), "-T%s", format);
	r = posix_spawn_file_actions_init(&actions);
	if (r != 0)
		return error_sys(err, -r, "cannot draw the graph");
	r = posix_spawn_file_actions_adddup2(&actions, fd, STDIN_FILENO);
	if (r == 0)
		r = posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);
	(void)posix_spawn_file_actions_destroy(&actions);
	if (r == ENOENT)
		return error_set(err, -ENOENT,
		    "--format=%s wants dot, which is not installed (package "
		    "graphviz)",
		    format);
	if (r != 0)
		return error_sys(err, -r, "cannot run dot");
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return error_sys(err, -errno, "cannot wait for dot");
	/* Whoever read has had enough: "| head". */
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE)
		return 0;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return error_set(err, -EIO, "dot could not draw the graph");
	return 0;
}

static int
print_graph(struct cli *c, const struct graph *g, struct error *err)
{
	const char *format = cli_value(c, "format");
	CLEANUP(buf_release) struct buf text = {0};

	if (c->json)
		return print_json(g);
	if (add_dot(&text, g) < 0)
		return -ENOMEM;
	if (format && strcmp(format, "dot") != 0)
		return draw(&text, format, err);
	(void)fwrite(text.ptr, 1, text.len, stdout);
	return 0;
}

int
cmd_graph(struct cli *c)
{
	CLEANUP(txn_cleanup) struct txn *t = NULL;
	CLEANUP(graph_release) struct graph g = {0};
	const char *format = cli_value(c, "format");
	struct error err = {0};
	int r;

	if (format && strcmp(format, "dot") != 0 &&
	    strcmp(format, "svg") != 0 && strcmp(format, "png") != 0)
		return cli_usage(
		    c, "--format=%s is none of dot, svg and png", format);
	r = txn_read(c->store, &t, &err);
	if (r == 0) {
		r = graph_load(t, &g);
		if (r < 0)
			(void)error_sys(&err, r, "cannot read the store");
	}
	if (r == 0)
		r = print_graph(c, &g, &err);
	return r < 0 ? cli_fail(r, &err) : EXIT_DONE;
}
