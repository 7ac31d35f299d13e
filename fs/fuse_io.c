#include "fs/fuse_io.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

/* Newer than Debian 12's <linux/fuse.h> (7.38). */
#define NOTIFY_RESEND	 7		   /* 7.40, Linux 6.9 */
#define NOTIFY_INC_EPOCH 8		   /* 7.44, Linux 6.16 */
#define EXPIRE_ONLY	 1		   /* 7.38, Linux 6.2 */
#define INIT_HAS_RESEND	 (1u << (39 - 32)) /* in flags2 */
#define INIT_HAS_PASS	 (1u << (37 - 32)) /* likewise, 7.40 */
#define PAGE		 4096
#define REQUEST_MAX	 (4 * PAGE) /* a header and two names */
#define INIT_HAS_FLAGS2	 (1u << 30)

int
fuse_io_init_check(struct span bytes)
{
	struct fuse_in_header in;

	/* All kernels since 7.6 say flags; what follows may be missing. */
	if (bytes.len < sizeof(in) + 16 || bytes.len > FUSE_IO_INIT_MAX)
		return -EBADMSG;
	memcpy(&in, bytes.ptr, sizeof(in));
	if (in.opcode != FUSE_INIT || in.len != bytes.len)
		return -EBADMSG;
	return 0;
}

static bool
has_flag2(const struct fuse_io_init *init, uint32_t flag)
{
	struct fuse_init_in in = {0};
	size_t len = init->len - sizeof(struct fuse_in_header);

	if (init->len <= sizeof(struct fuse_in_header))
		return false;
	memcpy(&in, init->bytes + sizeof(struct fuse_in_header),
	    len < sizeof(in) ? len : sizeof(in));
	return (in.flags & INIT_HAS_FLAGS2) && (in.flags2 & flag);
}

bool
fuse_io_can_resend(const struct fuse_io_init *init)
{
	return has_flag2(init, INIT_HAS_RESEND);
}

bool
fuse_io_can_pass(const struct fuse_io_init *init)
{
	return has_flag2(init, INIT_HAS_PASS);
}

static const struct fuse_lowlevel_ops no_ops;

int
fuse_io_mount(const char *options, const char *where, struct fuse_session **ret,
    int *ret_fd, struct error *err)
{
	struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
	struct fuse_session *session = NULL;
	int fd = -1;

	if (access("/dev/fuse", F_OK) < 0)
		return error_sys(err, -errno, "/dev/fuse");
	if (fuse_opt_add_arg(&args, "suitefs") == 0 &&
	    fuse_opt_add_arg(&args, "-o") == 0 &&
	    fuse_opt_add_arg(&args, options) == 0)
		session =
		    fuse_session_new(&args, &no_ops, sizeof(no_ops), NULL);
	fuse_opt_free_args(&args);
	if (!session)
		return error_set(err, -EINVAL, "cannot begin a FUSE session");
	if (fuse_session_mount(session, where) < 0) {
		fuse_session_destroy(session);
		return error_set(err, -EPERM, "%s: cannot mount there", where);
	}
	fd = fcntl(fuse_session_fd(session), F_DUPFD_CLOEXEC, 0);
	if (fd < 0) {
		int r = -errno;

		fuse_io_unmount(session);
		return error_sys(err, r, "%s", where);
	}
	*ret = session;
	*ret_fd = fd;
	return 0;
}

void
fuse_io_unmount(struct fuse_session *mounted)
{
	if (!mounted)
		return;
	fuse_session_unmount(mounted);
	fuse_session_destroy(mounted);
}

/*
 * A thread that is being killed still takes a request, if one comes before it
 * runs, and where the memory for it is not there yet, the kernel can't get it
 * any more and fails the request with EIO.  So what requests take (they are
 * short: nothing is ever written) is made to be there.  One that a dying thread
 * has taken is asked for again.
 */
static ssize_t
io_read(int fd, void *ptr, size_t len, void *userdata)
{
	volatile char *p = ptr;

	(void)userdata;
	for (size_t i = 0; i < REQUEST_MAX && i < len; i += PAGE)
		p[i] = 0;
	return read(fd, ptr, len);
}

/* Files may be passed through that are not themselves on top of another file
 * system; the depth follows flags2. */
static void
pass_through(struct fuse_init_out *out)
{
	const uint32_t depth = 1;
	char *after = (char *)&out->flags2 + sizeof(out->flags2);

	out->flags |= INIT_HAS_FLAGS2;
	out->flags2 |= INIT_HAS_PASS;
	memcpy(after, &depth, sizeof(depth));
}

/* An answer to INIT is a header and a struct fuse_init_out, which grew with
 * time. */
static ssize_t
write_patched(const struct fuse_io *io, int fd, const struct iovec *iov, int n)
{
	struct fuse_init_out out = {0};
	struct iovec copy[2];
	size_t len;

	if (n != 2 || iov[0].iov_len != sizeof(struct fuse_out_header))
		return writev(fd, iov, n);
	len = iov[1].iov_len;
	if (len > sizeof(out) ||
	    len < offsetof(struct fuse_init_out, flags) + sizeof(out.flags))
		return writev(fd, iov, n);
	memcpy(&out, iov[1].iov_base, len);
	out.flags |= FUSE_PARALLEL_DIROPS;
	if (io->passthrough && len == sizeof(out))
		pass_through(&out);
	copy[0] = iov[0];
	copy[1] = (struct iovec){&out, len};
	return writev(fd, copy, 2);
}

static ssize_t
io_writev(int fd, struct iovec *iov, int n, void *userdata)
{
	const struct fuse_io *io = userdata;
	ssize_t len = 0;

	if (!io->beginning)
		return writev(fd, iov, n);
	if (!io->swallow)
		return write_patched(io, fd, iov, n);
	for (int i = 0; i < n; i++)
		len += (ssize_t)iov[i].iov_len;
	return len;
}

/* A notice without content: a header with a code in place of an error. */
static int
notify(int fd, int code)
{
	struct fuse_out_header out = {.len = sizeof(out), .error = code};

	return write(fd, &out, sizeof(out)) < 0 ? -errno : 0;
}

/* libfuse has a call for it, but not the same one in each release. */
int
fuse_io_expire_name(int fd, uint64_t dir, struct span name)
{
	struct {
		uint64_t dir;
		uint32_t len, flags;
	} entry = {dir, (uint32_t)name.len, EXPIRE_ONLY};
	struct fuse_out_header out = {.error = FUSE_NOTIFY_INVAL_ENTRY};
	char nul = '\0';
	const struct iovec iov[] = {
	    {&out, sizeof(out)},
	    {&entry, sizeof(entry)},
	    {(void *)(uintptr_t)name.ptr, name.len},
	    {&nul, 1},
	};

	for (size_t i = 0; i < ARRAY_LEN(iov); i++)
		out.len += (uint32_t)iov[i].iov_len;
	return writev(fd, iov, ARRAY_LEN(iov)) < 0 ? -errno : 0;
}

int
fuse_io_forget_names(int fd)
{
	return notify(fd, NOTIFY_INC_EPOCH);
}

/* The kernel sends INIT by itself when it has mounted. */
static int
receive_init(struct fuse_session *session, struct fuse_buf *buf,
    struct fuse_io_init *init)
{
	int r = fuse_session_receive_buf(session, buf);

	if (r <= 0)
		return r < 0 ? r : -ENODEV;
	r = fuse_io_init_check((struct span){buf->mem, buf->size});
	if (r < 0)
		return r;
	memcpy(init->bytes, buf->mem, buf->size);
	init->len = buf->size;
	return 0;
}

static int
begin(const struct fuse_io_opts *opts, struct fuse_io_init *init)
{
	struct fuse_buf received = {0};
	struct fuse_buf buf = {.mem = init->bytes, .size = init->len};
	int r = 0;

	if (init->len == 0) {
		r = receive_init(opts->session, &received, init);
		if (r == 0)
			r = opts->keep(opts->arg, init);
		opts->io->passthrough =
		    opts->passthrough && fuse_io_can_pass(init);
		buf = received;
	}
	if (r == 0)
		fuse_session_process_buf(opts->session, &buf);
	free(received.mem);
	/* It ends where it could not answer. */
	if (r == 0 && fuse_session_exited(opts->session))
		r = -ENODEV;
	return r;
}

int
fuse_io_begin(const struct fuse_io_opts *opts, struct fuse_io_init *init)
{
	static const struct fuse_custom_io io = {
	    .read = io_read, .writev = io_writev};
	bool again = init->len > 0;
	int r = fuse_session_custom_io(opts->session, &io, opts->fd);

	if (r < 0)
		return r;
	opts->io->passthrough = false;
	opts->io->beginning = true;
	opts->io->swallow = again;
	r = begin(opts, init);
	opts->io->beginning = false;
	return r == 0 && again ? notify(opts->fd, NOTIFY_RESEND) : r;
}
