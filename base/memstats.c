#include "base/memstats.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"

#define TEXT_SIZE 16384 /* bytes of /proc/self/smaps read at once */

struct memstats {
	char *file, *mapped;
	int fd;
	unsigned interval_ms;
	int64_t began_ms; /* clock_ms() */
	bool begun;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t end;
	bool ending;
	int status; /* the first failure */
};

int
memstats_interval(struct span s, unsigned *ret_ms)
{
	uint64_t n, factor = 1;

	if (span_ends(s, SPAN("ms"))) {
		s.len -= 2;
	} else if (span_ends(s, SPAN("s"))) {
		s.len--;
		factor = 1000;
	}
	if (span_u64(s, &n) < 0 || n == 0 ||
	    n > MEMSTATS_INTERVAL_MAX_MS / factor)
		return -EINVAL;
	*ret_ms = (unsigned)(n * factor);
	return 0;
}

/* --- sampling --- */

/* "Rss:    12 kB" -> bytes; 0 where it is something else. */
static uint64_t
kilobytes(struct span line, struct span field)
{
	uint64_t n = 0;

	if (!span_starts(line, field))
		return 0;
	for (size_t i = field.len; i < line.len && line.ptr[i] != 'k'; i++) {
		if (line.ptr[i] >= '0' && line.ptr[i] <= '9')
			n = n * 10 + (uint64_t)(line.ptr[i] - '0');
	}
	return n * 1024;
}

/* What has been read of proc_pid_smaps(5): each mapping has a line of
 * "FROM-TO rwxp OFFSET DEVICE INODE PATH", then lines of "Field: N kB". */
struct maps {
	const char *mapped;
	bool inside; /* the mapped file's mapping */
	struct memstats_sample *sum;
};

static void
take_line(struct maps *m, struct span line)
{
	uint64_t rss;

	/* Fields begin with a capital, addresses are lower-case hexadecimal. */
	if (line.len == 0)
		return;
	if (line.ptr[0] < 'A' || line.ptr[0] > 'Z') {
		m->inside = span_ends(line, span_of(m->mapped));
		return;
	}
	rss = kilobytes(line, SPAN("Rss:"));
	m->sum->resident += rss;
	m->sum->anonymous += kilobytes(line, SPAN("Anonymous:"));
	if (m->inside)
		m->sum->database += rss;
}

static int
read_maps(int fd, struct maps *m)
{
	char text[TEXT_SIZE];
	size_t have = 0;
	ssize_t n;

	while (n = read(fd, text + have, sizeof(text) - have), n != 0) {
		struct span rest, line;
		const char *end;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		rest = (struct span){text, have + (size_t)n};
		while (end = memchr(rest.ptr, '\n', rest.len), end) {
			line =
			    (struct span){rest.ptr, (size_t)(end - rest.ptr)};
			take_line(m, line);
			rest.ptr += line.len + 1;
			rest.len -= line.len + 1;
		}
		/* No path is so long. */
		if (rest.len == sizeof(text))
			return -EIO;
		memmove(text, rest.ptr, rest.len);
		have = rest.len;
	}
	return 0;
}

int
memstats_take(const char *mapped, struct memstats_sample *ret)
{
	CLEANUP_FD int fd = open("/proc/self/smaps", O_RDONLY | O_CLOEXEC);
	struct memstats_sample s = {0};
	struct maps m = {.mapped = mapped, .sum = &s};
	struct mallinfo2 heap;
	int r;

	if (fd < 0)
		return -errno;
	r = read_maps(fd, &m);
	if (r < 0)
		return r;
	heap = mallinfo2();
	s.heap = heap.uordblks + heap.hblkhd;
	*ret = s;
	return 0;
}

/* --- the table --- */

static int
write_sample(const struct memstats *m)
{
	struct memstats_sample s = {0};
	char line[128];
	int r = memstats_take(m->mapped, &s);

	if (r < 0)
		return r;
	s.ms = (uint64_t)(clock_ms() - m->began_ms);
	(void)snprintf(line, sizeof(line),
	    "%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\n",
	    s.ms, s.resident, s.anonymous, s.heap, s.database);
	return file_write_all(m->fd, line, strlen(line));
}

/* Waits for the end or for the next sample's time; true: it is the end. */
static bool
wait_for_end(struct memstats *m, struct timespec *next)
{
	bool ending;
	int r = 0;

	*next = clock_later(*next, m->interval_ms);
	(void)pthread_mutex_lock(&m->lock);
	while (!m->ending && r == 0)
		r = pthread_cond_clockwait(
		    &m->end, &m->lock, CLOCK_MONOTONIC, next);
	ending = m->ending;
	(void)pthread_mutex_unlock(&m->lock);
	return ending;
}

static void *
sample(void *arg)
{
	struct memstats *m = arg;
	struct timespec next = clock_in(0);

	while (m->status == 0 && !wait_for_end(m, &next))
		m->status = write_sample(m);
	return NULL;
}

int
memstats_open(const char *file, unsigned interval_ms, const char *mapped,
    struct memstats **ret, struct error *err)
{
	static const char head[] =
	    "# ms\tresident\tanonymous\theap\tdatabase\n";
	struct memstats *m = calloc(1, sizeof(*m));
	int r;

	if (!m)
		return error_sys(err, -ENOMEM, "%s", file);
	m->began_ms = clock_ms();
	m->fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	r = m->fd < 0 ? -errno : file_write_all(m->fd, head, strlen(head));
	/* A pipe has no other name. */
	m->file = realpath(file, NULL);
	if (!m->file)
		m->file = strdup(file);
	m->mapped = strdup(mapped);
	if (r == 0 && (!m->file || !m->mapped))
		r = -ENOMEM;
	m->interval_ms = interval_ms;
	(void)pthread_mutex_init(&m->lock, NULL);
	(void)pthread_cond_init(&m->end, NULL);
	if (r < 0) {
		memstats_close(m);
		return error_sys(err, r, "%s", file);
	}
	*ret = m;
	return 0;
}

int
memstats_begin(struct memstats *m, struct error *err)
{
	sigset_t all, old;
	int r;

	r = write_sample(m);
	if (r < 0)
		return error_sys(err, r, "%s", m->file);
	/* Signals are for the threads that know what to do. */
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_BLOCK, &all, &old);
	r = pthread_create(&m->thread, NULL, sample, m);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (r != 0)
		return error_sys(err, -r, "%s: cannot start a thread", m->file);
	m->begun = true;
	return 0;
}

const char *
memstats_file(const struct memstats *m)
{
	return m->file;
}

unsigned
memstats_interval_ms(const struct memstats *m)
{
	return m->interval_ms;
}

int
memstats_end(struct memstats *m, struct error *err)
{
	int r;

	if (!m || !m->begun)
		return 0;
	(void)pthread_mutex_lock(&m->lock);
	m->ending = true;
	(void)pthread_cond_signal(&m->end);
	(void)pthread_mutex_unlock(&m->lock);
	(void)pthread_join(m->thread, NULL);
	m->begun = false;
	r = m->status == 0 ? write_sample(m) : m->status;
	return r < 0 ? error_sys(err, r, "%s", m->file) : 0;
}

void
memstats_close(struct memstats *m)
{
	if (!m)
		return;
	(void)!memstats_end(m, NULL);
	if (m->fd >= 0)
		(void)close(m->fd);
	(void)pthread_cond_destroy(&m->end);
	(void)pthread_mutex_destroy(&m->lock);
	free(m->file);
	free(m->mapped);
	free(m);
}
