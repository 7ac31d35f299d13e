/*
 * Any text as a query: it is refused with a column, or matches packages within
 * the limits of base/regex.h, with or without "!" before it.
 */

#include <errno.h>
#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "algebra/query.h"
#include "store/heavy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static const char stanza[] =
    "Package: nginx\nVersion: 1:1.22.1-9~deb12u1\nArchitecture: all\n"
    "Multi-Arch: foreign\nProvides: httpd, abi (= 1.0), a:any\n"
    "Depends: libc6 (>= 2.34), a | b\nSection: contrib/httpd\n"
    "Description: small, powerful\n a server\n .\n of \xc3\xa9 \xff\n"
    "Filename: pool/x.deb\nSize: 0\nSHA256: "
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n";

/* A store with that package, made at the first input. */
static char dir[] = "/tmp/fuzz-query-XXXXXX";
static struct store *store;
static struct package package = {.number = 1};

static int
remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st, (void)flag, (void)ftw;
	return remove(path);
}

static void
remove_store(void)
{
	package_release(&package);
	store_close(store);
	(void)nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static int
put(struct txn *t, void *arg, struct error *err)
{
	CLEANUP(heavy_cleanup) struct heavy *h = NULL;
	CLEANUP(buf_release) struct buf b = {0};

	(void)arg, (void)err;
	must(heavy_new(txn_store(t), &h) == 0);
	must(heavy_compress(h, span_of(stanza), &b) == 0);
	return txn_put64(t, T_HEAVY, 1, buf_span(&b));
}

static void
make_store(void)
{
	struct error err;

	if (store)
		return;
	must(mkdtemp(dir) &&
	     store_open(dir, STORE_CREATE, 0, &store, &err) == 0);
	must(atexit(remove_store) == 0);
	must(store_write(store, put, NULL, &err) == 0);
	must(light_from_stanza(span_of(stanza), PACKAGE_BINARY, 1,
		 &package.light, &err) == 0);
}

static int
match(const struct query *q)
{
	CLEANUP(query_run_cleanup) struct query_run *run = NULL;
	CLEANUP(txn_cleanup) struct txn *t = NULL;
	struct error err = {""};
	int r;

	must(txn_read(store, &t, &err) == 0);
	must(query_run_new(store, q, &run) == 0);
	r = query_match(run, t, &package, &err);
	must(r == 0 || r == 1 || r == -E2BIG);
	must((r < 0) == (err.text[0] != '\0'));
	return r;
}

static void
match_both(const struct query *q, struct span text)
{
	CLEANUP(query_cleanup) struct query *negated = NULL;
	CLEANUP(buf_release) struct buf b = {0};
	struct error err = {""};
	int r = match(q);

	must(buf_addf(&b, "!(%.*s)", SPAN_ARG(text)) == 0);
	/* The parentheses may be one too many. */
	if (query_parse(buf_span(&b), &negated, &err) < 0)
		return;
	must(match(negated) == (r < 0 ? r : !r));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = {(const char *)data, size};
	CLEANUP(query_cleanup) struct query *q = NULL;
	struct error err = {""};
	int r;

	make_store();
	r = query_parse(text, &q, &err);

	must(r == 0 || r == -EINVAL);
	must((r < 0) == (err.text[0] != '\0'));
	if (r == 0)
		match_both(q, text);
	return 0;
}
