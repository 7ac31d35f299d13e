/* What to do, counting, and the log.  See fault.h. */
#include "fault.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MAX_FD	   65536
#define MAX_RANGES 32
#define KILL	   (-1)

static struct {
	bool active;
	char store[PATH_MAX];
	size_t store_len;
	int log_fd;
	const char *count;
	unsigned long at, from; /* 0: never */
	int at_how, from_how;
	unsigned long malloc_at;
	bool trap;
} conf = {.log_fd = -1};

/* Counters, and what to do: of this process, or shared. */
static struct control own;
static struct control *control = &own;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned char kinds[MAX_FD];

/* Text of the program and of libraries that allocate on its behalf. */
static struct {
	uintptr_t from, to;
} ranges[MAX_RANGES];
static size_t nranges;

static void
parse_fault(const char *text, unsigned long *ret, int *ret_how)
{
	char *colon;

	if (!text)
		return;
	*ret = strtoul(text, &colon, 10);
	if (*colon == ':' && strcmp(colon + 1, "kill") != 0)
		*ret_how = atoi(colon + 1);
	else
		*ret_how = KILL;
}

static uint64_t
count(uint64_t *counter)
{
	return __atomic_add_fetch(counter, 1, __ATOMIC_SEQ_CST);
}

static void
share_control(const char *name)
{
	long fd =
	    name ? syscall(SYS_openat, AT_FDCWD, name, O_RDWR | O_CLOEXEC) : -1;
	void *p = MAP_FAILED;

	if (fd < 0)
		return;
	p = mmap(
	    NULL, sizeof(own), PROT_READ | PROT_WRITE, MAP_SHARED, (int)fd, 0);
	(void)syscall(SYS_close, fd);
	if (p != MAP_FAILED)
		control = p;
}

static int
note_range(struct dl_phdr_info *info, size_t size, void *arg)
{
	/* The program has no name here.  Others handle failures their own
	 * way, up to ending the process: none of ours to test. */
	static const char *const names[] = {
	    "/liblmdb", "/libmsgpack", "/libzstd", "/libjansson"};
	bool wanted = info->dlpi_name[0] == '\0';

	(void)size, (void)arg;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		wanted |= strstr(info->dlpi_name, names[i]) != NULL;
	for (int i = 0; wanted && i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];

		if (p->p_type != PT_LOAD || !(p->p_flags & PF_X) ||
		    nranges == MAX_RANGES)
			continue;
		ranges[nranges].from = info->dlpi_addr + p->p_vaddr;
		ranges[nranges].to = ranges[nranges].from + p->p_memsz;
		nranges++;
	}
	return 0;
}

__attribute__((constructor)) static void
begin(void)
{
	const char *store = getenv("FAULT_STORE");
	const char *log = getenv("FAULT_LOG");
	const char *at_malloc = getenv("FAULT_MALLOC");

	if (!store || strcmp(program_invocation_short_name, "suitefs") != 0 ||
	    !realpath(store, conf.store))
		return;
	conf.store_len = strlen(conf.store);
	conf.count = getenv("FAULT_COUNT");
	share_control(getenv("FAULT_CONTROL"));
	parse_fault(getenv("FAULT_AT"), &conf.at, &conf.at_how);
	parse_fault(getenv("FAULT_FROM"), &conf.from, &conf.from_how);
	(void)dl_iterate_phdr(note_range, NULL);
	if (log)
		conf.log_fd = (int)syscall(SYS_openat, AT_FDCWD, log,
		    O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	if (at_malloc)
		conf.malloc_at = strtoul(at_malloc, NULL, 10);
	conf.trap = getenv("FAULT_TRAP") != NULL;
	/* From here on. */
	own.allocations = 0;
	conf.active = true;
}

__attribute__((destructor)) static void
end(void)
{
	char text[64];
	int fd, n;

	if (!conf.active || !conf.count)
		return;
	conf.malloc_at = 0;
	n = snprintf(text, sizeof(text), "%lu %lu\n",
	    (unsigned long)control->operations,
	    (unsigned long)control->allocations);
	fd = (int)syscall(SYS_openat, AT_FDCWD, conf.count,
	    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd >= 0) {
		(void)!syscall(SYS_write, fd, text, (size_t)n);
		(void)syscall(SYS_close, fd);
	}
}

void
fault_lock(void)
{
	(void)pthread_mutex_lock(&lock);
}

void
fault_unlock(void)
{
	(void)pthread_mutex_unlock(&lock);
}

void
fault_set_fd(int fd, unsigned char kind)
{
	if (fd >= 0 && fd < MAX_FD)
		kinds[fd] = kind;
}

unsigned char
fault_fd(int fd)
{
	return conf.active && fd >= 0 && fd < MAX_FD ? kinds[fd] : FD_OTHER;
}

bool
fault_knows(int fd)
{
	return fault_fd(fd) != FD_OTHER;
}

struct verdict
fault_judge(void)
{
	uint64_t n = count(&control->operations);
	int how = 0;

	if (n == control->at || (control->from > 0 && n >= control->from))
		how = (int)control->how;
	else if (n == conf.at)
		how = conf.at_how;
	else if (conf.from > 0 && n >= conf.from)
		how = conf.from_how;
	if (how == KILL)
		(void)syscall(SYS_kill, getpid(), SIGKILL);
	return (struct verdict){how};
}

/* The directory of a name that may not be there yet, without links. */
static bool
real_parent(int dirfd, const char *name, char *out)
{
	char link[64], dir[PATH_MAX];
	const char *slash = strrchr(name, '/');
	ssize_t n;

	if (dirfd != AT_FDCWD && name[0] != '/') {
		(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", dirfd);
		n = readlink(link, dir, sizeof(dir) - 1);
		if (n < 0)
			return false;
		dir[n] = '\0';
		if (slash &&
		    (size_t)n + 1 + (size_t)(slash - name) < sizeof(dir)) {
			dir[n] = '/';
			memcpy(dir + n + 1, name, (size_t)(slash - name));
			dir[n + 1 + (slash - name)] = '\0';
		}
	} else if (slash) {
		(void)snprintf(dir, sizeof(dir), "%.*s",
		    (int)(slash == name ? 1 : slash - name), name);
	} else {
		(void)snprintf(dir, sizeof(dir), ".");
	}
	return realpath(dir, out) != NULL;
}

const char *
fault_path(int dirfd, const char *name, char *out)
{
	const char *slash = strrchr(name, '/');
	const char *base = slash ? slash + 1 : name;
	size_t len;

	if (!conf.active)
		return NULL;
	if (strcmp(base, "..") == 0 || strcmp(base, ".") == 0) {
		char path[PATH_MAX];

		(void)snprintf(path, sizeof(path), "%s", name);
		if (dirfd != AT_FDCWD || !realpath(path, out))
			return NULL;
	} else {
		if (!real_parent(dirfd, name, out))
			return NULL;
		len = strlen(out);
		(void)snprintf(out + len, PATH_MAX - len, "/%s", base);
	}
	if (strncmp(out, conf.store, conf.store_len) != 0)
		return NULL;
	out += conf.store_len;
	if (*out == '\0')
		return out;
	/* lock.mdb is for processes that run. */
	if (*out != '/' || strcmp(out, "/db/lock.mdb") == 0)
		return NULL;
	return out + 1;
}

static void
put(const void *ptr, size_t len)
{
	const char *p = ptr;

	while (len > 0) {
		long n = syscall(SYS_write, conf.log_fd, p, len);

		if (n <= 0)
			abort();
		p += n;
		len -= (size_t)n;
	}
}

void
fault_log(const struct logged *l)
{
	struct entry e = {
	    .op = l->op,
	    .flags = l->flags,
	    .path_len = l->path ? (uint32_t)strlen(l->path) : 0,
	    .path2_len = l->path2 ? (uint32_t)strlen(l->path2) : 0,
	    .ino = l->ino,
	    .offset = l->offset,
	    .data_len = l->len,
	};
	size_t left = l->len;

	if (conf.log_fd < 0)
		return;
	put(&e, sizeof(e));
	put(l->path, e.path_len);
	put(l->path2, e.path2_len);
	for (int i = 0; i < l->niov && left > 0; i++) {
		size_t n = l->iov[i].iov_len < left ? l->iov[i].iov_len : left;

		put(l->iov[i].iov_base, n);
		left -= n;
	}
}

bool
fault_malloc(const void *caller)
{
	bool ours = false;
	uint64_t n;

	if (!conf.active)
		return false;
	for (size_t i = 0; i < nranges; i++)
		ours |= (uintptr_t)caller >= ranges[i].from &&
			(uintptr_t)caller < ranges[i].to;
	if (!ours)
		return false;
	n = count(&control->allocations);
	if (n != conf.malloc_at && n != control->malloc_at)
		return false;
	if (conf.trap)
		(void)raise(SIGTRAP);
	return true;
}
