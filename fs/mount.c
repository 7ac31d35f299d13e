#include "fs/mount.h"

#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/log.h"
#include "fs/mount_options.h"
#include "fs/mount_point.h"
#include "fs/notify.h"
#include "fs/ops.h"
#include "fs/tree.h"
#include "store/store.h"

#define FUSE_CONF     "/etc/fuse.conf"
#define FUSE_CONF_MAX (64 * 1024)

/* What is known before anything is opened. */
struct plan {
	const struct mount_opts *opts;
	char *store, *mountpoint; /* absolute */
	struct buf options;	  /* libfuse's */
};

/* What the process that stays has. */
struct serving {
	const struct plan *plan;
	int report; /* to the process that waits, or -1 */
	struct store *store;
	struct tree *tree;
	bool fetching;
	struct blob_requests *requests;
	struct ops *ops;
	struct fuse_session *session;
	bool mounted;
	struct notifier *notifier;
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

/* From here on nobody looks at our output. */
static void
detach(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return;
	log_to_syslog("suitefs");
	for (int i = 0; i <= STDERR_FILENO; i++)
		(void)dup2(fd, i);
	if (fd > STDERR_FILENO)
		(void)close(fd);
}

/* The kernel's first request is being answered. */
static void
on_ready(void *arg)
{
	struct serving *s = arg;

	if (s->report < 0)
		return;
	send_report(s->report, 0, NULL);
	(void)close(s->report);
	s->report = -1;
	detach();
}

static void
on_begun(void *arg)
{
	const struct serving *s = arg;

	mount_point_read_ahead(s->plan->mountpoint);
}

static void __attribute__((format(printf, 2, 0)))
on_fuse_log(enum fuse_log_level level, const char *fmt, va_list args)
{
	char text[512];

	(void)vsnprintf(text, sizeof(text), fmt, args);
	text[strcspn(text, "\n")] = '\0';
	log_line(level <= FUSE_LOG_ERR ? LOG_ERROR : LOG_DEBUG, "%s", text);
}

static int
start_fetching(struct serving *s, struct error *err)
{
	const struct mount_opts *opts = s->plan->opts;
	sigset_t all, old;
	int r;

	if (!opts->start_fetching)
		return 0;
	/* Its threads must leave the signals to this one. */
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_BLOCK, &all, &old);
	r = opts->start_fetching(opts->arg, s->store, &s->requests, err);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	s->fetching = r == 0;
	return r;
}

static int
new_session(struct serving *s, struct error *err)
{
	struct fuse_args args = FUSE_ARGS_INIT(0, NULL);

	if (fuse_opt_add_arg(&args, "suitefs") < 0 ||
	    fuse_opt_add_arg(&args, "-o") < 0 ||
	    fuse_opt_add_arg(&args, s->plan->options.ptr) < 0) {
		fuse_opt_free_args(&args);
		return error_sys(err, -ENOMEM, "cannot begin");
	}
	fuse_set_log_func(on_fuse_log);
	s->session =
	    fuse_session_new(&args, &ops_table, sizeof(ops_table), s->ops);
	fuse_opt_free_args(&args);
	if (!s->session)
		return error_set(err, -EINVAL, "cannot begin a FUSE session");
	return 0;
}

static int
mount_session(struct serving *s, struct error *err)
{
	const char *where = s->plan->mountpoint;

	if (access("/dev/fuse", F_OK) < 0)
		return error_sys(err, -errno, "/dev/fuse");
	if (fuse_session_mount(s->session, where) != 0)
		return error_set(err, -EPERM, "%s: cannot mount there", where);
	s->mounted = true;
	return 0;
}

static int
start_notifier(struct serving *s, struct error *err)
{
	const struct notifier_opts opts = {
	    .session = s->session,
	    .tree = s->tree,
	    .begun = on_begun,
	    .arg = s,
	};

	return notifier_start(&opts, &s->notifier, err);
}

static int
start(struct serving *s, struct error *err)
{
	struct ops_opts opts = {.ready = on_ready, .arg = s};
	int r = store_open(s->plan->store, STORE_READ_ONLY, 0, &s->store, err);

	if (r == 0)
		r = tree_new(s->store, &s->tree, err);
	if (r == 0)
		r = start_fetching(s, err);
	if (r < 0)
		return r;
	opts.tree = s->tree;
	opts.requests = s->requests;
	r = ops_new(&opts, &s->ops);
	if (r < 0)
		return error_sys(err, r, "cannot begin");
	r = new_session(s, err);
	if (r == 0)
		r = mount_session(s, err);
	return r < 0 ? r : start_notifier(s, err);
}

/* libfuse sets its handlers only where nobody else has any. */
static int
handle_signals(struct serving *s, struct error *err)
{
	static const int signals[] = {SIGHUP, SIGINT, SIGTERM};
	struct sigaction act = {.sa_handler = SIG_DFL};
	sigset_t set;

	(void)sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
		(void)sigaction(signals[i], &act, NULL);
		(void)sigaddset(&set, signals[i]);
	}
	(void)pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	if (fuse_set_signal_handlers(s->session) != 0)
		return error_set(err, -EIO, "cannot handle signals");
	return 0;
}

/* Until unmounted, or told to end. */
static int
loop(struct serving *s, struct error *err)
{
	int r = handle_signals(s, err);
	struct fuse_loop_config *config;

	if (r < 0)
		return r;
	config = fuse_loop_cfg_create();
	if (!config)
		return error_sys(err, -ENOMEM, "cannot begin");
	r = fuse_session_loop_mt(s->session, config);
	fuse_loop_cfg_destroy(config);
	fuse_remove_signal_handlers(s->session);
	/* More than 0 is the signal that ended it. */
	if (r < 0)
		return error_sys(
		    err, r, "%s: lost the kernel's side", s->plan->mountpoint);
	return 0;
}

static void
end(struct serving *s)
{
	if (s->mounted)
		fuse_session_unmount(s->session);
	notifier_stop(s->notifier);
	if (s->fetching && s->plan->opts->stop_fetching)
		s->plan->opts->stop_fetching(s->plan->opts->arg);
	if (s->session)
		fuse_session_destroy(s->session);
	ops_free(s->ops);
	tree_free(s->tree);
	store_close(s->store);
}

/* Memory that catalogs gave back goes back to the system, and open blobs are
 * many. */
static void
set_limits(void)
{
	struct rlimit files;

	(void)mallopt(M_MMAP_THRESHOLD, 256 * 1024);
	(void)mallopt(M_ARENA_MAX, 2);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
}

static int
serve(const struct plan *plan, int report, struct error *err)
{
	const struct mount_opts *opts = plan->opts;
	struct serving s = {.plan = plan, .report = report};
	int r;

	set_limits();
	r = opts->begin ? opts->begin(opts->arg, err) : 0;
	if (r == 0)
		r = start(&s, err);
	if (r == 0)
		r = loop(&s, err);
	end(&s);
	if (opts->end) {
		int r2 = opts->end(opts->arg, r < 0 ? NULL : err);

		r = r < 0 ? r : r2;
	}
	if (s.report >= 0)
		send_report(s.report, r < 0 ? r : -EIO, err);
	else if (r < 0 && report >= 0)
		log_error("%s", err->text);
	return r;
}

/* The process that stays. */
static void __attribute__((noreturn))
serve_in_background(const struct plan *plan, int report)
{
	struct error err = {0};
	int r;

	(void)setsid();
	/* Not to keep a file system busy; a failure keeps it so. */
	(void)!chdir("/");
	r = serve(plan, report, &err);
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
		    "%s: the process that mounts has died", plan->mountpoint);
	if (report.result < 0) {
		report.err.text[sizeof(report.err.text) - 1] = '\0';
		return error_set(err, report.result, "%s", report.err.text);
	}
	if (stat(plan->mountpoint, &st) < 0)
		return error_sys(err, -errno, "%s", plan->mountpoint);
	return 0;
}

static int
run_in_background(const struct plan *plan, struct error *err)
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
		serve_in_background(plan, fds[1]);
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
make_plan(struct plan *p, struct error *err)
{
	const struct mount_opts *opts = p->opts;
	struct mount_wishes wishes = {0};
	int r;

	p->store = realpath(opts->store, NULL);
	r = p->store ? 0 : -errno;
	if (r == -ENOENT)
		(void)error_set(err, r, "%s: there is no store", opts->store);
	else if (r < 0)
		(void)error_sys(err, r, "%s", opts->store);
	else
		r = mount_point_check(
		    opts->mountpoint, p->store, &p->mountpoint, err);
	if (r < 0)
		return r;
	wishes = (struct mount_wishes){may_allow_other(), p->store};
	r = mount_options(opts->fuse_options, &wishes, &p->options, err);
	if (r == 0)
		warn_if_private(opts->fuse_options, wishes.allow_other);
	return r;
}

static void
plan_release(struct plan *p)
{
	free(p->store);
	free(p->mountpoint);
	buf_release(&p->options);
}

int
mount_serve(const struct mount_opts *opts, struct error *err)
{
	CLEANUP(plan_release) struct plan plan = {.opts = opts};
	struct error none;
	int r;

	if (!err)
		err = &none;
	r = make_plan(&plan, err);
	if (r < 0)
		return r;
	if (opts->foreground)
		return serve(&plan, -1, err);
	return run_in_background(&plan, err);
}
