#include "fs/mount.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/log.h"
#include "fs/keeper.h"
#include "fs/mount_options.h"
#include "fs/mount_point.h"
#include "fs/privileges.h"
#include "fs/serve.h"

#define FUSE_CONF     "/etc/fuse.conf"
#define FUSE_CONF_MAX (64 * 1024)

/* What is known before anything is opened. */
struct plan {
	const struct mount_opts *opts;
	char *store; /* absolute */
	struct kept kept;
	struct fuse_session *mounted; /* NULL where another process has */
	struct buf options;	      /* libfuse's */
	struct mount_numbers numbers;
	bool passthrough;
	int report; /* to the process that waits, or -1 */
};

/* What the process that waits is told; short enough for a pipe to keep it in
 * one piece. */
struct report {
	int result;
	struct error err;
};

static void
send_report(int fd, int result, const struct error *err)
{
	struct report report = {.result = result};

	if (err)
		report.err = *err;
	/* Who would read it may be gone: nobody to tell then. */
	(void)file_write_all(fd, &report, sizeof(report));
}

/* --- what the keeper calls ---------------------------------------------------
 */

static int
on_mount(void *arg, int *ret_fd, struct error *err)
{
	struct plan *p = arg;

	return fuse_io_mount(
	    p->options.ptr, p->kept.where, &p->mounted, ret_fd, err);
}

static void
on_unmount(void *arg)
{
	struct plan *p = arg;

	if (p->mounted)
		fuse_io_unmount(TAKE(p->mounted));
	else
		mount_point_unmount(p->kept.where);
}

static int
on_work(void *arg, int line, struct error *err)
{
	const struct plan *p = arg;
	const struct serve_opts opts = {
	    .mount = p->opts,
	    .store = p->store,
	    .where = p->kept.where,
	    .options = p->options.ptr,
	    .fetch_wait_s = p->numbers.fetch_wait_s,
	};

	return serve(&opts, line, err);
}

static void
on_ready(void *arg)
{
	struct plan *p = arg;

	mount_point_read_ahead(p->kept.where);
	if (p->report >= 0) {
		send_report(p->report, 0, NULL);
		(void)close(p->report);
		p->report = -1;
	}
	if (!p->opts->foreground)
		serve_detach();
}

static void
on_become(void *arg)
{
	const struct plan *p = arg;

	if (p->opts->become)
		p->opts->become(p->opts->arg, p->store, p->kept.where);
}

static int
keep(struct plan *p, struct error *err)
{
	const struct keeper_opts opts = {
	    .kept = &p->kept,
	    .restarts = p->numbers.restarts,
	    .passthrough = p->passthrough,
	    .mount = on_mount,
	    .unmount = on_unmount,
	    .work = on_work,
	    .ready = on_ready,
	    .become = on_become,
	    .arg = p,
	};
	int r = privileges_of_keeper(err);

	return r < 0 ? r : keeper_run(&opts, err);
}

/* --- in the background -------------------------------------------------------
 */

/* The process that stays. */
static void __attribute__((noreturn))
keep_in_background(struct plan *p, int report)
{
	struct error err = {0};
	int r;

	(void)setsid();
	/* Not to keep a file system busy; a failure keeps it so. */
	(void)!chdir("/");
	p->report = report;
	r = keep(p, &err);
	if (p->report >= 0)
		send_report(p->report, r < 0 ? r : -EIO, &err);
	else if (r < 0)
		log_error("%s", err.text);
	_exit(r < 0 ? 1 : 0);
}

static int
read_report(int fd, struct report *ret)
{
	size_t have = 0;

	while (have < sizeof(*ret)) {
		ssize_t n = read(fd, (char *)ret + have, sizeof(*ret) - have);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -EIO;
		have += (size_t)n;
	}
	return 0;
}

static int
wait_until_ready(const struct plan *plan, int fd, struct error *err)
{
	struct report report;
	struct stat st;

	if (read_report(fd, &report) < 0)
		return error_set(err, -EIO,
		    "%s: the process that mounts has died", plan->kept.where);
	if (report.result < 0) {
		report.err.text[sizeof(report.err.text) - 1] = '\0';
		return error_set(err, report.result, "%s", report.err.text);
	}
	if (stat(plan->kept.where, &st) < 0)
		return error_sys(err, -errno, "%s", plan->kept.where);
	return 0;
}

static int
run_in_background(struct plan *plan, struct error *err)
{
	int fds[2];
	pid_t pid;
	int r;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return error_sys(err, -errno, "cannot make a pipe");
	(void)fflush(NULL);
	pid = fork();
	if (pid == 0) {
		(void)close(fds[0]);
		keep_in_background(plan, fds[1]);
	}
	(void)close(fds[1]);
	r = pid < 0 ? error_sys(err, -errno, "cannot fork")
		    : wait_until_ready(plan, fds[0], err);
	(void)close(fds[0]);
	/* One that failed has ended, or is about to; one that nobody can
	 * reach is no use. */
	if (pid > 0 && r < 0) {
		(void)kill(pid, SIGTERM);
		(void)waitpid(pid, NULL, 0);
	}
	return r;
}

static bool
may_allow_other(void)
{
	CLEANUP(buf_release) struct buf text = {0};

	if (geteuid() == 0)
		return true;
	return file_read(AT_FDCWD, FUSE_CONF, FUSE_CONF_MAX, &text, NULL) ==
		   0 &&
	       fuse_conf_allows_other(buf_span(&text));
}

static void
warn_if_private(const char *given, bool allow_other)
{
	if (allow_other || mount_options_say_who(given))
		return;
	log_warn("only you can see this mount: apt reads file: sources as the "
		 "user _apt and will say \"File not found\"; root, or "
		 "user_allow_other in " FUSE_CONF ", lets others in");
}

static int
find_store(struct plan *p, struct error *err)
{
	const char *given = p->opts->store;

	p->store = realpath(given, NULL);
	if (p->store)
		return 0;
	if (errno == ENOENT)
		return store_absent(given, err);
	return error_sys(err, -errno, "%s", given);
}

static int
make_plan(struct plan *p, struct error *err)
{
	const struct mount_opts *opts = p->opts;
	struct mount_wishes wishes = {.allow_other = may_allow_other()};
	int r = find_store(p, err);

	/* What is mounted already may have nobody who would answer. */
	if (r == 0 && p->kept.fd < 0)
		r = mount_point_check(
		    opts->mountpoint, p->store, &p->kept.where, err);
	if (r < 0)
		return r;
	wishes.fsname = p->store;
	r = mount_options(opts->fuse_options, &wishes, &p->options, err);
	if (r == 0)
		r = mount_options_numbers(opts->fuse_options, &p->numbers, err);
	/* Only root may. */
	p->passthrough =
	    geteuid() == 0 &&
	    !mount_options_say(opts->fuse_options, "nopassthrough");
	if (r == 0 && p->kept.fd < 0)
		warn_if_private(opts->fuse_options, wishes.allow_other);
	return r;
}

static void
plan_release(struct plan *p)
{
	free(p->store);
	/* It has gone by now: only memory is given back. */
	fuse_io_unmount(p->mounted);
	kept_release(&p->kept);
	buf_release(&p->options);
}

int
mount_serve(const struct mount_opts *opts, struct error *err)
{
	CLEANUP(plan_release) struct plan plan = {.opts = opts, .report = -1};
	struct error none;
	int resumed, r;

	if (!err)
		err = &none;
	kept_init(&plan.kept);
	resumed = kept_take(&plan.kept, err);
	if (resumed < 0)
		return resumed;
	r = make_plan(&plan, err);
	if (r < 0)
		return r;
	if (opts->foreground || resumed)
		return keep(&plan, err);
	return run_in_background(&plan, err);
}
