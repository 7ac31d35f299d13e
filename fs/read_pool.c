#include "fs/read_pool.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

struct read_pool {
	struct store *store;
	pthread_mutex_t lock; /* of the rest */
	SLIST_HEAD(renderers, renderer) idle;
	unsigned nidle;
	unsigned helpers; /* that read ahead */
	size_t bytes;	  /* of runs that are kept */
};

int
read_pool_new(struct store *s, struct read_pool **ret)
{
	struct read_pool *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->store = s;
	SLIST_INIT(&p->idle);
	/* Does not fail with default attributes on Linux. */
	(void)pthread_mutex_init(&p->lock, NULL);
	*ret = p;
	return 0;
}

static void
renderer_free(struct renderer *r)
{
	heavy_free(r->heavy);
	run_packages_release(&r->packages);
	free(r);
}

void
read_pool_free(struct read_pool *p)
{
	struct renderer *r;

	if (!p)
		return;
	while ((r = SLIST_FIRST(&p->idle)) != NULL) {
		SLIST_REMOVE_HEAD(&p->idle, link);
		renderer_free(r);
	}
	(void)pthread_mutex_destroy(&p->lock);
	free(p);
}

struct store *
read_pool_store(const struct read_pool *p)
{
	return p->store;
}

int
read_pool_take(struct read_pool *p, struct renderer **ret)
{
	struct renderer *r;

	(void)pthread_mutex_lock(&p->lock);
	r = SLIST_FIRST(&p->idle);
	if (r) {
		SLIST_REMOVE_HEAD(&p->idle, link);
		p->nidle--;
	}
	(void)pthread_mutex_unlock(&p->lock);
	if (!r) {
		r = calloc(1, sizeof(*r));
		if (!r)
			return -ENOMEM;
		if (heavy_new(p->store, &r->heavy) < 0) {
			free(r);
			return -ENOMEM;
		}
	}
	*ret = r;
	return 0;
}

void
read_pool_put(struct read_pool *p, struct renderer *r)
{
	bool keep;

	(void)pthread_mutex_lock(&p->lock);
	keep = p->nidle < READ_POOL_IDLE;
	if (keep) {
		SLIST_INSERT_HEAD(&p->idle, r, link);
		p->nidle++;
	}
	(void)pthread_mutex_unlock(&p->lock);
	if (!keep)
		renderer_free(r);
}

bool
read_pool_begin_ahead(struct read_pool *p)
{
	bool may;

	(void)pthread_mutex_lock(&p->lock);
	may = p->helpers < READ_POOL_HELPERS && p->bytes < READ_POOL_BYTES;
	p->helpers += may;
	(void)pthread_mutex_unlock(&p->lock);
	return may;
}

void
read_pool_end_ahead(struct read_pool *p)
{
	(void)pthread_mutex_lock(&p->lock);
	p->helpers--;
	(void)pthread_mutex_unlock(&p->lock);
}

bool
read_pool_has_room(struct read_pool *p)
{
	bool has;

	(void)pthread_mutex_lock(&p->lock);
	has = p->bytes < READ_POOL_BYTES;
	(void)pthread_mutex_unlock(&p->lock);
	return has;
}

void
read_pool_count(struct read_pool *p, size_t more, size_t less)
{
	(void)pthread_mutex_lock(&p->lock);
	p->bytes += more;
	p->bytes -= less;
	(void)pthread_mutex_unlock(&p->lock);
}
