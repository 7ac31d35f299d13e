/*
 * Values of any bytes in each table of the store, as a damaged one may have
 * them: the first byte says the table.  Whatever reads them answers or says
 * that they are damaged, and what it answers adds up.  Each is put and read in
 * a transaction that is given up.
 */

#include <errno.h>
#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "store/blob.h"
#include "store/content.h"
#include "store/form.h"
#include "store/heavy.h"
#include "store/list.h"
#include "store/mirror.h"
#include "store/origin.h"
#include "store/package.h"
#include "store/publication.h"
#include "store/root.h"
#include "store/snapshot.h"
#include "store/state.h"
#include "store/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static char dir[64];
static struct store *store;

static int
remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st, (void)flag, (void)ftw;
	return remove(path);
}

static void
finish(void)
{
	store_close(store);
	(void)nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void
start(void)
{
	(void)snprintf(dir, sizeof(dir), "/tmp/fuzz-entry.XXXXXX");
	must(mkdtemp(dir) != NULL);
	must(
	    store_open(dir, STORE_CREATE, (size_t)64 << 20, &store, NULL) == 0);
	(void)atexit(finish);
}

/* Absent cannot be: it has just been put. */
static void
answered(int r)
{
	must(r == 0 || r == -EIO || r == -EPROTO || r == -ENOMEM);
}

static void
read_list(struct txn *t, struct span value)
{
	CLEANUP(list_release) struct list l = {0};
	uint64_t offset = 0, packages = 0;
	int r = list_load(t, 1, &l);

	answered(r);
	if (r < 0)
		return;
	must(l.nruns <= value.len);
	for (size_t i = 0; i < l.nruns; i++) {
		must(l.runs[i].offset == offset);
		offset += list_run_bytes(&l, i);
		packages += l.runs[i].packages;
	}
	must(offset == l.bytes && packages == l.packages);
	if (l.bytes > 0)
		must(list_run_at(&l, l.bytes - 1) < l.nruns);
}

static void
read_run(struct txn *t, struct span value)
{
	struct run_packages run = {0};
	int r = run_load(t, 1, &run);

	answered(r);
	must(r < 0 || run.n <= value.len);
	run_packages_release(&run);
}

static void
read_form(struct txn *t, struct span value)
{
	CLEANUP(form_release) struct form f = {0};
	int r = form_load(t, 1, &f);

	answered(r);
	if (r < 0)
		return;
	must(f.npieces <= value.len);
	for (size_t i = 0; i < f.npieces; i++)
		must(f.offset[i] <= f.offset[i + 1]);
	must(f.npieces == 0 || f.offset[f.npieces] <= f.size);
}

static void
read_text(struct txn *t, struct span value)
{
	CLEANUP(buf_release) struct buf b = {0};
	struct text_info info;
	int r = text_get(t, 1, &b);

	(void)value;
	answered(r);
	if (r == 0)
		must(text_info(t, 1, &info) == 0 && info.size == b.len);
}

static void
read_heavy(struct txn *t, struct span value)
{
	CLEANUP(heavy_cleanup) struct heavy *h = NULL;
	CLEANUP(buf_release) struct buf b = {0};

	(void)value;
	must(heavy_new(store, &h) == 0);
	answered(heavy_stanza(h, t, 1, &b));
}

static void
read_light(struct txn *t, struct span value)
{
	CLEANUP(package_release) struct package p = {0};
	int r = package_light(t, 1, &p);

	answered(r);
	for (size_t i = 0; r == 0 && i < p.light.nfiles; i++)
		must(p.light.files[i].path.len <= value.len * 2 + 1);
}

static void
read_blob(struct txn *t, struct span value)
{
	CLEANUP(blob_release) struct blob b = {0};
	int r = blob_load(t, 1, &b);

	answered(r);
	must(r < 0 ||
	     (b.nsources <= value.len && b.nsisters <= BLOB_MAX_SISTERS));
}

static void
read_state(struct txn *t, struct span value)
{
	CLEANUP(state_release) struct state s = {0};
	int r = state_load(t, 1, &s);

	answered(r);
	must(r < 0 || (s.suite && s.nlists <= value.len));
}

static void
read_root(struct txn *t, struct span value)
{
	CLEANUP(root_release) struct root root = {0};
	int r = root_load(t, 1, &root);

	answered(r);
	must(r < 0 || root.ndists <= value.len);
}

static void
read_origin(struct txn *t, struct span value)
{
	CLEANUP(origin_release) struct origin o = {0};
	int r = origin_load(t, 1, &o);

	(void)value;
	answered(r);
	must(r < 0 || o.url);
}

static void
read_mirror(struct txn *t, struct span value)
{
	CLEANUP(mirror_release) struct mirror m = {0};
	int r = mirror_load(t, "name", &m);

	(void)value;
	answered(r);
	must(r < 0 || (m.name && m.suite));
}

static void
read_snapshot(struct txn *t, struct span value)
{
	CLEANUP(snapshot_release) struct snapshot s = {0};
	int r = snapshot_load(t, "name", &s);

	(void)value;
	answered(r);
	must(r < 0 || s.name);
}

static void
read_publication(struct txn *t, struct span value)
{
	CLEANUP(publication_release) struct publication p = {0};
	int r = publication_load(t, "", "name", &p);

	(void)value;
	answered(r);
	must(r < 0 || (p.prefix && p.distribution));
}

static const struct {
	enum table table;
	void (*read)(struct txn *t, struct span value);
	const char *key; /* NULL: number 1 */
	size_t len;
} tables[] = {
    {T_LISTS, read_list, NULL, 0},
    {T_RUNS, read_run, NULL, 0},
    {T_FORMS, read_form, NULL, 0},
    {T_TEXTS, read_text, NULL, 0},
    {T_HEAVY, read_heavy, NULL, 0},
    {T_LIGHT, read_light, NULL, 0},
    {T_BLOBS, read_blob, NULL, 0},
    {T_STATES, read_state, NULL, 0},
    {T_ROOTS, read_root, NULL, 0},
    {T_ORIGINS, read_origin, NULL, 0},
    {T_MIRRORS, read_mirror, "name", 4},
    {T_SNAPSHOTS, read_snapshot, "name", 4},
    {T_PUBLICATIONS, read_publication, "\0name", 5},
};

static int
put_and_read(struct txn *t, void *arg, struct error *err)
{
	const struct span *in = arg;
	size_t i = (unsigned char)in->ptr[0] % ARRAY_LEN(tables);
	struct span value = {in->ptr + 1, in->len - 1};

	(void)err;
	if (tables[i].key)
		must(txn_put(t, tables[i].table, tables[i].key, tables[i].len,
			 value) == 0);
	else
		must(txn_put64(t, tables[i].table, 1, value) == 0);
	tables[i].read(t, value);
	return -ECANCELED;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = {(const char *)data, size};

	if (size < 1)
		return 0;
	if (!store)
		start();
	must(store_write(store, put_and_read, &in, NULL) == -ECANCELED);
	return 0;
}
