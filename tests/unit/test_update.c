#include "mirror/update.h"

#include "scratch_store.h"

#include "store/list.h"
#include "update_fixture.h"

static void
test_update_first(void **state)
{
	struct archive a = {.s = *state};

	put_archive(&a, "1", ARCHIVE_DATE);
	archive_mirror(a.s, "m", "sid", "");
	struct update_result got = update_ok(&a, "m");
	assert_true(got.changed);
	assert_int_equal(got.packages, 3);
	assert_int_equal(got.new_packages, 3);
	assert_int_equal(got.indexes, 2);
	assert_int_equal(got.indexes_kept, 0);

	CLEANUP(state_release) struct state s = state_now(&a, "m");
	assert_string_equal(s.suite, "sid");
	assert_true(s.trusted_unsigned);
	assert_int_equal(s.date, ARCHIVE_DATE);
	assert_int_equal(s.in_release, 0);
	assert_int_not_equal(s.release, 0);
	assert_int_not_equal(s.listing, 0);
	assert_int_equal(s.nlists, 2);
	assert_string_equal(s.lists[0].component, "main");
	assert_string_equal(s.lists[0].architecture, "amd64");
	assert_string_equal(s.lists[0].path, "main/binary-amd64/Packages");
	assert_string_equal(s.lists[1].component, "contrib");

	struct txn *t = scratch_read(a.s);
	CLEANUP(list_release) struct list l = {0};
	assert_int_equal(list_load(t, s.lists[0].list, &l), 0);
	assert_int_equal(l.packages, 2);
	txn_end(t);
	buf_release(&a.files);
}

static void
test_update_unchanged(void **state)
{
	struct archive a = {.s = *state};
	struct update_opts later = {.now = ARCHIVE_DATE + 7200};
	struct update_result got;
	struct error err;

	put_archive(&a, "1", ARCHIVE_DATE);
	archive_mirror(a.s, "m", "sid", "");
	(void)update_ok(&a, "m");
	CLEANUP(mirror_release) struct mirror before = mirror_now(&a, "m");
	assert_int_equal(update_with(&a, "m", &later, &got, &err), 0);
	CLEANUP(mirror_release) struct mirror after = mirror_now(&a, "m");
	assert_false(got.changed);
	assert_int_equal(got.indexes, 0);
	assert_int_equal(got.indexes_kept, 2);
	assert_int_equal(got.packages, 3);
	assert_int_equal(after.state, before.state);
	assert_int_equal(after.root, before.root);
	assert_int_equal(after.updated, ARCHIVE_DATE + 7200);

	later.force = true;
	assert_int_equal(update_with(&a, "m", &later, &got, &err), 0);
	assert_false(got.changed);
	assert_int_equal(got.indexes, 0);
	assert_int_equal(got.indexes_kept, 2);
	buf_release(&a.files);
}

static void
test_update_changed_index_only(void **state)
{
	struct archive a = {.s = *state};

	put_archive(&a, "1", ARCHIVE_DATE);
	archive_mirror(a.s, "m", "sid", "");
	(void)update_ok(&a, "m");
	CLEANUP(state_release) struct state before = state_now(&a, "m");
	put_archive(&a, "2", ARCHIVE_DATE + 60);
	struct update_result got = update_ok(&a, "m");
	CLEANUP(state_release) struct state after = state_now(&a, "m");
	assert_true(got.changed);
	assert_int_equal(got.indexes, 1);
	assert_int_equal(got.indexes_kept, 1);
	assert_int_equal(got.packages, 3);
	assert_int_equal(got.new_packages, 1);
	assert_int_not_equal(after.lists[0].list, before.lists[0].list);
	assert_int_equal(after.lists[1].list, before.lists[1].list);
	buf_release(&a.files);
}

static void
test_update_settings_changed(void **state)
{
	struct archive a = {.s = *state};

	put_archive(&a, "1", ARCHIVE_DATE);
	archive_mirror(a.s, "m", "sid", "contrib");
	struct update_result got = update_ok(&a, "m");
	assert_int_equal(got.packages, 1);

	struct archive_mirror am = {.m = mirror_now(&a, "m")};
	struct txn *t = scratch_read(a.s);
	assert_int_equal(origin_load(t, am.m.origin, &am.o), 0);
	txn_end(t);
	strs_release(&am.m.components);
	scratch_write(a.s, archive_mirror_put, &am);
	mirror_release(&am.m);
	origin_release(&am.o);

	got = update_ok(&a, "m");
	assert_true(got.changed);
	assert_int_equal(got.packages, 3);
	assert_int_equal(got.indexes, 1);
	assert_int_equal(got.indexes_kept, 1);
	buf_release(&a.files);
}

/* Another server has to say itself that nothing is new. */
static void
test_update_moved_archive(void **state)
{
	struct archive a = {.s = *state};
	char from[512], to[512], url[1024];

	put_archive(&a, "1", ARCHIVE_DATE);
	archive_mirror(a.s, "m", "sid", "");
	(void)update_ok(&a, "m");
	archive_path(a.s, "", from);
	(void)snprintf(to, sizeof(to), "%s/moved", a.s->dir);
	assert_int_equal(rename(from, to), 0);

	struct archive_mirror am = {.m = mirror_now(&a, "m")};
	(void)snprintf(url, sizeof(url), "file://%s/", to);
	am.o.number = am.m.origin;
	am.o.url = strdup(url);
	scratch_write(a.s, archive_mirror_put, &am);
	mirror_release(&am.m);
	origin_release(&am.o);

	struct update_result got = update_ok(&a, "m");
	assert_false(got.changed);
	assert_true(got.bytes > 0);
	assert_int_equal(got.indexes, 0);
	assert_int_equal(got.indexes_kept, 2);
	buf_release(&a.files);
}

static void
test_update_files_become_blobs(void **state)
{
	struct archive a = {.s = *state};
	struct digest d;

	put_archive(&a, "1", ARCHIVE_DATE);
	put_release(&a, DIR "Release", ARCHIVE_DATE,
	    "Acquire-By-Hash: yes\nArchitectures: amd64\nComponents: main\n");
	archive_mirror(a.s, "m", "sid", "");
	(void)update_ok(&a, "m");

	struct place p = places_of(&a, SPAN("hello\n"));
	assert_int_equal(p.n, 2);
	assert_non_null(strstr(p.path[0], DIR "main/i18n/by-hash/SHA256/5891"));
	assert_string_equal(p.path[1], DIR "main/i18n/Translation-en");
	digest_of("hello\n", 6, &d);
	assert_int_equal(blob_present(a.s->store, &d), 0);

	p = places_of(&a, SPAN("apple 1\n"));
	assert_int_equal(p.n, 1);
	assert_string_equal(p.path[0], "pool/apple_1.deb");
	buf_release(&a.files);
}

static void
test_update_second_mirror_shares(void **state)
{
	struct archive a = {.s = *state};

	put_archive(&a, "1", ARCHIVE_DATE);
	archive_mirror(a.s, "m", "sid", "");
	archive_mirror(a.s, "n", "sid", "");
	(void)update_ok(&a, "m");
	struct update_result got = update_ok(&a, "n");
	assert_true(got.changed);
	assert_int_equal(got.indexes, 0);
	assert_int_equal(got.indexes_kept, 2);
	assert_int_equal(got.packages, 3);
	assert_int_equal(got.new_packages, 0);
	struct place p = places_of(&a, SPAN("apple 1\n"));
	assert_int_equal(p.n, 2);
	p = places_of(&a, SPAN("hello\n"));
	assert_int_equal(p.n, 2);
	buf_release(&a.files);
}

static void
test_update_by_hash_only(void **state)
{
	struct archive a = {.s = *state};
	struct buf index = {0}, gz;
	struct digest d;
	char name[256], hex[DIGEST_HEX_SIZE];

	add_stanza(&index, "apple", "1");
	put_odd_archive(&a, index.ptr, ARCHIVE_DATE);
	put_release(&a, DIR "Release", ARCHIVE_DATE,
	    "Acquire-By-Hash: yes\nArchitectures: amd64\nComponents: main\n");
	gz = gzipped(buf_span(&index));
	digest_of(gz.ptr, gz.len, &d);
	(void)snprintf(name, sizeof(name),
	    DIR "main/binary-amd64/by-hash/SHA256/%s", digest_hex(&d, hex));
	archive_write(a.s, name, buf_span(&gz));
	archive_remove(a.s, DIR "main/binary-amd64/Packages.gz");
	archive_mirror(a.s, "m", "sid", "");
	assert_int_equal(update_ok(&a, "m").packages, 1);
	buf_release(&index);
	buf_release(&gz);
	buf_release(&a.files);
}

/* An index that we would write otherwise is kept as it is. */
static void
odd_index(struct archive *a, const char *index, bool plain_only)
{
	CLEANUP(list_release) struct list l = {0};
	struct digest d;

	put_odd_archive(a, index, ARCHIVE_DATE);
	if (plain_only) {
		buf_clear(&a->files);
		release_add(
		    &a->files, "main/binary-amd64/Packages", span_of(index));
		archive_write(
		    a->s, DIR "main/binary-amd64/Packages", span_of(index));
		put_release(a, DIR "Release", ARCHIVE_DATE,
		    "Architectures: amd64\nComponents: main\n");
	}
	archive_mirror(a->s, "m", "sid", "");
	struct update_result got = update_ok(a, "m");
	assert_int_equal(got.packages, 2);
	digest_of(index, strlen(index), &d);
	assert_int_equal(blob_present(a->s->store, &d), 1);
	struct place p = places_of(a, span_of(index));
	assert_string_equal(p.path[0], DIR "main/binary-amd64/Packages");

	CLEANUP(state_release) struct state s = state_now(a, "m");
	struct txn *t = scratch_read(a->s);
	assert_int_equal(list_load(t, s.lists[0].list, &l), 0);
	txn_end(t);
	assert_false(digest_eq(&l.sha256, &d));

	/* It is known again, though no list has its hash. */
	struct update_opts force = {.force = true};
	struct error err;
	assert_int_equal(update_with(a, "m", &force, &got, &err), 0);
	assert_false(got.changed);
	assert_int_equal(got.indexes, 0);
	assert_int_equal(got.indexes_kept, 1);
	buf_release(&a->files);
}

/* Two blank lines between stanzas and none at the end. */
static void
odd_index_of(struct archive *a, bool plain_only)
{
	struct buf index = {0};

	add_stanza(&index, "apple", "1");
	assert_int_equal(buf_add_char(&index, '\n'), 0);
	add_stanza(&index, "banana", "1");
	index.ptr[--index.len] = '\0';
	odd_index(a, index.ptr, plain_only);
	buf_release(&index);
}

static void
test_update_odd_index_kept(void **state)
{
	struct archive a = {.s = *state};

	odd_index_of(&a, false);
}

static void
test_update_odd_plain_index_kept(void **state)
{
	struct archive a = {.s = *state};

	odd_index_of(&a, true);
}

static void
test_update_plain_only_leaves_no_copy(void **state)
{
	struct archive a = {.s = *state};
	struct buf index = {0};
	struct digest d;
	struct content c;

	add_stanza(&index, "apple", "1");
	release_add(&a.files, "main/binary-amd64/Packages", buf_span(&index));
	archive_write(a.s, DIR "main/binary-amd64/Packages", buf_span(&index));
	put_release(&a, DIR "Release", ARCHIVE_DATE,
	    "Architectures: amd64\nComponents: main\n");
	archive_mirror(a.s, "m", "sid", "");
	assert_int_equal(update_ok(&a, "m").packages, 1);
	digest_of(index.ptr, index.len, &d);
	assert_int_equal(blob_present(a.s->store, &d), 0);
	struct txn *t = scratch_read(a.s);
	assert_int_equal(content_find(t, &d, &c), 0);
	txn_end(t);
	assert_int_equal(c.kind, CONTENT_LIST);
	buf_release(&index);
	buf_release(&a.files);
}

static void
test_update_empty_index(void **state)
{
	struct archive a = {.s = *state};

	put_odd_archive(&a, "", ARCHIVE_DATE);
	archive_mirror(a.s, "m", "sid", "");
	struct update_result got = update_ok(&a, "m");
	assert_int_equal(got.packages, 0);
	CLEANUP(state_release) struct state s = state_now(&a, "m");
	assert_int_equal(s.nlists, 1);
	buf_release(&a.files);
}

static void
test_update_flat(void **state)
{
	struct archive a = {.s = *state};
	struct buf index = {0};

	add_stanza(&index, "apple", "1");
	archive_index(a.s, &a.files, "dir/", "Packages", index.ptr);
	put_release(&a, "dir/Release", ARCHIVE_DATE, "");
	archive_mirror(a.s, "m", "./dir/", "");
	assert_int_equal(update_ok(&a, "m").packages, 1);
	CLEANUP(state_release) struct state s = state_now(&a, "m");
	assert_true(s.flat);
	assert_int_equal(s.nlists, 1);
	assert_string_equal(s.lists[0].component, "");
	assert_string_equal(s.lists[0].architecture, "");
	assert_string_equal(s.lists[0].path, "Packages");
	buf_release(&index);
	buf_release(&a.files);
}

/* InRelease with a signature that nobody checks. */
static void
put_in_release(struct archive *a, const char *extra)
{
	char path[512];
	struct buf release = {0}, b = {0};
	struct error err;

	archive_path(a->s, DIR "Release", path);
	assert_int_equal(file_read(AT_FDCWD, path, 1 << 20, &release, &err), 0);
	assert_int_equal(buf_addf(&b,
			     "-----BEGIN PGP SIGNED MESSAGE-----\n"
			     "Hash: SHA256\n\n%s%s"
			     "-----BEGIN PGP SIGNATURE-----\n\niQ==\n=AAAA\n"
			     "-----END PGP SIGNATURE-----\n",
			     release.ptr, extra),
	    0);
	archive_write(a->s, DIR "InRelease", buf_span(&b));
	buf_release(&release);
	buf_release(&b);
}

static void
test_update_in_release(void **state)
{
	struct archive a = {.s = *state};

	put_archive(&a, "1", ARCHIVE_DATE);
	put_in_release(&a, "");
	archive_mirror(a.s, "m", "sid", "");
	assert_true(update_ok(&a, "m").changed);
	CLEANUP(state_release) struct state s = state_now(&a, "m");
	assert_int_not_equal(s.in_release, 0);
	assert_int_not_equal(s.release, 0); /* it says the same */
	assert_false(update_ok(&a, "m").changed);

	put_archive(&a, "2", ARCHIVE_DATE + 60);
	put_in_release(&a, " 5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d0"
			   "8286a2e846f6be03 6 other\n");
	assert_true(update_ok(&a, "m").changed);
	CLEANUP(state_release) struct state other = state_now(&a, "m");
	assert_int_not_equal(other.in_release, 0);
	assert_int_equal(other.release, 0); /* it says something else */
	buf_release(&a.files);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    scratch_test(test_update_first),
	    scratch_test(test_update_unchanged),
	    scratch_test(test_update_changed_index_only),
	    scratch_test(test_update_settings_changed),
	    scratch_test(test_update_moved_archive),
	    scratch_test(test_update_files_become_blobs),
	    scratch_test(test_update_second_mirror_shares),
	    scratch_test(test_update_by_hash_only),
	    scratch_test(test_update_odd_index_kept),
	    scratch_test(test_update_odd_plain_index_kept),
	    scratch_test(test_update_plain_only_leaves_no_copy),
	    scratch_test(test_update_empty_index),
	    scratch_test(test_update_flat),
	    scratch_test(test_update_in_release),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
