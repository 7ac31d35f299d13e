#include "fs/notify.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "fs/fuse_io.h"

/* LMDB touches its file shortly before a commit can be seen. */
#define AFTER_EVENT_MS 3
#define AFTER_EVENTS   8
#define IDLE_MS	       1000
#define BLIND_MS       50 /* where the file can't be watched */

struct notifier {
	struct notifier_opts opts;
	int inotify, stop;
	pthread_t thread;
	bool started;
	unsigned looks; /* how often to look again soon */
	int last_error;
};

static void
on_change(void *arg, uint64_t dir, struct span name)
{
	struct notifier *n = arg;

	/* The kernel may not know the name, or be gone: nothing to do then. */
	(void)fuse_io_expire_name(fuse_session_fd(n->opts.session), dir, name);
	(void)fuse_lowlevel_notify_inval_inode(n->opts.session, dir, -1, 0);
}

static void
look(struct notifier *n)
{
	int r = tree_poll(n->opts.tree, on_change, n);

	if (r < 0 && r != n->last_error)
		log_error("cannot see what has changed: %s", strerror(-r));
	n->last_error = r;
}

static void
drain(const struct notifier *n)
{
	char events[4096];

	while (read(n->inotify, events, sizeof(events)) > 0)
		;
}

static int
wait_ms(const struct notifier *n)
{
	if (n->looks > 0)
		return AFTER_EVENT_MS;
	return n->inotify >= 0 ? IDLE_MS : BLIND_MS;
}

/* Names that have gone meanwhile are known to the kernel alone; before Linux
 * 6.16 they are forgotten in OPS_MUTABLE_S. */
static void
begin(struct notifier *n)
{
	int r;

	if (!n->opts.resumed)
		return;
	(void)fuse_io_forget_names(fuse_session_fd(n->opts.session));
	r = tree_names(n->opts.tree, on_change, n);
	if (r < 0)
		log_error("cannot see what has changed: %s", strerror(-r));
}

static void *
run(void *arg)
{
	struct notifier *n = arg;

	begin(n);
	for (;;) {
		struct pollfd fds[] = {
		    {.fd = n->stop, .events = POLLIN},
		    /* Events that come while we look again mean no more. */
		    {.fd = n->looks > 0 ? -1 : n->inotify, .events = POLLIN},
		};

		(void)poll(fds, ARRAY_LEN(fds), wait_ms(n));
		if (fds[0].revents != 0)
			return NULL;
		if (n->looks > 0)
			n->looks--;
		if (fds[1].revents != 0) {
			drain(n);
			n->looks = AFTER_EVENTS;
		}
		look(n);
	}
}

static int
watch(struct notifier *n)
{
	CLEANUP(buf_release) struct buf path = {0};
	const char *dir = store_dir(tree_store(n->opts.tree));
	int r;

	n->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (n->inotify < 0)
		return -errno;
	r = buf_addf(&path, "%s/db/data.mdb", dir);
	if (r == 0 && inotify_add_watch(n->inotify, path.ptr, IN_MODIFY) < 0)
		r = -errno;
	if (r < 0) {
		(void)close(n->inotify);
		n->inotify = -1;
	}
	return r;
}

/* Signals are for the thread that waits for the end of the session. */
static int
start_thread(struct notifier *n)
{
	sigset_t all, old;
	int r;

	(void)sigfillset(&all);
	/* Comes to the thread that reads: see store/bus.h. */
	(void)sigdelset(&all, SIGBUS);
	(void)pthread_sigmask(SIG_BLOCK, &all, &old);
	r = pthread_create(&n->thread, NULL, run, n);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	n->started = r == 0;
	return -r;
}

int
notifier_start(
    const struct notifier_opts *opts, struct notifier **ret, struct error *err)
{
	struct notifier *n = calloc(1, sizeof(*n));
	int r;

	if (!n)
		return error_sys(err, -ENOMEM, "cannot watch the store");
	n->opts = *opts;
	n->inotify = -1;
	n->stop = eventfd(0, EFD_CLOEXEC);
	r = n->stop < 0 ? -errno : watch(n);
	/* Without a watch (they are limited) we look more often. */
	if (r < 0 && n->stop >= 0 && n->inotify < 0)
		log_debug("cannot watch the store: %s", strerror(-r));
	if (n->stop >= 0)
		r = start_thread(n);
	if (r < 0) {
		notifier_stop(n);
		return error_sys(err, r, "cannot watch the store");
	}
	*ret = n;
	return 0;
}

void
notifier_stop(struct notifier *n)
{
	const uint64_t one = 1;

	if (!n)
		return;
	if (n->started) {
		/* An eventfd that is far from full takes it. */
		(void)!write(n->stop, &one, sizeof(one));
		(void)pthread_join(n->thread, NULL);
	}
	if (n->inotify >= 0)
		(void)close(n->inotify);
	if (n->stop >= 0)
		(void)close(n->stop);
	free(n);
}
