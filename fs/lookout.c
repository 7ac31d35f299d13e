#include "fs/lookout.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/log.h"

#define LOOK_MS 500

struct lookout {
	struct lookout_opts opts;
	int stop;
	pthread_t thread;
};

static void *
run(void *arg)
{
	const struct lookout *l = arg;
	struct pollfd fds[] = {
	    {.fd = l->stop, .events = POLLIN},
	    {.fd = l->opts.line}, /* for its end alone */
	};

	for (;;) {
		bool some_may_wait = ops_expire(l->opts.ops);

		(void)poll(fds, ARRAY_LEN(fds), some_may_wait ? LOOK_MS : -1);
		if (fds[0].revents != 0)
			return NULL;
		if (fds[1].revents == 0)
			continue;
		log_error("%s: the process that keeps this mount has died; it "
			  "is served on, but nobody will go on when this one "
			  "dies too: where no service manager starts it anew, "
			  "unmount it and mount it again",
		    l->opts.where);
		fds[1].fd = -1;
		fds[1].revents = 0;
	}
}

/* Signals are for the thread that waits for the end of the session. */
static int
start_thread(struct lookout *l)
{
	sigset_t all, old;
	int r;

	(void)sigfillset(&all);
	/* Comes to the thread that reads: see store/bus.h. */
	(void)sigdelset(&all, SIGBUS);
	(void)pthread_sigmask(SIG_BLOCK, &all, &old);
	r = pthread_create(&l->thread, NULL, run, l);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	return -r;
}

int
lookout_start(
    const struct lookout_opts *opts, struct lookout **ret, struct error *err)
{
	struct lookout *l = calloc(1, sizeof(*l));
	int r;

	if (!l)
		return error_sys(err, -ENOMEM, "cannot start a thread");
	l->opts = *opts;
	l->stop = eventfd(0, EFD_CLOEXEC);
	r = l->stop < 0 ? -errno : start_thread(l);
	if (r < 0) {
		cleanup_fd(&l->stop);
		free(l);
		return error_sys(err, r, "cannot start a thread");
	}
	*ret = l;
	return 0;
}

void
lookout_stop(struct lookout *l)
{
	const uint64_t one = 1;

	if (!l)
		return;
	/* An eventfd that is far from full takes it. */
	(void)!write(l->stop, &one, sizeof(one));
	(void)pthread_join(l->thread, NULL);
	(void)close(l->stop);
	free(l);
}
