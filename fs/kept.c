#include "fs/kept.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>

#include "base/buf.h"
#include "base/file.h"
#include "fs/service.h"

#define MAGIC	  "suitefs mount 1\n"
#define MAGIC_LEN (sizeof(MAGIC) - 1)
/* The magic, INIT's length in four bytes of the machine's order, INIT, and the
 * mount point. */
#define HEAD_LEN   (MAGIC_LEN + 4)
#define RECORD_MAX (HEAD_LEN + FUSE_IO_INIT_MAX + PATH_MAX)

enum { FD_FUSE, FD_RECORD, FD_PRESENCE, FD_OPEN, FD_COUNT };
static const struct service_fd names[FD_COUNT] = {
    [FD_FUSE] = {"suitefs-fuse", -1},
    [FD_RECORD] = {"suitefs-mount", -1},
    [FD_PRESENCE] = {"suitefs-store", -1},
    [FD_OPEN] = {"suitefs-open", -1},
};

void
kept_init(struct kept *k)
{
	*k = (struct kept){.fd = -1, .presence = -1};
}

void
kept_release(struct kept *k)
{
	cleanup_fd(&k->fd);
	cleanup_fd(&k->presence);
	backing_free(k->backing);
	free(k->where);
	kept_init(k);
}

bool
kept_is_gone(const struct kept *k)
{
	struct pollfd p = {.fd = k->fd};

	return poll(&p, 1, 0) == 1 && (p.revents & (POLLERR | POLLNVAL));
}

static int
write_record(const struct kept *k, int *ret)
{
	const uint32_t len = (uint32_t)k->init.len;
	int fd = memfd_create("suitefs-mount", MFD_CLOEXEC);
	int r;

	if (fd < 0)
		return -errno;
	r = file_write_all(fd, MAGIC, MAGIC_LEN);
	if (r == 0)
		r = file_write_all(fd, &len, sizeof(len));
	if (r == 0)
		r = file_write_all(fd, k->init.bytes, len);
	if (r == 0)
		r = file_write_all(fd, k->where, strlen(k->where));
	if (r < 0)
		(void)close(fd);
	else
		*ret = fd;
	return r;
}

static int
read_record(int fd, struct kept *ret)
{
	char bytes[RECORD_MAX];
	ssize_t n = file_pread_all(fd, bytes, sizeof(bytes), 0);
	struct span rest = {bytes + HEAD_LEN, 0};
	uint32_t len;

	if (n < (ssize_t)HEAD_LEN || memcmp(bytes, MAGIC, MAGIC_LEN) != 0)
		return -EBADMSG;
	memcpy(&len, bytes + MAGIC_LEN, sizeof(len));
	rest.len = (size_t)n - HEAD_LEN;
	if (len > FUSE_IO_INIT_MAX || rest.len <= len || rest.ptr[len] != '/' ||
	    fuse_io_init_check((struct span){rest.ptr, len}) < 0)
		return -EBADMSG;
	memcpy(ret->init.bytes, rest.ptr, len);
	ret->init.len = len;
	ret->where = span_dup((struct span){rest.ptr + len, rest.len - len});
	return ret->where ? 0 : -ENOMEM;
}

int
kept_take(struct kept *ret, struct error *err)
{
	struct service_fd fds[FD_COUNT];
	struct kept k;
	int r = 0;

	memcpy(fds, names, sizeof(fds));
	service_take(fds, FD_COUNT);
	kept_init(&k);
	k.fd = fds[FD_FUSE].fd;
	k.presence = fds[FD_PRESENCE].fd;
	if (k.fd >= 0 && fds[FD_RECORD].fd >= 0 && !kept_is_gone(&k)) {
		r = read_record(fds[FD_RECORD].fd, &k);
		if (r == 0)
			r = 1;
	}
	cleanup_fd(&fds[FD_RECORD].fd);
	/* Without it, what is open stays so, and no more is passed through. */
	if (fds[FD_OPEN].fd >= 0 &&
	    backing_take(fds[FD_OPEN].fd, &k.backing) < 0)
		k.backing = NULL;
	if (r == 1) {
		*ret = k;
		return 1;
	}
	kept_release(&k);
	kept_unstore();
	return r == 0 ? 0 : error_sys(err, r, "cannot go on with a mount");
}

static int
fill(const struct kept *k, struct service_fd fds[FD_COUNT])
{
	memcpy(fds, names, sizeof(names));
	fds[FD_FUSE].fd = k->fd;
	fds[FD_PRESENCE].fd = k->presence;
	fds[FD_OPEN].fd = k->backing ? backing_fd(k->backing) : -1;
	return write_record(k, &fds[FD_RECORD].fd);
}

void
kept_pass(const struct kept *k, void (*become)(void *), void *arg)
{
	struct service_fd fds[FD_COUNT];

	if (fill(k, fds) < 0)
		return;
	if (service_pass(fds, FD_COUNT) == 0)
		become(arg);
	service_pass_undo(fds, FD_COUNT);
	cleanup_fd(&fds[FD_RECORD].fd);
}

/* FDPOLL=0: a manager that polls the connection would be woken by every
 * request in it. */
void
kept_store(const struct kept *k)
{
	struct service_fd fds[FD_COUNT];

	if (fill(k, fds) < 0)
		return;
	for (size_t i = 0; i < FD_COUNT; i++) {
		char text[128];

		if (fds[i].fd < 0)
			continue;
		(void)snprintf(text, sizeof(text),
		    "FDSTORE=1\nFDPOLL=0\nFDNAME=%s", fds[i].name);
		(void)service_notify(text, fds[i].fd);
	}
	cleanup_fd(&fds[FD_RECORD].fd);
}

void
kept_unstore(void)
{
	for (size_t i = 0; i < FD_COUNT; i++) {
		char text[128];

		(void)snprintf(text, sizeof(text), "FDSTOREREMOVE=1\nFDNAME=%s",
		    names[i].name);
		(void)service_notify(text, -1);
	}
}
