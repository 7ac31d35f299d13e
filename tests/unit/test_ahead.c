#include "mirror/ahead.h"

#include "scratch_store.h"

#include "scratch_archive.h"
#include "store/blob.h"
#include "tests/unit/http_server.h"

#define FILES_MAX 8
#define BLOCK	  7 /* bytes read at once: less than a file */

struct files {
	struct scratch *s;
	struct ahead_file v[FILES_MAX];
	size_t n;
	struct ahead_opts opts;
	struct ahead *ahead;
};

/* A file that is to have the text, whatever stands there. */
static void
add_file(struct files *f, const char *name, const char *text)
{
	struct ahead_file *file = &f->v[f->n++];

	assert_true(
	    asprintf(&file->url, "file:%s/archive/%s", f->s->dir, name) > 0);
	digest_of(text, strlen(text), &file->sha256);
	file->size = strlen(text);
}

/* The same, and it stands there. */
static void
put_file(struct files *f, const char *name, const char *text)
{
	archive_write(f->s, name, span_of(text));
	add_file(f, name, text);
}

static void
start(struct files *f)
{
	f->opts.store = f->s->store;
	assert_int_equal(ahead_new(&f->opts, f->v, f->n, &f->ahead), 0);
}

static void
end(struct files *f)
{
	ahead_free(f->ahead);
	for (size_t i = 0; i < f->n; i++)
		free(f->v[i].url);
}

/* The last result of reading a file; what came is added to out. */
static ssize_t
read_file(struct files *f, size_t i, struct buf *out)
{
	char block[BLOCK];
	ssize_t n;

	do {
		n = ahead_read(f->ahead, i, out->len, block, BLOCK);
		if (n > 0)
			assert_int_equal(buf_add(out, block, (size_t)n), 0);
	} while (n > 0);
	return n;
}

static void
reads_as(struct files *f, size_t i, const char *text)
{
	struct buf out = {0};

	assert_int_equal(read_file(f, i, &out), 0);
	assert_true(span_eq(buf_span(&out), span_of(text)));
	assert_int_equal(blob_present(f->s->store, &f->v[i].sha256), 1);
	buf_release(&out);
}

static void
is_left(struct files *f, size_t i)
{
	struct buf out = {0};

	assert_int_equal(read_file(f, i, &out), -ENOENT);
	assert_int_equal(blob_present(f->s->store, &f->v[i].sha256), 0);
	buf_release(&out);
}

static void
test_ahead_reads_in_order(void **state)
{
	static const char *const texts[] = {
	    "", "one file", "a file of more than one block", "one file"};
	struct files f = {.s = *state, .opts = {.fetches = 2}};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		char name[8];

		(void)snprintf(name, sizeof(name), "%zu", i);
		put_file(&f, name, texts[i]);
	}
	start(&f);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		reads_as(&f, i, texts[i]);
	/* What is there already does not come once more. */
	assert_int_equal(
	    ahead_bytes(f.ahead), strlen(texts[1]) + strlen(texts[2]));
	end(&f);
}

static void
test_ahead_leaves_what_fails(void **state)
{
	struct files f = {.s = *state};

	add_file(&f, "absent", "nothing");
	put_file(&f, "sound", "a sound file");
	put_file(&f, "other", "these bytes");
	archive_write(f.s, "other", SPAN("those bytes"));
	put_file(&f, "long", "short");
	archive_write(f.s, "long", SPAN("not so short"));
	put_file(&f, "last", "the last file");
	start(&f);
	is_left(&f, 0);
	reads_as(&f, 1, "a sound file");
	is_left(&f, 2);
	is_left(&f, 3);
	reads_as(&f, 4, "the last file");
	end(&f);
}

/* A server in trouble is asked for nothing more. */
static void
test_ahead_gives_up(void **state)
{
	struct files f = {.s = *state, .opts = {.fetches = 1}};

	put_file(&f, "dir/file", "a file");
	add_file(&f, "dir", "a directory");
	put_file(&f, "last", "the last file");
	start(&f);
	reads_as(&f, 0, "a file");
	is_left(&f, 1);
	is_left(&f, 2);
	end(&f);
}

static void
test_ahead_reads_what_has_come(void **state)
{
	static const char text[] = "half of it and the other half";
	const struct server_step steps[] = {
	    {"HTTP/1.1 200 OK\r\nContent-Length: 29\r\n\r\nhalf of it",
		THEN_HOLD}};
	atomic_bool cancel = false;
	struct files f = {
	    .s = *state, .opts = {.request = {.cancel = &cancel}}};
	struct server server;
	char block[64];

	assert_int_equal(
	    server_start(&server, steps, ARRAY_LEN(steps), NULL), 0);
	add_file(&f, "", text);
	free(f.v[0].url);
	assert_true(asprintf(&f.v[0].url, "http://127.0.0.1:%u/x",
			(unsigned)server.port) > 0);
	start(&f);
	assert_int_equal(ahead_read(f.ahead, 0, 0, block, sizeof(block)), 10);
	assert_memory_equal(block, text, 10);
	cancel = true;
	assert_int_equal(
	    ahead_read(f.ahead, 0, 10, block, sizeof(block)), -EINTR);
	assert_int_equal(ahead_bytes_of(f.ahead, 0), 10);
	end(&f);
	server_stop(&server);
	buf_release(&server.log);
	assert_int_equal(blob_present(f.s->store, &f.v[0].sha256), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    scratch_test(test_ahead_reads_in_order),
	    scratch_test(test_ahead_leaves_what_fails),
	    scratch_test(test_ahead_gives_up),
	    scratch_test(test_ahead_reads_what_has_come),
	};
	struct error err;

	if (fetch_global_init(&err) < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
