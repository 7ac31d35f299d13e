#include "base/progress.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"

#define DRAW_EVERY  INT64_C(100)   /* ms between drawings on a terminal */
#define LOG_AFTER   INT64_C(3000)  /* ms: shorter stages are not logged */
#define LOG_EVERY   INT64_C(10000) /* ms between log lines elsewhere */
#define SMOOTH_OVER 5000.0	   /* ms: how long the rate remembers */
#define TEXT_SIZE   256
#define COLUMNS	    80 /* where the terminal does not say */
#define NEVER	    INT64_MAX
#define WIPE_TO_END "\033[K"

struct progress {
	/* Any thread, without the lock: counting must stay cheap. */
	_Atomic uint64_t bytes, files;
	_Atomic uint64_t want_bytes, want_files;
	_Atomic int64_t next; /* ms: not to be shown again before */

	/* Under the lock. */
	bool tty;
	bool running; /* between progress_stage() and progress_end() */
	bool drawn;   /* a line of ours stands on the terminal */
	char name[64];
	int64_t started;     /* ms */
	double rate;	     /* bytes per second, smoothed */
	int64_t rate_at;     /* ms: when rate was brought up to date, */
	uint64_t rate_bytes; /* with this many bytes done */
};

/* There is one terminal, so there is one of these.  The lock also keeps other
 * output away while the line is hidden. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct progress *current;

/* Text being put together in a fixed place; what has no room is cut off. */
struct line {
	char text[TEXT_SIZE];
	size_t len;
};

PRINTF_LIKE(2, 3)
static void
add(struct line *l, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(l->text + l->len, sizeof(l->text) - l->len, fmt, ap);
	va_end(ap);
	l->len += strlen(l->text + l->len);
}

static void
add_size(struct line *l, double bytes)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
	size_t u = 0;

	while (bytes >= 1000 && u + 1 < ARRAY_LEN(units)) {
		bytes /= 1024;
		u++;
	}
	add(l, "%.*f %s", u > 0, bytes, units[u]);
}

static void
add_duration(struct line *l, int64_t seconds)
{
	int64_t hours = seconds / 3600, minutes = seconds / 60 % 60;

	if (hours > 0)
		add(l, "%" PRId64 ":%02" PRId64 ":%02" PRId64, hours, minutes,
		    seconds % 60);
	else
		add(l, "%" PRId64 ":%02" PRId64, minutes, seconds % 60);
}

/* "12/60 files, 34.2 MiB/120.0 MiB (28%)", without what is not known. */
static void
add_counts(struct line *l, const struct progress *p)
{
	uint64_t bytes = atomic_load(&p->bytes), want = p->want_bytes;
	uint64_t files = atomic_load(&p->files), want_files = p->want_files;

	if (files > 0 || want_files > 0)
		add(l, ", %" PRIu64, files);
	if (want_files > files)
		add(l, "/%" PRIu64, want_files);
	if (files > 0 || want_files > 0)
		add(l, " files");
	if (bytes == 0 && want == 0)
		return;
	add(l, ", ");
	add_size(l, (double)bytes);
	if (want <= bytes)
		return;
	add(l, "/");
	add_size(l, (double)want);
	add(l, " (%d%%)", (int)(100.0 * (double)bytes / (double)want));
}

static void
update_rate(struct progress *p, int64_t now)
{
	double ms = (double)(now - p->rate_at);
	uint64_t bytes = atomic_load(&p->bytes);
	double latest, weight;

	if (ms < 1)
		return;
	latest = (double)(bytes - p->rate_bytes) * 1000 / ms;
	/* The first figure has nothing to be smoothed with. */
	weight = p->rate_bytes > 0 ? ms / (ms + SMOOTH_OVER) : 1;
	p->rate += (latest - p->rate) * weight;
	p->rate_at = now;
	p->rate_bytes = bytes;
}

/* Seconds; -1 where it can't be told. */
static int64_t
time_left(const struct progress *p, int64_t now)
{
	const int64_t most = INT64_C(100) * 3600;
	uint64_t bytes = atomic_load(&p->bytes), want = p->want_bytes;
	uint64_t files = atomic_load(&p->files), want_files = p->want_files;
	double s = -1;

	if (want > bytes && p->rate >= 1)
		s = (double)(want - bytes) / p->rate;
	else if (want == 0 && want_files > files && files > 0)
		s = (double)(want_files - files) / (double)files *
		    (double)(now - p->started) / 1000;
	return s > (double)most ? -1 : (int64_t)s;
}

static void
status(struct progress *p, int64_t now, struct line *ret)
{
	int64_t left;

	update_rate(p, now);
	*ret = (struct line){.len = 0};
	add(ret, "%s", p->name);
	add_counts(ret, p);
	if (p->rate >= 1) {
		add(ret, ", ");
		add_size(ret, p->rate);
		add(ret, "/s");
	}
	left = time_left(p, now);
	if (left >= 0) {
		add(ret, ", ");
		add_duration(ret, left);
		add(ret, " left");
	}
}

/* The whole stage in one line. */
static void
summary(const struct progress *p, int64_t now, struct line *ret)
{
	int64_t ms = now - p->started;
	uint64_t bytes = atomic_load(&p->bytes);

	*ret = (struct line){.len = 0};
	add(ret, "%s", p->name);
	add_counts(ret, p);
	add(ret, ", %.1f s", (double)ms / 1000);
	if (bytes > 0 && ms > 0) {
		add(ret, ", ");
		add_size(ret, (double)bytes * 1000 / (double)ms);
		add(ret, "/s");
	}
}

/* Nothing that follows can fail in a way that matters: it is only a show. */
static void
wipe(void)
{
	(void)file_write_all(
	    STDERR_FILENO, "\r" WIPE_TO_END, sizeof("\r" WIPE_TO_END) - 1);
}

static void
draw(struct progress *p, int64_t now)
{
	char out[TEXT_SIZE + 8];
	struct winsize size = {0};
	struct line l;
	int width = COLUMNS, len;

	status(p, now, &l);
	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1)
		width = size.ws_col;
	/* The last column stays free: a full line would wrap. */
	len =
	    snprintf(out, sizeof(out), "\r%.*s" WIPE_TO_END, width - 1, l.text);
	(void)file_write_all(STDERR_FILENO, out, (size_t)len);
	p->drawn = true;
}

static bool
is_terminal(void)
{
	const char *term = getenv("TERM");

	return isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0;
}

struct progress *
progress_new(void)
{
	struct progress *p = NULL;

	if (log_get_level() < LOG_INFO)
		return NULL;
	(void)pthread_mutex_lock(&lock);
	if (!current)
		p = calloc(1, sizeof(*p)); /* without memory: no show */
	if (p) {
		p->tty = is_terminal();
		atomic_store(&p->next, NEVER);
		current = p;
	}
	(void)pthread_mutex_unlock(&lock);
	return p;
}

void
progress_free(struct progress *p)
{
	if (!p)
		return;
	(void)pthread_mutex_lock(&lock);
	if (p->drawn)
		wipe();
	current = NULL;
	(void)pthread_mutex_unlock(&lock);
	free(p);
}

static void
start(struct progress *p, const char *name)
{
	int64_t now = clock_ms();

	(void)pthread_mutex_lock(&lock);
	(void)snprintf(p->name, sizeof(p->name), "%s", name);
	error_clean(p->name);
	p->running = true;
	p->started = p->rate_at = now;
	p->rate = 0;
	p->rate_bytes = 0;
	if (p->tty)
		draw(p, now);
	atomic_store(&p->next, now + (p->tty ? DRAW_EVERY : LOG_AFTER));
	(void)pthread_mutex_unlock(&lock);
}

void
progress_stage(
    struct progress *p, const char *name, uint64_t bytes, uint64_t files)
{
	if (!p)
		return;
	progress_end(p);
	atomic_store(&p->bytes, 0);
	atomic_store(&p->files, 0);
	atomic_store(&p->want_bytes, bytes);
	atomic_store(&p->want_files, files);
	start(p, name);
}

void
progress_expect(struct progress *p, uint64_t bytes, uint64_t files)
{
	if (!p)
		return;
	atomic_fetch_add(&p->want_bytes, bytes);
	atomic_fetch_add(&p->want_files, files);
}

/* Logging takes the lock, so what is to be logged is only written down while
 * it is held. */
static void
show(struct progress *p, int64_t now)
{
	struct line l = {.len = 0};

	(void)pthread_mutex_lock(&lock);
	if (p->running && p->tty)
		draw(p, now);
	else if (p->running)
		status(p, now, &l);
	(void)pthread_mutex_unlock(&lock);
	if (l.len > 0)
		log_info("%s", l.text);
}

void
progress_add(struct progress *p, uint64_t bytes, uint64_t files)
{
	int64_t now, next;

	if (!p)
		return;
	atomic_fetch_add(&p->bytes, bytes);
	atomic_fetch_add(&p->files, files);
	now = clock_ms();
	next = atomic_load(&p->next);
	/* Of several threads that come at the same time one shows. */
	if (now >= next && atomic_compare_exchange_strong(&p->next, &next,
			       now + (p->tty ? DRAW_EVERY : LOG_EVERY)))
		show(p, now);
}

void
progress_end(struct progress *p)
{
	struct line l = {.len = 0};
	int64_t now = clock_ms();

	if (!p)
		return;
	(void)pthread_mutex_lock(&lock);
	atomic_store(&p->next, NEVER);
	if (p->drawn)
		wipe();
	else if (p->running && now - p->started >= LOG_AFTER)
		summary(p, now, &l);
	p->drawn = false;
	p->running = false;
	(void)pthread_mutex_unlock(&lock);
	if (l.len > 0)
		log_info("%s", l.text);
}

void
progress_hide(void)
{
	(void)pthread_mutex_lock(&lock);
	if (current && current->drawn)
		wipe();
}

void
progress_show(void)
{
	if (current && current->drawn)
		draw(current, clock_ms());
	(void)pthread_mutex_unlock(&lock);
}
