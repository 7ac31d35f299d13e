#include "store/check.h"

#include <sys/resource.h>

#include "scratch_store.h"

#include "care_fixture.h"
#include "index_fixture.h"
#include "store/backup.h"
#include "store/path_index.h"
#include "store/stats.h"

struct findings {
	struct buf text;
	unsigned n;
};

static void
note(void *arg, const struct check_finding *f)
{
	struct findings *fs = arg;

	(void)buf_addf(&fs->text, "%s: %s%s\n", f->what, f->text,
	    f->repaired ? " (repaired)" : "");
	fs->n++;
}

static void
findings_release(struct findings *f)
{
	buf_release(&f->text);
}

static struct check_result
check(struct scratch *s, struct check_opts opts, struct findings *fs)
{
	struct check_result n;
	struct error err = {""};
	int r;

	buf_clear(&fs->text);
	fs->n = 0;
	opts.found = note;
	opts.arg = fs;
	r = check_store(s->store, &opts, &n, &err);
	if (r < 0)
		fail_msg("%d %s", r, err.text);
	assert_int_equal(n.findings, fs->n);
	return n;
}

static void
assert_told(const struct findings *fs, const char *expected)
{
	if (!fs->text.ptr || !strstr(fs->text.ptr, expected))
		fail_msg("'%s' is not among: %s", expected,
		    fs->text.ptr ? fs->text.ptr : "nothing");
}

/* A store with something in most of its tables. */
static void
fill(struct scratch *s)
{
	struct freezing f = freeze(s, "one", "a b c");

	scratch_write(s, put_form, &f.list);
	(void)freeze(s, "two", "c d");
}

static void
test_check_finds_nothing(void **state)
{
	CLEANUP(findings_release) struct findings fs = {0};
	struct scratch *s = *state;
	struct check_result n;

	assert_sound(s);
	fill(s);
	make_present(s, "a");
	n = check(s, (struct check_opts){.blobs = true}, &fs);
	assert_int_equal(fs.n, 0);
	assert_int_equal(n.files, 1);
	assert_int_equal(n.bytes, 1);
	assert_true(n.records > 20);
	n = check(s, (struct check_opts){0}, &fs);
	assert_int_equal(n.files, 0);
	drop(s, "one");
	assert_sound(s);
}

/* A stanza has the kind of the list in which it was seen first. */
static void
test_check_knows_runs_of_two_kinds(void **state)
{
	CLEANUP(buf_release) struct buf debs = {0}, udebs = {0};
	struct archive both = {"both", NULL,
	    {{"main", "amd64", NULL, PACKAGE_BINARY},
		{"main", "amd64", NULL, PACKAGE_UDEB}}};

	/* Not all of them: equal lists are one. */
	for (unsigned i = 0; i < 300; i++) {
		(void)buf_addf(&debs, "p%03u=1/amd64 ", i);
		if (i != 200)
			(void)buf_addf(&udebs, "p%03u=1/amd64 ", i);
	}
	both.indexes[0].packages = debs.ptr;
	both.indexes[1].packages = udebs.ptr;
	make(*state, &both);
	assert_sound(*state);
}

static int
first_entry(struct span key, struct span value, void *arg)
{
	struct buf *kv = arg;

	(void)buf_add_span(&kv[0], key);
	(void)buf_add_span(&kv[1], value);
	return 1;
}

/* The first entry of each table is replaced, cut short, or taken away. */
static void
test_check_finds_damage_in_every_table(void **state)
{
	static const enum table harmless[] = {T_META, T_GONE, T_DROPPED};
	struct scratch *s = *state;

	fill(s);
	for (size_t i = 0; i < T_COUNT; i++) {
		enum table table = (enum table)i;
		struct buf kv[2] = {{0}, {0}};
		struct span key, value, bad[2] = {SPAN("\xc1\xc1"), {0}};
		struct txn *t = scratch_read(s);
		bool skip = false;

		for (size_t h = 0; h < ARRAY_LEN(harmless); h++)
			skip |= harmless[h] == table;
		assert_true(
		    txn_each(t, table, (struct span){0}, first_entry, kv) >= 0);
		txn_end(t);
		key = buf_span(&kv[0]);
		value = buf_span(&kv[1]);
		bad[1] = (struct span){value.ptr, value.len / 2};
		for (size_t b = 0; b < 2 && key.len > 0; b++) {
			CLEANUP(findings_release) struct findings fs = {0};

			if (skip)
				continue;
			set_entry(s, table, key, &bad[b]);
			(void)check(s, (struct check_opts){0}, &fs);
			if (fs.n == 0)
				fail_msg("table %s, way %zu: nothing is found",
				    txn_table_name(table), b);
		}
		if (key.len > 0)
			set_entry(s, table, key, &value);
		buf_release(&kv[0]);
		buf_release(&kv[1]);
		assert_sound(s);
	}
}

/* Swaps the values of two entries: each has the right shape. */
static void
test_check_finds_what_is_mixed_up(void **state)
{
	static const struct {
		enum table table;
		const char *expected;
	} cases[] = {
	    {T_HEAVY, "package"},
	    {T_LIGHT, "package"},
	    {T_RUNS, "run"},
	    {T_LISTS, "list"},
	    {T_TEXTS, "found by a hash that is not its own"},
	    {T_BLOBS, "found by a hash that is not its own"},
	    {T_PACKAGE_IDS, "found by a hash that is not its stanza's"},
	    {T_RUN_IDS, "found by a hash that is not its own"},
	};
	struct scratch *s = *state;

	fill(s);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(findings_release) struct findings fs = {0};
		struct buf a[2] = {{0}, {0}}, b[2] = {{0}, {0}}, next = {0};
		struct txn *t = scratch_read(s);
		struct span value;

		assert_int_equal(txn_each(t, cases[i].table, (struct span){0},
				     first_entry, a),
		    1);
		(void)buf_add_span(&next, buf_span(&a[0]));
		(void)buf_add_char(&next, '\0');
		assert_int_equal(txn_each(t, cases[i].table, buf_span(&next),
				     first_entry, b),
		    1);
		txn_end(t);
		value = buf_span(&b[1]);
		set_entry(s, cases[i].table, buf_span(&a[0]), &value);
		value = buf_span(&a[1]);
		set_entry(s, cases[i].table, buf_span(&b[0]), &value);
		(void)check(s, (struct check_opts){0}, &fs);
		assert_told(&fs, cases[i].expected);
		set_entry(s, cases[i].table, buf_span(&b[0]),
		    &(struct span){b[1].ptr, b[1].len});
		set_entry(s, cases[i].table, buf_span(&a[0]),
		    &(struct span){a[1].ptr, a[1].len});
		buf_release(&next);
		for (int j = 0; j < 2; j++) {
			buf_release(&a[j]);
			buf_release(&b[j]);
		}
	}
	assert_sound(s);
}

/* Entries that are gone are missed by what they led to, and come back. */
static void
test_check_misses_what_is_gone(void **state)
{
	static const struct {
		enum table table;
		const char *expected;
	} cases[] = {
	    {T_PACKAGE_IDS, "can't be found by its hash"},
	    {T_RUN_IDS, "can't be found by its hash"},
	    {T_CONTENTS, "can't be found by its hash"},
	    {T_LIGHT, "is missing"},
	    {T_BLOBS, "is missing"},
	    {T_SIGHTINGS, "that nobody is known to have had"},
	    {T_PATHS, "paths 0: are missing"},
	    {T_ROOTS, "is missing"},
	};
	struct check_opts repair = {.blobs = true, .repair = true};
	struct scratch *s = *state;
	struct error err = {""};

	fill(s);
	assert_int_equal(path_index_update(s->store, &err), 0);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(findings_release) struct findings fs = {0};
		CLEANUP(findings_release) struct findings mended = {0};
		struct buf kv[2] = {{0}, {0}};
		struct txn *t = scratch_read(s);
		struct check_result n;

		assert_int_equal(txn_each(t, cases[i].table, (struct span){0},
				     first_entry, kv),
		    1);
		txn_end(t);
		set_entry(s, cases[i].table, buf_span(&kv[0]), NULL);
		(void)check(s, (struct check_opts){0}, &fs);
		assert_told(&fs, cases[i].expected);
		n = check(s, repair, &mended);
		assert_true(n.findings > 0);
		assert_int_equal(n.repaired, n.findings);
		assert_sound(s);
		buf_release(&kv[0]);
		buf_release(&kv[1]);
	}
}

static int
grow_piece(struct txn *t, void *arg, struct error *err)
{
	(void)arg, (void)err;
	return piece_put(t, 1, CODEC_GZ, SPAN("pieces"));
}

static int
change_piece(struct txn *t, void *arg, struct error *err)
{
	(void)arg, (void)err;
	return piece_put(t, 1, CODEC_GZ, SPAN("PIECE"));
}

static void
test_check_finds_wrong_pieces(void **state)
{
	CLEANUP(findings_release) struct findings fs = {0};
	struct scratch *s = *state;

	fill(s);
	scratch_write(s, grow_piece, NULL);
	(void)check(s, (struct check_opts){0}, &fs);
	assert_told(&fs, "form 1: has 5 bytes of run 1, whose piece has 6");
	scratch_write(s, change_piece, NULL);
	(void)check(s, (struct check_opts){0}, &fs);
	assert_told(&fs, "form 1: has another SHA-256");
}

static void
test_check_finds_numbers_never_given_out(void **state)
{
	CLEANUP(findings_release) struct findings fs = {0};
	struct scratch *s = *state;
	struct key64 low = key64(1);
	struct span value = {(const char *)low.byte, sizeof(low.byte)};

	fill(s);
	set_entry(s, T_META, SPAN("package"), &value);
	(void)check(s, (struct check_opts){0}, &fs);
	assert_told(&fs, "package 4: is beyond the last that was given out, 1");
	assert_told(&fs, "package 2: is named, but was never given out");
}

/* What is wrong with a right check value may be any number. */
static int
put_absurd_form(struct txn *t, void *arg, struct error *err)
{
	uint64_t runs[] = {UINT64_C(1) << 35}, offsets[] = {0, 5};
	struct form f = {.codec = CODEC_XZ,
	    .npieces = 1,
	    .run = runs,
	    .offset = offsets,
	    .size = 5};

	(void)err;
	f.list = *(uint64_t *)arg;
	digest_of("absurd", 6, &f.sha256);
	return form_put(t, &f);
}

static long
most_memory_kb(void)
{
	struct rusage u;

	assert_int_equal(getrusage(RUSAGE_SELF, &u), 0);
	return u.ru_maxrss;
}

static void
test_check_takes_no_memory_for_absurd_numbers(void **state)
{
	static const char *const counters[] = {
	    "package", "list", "run", "blob", "form"};
	struct check_opts repair = {.blobs = true, .repair = true};
	CLEANUP(findings_release) struct findings fs = {0};
	struct key64 high = key64(UINT64_C(1) << 60);
	struct span value = {(const char *)high.byte, sizeof(high.byte)};
	struct scratch *s = *state;
	struct freezing f = freeze(s, "one", "a b c");
	long before = most_memory_kb();

	for (size_t i = 0; i < ARRAY_LEN(counters); i++) {
		struct check_result n;

		set_entry(s, T_META, span_of(counters[i]), &value);
		n = check(s, repair, &fs);
		assert_true(n.findings > 0);
		assert_int_equal(n.repaired, n.findings);
		assert_sound(s);
	}
	scratch_write(s, put_absurd_form, &f.list);
	(void)check(s, repair, &fs);
	assert_told(&fs, "run 34359738368");
	assert_true(most_memory_kb() - before < 64 * 1024);
	(void)freeze(s, "two", "c d");
}

static void
spoil(struct scratch *s, const char *content)
{
	char hex[DIGEST_HEX_SIZE], path[80];
	struct digest d = file_digest(content);
	int fd;

	digest_hex(&d, hex);
	(void)snprintf(path, sizeof(path), "%.2s/%s", hex, hex);
	assert_int_equal(fchmodat(store_blobs_fd(s->store), path, 0644, 0), 0);
	fd = openat(store_blobs_fd(s->store), path, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "?", 1), 1);
	(void)close(fd);
}

static void
test_check_files(void **state)
{
	CLEANUP(findings_release) struct findings fs = {0};
	struct scratch *s = *state;
	struct check_result n;
	char path[128], hex[DIGEST_HEX_SIZE];
	struct digest d = file_digest("a");

	fill(s);
	make_present(s, "a");
	make_present(s, "common");
	make_present(s, "nobody's");
	spoil(s, "a");
	spoil(s, "common");
	spoil(s, "nobody's");
	n = check(s, (struct check_opts){0}, &fs);
	assert_int_equal(n.findings, 0);
	n = check(s, (struct check_opts){.blobs = true}, &fs);
	assert_int_equal(n.findings, 3);
	assert_int_equal(n.repaired, 0);
	assert_told(&fs, "it can be fetched again");
	assert_told(&fs, "nobody is known to have it");
	assert_told(&fs, "nothing refers to it");
	assert_true(is_present(s, "a"));
	n = check(s, (struct check_opts){.blobs = true, .repair = true}, &fs);
	assert_int_equal(n.repaired, 3);
	assert_told(&fs, "(repaired)");
	assert_false(is_present(s, "a"));
	assert_false(is_present(s, "common"));
	(void)snprintf(path, sizeof(path), "%s/damaged/%s", s->store_dir,
	    digest_hex(&d, hex));
	assert_int_equal(access(path, F_OK), 0);
	assert_sound(s);
	/* And once more, where there is one already. */
	make_present(s, "a");
	assert_sound(s);
	spoil(s, "a");
	n = check(s, (struct check_opts){.blobs = true, .repair = true}, &fs);
	assert_int_equal(n.repaired, 1);
}

static void
test_check_stops(void **state)
{
	atomic_bool stop = true;
	struct check_opts opts = {.blobs = true, .cancel = &stop};
	struct scratch *s = *state;
	struct check_result n;
	struct error err = {""};

	fill(s);
	assert_int_equal(check_store(s->store, &opts, &n, &err), -EINTR);
}

static void
test_stats_read_counts(void **state)
{
	struct scratch *s = *state;
	struct store_stats st;
	struct error err = {""};

	fill(s);
	make_present(s, "a");
	make_present(s, "common");
	assert_int_equal(stats_read(s->store, &st, &err), 0);
	for (size_t i = 0; i < T_COUNT; i++)
		assert_int_equal(
		    st.tables[i].entries, entries(s, (enum table)i));
	assert_int_equal(st.tables[T_LIGHT].bytes, st.page_size);
	assert_int_equal(st.blobs, 2);
	assert_int_equal(st.blob_bytes, 7);
	assert_int_equal(st.downloads, 0);
	assert_true(st.file_size >= st.free_pages * st.page_size);
}

static void
test_backup_store_can_be_opened(void **state)
{
	struct scratch *s = *state;
	char file[128], dir[128], data[160];
	uint64_t n;
	struct store *copy = NULL;
	struct scratch other = {0};
	struct error err = {""};

	fill(s);
	n = entries(s, T_LIGHT);
	(void)snprintf(file, sizeof(file), "%s/backup", s->dir);
	assert_int_equal(backup_store(s->store, file, &err), 0);
	/* What comes later is not in it. */
	(void)freeze(s, "three", "e");
	assert_int_equal(backup_store(s->store, file, &err), -EEXIST);
	assert_non_null(strstr(err.text, file));
	(void)snprintf(dir, sizeof(dir), "%s/copy", s->dir);
	assert_int_equal(mkdir(dir, 0755), 0);
	(void)snprintf(data, sizeof(data), "%s/db", dir);
	assert_int_equal(mkdir(data, 0755), 0);
	(void)snprintf(data, sizeof(data), "%s/db/data.mdb", dir);
	assert_int_equal(rename(file, data), 0);
	assert_int_equal(store_open(dir, 0, 0, &copy, &err), 0);
	other.store = copy;
	assert_int_equal(entries(&other, T_LIGHT), n);
	assert_sound(&other);
	store_close(copy);
}

static void
test_backup_store_leaves_nothing(void **state)
{
	struct scratch *s = *state;
	struct error err = {""};
	char file[128];

	(void)snprintf(file, sizeof(file), "%s/none/backup", s->dir);
	assert_int_equal(backup_store(s->store, file, &err), -ENOENT);
	assert_non_null(strstr(err.text, file));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    scratch_test(test_check_finds_nothing),
	    scratch_test(test_check_knows_runs_of_two_kinds),
	    scratch_test(test_check_finds_damage_in_every_table),
	    scratch_test(test_check_finds_what_is_mixed_up),
	    scratch_test(test_check_misses_what_is_gone),
	    scratch_test(test_check_finds_wrong_pieces),
	    scratch_test(test_check_finds_numbers_never_given_out),
	    scratch_test(test_check_takes_no_memory_for_absurd_numbers),
	    scratch_test(test_check_files),
	    scratch_test(test_check_stops),
	    scratch_test(test_stats_read_counts),
	    scratch_test(test_backup_store_can_be_opened),
	    scratch_test(test_backup_store_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
