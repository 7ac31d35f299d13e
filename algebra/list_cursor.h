#ifndef ALGEBRA_LIST_CURSOR_H
#define ALGEBRA_LIST_CURSOR_H

/*
 * A place in a list, for those that go through several at once.  The package
 * there is decoded, and lent until the cursor moves or the transaction ends.
 *
 * A zeroed struct is closed.  A cursor may outlive a transaction: it goes on in
 * the next one with list_cursor_renew().
 */

#include <stdbool.h>

#include "store/list.h"

struct list_cursor {
	struct list list;
	struct run_packages run;
	size_t next_run; /* index of the run behind the loaded one */
	size_t at;	 /* in the loaded run */
	struct package package;
	bool end; /* behind the last package: there is none to look at */
};

/* At the first package.  -EIO: what the list names is missing or damaged. */
int list_cursor_open(
    struct txn *t, uint64_t list, struct list_cursor *c) MUST_CHECK;
int list_cursor_next(struct txn *t, struct list_cursor *c) MUST_CHECK;
int list_cursor_renew(struct txn *t, struct list_cursor *c) MUST_CHECK;
void list_cursor_release(struct list_cursor *c);

#endif
