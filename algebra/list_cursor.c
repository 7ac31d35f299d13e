#include "algebra/list_cursor.h"

#include <errno.h>

/* What a list names must be there. */
static int
named(int r)
{
	return r == -ENOENT ? -EIO : r;
}

void
list_cursor_release(struct list_cursor *c)
{
	list_release(&c->list);
	run_packages_release(&c->run);
	package_release(&c->package);
	*c = (struct list_cursor){0};
}

/* Looks at the place, or at the first one behind it where its run is over. */
static int
look(struct txn *t, struct list_cursor *c)
{
	while (c->at == c->run.n) {
		int r;

		if (c->next_run == c->list.nruns) {
			c->end = true;
			return 0;
		}
		r = named(run_load(t, c->list.runs[c->next_run].run, &c->run));
		if (r < 0)
			return r;
		c->next_run++;
		c->at = 0;
	}
	return named(package_light(t, c->run.v[c->at], &c->package));
}

int
list_cursor_open(struct txn *t, uint64_t list, struct list_cursor *c)
{
	int r;

	list_cursor_release(c);
	r = named(list_load(t, list, &c->list));
	return r < 0 ? r : look(t, c);
}

int
list_cursor_next(struct txn *t, struct list_cursor *c)
{
	c->at++;
	return look(t, c);
}

int
list_cursor_renew(struct txn *t, struct list_cursor *c)
{
	return c->end ? 0 : look(t, c);
}
