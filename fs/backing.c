#include "fs/backing.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>

/* Newer than Debian 12's <linux/fuse.h>. */
struct backing_map {
	int32_t fd;
	uint32_t flags;
	uint64_t padding;
};
#define BACKING_OPEN  _IOW(229, 1, struct backing_map)
#define BACKING_CLOSE _IOW(229, 2, uint32_t)

#define MAGIC UINT64_C(0x3173656c69666573)

/* A handle; free where it is 0. */
struct entry {
	uint64_t handle, ino;
	uint64_t device, file; /* what it reads */
	int32_t id;	       /* 0: through whoever serves */
	uint32_t unused;
};

struct table {
	uint64_t magic;
	uint64_t used; /* all beyond so many are free */
	struct entry entries[BACKING_MAX];
};

struct backing {
	int fd;
	struct table *table;
};

int
backing_register(void *connection, int fd)
{
	struct backing_map map = {.fd = fd};
	int id = ioctl(*(const int *)connection, BACKING_OPEN, &map);

	return id < 0 ? -errno : id;
}

void
backing_forget(void *connection, int id)
{
	uint32_t number = (uint32_t)id;

	(void)ioctl(*(const int *)connection, BACKING_CLOSE, &number);
}

void
backing_free(struct backing *b)
{
	if (!b)
		return;
	if (b->table)
		(void)munmap(b->table, sizeof(*b->table));
	(void)close(b->fd);
	free(b);
}

static int
map(int fd, struct backing **ret)
{
	struct backing *b = calloc(1, sizeof(*b));
	void *p;

	if (!b) {
		(void)close(fd);
		return -ENOMEM;
	}
	b->fd = fd;
	p = mmap(
	    NULL, sizeof(*b->table), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p != MAP_FAILED) {
		b->table = p;
		if (madvise(p, sizeof(*b->table), MADV_DONTFORK) == 0) {
			*ret = b;
			return 0;
		}
	}
	backing_free(b);
	return -ENOMEM;
}

int
backing_new(struct backing **ret)
{
	int fd = memfd_create("suitefs-open", MFD_CLOEXEC);
	int r;

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, sizeof(struct table)) < 0) {
		r = -errno;
		(void)close(fd);
		return r;
	}
	r = map(fd, ret);
	if (r == 0)
		(*ret)->table->magic = MAGIC;
	return r;
}

int
backing_take(int fd, struct backing **ret)
{
	struct backing *b;
	struct stat st;
	int r;

	if (fstat(fd, &st) < 0 || st.st_size != sizeof(struct table)) {
		(void)close(fd);
		return -EBADMSG;
	}
	r = map(fd, &b);
	if (r < 0)
		return r;
	if (b->table->magic != MAGIC || b->table->used > BACKING_MAX) {
		backing_free(b);
		return -EBADMSG;
	}
	*ret = b;
	return 0;
}

int
backing_fd(const struct backing *b)
{
	return b->fd;
}

/* Any handle of the inode. */
static const struct entry *
find_inode(const struct table *t, uint64_t ino)
{
	for (size_t i = 0; i < t->used; i++)
		if (t->entries[i].handle != 0 && t->entries[i].ino == ino)
			return &t->entries[i];
	return NULL;
}

/* Handle 0 is what is free. */
static struct entry *
find_handle(struct table *t, uint64_t handle)
{
	for (size_t i = 0; i < t->used; i++)
		if (t->entries[i].handle == handle)
			return &t->entries[i];
	return NULL;
}

static bool
has_numbers(const struct table *t)
{
	for (size_t i = 0; i < t->used; i++)
		if (t->entries[i].handle != 0 && t->entries[i].id != 0)
			return true;
	return false;
}

/* The number for an inode that nobody has open. */
static int
first_number(const struct table *t, int fd, const struct backing_calls *calls)
{
	int id = calls->open(calls->arg, fd);

	switch (id) {
	case -EPERM:	  /* root of a container */
	case -EOPNOTSUPP: /* a file system that can't */
	case -ELOOP:	  /* one that is itself on top of another */
	case -ENOTTY:
		return has_numbers(t) ? 0 : -EOPNOTSUPP;
	default:
		return id < 0 ? 0 : id;
	}
}

static int
number(const struct table *t, const struct entry *e, int fd,
    const struct backing_calls *calls)
{
	const struct entry *other = find_inode(t, e->ino);

	if (!other)
		return first_number(t, fd, calls);
	if (other->id != 0 &&
	    (other->device != e->device || other->file != e->file))
		return -EBUSY;
	return other->id;
}

int
backing_open(struct backing *b, const struct backing_open *o,
    const struct backing_calls *calls)
{
	struct table *t = b->table;
	struct entry e = {.handle = o->handle, .ino = o->ino};
	struct entry *place = find_handle(t, 0);
	struct stat st;
	int id;

	if (o->handle == 0 || fstat(o->fd, &st) < 0 || !S_ISREG(st.st_mode))
		return -EINVAL;
	if (!place && t->used == BACKING_MAX)
		return -ENFILE;
	e.device = st.st_dev;
	e.file = st.st_ino;
	id = number(t, &e, o->fd, calls);
	if (id < 0)
		return id;
	e.id = id;
	if (!place)
		place = &t->entries[t->used++];
	*place = e;
	return id;
}

void
backing_close(
    struct backing *b, uint64_t handle, const struct backing_calls *calls)
{
	struct table *t = b->table;
	struct entry *e = handle != 0 ? find_handle(t, handle) : NULL;
	struct entry was;

	if (!e)
		return;
	was = *e;
	*e = (struct entry){0};
	while (t->used > 0 && t->entries[t->used - 1].handle == 0)
		t->used--;
	if (was.id != 0 && !find_inode(t, was.ino))
		calls->close(calls->arg, was.id);
}
