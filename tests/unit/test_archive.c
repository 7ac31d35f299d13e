#include "tree_fixture.h"

#include <errno.h>

#include "fs/archive.h"
#include "store/gone.h"

/* A state whose Release lists more than there is. */
struct captured {
	uint64_t list, state;
	struct digest rendered; /* of the list */
	uint64_t blob;		/* of the translation */
	struct digest translation;
};

static int
put_translation(struct txn *t, void *arg, struct error *err)
{
	struct captured *c = arg;
	struct origin o = {.url = strdup("http://mirror.example.org/")};
	struct blob_source source = {
	    .path = SPAN("dists/stable/main/i18n/Translation-en.xz")};

	(void)err;
	int r = origin_put(t, &o);
	source.origin = o.number;
	if (r == 0)
		r = blob_put(t, &c->translation, 100, &c->blob);
	if (r == 0)
		r = blob_add_sources(t, c->blob, &source, 1);
	origin_release(&o);
	return r;
}

static char *
captured_release(struct scratch *s, struct captured *c)
{
	char plain[DIGEST_HEX_SIZE], translation[DIGEST_HEX_SIZE];
	char lost[DIGEST_HEX_SIZE];
	struct buf rendered = {0}, text = {0};

	render_list(s, c->list, &rendered);
	digest_of(rendered.ptr, rendered.len, &c->rendered);
	assert_int_equal(
	    buf_addf(&text,
		"Suite: stable\nDate: Mon, 24 Nov 2025 16:00:00 UTC\n"
		"Architectures: amd64\nComponents: main\nSHA256:\n"
		" %s %zu main/binary-amd64/Packages\n"
		" %s 100 main/i18n/Translation-en.xz\n"
		" %s 7 main/Contents-amd64.gz\n",
		digest_hex(&c->rendered, plain), rendered.len,
		digest_hex(&c->translation, translation), fake_hash(77, lost)),
	    0);
	buf_release(&rendered);
	return buf_take(&text);
}

static struct captured
capture(struct scratch *s, const char *names, unsigned odd)
{
	struct captured c = {.list = make_named_list(s, names, odd)};
	const struct list_spec lists[] = {
	    {"main", "amd64", c.list, PACKAGE_BINARY}, {0}};

	digest_of(&odd, sizeof(odd), &c.translation);
	scratch_write(s, put_translation, &c);
	char *release = captured_release(s, &c);
	c.state = make_state(s, "stable", release, NOW, lists);
	free(release);
	return c;
}

static int
put_root(struct txn *t, void *arg, struct error *err)
{
	(void)err;
	return root_put(t, arg);
}

static struct catalog *
build(struct scratch *s, const struct root *root, enum archive_part part)
{
	struct catalog *c = NULL;
	struct txn *t = scratch_read(s);

	assert_int_equal(archive_build(t, root, part, &c), 0);
	txn_end(t);
	return c;
}

/* What a path in a catalog serves; false: nothing is there. */
static bool
serves(struct scratch *s, const struct catalog *c, const char *path,
    struct content *ret)
{
	const char *slash = strrchr(path, '/');
	struct catalog_entry e;
	uint32_t dir = catalog_find_dir(
	    c, (struct span){path, slash ? (size_t)(slash - path) : 0});

	if (dir == CATALOG_NONE ||
	    !catalog_lookup(c, dir, span_of(slash ? slash + 1 : path), &e) ||
	    e.is_dir)
		return false;
	struct txn *t = scratch_read(s);
	int r = archive_resolve(t, e.ref, ret);
	txn_end(t);
	assert_int_equal(r, 0);
	return true;
}

static void
assert_serves(struct scratch *s, const struct catalog *c, const char *path,
    enum content_kind kind, uint64_t number)
{
	struct content got;

	if (!serves(s, c, path, &got))
		fail_msg("%s: is not there", path);
	if (got.kind != kind || (number != 0 && got.number != number))
		fail_msg("%s: content %d, %ju", path, (int)got.kind,
		    (uintmax_t)got.number);
}

static void
assert_absent(struct scratch *s, const struct catalog *c, const char *path)
{
	struct content got;

	if (serves(s, c, path, &got))
		fail_msg("%s: is there", path);
}

static const char *
by_hash(const char *dir, const struct digest *d, char out[256])
{
	char hex[DIGEST_HEX_SIZE];

	(void)snprintf(
	    out, 256, "%s/by-hash/SHA256/%s", dir, digest_hex(d, hex));
	return out;
}

#define AMD64 "dists/stable/main/binary-amd64"
#define I18N  "dists/stable/main/i18n"

static void
test_archive_build_dists(void **state)
{
	struct scratch *s = *state;
	struct captured c = capture(s, "apt bash", 1);
	struct root root = {.kind = ROOT_ARCHIVE, .state = c.state};
	struct catalog *catalog = build(s, &root, ARCHIVE_DISTS);
	char path[256];

	assert_serves(s, catalog, AMD64 "/Packages", CONTENT_LIST, c.list);
	assert_serves(s, catalog, by_hash(AMD64, &c.rendered, path),
	    CONTENT_LIST, c.list);
	assert_serves(
	    s, catalog, I18N "/Translation-en.xz", CONTENT_BLOB, c.blob);
	assert_serves(s, catalog, by_hash(I18N, &c.translation, path),
	    CONTENT_BLOB, c.blob);
	assert_serves(s, catalog, "dists/stable/Release", CONTENT_TEXT, 0);
	assert_absent(s, catalog, "dists/stable/InRelease");
	assert_absent(s, catalog, "dists/stable/main/Contents-amd64.gz");
	assert_int_equal(catalog_find_dir(catalog, SPAN("pool")), CATALOG_NONE);
	/* The suite's directory has the index that its path gives it. */
	assert_int_equal(catalog_find_dir(catalog, SPAN("dists/stable")), 2);
	catalog_free(catalog);
}

static void
test_archive_build_older_by_hash(void **state)
{
	struct scratch *s = *state;
	struct captured old = capture(s, "apt bash", 1);
	struct captured new = capture(s, "apt bash", 2);
	struct root root = {
	    .kind = ROOT_ARCHIVE, .state = new.state, .older = {old.state}};
	struct catalog *catalog = build(s, &root, ARCHIVE_DISTS);
	char path[256];

	assert_serves(s, catalog, AMD64 "/Packages", CONTENT_LIST, new.list);
	assert_serves(s, catalog, by_hash(AMD64, &new.rendered, path),
	    CONTENT_LIST, new.list);
	assert_serves(s, catalog, by_hash(AMD64, &old.rendered, path),
	    CONTENT_LIST, old.list);
	assert_serves(
	    s, catalog, I18N "/Translation-en.xz", CONTENT_BLOB, new.blob);
	catalog_free(catalog);
}

static void
test_archive_build_all(void **state)
{
	struct scratch *s = *state;
	struct captured c = capture(s, "apt bash", 1);
	struct root root = {.kind = ROOT_ARCHIVE, .state = c.state};
	struct catalog *catalog = build(s, &root, ARCHIVE_ALL);

	assert_serves(s, catalog, AMD64 "/Packages", CONTENT_LIST, c.list);
	assert_serves(
	    s, catalog, "pool/main/a/apt/apt_1.0_amd64.deb", CONTENT_BLOB, 0);
	assert_serves(
	    s, catalog, "pool/main/b/bash/bash_1.0_amd64.deb", CONTENT_BLOB, 0);
	catalog_free(catalog);
}

/* What the made-up Release lists and nobody has. */
static int
put_lost(struct txn *t, void *arg, struct error *err)
{
	struct blob_source source = {
	    .origin = 1, .path = SPAN("dists/stable/main/Contents-amd64.gz")};
	char hex[DIGEST_HEX_SIZE];
	struct digest lost;
	uint64_t *ret = arg;
	int r = digest_parse(span_of(fake_hash(77, hex)), &lost);

	(void)err;
	if (r == 0)
		r = blob_put(t, &lost, 7, ret);
	return r < 0 ? r : blob_add_sources(t, *ret, &source, 1);
}

/* The kernel knows directories by these indexes, whenever they are made. */
static void
test_archive_build_keeps_indexes(void **state)
{
	struct scratch *s = *state;
	struct captured c = capture(s, "apt bash", 1);
	struct root root = {.kind = ROOT_ARCHIVE, .state = c.state};
	struct catalog *before = build(s, &root, ARCHIVE_ALL), *after;
	uint64_t lost;

	assert_int_equal(
	    catalog_find_dir(before, SPAN("dists/stable/main/by-hash")),
	    CATALOG_NONE);
	scratch_write(s, put_lost, &lost);
	after = build(s, &root, ARCHIVE_ALL);
	assert_serves(s, after, "dists/stable/main/Contents-amd64.gz",
	    CONTENT_BLOB, lost);
	assert_int_equal(catalog_find_dir(after, SPAN("pool/main/b/bash")),
	    catalog_find_dir(before, SPAN("pool/main/b/bash")));
	catalog_free(before);
	catalog_free(after);
}

static int
lose(struct txn *t, void *arg, struct error *err)
{
	(void)err;
	return gone_put(t, arg, 1, 1700000000);
}

/* What nobody had when a command asked for it is not listed. */
static void
test_archive_build_without_gone(void **state)
{
	struct scratch *s = *state;
	struct captured c = capture(s, "apt bash", 1);
	struct root root = {.kind = ROOT_ARCHIVE, .state = c.state};
	struct catalog *catalog;
	uint64_t lost;

	scratch_write(s, put_lost, &lost);
	scratch_write(s, lose, &lost);
	catalog = build(s, &root, ARCHIVE_ALL);
	assert_absent(s, catalog, "dists/stable/main/Contents-amd64.gz");
	catalog_free(catalog);
}

static void
test_archive_build_without_release(void **state)
{
	struct scratch *s = *state;
	struct root root = {.kind = ROOT_ARCHIVE,
	    .state = make_named_snapshot(s, "monday", "apt", 1)};
	struct catalog *catalog = build(s, &root, ARCHIVE_ALL);

	assert_true(
	    catalog_find_dir(catalog, SPAN("dists/stable")) != CATALOG_NONE);
	assert_absent(s, catalog, AMD64 "/Packages");
	assert_serves(
	    s, catalog, "pool/main/a/apt/apt_1.0_amd64.deb", CONTENT_BLOB, 0);
	catalog_free(catalog);
}

static void
test_archive_build_packages(void **state)
{
	struct scratch *s = *state;
	uint64_t flat = make_named_list(s, "zsh", 1);
	const struct list_spec lists[] = {
	    {"main", "amd64", make_named_list(s, "apt bash", 1),
		PACKAGE_BINARY},
	    {"updates/main", "amd64", make_named_list(s, "curl", 1),
		PACKAGE_BINARY},
	    {"", "", flat, PACKAGE_BINARY}, {0}};
	struct root root = {.kind = ROOT_ARCHIVE,
	    .state = make_state(s, "stable", NULL, NOW, lists)};
	struct catalog *catalog = build(s, &root, ARCHIVE_PACKAGES);

	assert_serves(s, catalog, "main/apt_1.0_amd64", CONTENT_STANZA, 0);
	assert_serves(
	    s, catalog, "updates/main/curl_1.0_amd64", CONTENT_STANZA, 0);
	assert_serves(s, catalog, "main/zsh_1.0_amd64", CONTENT_STANZA, 0);
	assert_absent(s, catalog, "main/curl_1.0_amd64");
	catalog_free(catalog);
}

/* Two states under one prefix, one with an older generation. */
static void
test_archive_build_pool(void **state)
{
	struct scratch *s = *state;
	struct root archives[] = {
	    {.kind = ROOT_ARCHIVE,
		.state = make_named_snapshot(s, "new", "apt bash", 2),
		.older = {make_named_snapshot(s, "old", "apt curl", 1)}},
	    {.kind = ROOT_ARCHIVE,
		.state = make_named_snapshot(s, "other", "dash", 1)},
	};
	char name_a[] = "a", name_b[] = "b", no_prefix[] = "";
	struct root_dist dists[] = {{name_a, 0}, {name_b, 0}};
	struct root prefix = {.kind = ROOT_PREFIX,
	    .prefix = no_prefix,
	    .dists = dists,
	    .ndists = 2};
	struct catalog *old, *pool;
	struct content want, got;

	for (size_t i = 0; i < ARRAY_LEN(archives); i++) {
		scratch_write(s, put_root, &archives[i]);
		dists[i].root = archives[i].number;
	}
	pool = build(s, &prefix, ARCHIVE_POOL);
	assert_serves(
	    s, pool, "pool/main/b/bash/bash_1.0_amd64.deb", CONTENT_BLOB, 0);
	assert_serves(
	    s, pool, "pool/main/c/curl/curl_1.0_amd64.deb", CONTENT_BLOB, 0);
	assert_serves(
	    s, pool, "pool/main/d/dash/dash_1.0_amd64.deb", CONTENT_BLOB, 0);
	assert_int_equal(catalog_find_dir(pool, SPAN("pool")), 1);
	/* apt stands in both generations: the newer one's file is shown. */
	archives[0].older[0] = 0;
	old = build(s, &archives[0], ARCHIVE_ALL);
	assert_true(serves(s, old, "pool/main/a/apt/apt_1.0_amd64.deb", &want));
	assert_true(serves(s, pool, "pool/main/a/apt/apt_1.0_amd64.deb", &got));
	assert_int_equal(got.number, want.number);
	catalog_free(old);
	catalog_free(pool);
}

static void
test_archive_build_refuses(void **state)
{
	struct scratch *s = *state;
	struct txn *t = scratch_read(s);
	struct root archive = {.kind = ROOT_ARCHIVE, .state = 99};
	struct root prefix = {.kind = ROOT_PREFIX};
	struct catalog *c;

	assert_int_equal(archive_build(t, &prefix, ARCHIVE_ALL, &c), -EINVAL);
	assert_int_equal(archive_build(t, &archive, ARCHIVE_POOL, &c), -EINVAL);
	assert_int_equal(archive_build(t, &archive, ARCHIVE_ALL, &c), -ENOENT);
	txn_end(t);
}

static int
check(struct scratch *s, uint64_t a, uint64_t b, struct error *err)
{
	const uint64_t states[] = {a, b};
	struct txn *t = scratch_read(s);
	int r = archive_check_pool(t, states, 2, err);

	txn_end(t);
	return r;
}

static void
test_archive_check_pool(void **state)
{
	struct scratch *s = *state;
	uint64_t a = make_named_snapshot(s, "a", "apt bash", 1);
	uint64_t same = make_named_snapshot(s, "b", "apt curl", 1);
	uint64_t other = make_named_snapshot(s, "c", "apt", 2);
	struct error err;

	assert_int_equal(check(s, a, same, &err), 0);
	assert_int_equal(check(s, a, a, &err), 0);
	assert_int_equal(check(s, a, other, &err), -EEXIST);
	assert_non_null(strstr(err.text, "pool/main/a/apt/apt_1.0_amd64.deb"));
	assert_non_null(strstr(err.text,
	    "apt_1.0_amd64 of dists/stable/main/binary-amd64/Packages"));
}

/* A file where another package wants a directory. */
static void
test_archive_check_pool_file_and_directory(void **state)
{
	struct scratch *s = *state;
	struct buf b = {0};
	struct error err;

	add_stanza(&b, "one", "amd64", "pool/main/x", 1);
	add_stanza(&b, "two", "amd64", "pool/main/x/two.deb", 2);
	const struct list_spec lists[] = {
	    {"main", "amd64", make_list_of(s, &b), PACKAGE_BINARY}, {0}};
	uint64_t st = make_state(s, "stable", NULL, NOW, lists);

	assert_int_equal(check(s, st, st, &err), -EEXIST);
	assert_non_null(strstr(err.text, "pool/main/x/two.deb"));
}

static void
test_archive_refs(void **state)
{
	struct scratch *s = *state;
	struct txn *t = scratch_read(s);
	struct content c = {CONTENT_FORM, 12345}, got;

	assert_int_equal(archive_resolve(t, archive_ref_content(c), &got), 0);
	assert_int_equal(got.kind, c.kind);
	assert_int_equal(got.number, c.number);
	/* No such package: what names it is damaged. */
	assert_int_equal(
	    archive_resolve(t, archive_ref_file(4711, 0), &got), -EIO);
	txn_end(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    scratch_test(test_archive_build_dists),
	    scratch_test(test_archive_build_older_by_hash),
	    scratch_test(test_archive_build_all),
	    scratch_test(test_archive_build_keeps_indexes),
	    scratch_test(test_archive_build_without_gone),
	    scratch_test(test_archive_build_without_release),
	    scratch_test(test_archive_build_packages),
	    scratch_test(test_archive_build_pool),
	    scratch_test(test_archive_build_refuses),
	    scratch_test(test_archive_check_pool),
	    scratch_test(test_archive_check_pool_file_and_directory),
	    scratch_test(test_archive_refs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
