#include "cli/cmd_db.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/date.h"
#include "base/log.h"
#include "base/progress.h"
#include "cli/output.h"
#include "fs/compress.h"
#include "mirror/blob_batch.h"
#include "mirror/fetch.h"
#include "store/backup.h"
#include "store/check.h"
#include "store/cleanup.h"
#include "store/stats.h"

/* --- check --------------------------------------------------------------- */

struct findings {
	/* The arrays, or NULL for lines: what was found; what can't be had. */
	json_t *json, *lost;
	bool failed;
	struct blob_item *again; /* to be fetched */
	size_t nagain;
	uint64_t fetched; /* of these */
	uint64_t nlost;
	struct store *store;
	struct progress *progress;
};

static void
findings_release(struct findings *fs)
{
	free(fs->again);
}

static int
note_again(struct findings *fs, const struct check_finding *f)
{
	struct blob_item *more;

	if (f->blob == 0)
		return 0;
	more = reallocarray(fs->again, fs->nagain + 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	fs->again = more;
	more[fs->nagain++] =
	    (struct blob_item){.blob = f->blob, .size = f->size};
	return 0;
}

static void
print_finding(void *arg, const struct check_finding *f)
{
	struct findings *fs = arg;
	json_t *item;

	fs->failed |= note_again(fs, f) < 0;
	fs->nlost += f->consequence;
	if (!fs->json) {
		progress_hide();
		out_foreign(span_of(f->what));
		printf(": ");
		out_foreign(span_of(f->text));
		printf(f->mended ? "; repaired\n" : "\n");
		(void)fflush(stdout);
		progress_show();
		return;
	}
	if (f->consequence)
		item = json_pack("{s:s,s:s}", "what", f->what, "text", f->text);
	else
		item = json_pack("{s:s,s:s,s:b}", "what", f->what, "text",
		    f->text, "repaired", f->repaired);
	if (!item || json_array_append_new(
			 f->consequence ? fs->lost : fs->json, item) < 0)
		fs->failed = true;
}

static json_t *
json_check(struct findings *fs, const struct check_result *n)
{
	return json_pack("{s:o,s:o,s:I,s:I,s:I,s:I,s:I}", "findings", fs->json,
	    "lost", fs->lost, "repaired", (json_int_t)n->repaired, "fetched",
	    (json_int_t)fs->fetched, "records", (json_int_t)n->records, "files",
	    (json_int_t)n->files, "bytes", (json_int_t)n->bytes);
}

/* LMDB trusts its pages: one that is damaged may lead it anywhere. */
static void
on_crash(int sig)
{
	static const char text[] =
	    "suitefs: the database is so damaged that it can't be read: put a "
	    "backup in its place, see suitefs(1), db backup\n";

	(void)sig;
	(void)!write(STDERR_FILENO, text, sizeof(text) - 1);
	_exit(EXIT_NO);
}

static void
expect_crashes(void)
{
	static const int signals[] = {SIGSEGV, SIGABRT};
	struct sigaction sa = {
	    .sa_handler = on_crash,
	    .sa_flags = (int)SA_RESETHAND,
	};

	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		(void)sigaction(signals[i], &sa, NULL);
}

static void
not_fetched(void *arg, const struct blob_item *item, const char *why)
{
	(void)arg, (void)item;
	log_error("%s", why);
}

/* What was set aside is had again, where somebody has it. */
static int
fetch_again(
    struct store *s, struct findings *fs, struct progress *p, struct error *err)
{
	struct blob_queue_opts opts = {.retry = true, .progress = p};
	struct blob_batch b = {
	    .v = fs->again, .n = fs->nagain, .failed = not_fetched};
	int r;

	if (fs->nagain == 0)
		return 0;
	r = fetch_global_init(err);
	if (r < 0)
		return r;
	progress_stage(p, "fetching again", 0, fs->nagain);
	r = blob_batch_fetch(s, &b, &opts, &cancelled, err);
	progress_end(p);
	fs->fetched = b.fetched_files;
	log_info(
	    "%" PRIu64 " of %zu files fetched again", fs->fetched, fs->nagain);
	return r;
}

/* What repairing needs of those above the store. */

static int
fetch_index(void *arg, uint64_t blob, uint64_t size, struct error *err)
{
	struct findings *fs = arg;
	struct blob_item item = {.blob = blob, .size = size};
	struct blob_batch b = {.v = &item, .n = 1, .failed = not_fetched};
	struct blob_queue_opts opts = {.retry = true, .progress = fs->progress};
	int r = fetch_global_init(err);

	return r < 0 ? r
		     : blob_batch_fetch(fs->store, &b, &opts, &cancelled, err);
}

static int
compress_again(void *arg, uint64_t list, enum codec codec, struct error *err)
{
	CLEANUP(form_release) struct form f = {0};
	struct findings *fs = arg;

	return compress_list(fs->store, list, codec, NULL, &f, err);
}

static void
log_checked(const struct findings *fs, const struct check_result *n, bool files)
{
	char size[OUT_SIZE_MAX], and_files[64] = "", and_repaired[64] = "";

	if (files)
		(void)snprintf(and_files, sizeof(and_files),
		    " and %" PRIu64 " files (%s)", n->files,
		    out_size(n->bytes, size));
	if (n->repaired > 0)
		(void)snprintf(and_repaired, sizeof(and_repaired),
		    ", %" PRIu64 " of that repaired", n->repaired);
	log_info("%" PRIu64 " records%s checked: %" PRIu64 " damaged%s",
	    n->records, and_files, n->findings, and_repaired);
	if (fs->nlost > 0)
		log_info("what can't be had again comes back with a backup "
			 "only, see suitefs-db(1)");
}

int
cmd_db_check(struct cli *c)
{
	CLEANUP(progress_cleanup) struct progress *p = progress_new();
	CLEANUP(findings_release) struct findings fs = {.progress = p};
	struct mend_help help = {fetch_index, compress_again, &fs};
	struct check_opts opts = {
	    .repair = cli_flag(c, "repair"),
	    .help = &help,
	    .found = print_finding,
	    .arg = &fs,
	    .progress = p,
	    .cancel = &cancelled,
	};
	struct check_result n = {0};
	struct error err = {0};
	int r;

	opts.blobs = opts.repair || cli_flag(c, "blobs");
	cancel_on_signals();
	/* Before the store is opened: that reads some pages already. */
	expect_crashes();
	if (cli_open_store(c, 0) < 0)
		return EXIT_FAILED;
	fs.store = c->store;
	fs.json = c->json ? json_array() : NULL;
	fs.lost = c->json ? json_array() : NULL;
	r = check_store(c->store, &opts, &n, &err);
	progress_end(p);
	if (r == 0)
		r = fetch_again(c->store, &fs, p, &err);
	if (c->json && (fs.failed || out_json(json_check(&fs, &n)) < 0))
		return EXIT_FAILED;
	if (r == 0 && fs.failed)
		r = -ENOMEM;
	if (r < 0)
		return cli_fail(r, &err);
	log_checked(&fs, &n, opts.blobs);
	return n.findings > 0 ? EXIT_NO : EXIT_DONE;
}

/* --- cleanup ---------------------------------------------------------------
 */

/* What people call what the tables have; the first table says how many. */
static const struct {
	const char *label, *json;
	enum table tables[4];
	size_t ntables;
} groups[] = {
    {"Packages", "packages", {T_LIGHT, T_HEAVY, T_PACKAGE_IDS, T_PATHS}, 4},
    {"Lists", "lists", {T_LISTS}, 1},
    {"Runs", "runs", {T_RUNS, T_RUN_IDS}, 2},
    {"Compressed", "compressed", {T_FORMS, T_FORM_IDS, T_PIECES}, 3},
    {"Texts", "texts", {T_TEXTS}, 1},
    {"States", "states", {T_STATES}, 1},
    {"Trees", "trees", {T_ROOTS, T_DROPPED}, 2},
    {"Known files", "known_files", {T_BLOBS, T_CONTENTS, T_GONE}, 3},
    {"Origins", "origins", {T_ORIGINS, T_SIGHTINGS}, 2},
    {"Dictionaries", "dictionaries", {T_DICTS}, 1},
    {"Keys", "keys", {T_KEYS}, 1},
};

static struct cleanup_count
group_count(const struct cleanup_result *n, size_t i)
{
	struct cleanup_count sum = {0};

	for (size_t t = 0; t < groups[i].ntables; t++)
		sum.bytes += n->tables[groups[i].tables[t]].bytes;
	sum.n = n->tables[groups[i].tables[0]].n;
	return sum;
}

static json_t *
json_count(struct cleanup_count n)
{
	return json_pack(
	    "{s:I,s:I}", "n", (json_int_t)n.n, "bytes", (json_int_t)n.bytes);
}

static json_t *
json_cleanup(const struct cleanup_result *n, bool dry_run)
{
	json_t *j = json_pack("{s:b,s:I,s:o,s:o}", "dry_run", dry_run,
	    "kept_trees", (json_int_t)n->kept_roots, "files",
	    json_count(n->files), "downloads", json_count(n->downloads));

	for (size_t i = 0; j && i < ARRAY_LEN(groups); i++)
		(void)json_object_set_new(
		    j, groups[i].json, json_count(group_count(n, i)));
	return j;
}

static void
print_count(const char *label, struct cleanup_count n)
{
	char text[OUT_SIZE_MAX + 32], size[OUT_SIZE_MAX];

	if (n.n == 0 && n.bytes == 0)
		return;
	(void)snprintf(text, sizeof(text), "%" PRIu64 ", %s", n.n,
	    out_size(n.bytes, size));
	out_field(label, text);
}

static void
print_cleanup(const struct cleanup_result *n)
{
	for (size_t i = 0; i < ARRAY_LEN(groups); i++)
		print_count(groups[i].label, group_count(n, i));
	print_count("Files", n->files);
	print_count("Downloads", n->downloads);
}

static void
log_cleanup(const struct cleanup_result *n, bool dry_run)
{
	uint64_t records = 0;
	char db[OUT_SIZE_MAX], files[OUT_SIZE_MAX];

	for (size_t i = 0; i < T_COUNT; i++)
		records += n->tables[i].bytes;
	log_info("%s %s in the database and %s of files",
	    dry_run ? "would free" : "freed", out_size(records, db),
	    out_size(n->files.bytes + n->downloads.bytes, files));
	if (n->kept_roots > 0)
		log_info("what was dropped within the last hour (%" PRIu64
			 " trees) is kept while other programs may look at it",
		    n->kept_roots);
}

int
cmd_db_cleanup(struct cli *c)
{
	CLEANUP(progress_cleanup) struct progress *p = progress_new();
	const char *grace = cli_value(c, "grace");
	struct cleanup_opts opts = {
	    .dry_run = cli_flag(c, "dry-run"),
	    .grace = -1,
	    .progress = p,
	    .cancel = &cancelled,
	};
	struct cleanup_result n = {0};
	struct error err = {0};
	int r;

	if (grace && duration_parse(span_of(grace), &opts.grace) < 0)
		return cli_usage(
		    c, "--grace=%s is no duration such as 30m or 0", grace);
	cancel_on_signals();
	r = cleanup_store(c->store, &opts, &n, &err);
	progress_end(p);
	if (c->json && out_json(json_cleanup(&n, opts.dry_run)) < 0)
		return EXIT_FAILED;
	if (!c->json)
		print_cleanup(&n);
	/* What was done is done, if it was stopped too. */
	if (r == 0 || r == -EINTR)
		log_cleanup(&n, opts.dry_run);
	return r < 0 ? cli_fail(r, &err) : EXIT_DONE;
}

/* --- stats ------------------------------------------------------------------
 */

static json_t *
json_stats(const struct store_stats *st)
{
	json_t *tables = json_object();
	uint64_t free_bytes = st->free_pages * st->page_size;

	for (size_t i = 0; tables && i < T_COUNT; i++)
		(void)json_object_set_new(tables, txn_table_name((enum table)i),
		    json_pack("{s:I,s:I}", "entries",
			(json_int_t)st->tables[i].entries, "bytes",
			(json_int_t)st->tables[i].bytes));
	return json_pack("{s:o,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "tables",
	    tables, "file_bytes", (json_int_t)st->file_size, "free_bytes",
	    (json_int_t)free_bytes, "map_bytes", (json_int_t)st->map_size,
	    "page_bytes", (json_int_t)st->page_size, "readers",
	    (json_int_t)st->readers, "blobs", (json_int_t)st->blobs,
	    "blob_bytes", (json_int_t)st->blob_bytes, "downloads",
	    (json_int_t)st->downloads, "download_bytes",
	    (json_int_t)st->download_bytes);
}

static void
print_size(const char *label, uint64_t bytes)
{
	char size[OUT_SIZE_MAX];

	out_field(label, out_size(bytes, size));
}

static void
print_stats(const struct store_stats *st)
{
	char label[32];

	for (size_t i = 0; i < T_COUNT; i++) {
		struct cleanup_count n = {
		    st->tables[i].entries, st->tables[i].bytes};

		(void)snprintf(
		    label, sizeof(label), "%s", txn_table_name((enum table)i));
		print_count(label, n);
	}
	print_size("Database", st->file_size);
	print_size("Of that free", st->free_pages * st->page_size);
	out_field_files("Blobs", st->blobs, st->blob_bytes);
	out_field_files("Downloads", st->downloads, st->download_bytes);
}

int
cmd_db_stats(struct cli *c)
{
	struct store_stats st;
	struct error err = {0};
	int r = stats_read(c->store, &st, &err);

	if (r < 0)
		return cli_fail(r, &err);
	if (c->json)
		return out_json(json_stats(&st)) < 0 ? EXIT_FAILED : EXIT_DONE;
	print_stats(&st);
	return EXIT_DONE;
}

/* --- backup -----------------------------------------------------------------
 */

int
cmd_db_backup(struct cli *c)
{
	struct error err = {0};
	int r = backup_store(c->store, c->args[0], &err);

	if (r < 0)
		return cli_fail(r, &err);
	log_info("the database was copied to %s", c->args[0]);
	return EXIT_DONE;
}
