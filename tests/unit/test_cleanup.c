#include "store/cleanup.h"

#include <time.h>

#include "scratch_store.h"

#include "care_fixture.h"
#include "store/gone.h"
#include "store/hold.h"

static int64_t
at(void *arg)
{
	return *(int64_t *)arg;
}

static int
try_cleanup(struct scratch *s, const struct cleanup_opts *opts,
    struct cleanup_result *ret, struct error *err)
{
	return cleanup_store(s->store, opts, ret, err);
}

static struct cleanup_result
cleanup_with(struct scratch *s, const struct cleanup_opts *opts)
{
	struct cleanup_result n;
	struct error err = {""};
	int r = try_cleanup(s, opts, &n, &err);

	if (r < 0)
		fail_msg("%d %s", r, err.text);
	assert_sound(s);
	return n;
}

static struct cleanup_result
cleanup(struct scratch *s)
{
	struct cleanup_opts opts = {0};

	return cleanup_with(s, &opts);
}

static void
count_all(struct scratch *s, uint64_t n[T_COUNT])
{
	for (size_t i = 0; i < T_COUNT; i++)
		n[i] = entries(s, (enum table)i);
}

static int
note_gone(struct txn *t, void *arg, struct error *err)
{
	(void)err;
	return gone_put(t, arg, 1, 5);
}

static void
test_cleanup_takes_what_was_dropped(void **state)
{
	struct scratch *s = *state;
	uint64_t before[T_COUNT], after[T_COUNT], blob;
	struct freezing one;
	struct cleanup_result n;

	(void)freeze(s, "stays", "a b");
	make_present(s, "a");
	count_all(s, before);
	one = freeze(s, "goes", "b c d");
	scratch_write(s, put_form, &one.list);
	blob = blob_of(s, "d");
	scratch_write(s, note_gone, &blob);
	make_present(s, "c");
	drop(s, "goes");
	n = cleanup(s);
	count_all(s, after);
	/* The counters know more; and b was seen at its origin too. */
	for (size_t i = 0; i < T_COUNT; i++)
		if (i != T_META && i != T_ORIGINS && i != T_SIGHTINGS)
			assert_int_equal(after[i], before[i]);
	assert_int_equal(n.tables[T_LIGHT].n, 2);
	assert_int_equal(n.tables[T_HEAVY].n, 2);
	assert_int_equal(n.tables[T_LISTS].n, 1);
	assert_int_equal(n.tables[T_STATES].n, 1);
	assert_int_equal(n.tables[T_FORMS].n, 1);
	assert_int_equal(n.tables[T_PIECES].n, 1);
	assert_int_equal(n.tables[T_GONE].n, 1);
	/* c, d and what its Release listed. */
	assert_int_equal(n.tables[T_BLOBS].n, 3);
	assert_true(n.tables[T_BLOBS].bytes > 0);
	assert_int_equal(n.files.n, 1);
	assert_int_equal(n.files.bytes, 1);
	assert_true(is_present(s, "a"));
	assert_false(is_present(s, "c"));
	n = cleanup(s);
	for (size_t i = 0; i < T_COUNT; i++)
		assert_int_equal(n.tables[i].n, 0);
	/* What was known comes back under new numbers. */
	(void)freeze(s, "again", "b c d");
	assert_sound(s);
}

static void
test_cleanup_empties_a_store(void **state)
{
	struct scratch *s = *state;

	(void)freeze(s, "one", "a b");
	(void)freeze(s, "two", "b c");
	drop(s, "one");
	drop(s, "two");
	(void)cleanup(s);
	for (size_t i = 0; i < T_COUNT; i++)
		if (i != T_META && i != T_SIGHTINGS)
			assert_int_equal(entries(s, (enum table)i), 0);
}

/* So many packages that a dictionary is made of them. */
static void
freeze_many(struct scratch *s, const char *name)
{
	CLEANUP(buf_release) struct buf words = {0};

	for (unsigned i = 0; i < 8000; i++)
		(void)buf_addf(&words, "%s-package-%u ", name, i);
	(void)freeze(s, name, words.ptr);
}

static void
test_cleanup_takes_dictionaries_and_keys(void **state)
{
	struct cleanup_opts dry = {.dry_run = true};
	struct scratch *s = *state;
	struct cleanup_result n;

	freeze_many(s, "many");
	assert_int_equal(entries(s, T_DICTS), 1);
	set_entry(s, T_KEYS, SPAN("SIGNER"), &SPAN("a key"));
	set_entry(s, T_KEYS, SPAN("NOBODY"), &SPAN("another"));
	n = cleanup(s);
	assert_int_equal(n.tables[T_DICTS].n, 0);
	assert_int_equal(n.tables[T_KEYS].n, 1);
	/* A package that is left keeps the dictionary of all. */
	(void)freeze(s, "few", "many-package-3");
	drop(s, "many");
	n = cleanup(s);
	assert_int_equal(n.tables[T_LIGHT].n, 7999);
	assert_int_equal(n.tables[T_DICTS].n, 0);
	drop(s, "few");
	n = cleanup_with(s, &dry);
	assert_int_equal(n.tables[T_DICTS].n, 1);
	assert_int_equal(n.tables[T_KEYS].n, 1);
	assert_int_equal(entries(s, T_DICTS), 1);
	n = cleanup(s);
	assert_int_equal(n.tables[T_DICTS].n, 1);
	assert_int_equal(entries(s, T_DICTS), 0);
	assert_int_equal(entries(s, T_KEYS), 0);
	/* The next one is made when it is needed. */
	freeze_many(s, "again");
	assert_int_equal(entries(s, T_DICTS), 1);
	assert_sound(s);
}

static void
test_cleanup_dry_run_takes_nothing(void **state)
{
	struct cleanup_opts opts = {.dry_run = true};
	struct scratch *s = *state;
	uint64_t before[T_COUNT], after[T_COUNT];
	struct cleanup_result dry, wet;

	(void)freeze(s, "one", "a b");
	(void)freeze(s, "two", "b c");
	make_present(s, "a");
	drop(s, "one");
	count_all(s, before);
	dry = cleanup_with(s, &opts);
	count_all(s, after);
	assert_memory_equal(before, after, sizeof(before));
	assert_true(is_present(s, "a"));
	wet = cleanup(s);
	assert_memory_equal(&dry, &wet, sizeof(dry));
	assert_true(wet.tables[T_LIGHT].n > 0);
}

static void
test_cleanup_grace(void **state)
{
	struct cleanup_opts opts = {.grace = 3600};
	struct scratch *s = *state;
	struct cleanup_result n;
	int64_t now = 1000000;

	store_set_clock(s->store, at, &now);
	(void)freeze(s, "one", "a b");
	make_present(s, "a");
	drop(s, "one");
	n = cleanup_with(s, &opts);
	assert_int_equal(n.tables[T_LIGHT].n, 0);
	assert_int_equal(n.kept_roots, 1);
	assert_true(is_present(s, "a"));
	now += 3600;
	n = cleanup_with(s, &opts);
	assert_int_equal(n.kept_roots, 1);
	now++;
	n = cleanup_with(s, &opts);
	assert_int_equal(n.kept_roots, 0);
	assert_int_equal(n.tables[T_LIGHT].n, 2);
	assert_int_equal(n.tables[T_DROPPED].n, 1);
	assert_false(is_present(s, "a"));
}

static void
test_cleanup_grace_depends_on_others(void **state)
{
	struct cleanup_opts opts = {.grace = -1};
	struct scratch *s = *state;
	struct cleanup_result n;
	int fd;

	(void)freeze(s, "one", "a");
	drop(s, "one");
	fd = openat(store_blobs_fd(s->store), ".", O_RDONLY | O_DIRECTORY);
	assert_true(fd >= 0);
	assert_int_equal(hold_enter(fd), 0);
	n = cleanup_with(s, &opts);
	assert_int_equal(n.kept_roots, 1);
	(void)close(fd);
	n = cleanup_with(s, &opts);
	assert_int_equal(n.kept_roots, 0);
	assert_int_equal(n.tables[T_LIGHT].n, 1);
}

static void
test_cleanup_waits_for_the_hold(void **state)
{
	atomic_bool stop = true;
	struct cleanup_opts opts = {.cancel = &stop};
	struct scratch *s = *state;
	struct cleanup_result n;
	struct error err;
	int fd = -1;

	(void)freeze(s, "one", "a");
	drop(s, "one");
	assert_int_equal(hold_take(s->store, HOLD_SHARED, NULL, &fd, &err), 0);
	assert_int_equal(try_cleanup(s, &opts, &n, &err), -EINTR);
	(void)close(fd);
	/* Stopped before it began. */
	assert_int_equal(try_cleanup(s, &opts, &n, &err), -EINTR);
	assert_int_equal(entries(s, T_LIGHT), 1);
}

static void
test_cleanup_refuses_damage(void **state)
{
	static const enum table tables[] = {T_SNAPSHOTS, T_STATES, T_LISTS};
	struct cleanup_opts opts = {0};
	struct scratch *s = *state;
	struct span junk = SPAN("\xc1");

	(void)freeze(s, "one", "a");
	(void)freeze(s, "two", "b");
	drop(s, "one");
	for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
		CLEANUP(buf_release) struct buf old = {0};
		struct key64 two = key64(2);
		struct span key = tables[i] == T_SNAPSHOTS
				      ? SPAN("two")
				      : (struct span){(const char *)two.byte,
					    sizeof(two.byte)};
		struct txn *t = scratch_read(s);
		struct cleanup_result n;
		struct error err = {""};
		struct span was;

		assert_int_equal(
		    txn_get(t, tables[i], key.ptr, key.len, &was), 0);
		assert_int_equal(buf_add_span(&old, was), 0);
		txn_end(t);
		set_entry(s, tables[i], key, &junk);
		assert_int_equal(try_cleanup(s, &opts, &n, &err), -EIO);
		assert_non_null(strstr(err.text, "is damaged"));
		assert_int_equal(entries(s, T_LIGHT), 2);
		was = buf_span(&old);
		set_entry(s, tables[i], key, &was);
	}
	assert_int_equal(cleanup(s).tables[T_LIGHT].n, 1);
}

/* What a Release lists can't be told when it is damaged, and is no garbage. */
static void
test_cleanup_refuses_a_damaged_release(void **state)
{
	CLEANUP(buf_release) struct buf old = {0}, odd = {0};
	struct cleanup_opts opts = {0};
	struct scratch *s = *state;
	struct key64 one = key64(1);
	struct span key = {(const char *)one.byte, sizeof(one.byte)}, was;
	struct cleanup_result n;
	struct error err = {""};
	struct txn *t;

	(void)freeze(s, "one", "a");
	make_present(s, "common");
	t = scratch_read(s);
	assert_int_equal(txn_get(t, T_TEXTS, key.ptr, key.len, &was), 0);
	assert_int_equal(buf_add_span(&old, was), 0);
	assert_int_equal(buf_add_span(&odd, was), 0);
	txn_end(t);
	/* In the bytes of the text: the rest of the record reads well. */
	odd.ptr[odd.len - 8] ^= 0x20;
	was = buf_span(&odd);
	set_entry(s, T_TEXTS, key, &was);
	assert_int_equal(try_cleanup(s, &opts, &n, &err), -EIO);
	assert_non_null(strstr(err.text, "text 1 is damaged"));
	was = buf_span(&old);
	set_entry(s, T_TEXTS, key, &was);
	(void)cleanup(s);
	assert_true(blob_of(s, "common") != 0);
	assert_true(is_present(s, "common"));
}

static int
see_source(uint64_t origin, struct span path, void *arg)
{
	(void)origin;
	*(bool *)arg |= span_eq(path, SPAN("pool/first.deb"));
	return 0;
}

/* More packages have the file than its blob remembers. */
static void
test_cleanup_leaves_a_source(void **state)
{
	CLEANUP(buf_release) struct buf many = {0};
	CLEANUP(blob_release) struct blob b = {0};
	struct scratch *s = *state;
	bool seen = false;
	struct txn *t;

	(void)freeze(s, "stays", "first=file");
	for (int i = 0; i < BLOB_MAX_SOURCES + 2; i++)
		(void)buf_addf(&many, "p%d=file ", i);
	(void)freeze(s, "goes", many.ptr);
	drop(s, "goes");
	(void)cleanup(s);
	t = scratch_read(s);
	assert_int_equal(blob_load(t, blob_of(s, "file"), &b), 0);
	assert_int_equal(blob_each_place(t, &b, see_source, &seen), 0);
	txn_end(t);
	assert_true(seen);
}

static int
put_plain(struct txn *t, void *arg, struct error *err)
{
	(void)err;
	return blob_put(t, arg, 0, &(uint64_t){0});
}

/* An index that was a remote blob is rendered since: a mount may know it as
 * the blob. */
static void
test_cleanup_keeps_what_is_made_otherwise(void **state)
{
	struct scratch *s = *state;
	struct digest rendered;
	struct freezing f;

	f = freeze(s, "one", "a");
	rendered = f.rendered;
	drop(s, "one");
	(void)cleanup(s);
	scratch_write(s, put_plain, &rendered);
	assert_int_equal(entries(s, T_BLOBS), 1);
	(void)freeze(s, "one", "a");
	(void)cleanup(s);
	/* That, a's file, extra-one and common. */
	assert_int_equal(entries(s, T_BLOBS), 4);
	drop(s, "one");
	(void)cleanup(s);
	assert_int_equal(entries(s, T_BLOBS), 0);
}

static void
write_file(int dirfd, const char *name, int64_t mtime)
{
	const struct timespec times[2] = {{.tv_sec = mtime}, {.tv_sec = mtime}};
	int fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "xyz", 3), 3);
	assert_int_equal(futimens(fd, times), 0);
	(void)close(fd);
}

static bool
exists(int dirfd, const char *name)
{
	return faccessat(dirfd, name, F_OK, 0) == 0;
}

static void
test_cleanup_files_of_nobody(void **state)
{
	struct scratch *s = *state;
	int blobs = store_blobs_fd(s->store), tmp = store_tmp_fd(s->store);
	char old[DIGEST_HEX_SIZE], recent[DIGEST_HEX_SIZE], path[80];
	int64_t now = time(NULL);
	struct cleanup_result n;
	struct digest d;

	d = file_digest("old");
	digest_hex(&d, old);
	d = file_digest("recent");
	digest_hex(&d, recent);
	write_file(tmp, old, now - CLEANUP_DOWNLOADS - 10);
	write_file(tmp, recent, now - CLEANUP_DOWNLOADS + 1000);
	write_file(tmp, "none-of-ours", 1);
	/* Left by a program that was killed before it stored the record. */
	make_present(s, "nobody's");
	write_file(blobs, "README", 1);
	(void)snprintf(path, sizeof(path), "%.2s", old);
	assert_true(mkdirat(blobs, path, 0755) == 0 || errno == EEXIST);
	(void)snprintf(path, sizeof(path), "%.2s/not-a-hash", old);
	write_file(blobs, path, 1);
	n = cleanup(s);
	assert_int_equal(n.files.n, 1);
	assert_int_equal(n.downloads.n, 1);
	assert_int_equal(n.downloads.bytes, 3);
	assert_false(exists(tmp, old));
	assert_true(exists(tmp, recent));
	assert_true(exists(tmp, "none-of-ours"));
	assert_true(exists(blobs, "README"));
	assert_true(exists(blobs, path));
	assert_false(is_present(s, "nobody's"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    scratch_test(test_cleanup_takes_what_was_dropped),
	    scratch_test(test_cleanup_empties_a_store),
	    scratch_test(test_cleanup_takes_dictionaries_and_keys),
	    scratch_test(test_cleanup_dry_run_takes_nothing),
	    scratch_test(test_cleanup_grace),
	    scratch_test(test_cleanup_grace_depends_on_others),
	    scratch_test(test_cleanup_waits_for_the_hold),
	    scratch_test(test_cleanup_refuses_damage),
	    scratch_test(test_cleanup_refuses_a_damaged_release),
	    scratch_test(test_cleanup_leaves_a_source),
	    scratch_test(test_cleanup_keeps_what_is_made_otherwise),
	    scratch_test(test_cleanup_files_of_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
