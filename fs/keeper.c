#include "fs/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/log.h"
#include "fs/restarts.h"
#include "fs/service.h"
#include "fs/worker_line.h"

/* After unmounting: until a worker that nobody reads from has noticed; until
 * one that was told to end has ended. */
#define IDLE_END_MS 200
#define END_MS	    5000

struct keeper {
	const struct keeper_opts *opts;
	struct kept *kept;
	sigset_t mask;	/* as it was, for workers */
	int signals;	/* signalfd(2) */
	int line;	/* to the worker, or -1 */
	pid_t worker;	/* 0: there is none */
	int64_t due_ms; /* when to start one, where there is none */
	bool ready;	/* has been told */
	bool reaping;	/* what the worker says is its last */
	bool serving;	/* some worker has */
	bool ended;
	struct restarts restarts;
	int said; /* by this worker: why it failed, or 0 */
	struct error said_err;
	int result; /* once ended */
	struct error err;
};

static void
end(struct keeper *k, int result)
{
	k->ended = true;
	k->result = result;
}

/* --- workers -----------------------------------------------------------------
 */

static void __attribute__((noreturn)) work(struct keeper *k, int line)
{
	struct error err = {""};
	int r;

	(void)prctl(PR_SET_NAME, "suitefs-worker", 0, 0, 0);
	(void)close(k->signals);
	if (k->kept->backing)
		(void)close(backing_fd(k->kept->backing));
	(void)sigprocmask(SIG_SETMASK, &k->mask, NULL);
	r = k->opts->work(k->opts->arg, line, &err);
	if (r < 0)
		worker_line_fail(line, r, &err);
	exit(r < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
}

static void
start_worker(struct keeper *k)
{
	int line[2] = {-1, -1};
	pid_t pid = -1;
	int r = worker_line_new(line);

	(void)fflush(NULL);
	if (r == 0)
		pid = fork();
	if (pid == 0) {
		(void)close(line[0]);
		work(k, line[1]);
	}
	if (pid < 0) {
		r = r < 0 ? r : -errno;
		end(k, error_sys(&k->err, r, "cannot start a process"));
	}
	cleanup_fd(&line[1]);
	if (pid < 0) {
		cleanup_fd(&line[0]);
		return;
	}
	k->worker = pid;
	k->line = line[0];
	k->said = 0;
}

static void
connect_worker(struct keeper *k)
{
	struct worker_message m = {.init = k->kept->init};
	int r = 0;

	if (k->kept->fd < 0) {
		r = k->opts->mount(k->opts->arg, &k->kept->fd, &k->err);
		/* There is another way to read. */
		if (r == 0 && k->opts->passthrough &&
		    backing_new(&k->kept->backing) < 0)
			k->kept->backing = NULL;
	}
	m.passthrough = k->kept->backing != NULL;
	/* One that has died meanwhile is seen to elsewhere. */
	if (r == 0)
		(void)!worker_line_send(k->line, &m, k->kept->fd);
	else
		end(k, r);
}

static void
on_serving(struct keeper *k)
{
	if (!k->serving)
		kept_store(k->kept);
	else
		log_info("%s: serves again", k->kept->where);
	k->serving = true;
	if (k->ready)
		return;
	k->ready = true;
	k->opts->ready(k->opts->arg);
	(void)service_notify("READY=1", -1);
}

static void
on_open(struct keeper *k, const struct worker_message *m, int fd)
{
	struct worker_message answer = {
	    .word = WORKER_OPEN, .result = -EOPNOTSUPP};
	const struct backing_calls kernel = {
	    backing_register, backing_forget, &k->kept->fd};
	const struct backing_open o = {m->ino, m->handle, fd};

	/* Nobody would hear it of one who has died. */
	if (k->reaping)
		return;
	if (k->kept->backing)
		answer.result = backing_open(k->kept->backing, &o, &kernel);
	(void)!worker_line_send(k->line, &answer, -1);
}

static void
on_close(struct keeper *k, const struct worker_message *m)
{
	const struct backing_calls kernel = {
	    backing_register, backing_forget, &k->kept->fd};

	if (k->kept->backing)
		backing_close(k->kept->backing, m->handle, &kernel);
}

/* False where the worker has nothing more to say. */
static bool
take_message(struct keeper *k)
{
	struct worker_message m;
	int fd = -1;

	if (k->line < 0 || worker_line_receive(k->line, &m, &fd) <= 0) {
		cleanup_fd(&k->line);
		k->line = -1;
		return false;
	}
	switch (m.word) {
	case WORKER_PREPARED:
		/* The first one's mark in the store is as good as any. */
		if (k->kept->presence < 0) {
			k->kept->presence = fd;
			fd = -1;
		}
		connect_worker(k);
		break;
	case WORKER_INIT:
		k->kept->init = m.init;
		break;
	case WORKER_SERVING:
		on_serving(k);
		break;
	case WORKER_FAILED:
		k->said = m.result;
		k->said_err = m.err;
		break;
	case WORKER_OPEN:
		on_open(k, &m, fd);
		break;
	case WORKER_CLOSE:
		on_close(k, &m);
		break;
	}
	cleanup_fd(&fd);
	return true;
}

static void
describe(int status, char *ret, size_t size)
{
	if (WIFSIGNALED(status))
		(void)snprintf(ret, size, "signal %d", WTERMSIG(status));
	else
		(void)snprintf(
		    ret, size, "exit status %d", WEXITSTATUS(status));
}

/* A worker has ended, by itself or not. */
static void
on_death(struct keeper *k, int status)
{
	const char *where = k->kept->where;
	char how[32];
	int delay;

	describe(status, how, sizeof(how));
	if (k->kept->fd >= 0 && kept_is_gone(k->kept)) {
		end(k, 0);
	} else if (!k->serving && k->said < 0) {
		k->err = k->said_err;
		end(k, k->said);
	} else if (!k->serving) {
		end(k, error_set(&k->err, -EIO,
			   "%s: the process that mounts has died (%s)", where,
			   how));
	} else if (!fuse_io_can_resend(&k->kept->init)) {
		end(k,
		    error_set(&k->err, -EIO,
			"%s: unmounted, for the process that served it has "
			"died (%s); only Linux 6.9 and later let another one "
			"go on",
			where, how));
	} else if (!restarts_take(&k->restarts, clock_ms(), &delay)) {
		end(k, error_set(&k->err, -EIO,
			   "%s: unmounted, for the process that serves it dies "
			   "again and again (last by %s)",
			   where, how));
	} else {
		log_warn("%s: the process that serves it has died (%s%s%s); "
			 "another one goes on",
		    where, how, k->said < 0 ? "; " : "",
		    k->said < 0 ? k->said_err.text : "");
		k->due_ms = clock_ms() + delay;
	}
}

/* Takes note of a worker that has ended. */
static bool
reap(struct keeper *k)
{
	int status;

	if (k->worker == 0 || waitpid(k->worker, &status, WNOHANG) <= 0)
		return false;
	k->reaping = true;
	while (take_message(k))
		;
	k->reaping = false;
	k->worker = 0;
	if (!k->ended)
		on_death(k, status);
	return true;
}

static bool
wait_for_end(struct keeper *k, int timeout_ms)
{
	const int64_t until = clock_ms() + timeout_ms;
	int status;

	while (k->worker > 0 && waitpid(k->worker, &status, WNOHANG) == 0) {
		struct pollfd p = {.fd = k->signals, .events = POLLIN};
		struct signalfd_siginfo info;
		int64_t left = until - clock_ms();

		if (left <= 0)
			return false;
		if (poll(&p, 1, (int)left) > 0)
			(void)!read(k->signals, &info, sizeof(info));
	}
	k->worker = 0;
	return true;
}

static void
end_worker(struct keeper *k, int idle_ms)
{
	if (idle_ms > 0 && wait_for_end(k, idle_ms))
		return;
	(void)kill(k->worker, SIGTERM);
	if (wait_for_end(k, END_MS))
		return;
	(void)kill(k->worker, SIGKILL);
	(void)wait_for_end(k, END_MS);
}

/* --- signals -----------------------------------------------------------------
 */

static bool
has_terminal(void)
{
	CLEANUP_FD int fd = open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC);

	return fd >= 0;
}

/* A worker is a crash away from being replaced at any time, so no more care is
 * taken of it than that. */
static void
replace(struct keeper *k)
{
	if (!k->serving || k->worker == 0)
		return;
	if (!fuse_io_can_resend(&k->kept->init)) {
		log_warn("%s: can't be handed to another program before "
			 "Linux 6.9",
		    k->kept->where);
		return;
	}
	(void)kill(k->worker, SIGKILL);
	(void)wait_for_end(k, END_MS);
	kept_pass(k->kept, k->opts->become, k->opts->arg);
	log_error("%s: goes on with the program as it was", k->kept->where);
	cleanup_fd(&k->line);
	k->line = -1;
	start_worker(k);
}

static void
on_signal(struct keeper *k)
{
	struct signalfd_siginfo info;

	if (read(k->signals, &info, sizeof(info)) != sizeof(info))
		return;
	switch (info.ssi_signo) {
	case SIGCHLD:
		(void)reap(k);
		break;
	case SIGHUP:
		if (!has_terminal()) {
			replace(k);
			break;
		}
		end(k, 0);
		break;
	default:
		end(k, 0);
		break;
	}
}

static void
step(struct keeper *k)
{
	struct pollfd fds[] = {
	    {.fd = k->signals, .events = POLLIN},
	    {.fd = k->line, .events = POLLIN},
	};
	int64_t wait = -1;

	/* The connection is not polled: every request would wake us. */
	if (k->worker == 0) {
		wait = k->due_ms - clock_ms();
		if (wait <= 0) {
			start_worker(k);
			return;
		}
	}
	if (poll(fds, ARRAY_LEN(fds), (int)wait) <= 0)
		return;
	if (fds[1].revents != 0)
		(void)take_message(k);
	else if (fds[0].revents != 0)
		on_signal(k);
}

/* --- the whole ---------------------------------------------------------------
 */

static int
begin(struct keeper *k)
{
	static const int signals[] = {SIGCHLD, SIGTERM, SIGINT, SIGHUP};
	sigset_t ours;

	(void)sigemptyset(&ours);
	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		(void)sigaddset(&ours, signals[i]);
	(void)sigprocmask(SIG_BLOCK, &ours, &k->mask);
	/* A program that we were before has left them blocked. */
	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		(void)sigdelset(&k->mask, signals[i]);
	k->signals = signalfd(-1, &ours, SFD_CLOEXEC);
	if (k->signals < 0)
		return error_sys(&k->err, -errno, "cannot handle signals");
	restarts_init(&k->restarts, k->opts->restarts, clock_ms());
	/* What goes on was served before. */
	k->serving = k->kept->fd >= 0;
	return 0;
}

static void
finish(struct keeper *k)
{
	bool gone = k->kept->fd < 0 || kept_is_gone(k->kept);

	(void)service_notify("STOPPING=1", -1);
	if (!gone)
		k->opts->unmount(k->opts->arg);
	/* One that waits for a connection has to know that there is none.  One
	 * that serves would take it for our death. */
	if (!k->serving) {
		cleanup_fd(&k->line);
		k->line = -1;
	}
	if (k->worker > 0)
		end_worker(k, gone ? END_MS : IDLE_END_MS);
	cleanup_fd(&k->line);
	kept_unstore();
	cleanup_fd(&k->signals);
	(void)sigprocmask(SIG_SETMASK, &k->mask, NULL);
}

int
keeper_run(const struct keeper_opts *opts, struct error *err)
{
	struct keeper k = {
	    .opts = opts,
	    .kept = opts->kept,
	    .signals = -1,
	    .line = -1,
	};
	int r = begin(&k);

	if (r < 0)
		end(&k, r);
	while (!k.ended)
		step(&k);
	finish(&k);
	if (k.result < 0 && err)
		*err = k.err;
	return k.result;
}
