/* What updates do with archives that are not as they should be. */

#include "mirror/update.h"

#include "scratch_store.h"

#include "tests/unit/http_server.h"
#include "update_fixture.h"

static void
test_update_falls_back_to_other_form(void **state)
{
	static const char *const bad[] = {NULL, "", "short", "not gzip at all",
	    "<html><body>some page that is longer than the index is announced "
	    "to be, and then some more of the same, and more, and more, and "
	    "more, and more, and more, and more, and more, and more"};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct archive a = {.s = *state};
		struct buf index = {0};
		char name[16];

		add_stanza(&index, "apple", "1");
		(void)snprintf(name, sizeof(name), "m%zu", i);
		add_stanza(&index, name, "1");
		put_odd_archive(&a, index.ptr, ARCHIVE_DATE);
		archive_write(
		    a.s, DIR "main/binary-amd64/Packages", buf_span(&index));
		if (bad[i])
			archive_write(a.s, DIR "main/binary-amd64/Packages.gz",
			    span_of(bad[i]));
		else
			archive_remove(
			    a.s, DIR "main/binary-amd64/Packages.gz");
		archive_mirror(a.s, name, "sid", "");
		(void)update_ok(&a, name);
		archive_remove(a.s, DIR "main/binary-amd64/Packages");
		buf_release(&index);
		buf_release(&a.files);
	}
}

static void
test_update_bad_indexes(void **state)
{
	static const struct {
		const char *gz; /* what stands there; NULL: nothing */
		int expected;
		const char *parts;
	} cases[] = {
	    {NULL, -ENOENT, "main/binary-amd64/Packages|can be had"},
	    {"short", -EBADMSG, "Packages.gz|announced"},
	    {"not gzip, but as long as can be, and longer than it ought to be, "
	     "and longer than it ought to be, and longer than it ought to be, "
	     "and longer than it ought to be, and longer than it ought to be, "
	     "and longer than it ought to be, and longer than it ought to be",
		-EBADMSG, "Packages.gz"},
	};
	struct archive a = {.s = *state};
	struct update_opts opts = {0};

	put_archive(&a, "1", ARCHIVE_DATE);
	archive_mirror(a.s, "m", "sid", "");
	(void)update_ok(&a, "m");
	CLEANUP(mirror_release) struct mirror before = mirror_now(&a, "m");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		put_archive(&a, "2", ARCHIVE_DATE + 60);
		if (cases[i].gz)
			archive_write(a.s, DIR "main/binary-amd64/Packages.gz",
			    span_of(cases[i].gz));
		else
			archive_remove(
			    a.s, DIR "main/binary-amd64/Packages.gz");
		update_fails(&a, "m", &opts, cases[i].expected, cases[i].parts);
		CLEANUP(mirror_release) struct mirror m = mirror_now(&a, "m");
		assert_int_equal(m.state, before.state);
		assert_int_equal(m.updated, before.updated);
	}
	put_archive(&a, "2", ARCHIVE_DATE + 60);
	assert_true(update_ok(&a, "m").changed);
	buf_release(&a.files);
}

static void
test_update_malformed_index(void **state)
{
	static const struct {
		const char *index;
		const char *parts;
	} cases[] = {
	    {"Package: a\nVersion: 1\nArchitecture: all\n\nPackage: b\n"
	     "no colon here\n\n",
		"file:///|main/binary-amd64/Packages.gz|6"},
	    {"Package: a\nArchitecture: all\n\n", "Packages.gz|Version"},
	    {"Package: a\nVersion: 1\nArchitecture: all\n"
	     "Filename: ../../etc/passwd\nSize: 1\nSHA256: "
	     "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	     "\n\n",
		"Packages.gz|Filename"},
	};
	struct archive a = {.s = *state};
	struct update_opts opts = {0};

	archive_mirror(a.s, "m", "sid", "");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		put_odd_archive(&a, cases[i].index, ARCHIVE_DATE);
		update_fails(&a, "m", &opts, -EBADMSG, cases[i].parts);
		CLEANUP(mirror_release) struct mirror m = mirror_now(&a, "m");
		assert_int_equal(m.state, 0);
	}
	buf_release(&a.files);
}

static void
test_update_plain_differs_from_release(void **state)
{
	struct archive a = {.s = *state};
	struct update_opts opts = {0};
	struct buf index = {0}, other = {0}, gz;

	add_stanza(&index, "apple", "1");
	add_stanza(&other, "apple", "2");
	gz = gzipped(buf_span(&index));
	release_add(&a.files, "main/binary-amd64/Packages", buf_span(&other));
	release_add(&a.files, "main/binary-amd64/Packages.gz", buf_span(&gz));
	archive_write(a.s, DIR "main/binary-amd64/Packages.gz", buf_span(&gz));
	put_release(&a, DIR "Release", ARCHIVE_DATE,
	    "Architectures: amd64\nComponents: main\n");
	archive_mirror(a.s, "m", "sid", "");
	update_fails(&a, "m", &opts, -EBADMSG, "Packages.gz|decompressed");
	buf_release(&index);
	buf_release(&other);
	buf_release(&gz);
	buf_release(&a.files);
}

static void
test_update_valid_until(void **state)
{
	static const char fields[] =
	    "Architectures: amd64\nComponents: main\n"
	    "Valid-Until: Sat, 24 May 2025 09:51:27 UTC\n";
	struct archive a = {.s = *state};
	struct update_opts opts = {.now = ARCHIVE_DATE + 8 * 86400};
	struct update_result got;
	struct error err;

	put_archive(&a, "1", ARCHIVE_DATE);
	put_release(&a, DIR "Release", ARCHIVE_DATE, fields);
	archive_mirror(a.s, "m", "sid", "");
	update_fails(&a, "m", &opts, -ESTALE,
	    "dists/sid|Sat, 24 May 2025 09:51:27|--ignore-valid-until");
	opts.ignore_valid_until = true;
	assert_int_equal(update_with(&a, "m", &opts, &got, &err), 0);
	assert_true(got.changed);
	/* Frozen: not changed, and too old. */
	opts.ignore_valid_until = false;
	update_fails(&a, "m", &opts, -ESTALE, "--ignore-valid-until");
	buf_release(&a.files);
}

static void
test_update_date_went_back(void **state)
{
	struct archive a = {.s = *state};
	struct update_opts opts = {0};
	struct update_result got;
	struct error err;

	put_archive(&a, "2", ARCHIVE_DATE);
	archive_mirror(a.s, "m", "sid", "");
	(void)update_ok(&a, "m");
	put_archive(&a, "1", ARCHIVE_DATE - 60);
	update_fails(&a, "m", &opts, -ESTALE, "09:50:27|09:51:27|--force");
	opts.force = true;
	assert_int_equal(update_with(&a, "m", &opts, &got, &err), 0);
	assert_true(got.changed);
	buf_release(&a.files);
}

static int
forbid_unsigned(struct txn *t, void *arg, struct error *err)
{
	CLEANUP(mirror_release) struct mirror m = {0};
	int r = mirror_load(t, arg, &m);

	(void)err;
	m.allow_unsigned = false;
	return r < 0 ? r : mirror_put(t, &m);
}

static void
test_update_refusals(void **state)
{
	struct archive a = {.s = *state};
	struct update_opts opts = {0};

	put_archive(&a, "1", ARCHIVE_DATE);
	archive_mirror(a.s, "m", "sid", "main universe");
	archive_mirror(a.s, "gone", "bookworm", "");
	archive_mirror(a.s, "signed", "sid", "");
	scratch_write(a.s, forbid_unsigned, (char[]){"signed"});
	update_fails(&a, "nobody", &opts, -ENOENT, "nobody");
	update_fails(&a, "m", &opts, -EINVAL, "universe|main contrib");
	update_fails(&a, "gone", &opts, -ENOENT, "dists/bookworm/|bookworm");
	update_fails(&a, "signed", &opts, -ENOKEY, "--keyring");
	archive_write(a.s, DIR "Release", SPAN("<html>go away</html>\n"));
	update_fails(&a, "m", &opts, -EBADMSG, "dists/sid");
	buf_release(&a.files);
}

static void
test_update_hides_password(void **state)
{
	static const char not_found[] =
	    "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
	static const char release[] =
	    "HTTP/1.1 200 OK\r\n\r\nSuite: x\nSHA256:\n "
	    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	    " 5 Packages\n";
	const struct server_step steps[] = {{not_found, THEN_CLOSE},
	    {release, THEN_CLOSE}, {not_found, THEN_CLOSE},
	    {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong", THEN_CLOSE},
	    {not_found, THEN_CLOSE},
	    /* Has it moved on?  No. */
	    {not_found, THEN_CLOSE}, {release, THEN_CLOSE},
	    {not_found, THEN_CLOSE}};
	struct archive a = {.s = *state};
	struct archive_mirror m = {.s = *state, .m = {.allow_unsigned = true}};
	struct update_opts opts = {0};
	struct update_result result;
	struct error err = {""};
	struct server server;

	assert_int_equal(
	    server_start(&server, steps, ARRAY_LEN(steps), NULL), 0);
	assert_true(asprintf(&m.o.url, "http://me:secret@127.0.0.1:%u/",
			(unsigned)server.port) > 0);
	m.m.name = strdup("m");
	m.m.suite = strdup("./");
	scratch_write(a.s, archive_mirror_put, &m);
	assert_int_equal(update_with(&a, "m", &opts, &result, &err), -EBADMSG);
	server_stop(&server);
	assert_int_equal(server.requests, ARRAY_LEN(steps));
	assert_non_null(strstr(err.text, "http://127.0.0.1:"));
	assert_null(strstr(err.text, "secret"));
	buf_release(&server.log);
	origin_release(&m.o);
	mirror_release(&m.m);
}

static void
test_update_cancelled(void **state)
{
	struct archive a = {.s = *state};
	atomic_bool cancel = true;
	struct update_opts opts = {.cancel = &cancel};

	put_archive(&a, "1", ARCHIVE_DATE);
	archive_mirror(a.s, "m", "sid", "");
	update_fails(&a, "m", &opts, -EINTR, "");
	buf_release(&a.files);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    scratch_test(test_update_falls_back_to_other_form),
	    scratch_test(test_update_bad_indexes),
	    scratch_test(test_update_malformed_index),
	    scratch_test(test_update_plain_differs_from_release),
	    scratch_test(test_update_valid_until),
	    scratch_test(test_update_date_went_back),
	    scratch_test(test_update_refusals),
	    scratch_test(test_update_hides_password),
	    scratch_test(test_update_cancelled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
