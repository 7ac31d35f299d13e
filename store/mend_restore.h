#ifndef STORE_MEND_RESTORE_H
#define STORE_MEND_RESTORE_H

/* Packages from proven stanzas; a part of mending: private to
 * store/mend*.c. */

#include "store/mend_run.h"

struct restore {
	struct mend *mend;
	enum package_kind kind; /* of the list that is read */
	bool may_add;		/* packages that the store has not got */
	struct bits restored;
	struct heavy *packer; /* compresses with the newest dictionary of */
	enum package_kind packer_kind;
	bool has_dict;
	/* Those whose records are to be written, their stanzas one after
	 * another. */
	struct restore_item {
		uint64_t number;
		struct digest digest;
	} * items;
	size_t n, cap;
	size_t *sizes; /* cap of them */
	struct buf text;
};

void restore_release(struct restore *rs);
/* Is nothing known to be the package's stanza? */
bool restore_is_lost(const struct restore *rs, uint64_t package);
/* Writes the records of a package, later; restore_flush() does it now. */
int restore_package(struct restore *rs, uint64_t package, struct span stanza,
    const struct digest *digest) MUST_CHECK;
int restore_flush(struct restore *rs) MUST_CHECK;
/* Stores a package that the store does not have.  -ENODATA: not now. */
int restore_new(struct restore *rs, struct span stanza,
    const struct digest *digest, uint64_t *ret) MUST_CHECK;

#endif
