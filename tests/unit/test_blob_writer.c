#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>

#include "base/file.h"
#include "scratch_store.h"
#include "store/blob.h"
#include "store/blob_presence.h"

/* What a file is announced to be. */
struct file {
	struct digest sha256;
	uint64_t size;
};

static struct file
file_of(const char *text)
{
	struct file c = {.size = strlen(text)};

	digest_of(text, strlen(text), &c.sha256);
	return c;
}

static struct blob_writer *
begin(struct scratch *s, const struct file *c, uint64_t expected_have)
{
	struct blob_writer *w = NULL;
	struct error err = {""};
	uint64_t have;
	int r;

	r = blob_writer_new(s->store, &c->sha256, c->size, &w, &have, &err);
	if (r != 0)
		fail_msg("%d: %s", r, err.text);
	assert_int_equal(have, expected_have);
	return w;
}

static void
write_part(struct blob_writer *w, const char *text)
{
	struct error err = {""};

	if (blob_writer_add(w, text, strlen(text), &err) != 0)
		fail_msg("%s", err.text);
}

static void
finish(struct blob_writer *w)
{
	struct error err = {""};

	if (blob_writer_end(w, &err) != 0)
		fail_msg("%s", err.text);
	blob_writer_free(w);
}

static size_t
count_tmp(struct scratch *s)
{
	struct dirent **names;
	int n = scandirat(store_tmp_fd(s->store), ".", &names, NULL, NULL);
	size_t count = 0;

	assert_true(n >= 0);
	for (int i = 0; i < n; i++) {
		count += names[i]->d_name[0] != '.';
		free(names[i]);
	}
	free(names);
	return count;
}

static void
assert_blob_is(struct scratch *s, const struct file *c, const char *text)
{
	char got[64] = "";
	struct stat st;
	int fd;

	assert_int_equal(blob_present(s->store, &c->sha256), 1);
	fd = blob_open(s->store, &c->sha256, strlen(text));
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0444);
	assert_int_equal(
	    file_pread_all(fd, got, sizeof(got) - 1, 0), strlen(text));
	assert_string_equal(got, text);
	close(fd);
}

static void
test_blob_writer_new_file(void **state)
{
	struct scratch *s = *state;
	struct file c = file_of("hello, world"), empty = file_of("");
	struct blob_writer *w;
	struct error err;
	uint64_t have;

	assert_int_equal(blob_present(s->store, &c.sha256), 0);
	assert_int_equal(blob_open(s->store, &c.sha256, 12), -ENOENT);
	w = begin(s, &c, 0);
	write_part(w, "hello, ");
	write_part(w, "");
	assert_int_equal(blob_present(s->store, &c.sha256), 0);
	write_part(w, "world");
	finish(w);
	assert_blob_is(s, &c, "hello, world");
	assert_int_equal(blob_open(s->store, &c.sha256, 11), -EIO);
	assert_int_equal(
	    blob_writer_new(s->store, &c.sha256, c.size, &w, &have, &err),
	    -EEXIST);
	finish(begin(s, &empty, 0));
	assert_blob_is(s, &empty, "");
	assert_int_equal(count_tmp(s), 0);
}

static void
test_blob_writer_resumes(void **state)
{
	struct scratch *s = *state;
	struct file c = file_of("hello, world");
	struct blob_writer *w;

	w = begin(s, &c, 0);
	write_part(w, "hello");
	blob_writer_free(w);
	assert_int_equal(count_tmp(s), 1);
	w = begin(s, &c, 5);
	write_part(w, ", ");
	blob_writer_free(w);
	w = begin(s, &c, 7);
	write_part(w, "world");
	finish(w);
	assert_blob_is(s, &c, "hello, world");
}

static void
test_blob_writer_restart(void **state)
{
	struct scratch *s = *state;
	struct file c = file_of("hello, world");
	struct blob_writer *w;

	w = begin(s, &c, 0);
	write_part(w, "garbage");
	assert_int_equal(blob_writer_restart(w), 0);
	write_part(w, "hello");
	blob_writer_free(w);
	w = begin(s, &c, 5);
	assert_int_equal(blob_writer_restart(w), 0);
	write_part(w, "hello, world");
	finish(w);
	assert_blob_is(s, &c, "hello, world");
}

static void
test_blob_writer_refuses(void **state)
{
	static const struct {
		const char *text, *expected;
	} cases[] = {
	    {"hello, w0rld", "SHA-256 is "},
	    {"hello", "5 bytes instead of the announced 12"},
	    {"", "0 bytes instead of the announced 12"},
	};
	struct scratch *s = *state;
	struct file c = file_of("hello, world");
	struct error err;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct blob_writer *w = begin(s, &c, 0);

		write_part(w, cases[i].text);
		assert_int_equal(blob_writer_end(w, &err), -EBADMSG);
		assert_non_null(strstr(err.text, cases[i].expected));
		blob_writer_free(w);
		assert_int_equal(blob_present(s->store, &c.sha256), 0);
		assert_int_equal(count_tmp(s), 0);
	}
}

static void
test_blob_writer_add_too_much(void **state)
{
	struct scratch *s = *state;
	struct file c = file_of("hello");
	struct blob_writer *w = begin(s, &c, 0);
	struct error err;

	write_part(w, "hel");
	assert_int_equal(blob_writer_add(w, "lo!", 3, &err), -EBADMSG);
	assert_string_equal(err.text, "more than the announced 5 bytes");
	/* What fits may still come. */
	write_part(w, "lo");
	finish(w);
	assert_blob_is(s, &c, "hello");
}

static void
test_blob_writer_drops_longer_leftover(void **state)
{
	struct scratch *s = *state;
	struct file c = file_of("hello");
	char hex[DIGEST_HEX_SIZE];
	struct blob_writer *w;
	int fd;

	fd = openat(store_tmp_fd(s->store), digest_hex(&c.sha256, hex),
	    O_CREAT | O_WRONLY, 0600);
	assert_true(fd >= 0);
	assert_int_equal(file_write_all(fd, "hello, world", 12), 0);
	close(fd);
	w = begin(s, &c, 0);
	write_part(w, "hello");
	finish(w);
	assert_blob_is(s, &c, "hello");
}

struct second_writer {
	struct scratch *s;
	const struct file *c;
	int r;
	uint64_t have;
	struct blob_writer *w;
};

static void *
write_too(void *arg)
{
	struct second_writer *second = arg;
	struct error err;

	second->r = blob_writer_new(second->s->store, &second->c->sha256,
	    second->c->size, &second->w, &second->have, &err);
	return NULL;
}

static void
test_blob_writer_waits(void **state)
{
	struct scratch *s = *state;
	struct file c = file_of("hello");
	struct second_writer second = {.s = s, .c = &c};
	struct blob_writer *w = begin(s, &c, 0);
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, write_too, &second), 0);
	write_part(w, "hello");
	finish(w);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(second.r, -EEXIST);
	assert_int_equal(count_tmp(s), 0);
	assert_blob_is(s, &c, "hello");
}

static void
test_blob_writer_takes_over(void **state)
{
	struct scratch *s = *state;
	struct file c = file_of("hello");
	struct second_writer second = {.s = s, .c = &c};
	struct blob_writer *w = begin(s, &c, 0);
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, write_too, &second), 0);
	write_part(w, "hel");
	blob_writer_free(w);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(second.r, 0);
	assert_int_equal(second.have, 3);
	write_part(second.w, "lo");
	finish(second.w);
	assert_blob_is(s, &c, "hello");
}

/* Who waits for another, or reads what was left, can be stopped. */
static void
test_blob_writer_open_stops(void **state)
{
	struct scratch *s = *state;
	struct file c = file_of("hello");
	atomic_bool cancel = true;
	struct blob_wish wish = {c.sha256, c.size, &cancel};
	struct blob_writer *w = begin(s, &c, 0), *other = NULL;
	struct error err = {""};
	uint64_t have;

	write_part(w, "hel");
	assert_int_equal(
	    blob_writer_open(s->store, &wish, &other, &have, &err), -EINTR);
	assert_string_equal(err.text, "stopped");
	blob_writer_free(w);
	assert_int_equal(
	    blob_writer_open(s->store, &wish, &other, &have, &err), -EINTR);
	w = begin(s, &c, 3);
	write_part(w, "lo");
	finish(w);
	assert_int_equal(
	    blob_writer_open(s->store, &wish, &other, &have, &err), -EEXIST);
}

static void
test_blob_present_could_not_look(void **state)
{
	struct scratch *s = *state;
	struct file c = file_of("hello");
	char hex[DIGEST_HEX_SIZE];
	struct error err;
	struct blob_writer *w;
	uint64_t have;
	int fd;

	/* A file where the directory should be. */
	digest_hex(&c.sha256, hex);
	hex[2] = '\0';
	fd = openat(store_blobs_fd(s->store), hex, O_CREAT | O_WRONLY, 0600);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(blob_present(s->store, &c.sha256), -ENOTDIR);
	assert_int_equal(blob_open(s->store, &c.sha256, 5), -ENOTDIR);
	assert_int_equal(
	    blob_writer_new(s->store, &c.sha256, c.size, &w, &have, &err),
	    -ENOTDIR);
}

static void
test_blob_presence_of_many(void **state)
{
	struct scratch *s = *state;
	CLEANUP(blob_presence_release)
	struct blob_presence p = {.store = s->store};

	for (unsigned i = 0; i < 5000; i += 500) {
		char text[16];
		struct file c;
		struct blob_writer *w;

		(void)snprintf(text, sizeof(text), "%u", i);
		c = file_of(text);
		w = begin(s, &c, 0);
		write_part(w, text);
		finish(w);
	}
	for (unsigned i = 0; i < 5000; i++) {
		char text[16];
		struct file c;

		(void)snprintf(text, sizeof(text), "%u", i);
		c = file_of(text);
		assert_int_equal(blob_presence_of(&p, &c.sha256), i % 500 == 0);
	}
	assert_true(p.listed);
}

/* Some directory is none. */
static void
test_blob_presence_could_not_look(void **state)
{
	struct scratch *s = *state;
	struct blob_presence p = {
	    .store = s->store, .looks = BLOB_PRESENCE_LOOKS};
	struct file c = file_of("hello");
	int fd = store_blobs_fd(s->store);

	(void)unlinkat(fd, "77", AT_REMOVEDIR);
	fd = openat(fd, "77", O_CREAT | O_WRONLY, 0600);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(blob_presence_of(&p, &c.sha256), -ENOTDIR);
	blob_presence_release(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    scratch_test(test_blob_writer_new_file),
	    scratch_test(test_blob_writer_resumes),
	    scratch_test(test_blob_writer_restart),
	    scratch_test(test_blob_writer_refuses),
	    scratch_test(test_blob_writer_add_too_much),
	    scratch_test(test_blob_writer_drops_longer_leftover),
	    scratch_test(test_blob_writer_waits),
	    scratch_test(test_blob_writer_takes_over),
	    scratch_test(test_blob_writer_open_stops),
	    scratch_test(test_blob_present_could_not_look),
	    scratch_test(test_blob_presence_of_many),
	    scratch_test(test_blob_presence_could_not_look),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
