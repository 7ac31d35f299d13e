#include "fs/serve.h"

#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/log.h"
#include "fs/fuse_io.h"
#include "fs/lookout.h"
#include "fs/notify.h"
#include "fs/ops.h"
#include "fs/privileges.h"
#include "fs/tree.h"
#include "fs/wait_limit.h"
#include "fs/worker_line.h"

struct serving {
	const struct serve_opts *opts;
	int line; /* to the keeper */
	struct store *store;
	struct tree *tree;
	bool fetching;
	struct blob_requests *requests;
	struct ops *ops;
	struct fuse_session *session;
	struct notifier *notifier;
	struct lookout *lookout;
};

void
serve_detach(void)
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
	const struct mount_opts *opts = s->opts->mount;
	sigset_t all, old;
	int r;

	if (!opts->start_fetching)
		return 0;
	/* Its threads must leave the signals to this one. */
	(void)sigfillset(&all);
	/* Comes to the thread that reads: see store/bus.h. */
	(void)sigdelset(&all, SIGBUS);
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
	    fuse_opt_add_arg(&args, s->opts->options) < 0) {
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

/* All that can fail before there is a mount. */
static int
prepare(struct serving *s, struct error *err)
{
	struct ops_opts opts = {0};
	int r = store_open(s->opts->store, STORE_READ_ONLY, 0, &s->store, err);

	if (r == 0)
		r = tree_new(s->store, &s->tree, err);
	if (r == 0)
		r = start_fetching(s, err);
	if (r < 0)
		return r;
	opts.tree = s->tree;
	opts.requests = s->requests;
	opts.wait_ms = wait_limit_ms(s->opts->fetch_wait_s);
	r = ops_new(&opts, &s->ops);
	if (r < 0)
		return error_sys(err, r, "cannot begin");
	return new_session(s, err);
}

/* The keeper has to have INIT before the kernel is served. */
static int
keep_init(void *arg, const struct fuse_io_init *init)
{
	const struct serving *s = arg;
	const struct worker_message m = {.word = WORKER_INIT, .init = *init};

	return worker_line_send(s->line, &m, -1);
}

/* Gets the connection from the keeper, which mounts where it has to. */
static int
begin(struct serving *s, bool *ret_resumed, struct error *err)
{
	struct worker_message m = {.word = WORKER_PREPARED};
	struct fuse_io_opts io = {
	    .session = s->session,
	    .io = ops_io(s->ops),
	    .fd = -1,
	    .keep = keep_init,
	    .arg = s,
	};
	int r = worker_line_send(s->line, &m, store_blobs_fd(s->store));

	if (r == 0)
		r = worker_line_receive(s->line, &m, &io.fd);
	/* A keeper that has gone knows why. */
	if (r <= 0 || io.fd < 0)
		return error_sys(err, r < 0 ? r : -EIO, "not mounted");
	*ret_resumed = m.init.len > 0;
	io.passthrough = m.passthrough;
	r = fuse_io_begin(&io, &m.init);
	if (r < 0)
		return error_sys(err, r, "cannot talk to the kernel");
	if (m.passthrough && fuse_io_can_pass(&m.init))
		ops_pass_through(s->ops, s->line);
	return 0;
}

static int
look_out(struct serving *s, struct error *err)
{
	const struct lookout_opts opts = {
	    .line = s->line, .where = s->opts->where, .ops = s->ops};

	return lookout_start(&opts, &s->lookout, err);
}

static int
start(struct serving *s, struct error *err)
{
	struct notifier_opts opts = {0};
	int r = prepare(s, err);

	if (r == 0)
		r = begin(s, &opts.resumed, err);
	if (r < 0)
		return r;
	if (opts.resumed)
		ops_resumed(s->ops);
	opts.session = s->session;
	opts.tree = s->tree;
	r = notifier_start(&opts, &s->notifier, err);
	if (r == 0)
		r = look_out(s, err);
	if (r < 0)
		return r;
	if (!s->opts->mount->foreground)
		serve_detach();
	worker_line_say(s->line, WORKER_SERVING);
	return 0;
}

/* Unmounting and restarting are the keeper's, which gets the signals that mean
 * it; libfuse sets its handlers only where nobody else has any. */
static int
handle_signals(struct serving *s, struct error *err)
{
	struct sigaction act = {.sa_handler = SIG_IGN};
	sigset_t set;

	(void)sigaction(SIGHUP, &act, NULL);
	(void)sigaction(SIGINT, &act, NULL);
	act.sa_handler = SIG_DFL;
	(void)sigaction(SIGTERM, &act, NULL);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
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
	return r < 0 ? error_sys(err, r, "lost the kernel's side") : 0;
}

static void
end(struct serving *s)
{
	lookout_stop(s->lookout);
	notifier_stop(s->notifier);
	if (s->fetching && s->opts->mount->stop_fetching)
		s->opts->mount->stop_fetching(s->opts->mount->arg);
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

int
serve(const struct serve_opts *opts, int line, struct error *err)
{
	const struct mount_opts *mount = opts->mount;
	struct serving s = {.opts = opts, .line = line};
	int r = privileges_of_worker(opts->store, err);

	if (r < 0)
		return r;
	set_limits();
	r = mount->begin ? mount->begin(mount->arg, err) : 0;
	if (r == 0)
		r = start(&s, err);
	if (r == 0)
		r = loop(&s, err);
	end(&s);
	if (mount->end) {
		int r2 = mount->end(mount->arg, r < 0 ? NULL : err);

		r = r < 0 ? r : r2;
	}
	return r;
}
