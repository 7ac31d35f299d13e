#include "store/unknown.h"

#include <errno.h>

#include "base/nearest.h"

struct trying {
	struct nearest nearest;
	const char *prefix; /* of publications, or NULL */
};

static int
try(struct span key, struct span value, void *arg)
{
	struct trying *t = arg;
	struct span prefix = {0};

	(void)value;
	/* A publication's key: prefix, NUL, distribution. */
	if (t->prefix && (!span_cut(&key, '\0', &prefix) ||
			     !span_eq(prefix, span_of(t->prefix))))
		return 0;
	nearest_try(&t->nearest, key);
	return 0;
}

static void
try_table(struct txn *t, enum table table, struct trying *arg)
{
	/* Where that fails there is no advice. */
	(void)txn_each(t, table, (struct span){0}, try, arg);
}

int
unknown_name(struct txn *t, unsigned kinds, const char *name, struct error *err)
{
	struct trying trying = {.nearest = {.word = span_of(name)}};
	char question[NEAREST_SIZE];

	if (kinds & UNKNOWN_SNAPSHOT)
		try_table(t, T_SNAPSHOTS, &trying);
	if (kinds & UNKNOWN_MIRROR)
		try_table(t, T_MIRRORS, &trying);
	return error_set(err, -ENOENT, "no %s%s%s is named %s%s",
	    kinds & UNKNOWN_SNAPSHOT ? "snapshot" : "",
	    kinds == (UNKNOWN_SNAPSHOT | UNKNOWN_MIRROR) ? " or " : "",
	    kinds & UNKNOWN_MIRROR ? "mirror" : "", name,
	    nearest_question(&trying.nearest, "", question));
}

int
unknown_publication(struct txn *t, const char *prefix, const char *distribution,
    struct error *err)
{
	struct trying trying = {
	    .nearest = {.word = span_of(distribution)}, .prefix = prefix};
	char question[NEAREST_SIZE];

	try_table(t, T_PUBLICATIONS, &trying);
	return error_set(err, -ENOENT, "nothing is published at %s/%s%s",
	    *prefix ? prefix : ".", distribution,
	    nearest_question(&trying.nearest, "", question));
}
