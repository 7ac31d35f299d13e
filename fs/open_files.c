#include "fs/open_files.h"

#include <errno.h>
#include <pthread.h>
#include <sys/queue.h>
#include <time.h>

#include "fs/reader.h"

#define BUCKETS 1024 /* a power of two */

struct open_file {
	LIST_ENTRY(open_file) link;
	uint64_t handle;
	struct reader *reader;
};

struct open_files {
	pthread_mutex_t lock;
	uint64_t next;
	LIST_HEAD(bucket, open_file) buckets[BUCKETS];
};

int
open_files_new(struct open_files **ret)
{
	struct open_files *of = calloc(1, sizeof(*of));
	struct timespec now;

	if (!of)
		return -ENOMEM;
	/* Nobody opens files as fast as nanoseconds pass, and processes that
	 * serve one mount follow each other. */
	(void)clock_gettime(CLOCK_BOOTTIME, &now);
	of->next = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	(void)pthread_mutex_init(&of->lock, NULL);
	*ret = of;
	return 0;
}

void
open_files_free(struct open_files *of)
{
	if (!of)
		return;
	for (size_t i = 0; i < BUCKETS; i++) {
		struct open_file *f;

		while ((f = LIST_FIRST(&of->buckets[i])) != NULL) {
			LIST_REMOVE(f, link);
			reader_close(f->reader);
			free(f);
		}
	}
	(void)pthread_mutex_destroy(&of->lock);
	free(of);
}

static struct bucket *
bucket_of(struct open_files *of, uint64_t handle)
{
	return &of->buckets[handle % BUCKETS];
}

/* Under the lock. */
static struct open_file *
find(struct open_files *of, uint64_t handle)
{
	struct open_file *f;

	LIST_FOREACH (f, bucket_of(of, handle), link)
		if (f->handle == handle)
			return f;
	return NULL;
}

int
open_files_add(struct open_files *of, struct reader *reader, uint64_t *ret)
{
	struct open_file *f = calloc(1, sizeof(*f));

	if (!f)
		return -ENOMEM;
	f->reader = reader;
	(void)pthread_mutex_lock(&of->lock);
	f->handle = of->next++;
	LIST_INSERT_HEAD(bucket_of(of, f->handle), f, link);
	(void)pthread_mutex_unlock(&of->lock);
	*ret = f->handle;
	return 0;
}

struct reader *
open_files_find(struct open_files *of, uint64_t handle)
{
	const struct open_file *f;
	struct reader *reader;

	(void)pthread_mutex_lock(&of->lock);
	f = find(of, handle);
	reader = f ? f->reader : NULL;
	(void)pthread_mutex_unlock(&of->lock);
	return reader;
}

int
open_files_adopt(struct open_files *of, uint64_t handle, struct reader *reader,
    struct reader **ret)
{
	struct open_file *f, *first, *new = calloc(1, sizeof(*new));

	if (!new)
		return -ENOMEM;
	new->handle = handle;
	new->reader = reader;
	(void)pthread_mutex_lock(&of->lock);
	first = find(of, handle);
	if (!first)
		LIST_INSERT_HEAD(bucket_of(of, handle), new, link);
	f = first ? first : new;
	*ret = f->reader;
	(void)pthread_mutex_unlock(&of->lock);
	if (first) {
		reader_close(reader);
		free(new);
	}
	return 0;
}

void
open_files_close(struct open_files *of, uint64_t handle)
{
	struct open_file *f;

	(void)pthread_mutex_lock(&of->lock);
	f = find(of, handle);
	if (f)
		LIST_REMOVE(f, link);
	(void)pthread_mutex_unlock(&of->lock);
	if (!f)
		return;
	reader_close(f->reader);
	free(f);
}
