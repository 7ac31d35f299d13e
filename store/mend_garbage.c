/* What is damaged, and nothing reaches: it goes, as db cleanup would take it.
 */

#include <errno.h>

#include "store/content.h"
#include "store/heavy.h"
#include "store/mend_run.h"

/* Tables whose keys are numbers of what may be reached, and whose entry goes
 * where it was found to be wrong and is not. */
static const struct {
	enum table table, suspects;
	enum reach_kind kind;
} numbered[] = {
    {T_ROOTS, T_ROOTS, REACH_ROOT},
    {T_STATES, T_STATES, REACH_STATE},
    {T_FORMS, T_FORMS, REACH_FORM},
    {T_LISTS, T_LISTS, REACH_LIST},
    {T_RUNS, T_RUNS, REACH_RUN},
    {T_TEXTS, T_TEXTS, REACH_TEXT},
    {T_BLOBS, T_BLOBS, REACH_BLOB},
    {T_ORIGINS, T_ORIGINS, REACH_ORIGIN},
    {T_HEAVY, T_LIGHT, REACH_PACKAGE},
    {T_LIGHT, T_LIGHT, REACH_PACKAGE},
};

static int
remove_numbered(struct mend *m)
{
	int r = 0;

	for (size_t i = 0; i < ARRAY_LEN(numbered) && r >= 0; i++) {
		const struct bits *suspects =
		    &m->opts->suspects[numbered[i].suspects];

		for (uint64_t n = bits_next(suspects, 1);
		     n != UINT64_MAX && r >= 0; n = bits_next(suspects, n + 1))
			if (!bits_has(&m->reach.bits[numbered[i].kind], n))
				r = mend_remove64(m, numbered[i].table, n);
	}
	return r < 0 ? r : mend_flush(m);
}

/* An entry by hash that is damaged, or leads to what is not there. */

static int
clean_id(struct mend *m, struct txn *t, enum table ids, enum table table,
    struct span key, struct span value)
{
	struct span there;
	int r;

	if (value.len != sizeof(struct key64))
		return mend_remove(m, ids, key);
	r = txn_get64(t, table, key64_value(value.ptr), &there);
	return r == -ENOENT ? mend_remove(m, ids, key) : 0;
}

static int
clean_package_id(
    struct mend *m, struct txn *t, struct span key, struct span value)
{
	struct digest digest;
	uint64_t number;

	if (value.len == sizeof(number) &&
	    mend_is_suspect(m, T_LIGHT, key64_value(value.ptr))) {
		number = key64_value(value.ptr);
		buf_clear(&m->stanza);
		if (heavy_stanza(m->heavy, t, number, &m->stanza) == 0) {
			digest_of(m->stanza.ptr, m->stanza.len, &digest);
			if (!span_eq(
				key, (struct span){(const char *)digest.byte,
					 DIGEST_SIZE}))
				return mend_remove(m, T_PACKAGE_IDS, key);
		}
	}
	return clean_id(m, t, T_PACKAGE_IDS, T_LIGHT, key, value);
}

static int
clean_run_id(struct mend *m, struct txn *t, struct span key, struct span value)
{
	return clean_id(m, t, T_RUN_IDS, T_RUNS, key, value);
}

static int
clean_form_id(struct mend *m, struct txn *t, struct span key, struct span value)
{
	return clean_id(m, t, T_FORM_IDS, T_FORMS, key, value);
}

static int
clean_content(struct mend *m, struct txn *t, struct span key, struct span value)
{
	struct content_info info;
	struct content c;
	int r;

	if (key.len < DIGEST_SIZE || value.len != 1 + sizeof(struct key64) ||
	    value.ptr[0] < CONTENT_LIST || value.ptr[0] > CONTENT_BLOB)
		return mend_remove(m, T_CONTENTS, key);
	c = (struct content){
	    (enum content_kind)value.ptr[0], key64_value(value.ptr + 1)};
	r = content_info(t, c, &info);
	return r == -ENOENT ? mend_remove(m, T_CONTENTS, key) : 0;
}

static int
clean_piece(struct mend *m, struct txn *t, struct span key, struct span value)
{
	struct span run;

	if (key.len != sizeof(struct key64) + 1 || value.len == 0)
		return mend_remove(m, T_PIECES, key);
	return txn_get64(t, T_RUNS, key64_value(key.ptr), &run) == -ENOENT
		   ? mend_remove(m, T_PIECES, key)
		   : 0;
}

/* --- dictionaries ------------------------------------------------------------
 */

static int
note_dict(struct mend *m, struct txn *t, struct span key, struct span value)
{
	uint64_t dict;
	int r = heavy_record_dict(value, &dict);

	(void)t, (void)key;
	if (r < 0)
		m->dicts_unknown = true;
	else if (dict != 0)
		r = mend_set(m, T_DICTS, &m->dicts, dict);
	return r == -ENOMEM ? r : 0;
}

static int
remove_dicts(struct mend *m)
{
	int r;

	if (mend_next(m, T_DICTS, 1) == UINT64_MAX)
		return 0;
	r = mend_each(m, T_HEAVY, note_dict);
	for (uint64_t n = mend_next(m, T_DICTS, 1);
	     n != UINT64_MAX && r >= 0 && !m->dicts_unknown;
	     n = mend_next(m, T_DICTS, n + 1))
		if (!bits_has(&m->dicts, n))
			r = mend_remove64(m, T_DICTS, n);
	return r < 0 ? r : mend_flush(m);
}

int
mend_garbage(struct mend *m)
{
	static const struct {
		enum table table;
		mend_each_fn *fn;
	} tables[] = {
	    {T_CONTENTS, clean_content},
	    {T_PACKAGE_IDS, clean_package_id},
	    {T_RUN_IDS, clean_run_id},
	    {T_FORM_IDS, clean_form_id},
	    {T_PIECES, clean_piece},
	};
	int r = remove_dicts(m);

	if (r >= 0)
		r = mend_mark(m);
	/* While not all is known that is reached, nothing is garbage. */
	if (r < 0 || m->unreadable)
		return r;
	r = remove_numbered(m);
	for (size_t i = 0; i < ARRAY_LEN(tables) && r >= 0; i++)
		r = mend_each(m, tables[i].table, tables[i].fn);
	return r;
}
