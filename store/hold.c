#include "store/hold.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>

#define WAIT_MS 50 /* between tries */

static int
lock(int fd, int operation)
{
	int r;

	do {
		r = flock(fd, operation);
	} while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : 0;
}

/* Waits for the lock in a way that can be stopped. */
static int
lock_slowly(int fd, int operation, const struct hold_wait *w)
{
	const char *what = operation == LOCK_EX
			       ? "waiting for updates and publishing to end"
			       : "waiting for db cleanup to end";
	bool told = false;
	int r;

	for (;;) {
		r = lock(fd, operation | LOCK_NB);
		if (r != -EWOULDBLOCK)
			break;
		if (!told)
			progress_stage(w->progress, what, 0, 0);
		told = true;
		if (w->cancel && atomic_load(w->cancel)) {
			r = -EINTR;
			break;
		}
		(void)poll(NULL, 0, WAIT_MS);
	}
	if (told)
		progress_end(w->progress);
	return r;
}

int
hold_take(struct store *s, enum hold kind, const struct hold_wait *wait,
    int *ret_fd, struct error *err)
{
	static const struct hold_wait plain = {0};
	/* One of its own: a lock belongs to what open() made. */
	CLEANUP_FD int fd =
	    openat(store_tmp_fd(s), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = fd < 0 ? -errno : 0;

	if (r == 0)
		r = lock_slowly(fd, kind == HOLD_ALONE ? LOCK_EX : LOCK_SH,
		    wait ? wait : &plain);
	if (r == -EINTR)
		return error_set(err, r, "stopped");
	if (r < 0)
		return error_sys(err, r, "%s/tmp: cannot lock", store_dir(s));
	*ret_fd = fd;
	fd = -1;
	return 0;
}

int
hold_enter(int blobs_fd)
{
	return lock(blobs_fd, LOCK_SH);
}

bool
hold_is_alone(struct store *s)
{
	int fd = store_blobs_fd(s);
	bool alone = lock(fd, LOCK_EX | LOCK_NB) == 0;

	/* A try that fails loses the old lock too. */
	if (lock(fd, LOCK_SH) < 0)
		return false;
	return alone;
}
