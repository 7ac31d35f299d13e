/*
 * walk STORE: reads all that a mount of the store would show, without a mount,
 * and prints a line for each file:
 *
 *	PATH INO SIZE MTIME SHA256 STATE
 *
 * with tabs between.  STATE is "made" (of what the database has), "present" or
 * "remote"; what is remote is not read.  Exit status 1, with a line on stderr,
 * where something can't be looked at, or where bytes are not those that the
 * store says they are.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/hash.h"
#include "fs/inode.h"
#include "fs/reader.h"
#include "fs/tree.h"

#define BLOCK	  (256 * 1024)
#define MAX_DEPTH 32

struct walk {
	struct store *store;
	struct tree *tree;
	struct read_pool *pool;
	struct hash *hash;
	char *block;
	uint64_t dir[MAX_DEPTH]; /* inode numbers from / on */
	struct buf path[MAX_DEPTH];
	size_t depth;
	bool failed;
};

static void
complain(struct walk *w, const char *name, int r, const char *what)
{
	fprintf(stderr, "%s%s: %s: %s\n",
	    w->path[w->depth].ptr ? w->path[w->depth].ptr : "", name, what,
	    strerror(-r));
	w->failed = true;
}

static int
hash_content(struct walk *w, struct content c, struct digest *ret)
{
	CLEANUP(reader_cleanup) struct reader *r = NULL;
	uint64_t at = 0;
	ssize_t n = reader_open(w->pool, c, &r);

	if (n < 0)
		return (int)n;
	hash_end(w->hash, ret);
	while ((n = reader_read(r, w->block, BLOCK, at)) > 0) {
		hash_add(w->hash, w->block, (size_t)n);
		at += (uint64_t)n;
	}
	if (n < 0)
		return (int)n;
	hash_end(w->hash, ret);
	return 0;
}

/* What the store says of it. */
static int
expected(struct walk *w, struct content c, struct digest *ret)
{
	CLEANUP(txn_cleanup) struct txn *t = NULL;
	struct content_info info;
	int r = txn_read(w->store, &t, NULL);

	if (r == 0)
		r = content_info(t, c, &info);
	if (r == 0)
		*ret = info.sha256;
	return r;
}

/* The hash of what is read, or what is expected of what is remote. */
static int
read_file(struct walk *w, const struct node *node, struct digest *ret,
    const char **ret_state)
{
	struct digest want;
	int r = expected(w, node->content, &want);

	if (r < 0)
		return r;
	*ret_state = node->content.kind == CONTENT_BLOB ? "present" : "made";
	r = hash_content(w, node->content, ret);
	if (r == -EREMOTE) {
		*ret_state = "remote";
		*ret = want;
		return 0;
	}
	if (r == 0 && node->content.kind != CONTENT_STANZA &&
	    !digest_eq(&want, ret))
		return -EBADMSG;
	return r;
}

static void
print_file(struct walk *w, const char *name, const struct node *node)
{
	const char *path = w->path[w->depth].ptr, *state = "";
	struct digest got = {0};
	char hex[DIGEST_HEX_SIZE];
	int r;

	if (node->content.kind == 0)
		return; /* a keyring */
	r = read_file(w, node, &got, &state);
	if (r < 0)
		complain(w, name, r, "can't be read");
	else
		printf("%s%s\t%" PRIx64 "\t%" PRIu64 "\t%" PRId64 "\t%s\t%s\n",
		    path ? path : "", name, node->ino, node->size, node->mtime,
		    digest_hex(&got, hex), state);
}

static int list(struct walk *w);

static int
visit(void *arg, struct span name, const struct node *node, uint64_t next)
{
	struct walk *w = arg;
	CLEANUP_FREE char *text = span_dup(name);
	struct buf *path;

	(void)next;
	if (!text)
		return -ENOMEM;
	if (strcmp(text, ".") == 0 || strcmp(text, "..") == 0)
		return 0;
	if (!node->is_dir) {
		print_file(w, text, node);
		return 0;
	}
	if (w->depth + 1 == MAX_DEPTH) {
		complain(w, text, -ELOOP, "is too deep");
		return 0;
	}
	path = &w->path[w->depth + 1];
	buf_clear(path);
	if (buf_add_span(path, buf_span(&w->path[w->depth])) < 0 ||
	    buf_add_span(path, name) < 0 || buf_add_char(path, '/') < 0)
		abort();
	w->dir[++w->depth] = node->ino;
	(void)list(w);
	w->depth--;
	return 0;
}

static int
list(struct walk *w)
{
	int r = tree_list(w->tree, w->dir[w->depth], 0, true, visit, w);

	if (r < 0)
		complain(w, "", r, "can't be listed");
	return r;
}

int
main(int argc, char **argv)
{
	struct walk w = {.dir = {TREE_ROOT_INO}};
	struct error err = {0};
	int r;

	if (argc != 2) {
		fprintf(stderr, "usage: walk STORE\n");
		return 2;
	}
	w.block = malloc(BLOCK);
	r = w.block ? hash_new(&w.hash) : -ENOMEM;
	if (r == 0)
		r = store_open(argv[1], STORE_READ_ONLY, 0, &w.store, &err);
	if (r == 0)
		r = tree_new(w.store, &w.tree, &err);
	if (r == 0)
		r = read_pool_new(w.store, &w.pool);
	if (r < 0) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	(void)list(&w);
	read_pool_free(w.pool);
	tree_free(w.tree);
	store_close(w.store);
	hash_free(w.hash);
	free(w.block);
	for (size_t i = 0; i < MAX_DEPTH; i++)
		buf_release(&w.path[i]);
	return w.failed;
}
