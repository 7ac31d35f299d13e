/* The tables that lead from a hash, or from a list, to what has it. */

#include <errno.h>
#include <string.h>

#include "store/blob.h"
#include "store/content.h"
#include "store/mend_run.h"
#include "store/run_id.h"

/* --- contents ---------------------------------------------------------------
 */

/* Leads the hash to something that has it? */
static bool
leads_right(struct txn *t, const struct digest *sha256)
{
	struct content_info info;
	struct content c;

	return content_find(t, sha256, &c) == 0 &&
	       content_info(t, c, &info) == 0 &&
	       digest_eq(&info.sha256, sha256);
}

static int
put_content(struct mend *m, const struct digest *sha256, struct content c)
{
	struct key64 number = key64(c.number);
	char value[1 + sizeof(number.byte)] = {(char)c.kind};

	memcpy(value + 1, number.byte, sizeof(number.byte));
	return mend_put(m, T_CONTENTS,
	    (struct span){(const char *)sha256->byte, DIGEST_SIZE},
	    (struct span){value, sizeof(value)});
}

static int
mend_content(
    struct mend *m, struct txn *t, enum content_kind kind, struct span key)
{
	struct content c = {kind, 0};
	struct content_info info;
	int r;

	if (key.len != sizeof(struct key64))
		return 0;
	c.number = key64_value(key.ptr);
	r = content_info(t, c, &info);
	if (r < 0)
		return is_damage(r) ? 0 : r;
	return leads_right(t, &info.sha256) ? 0
					    : put_content(m, &info.sha256, c);
}

static int
mend_list_content(
    struct mend *m, struct txn *t, struct span key, struct span value)
{
	(void)value;
	/* Those are looked at one by one. */
	if (key.len == sizeof(struct key64) &&
	    mend_is_suspect(m, T_LISTS, key64_value(key.ptr)))
		return 0;
	return mend_content(m, t, CONTENT_LIST, key);
}

static int
mend_suspect_contents(struct mend *m)
{
	int r = 0;

	for (uint64_t n = mend_next(m, T_LISTS, 1); n != UINT64_MAX && r >= 0;
	     n = mend_next(m, T_LISTS, n + 1)) {
		CLEANUP(txn_cleanup) struct txn *t = NULL;
		struct key64 key = key64(n);

		r = mend_list_is_sound(m, n);
		if (r <= 0)
			continue;
		r = txn_read(m->store, &t, m->err);
		if (r >= 0)
			r = mend_content(m, t, CONTENT_LIST,
			    (struct span){
				(const char *)key.byte, sizeof(key.byte)});
	}
	return r < 0 ? r : mend_flush(m);
}

/* A form's and a text's own hash is looked at when it is read. */
static int
mend_form_content(
    struct mend *m, struct txn *t, struct span key, struct span value)
{
	(void)value;
	return mend_content(m, t, CONTENT_FORM, key);
}

static int
mend_text_content(
    struct mend *m, struct txn *t, struct span key, struct span value)
{
	(void)value;
	return mend_content(m, t, CONTENT_TEXT, key);
}

static int
mend_blob_content(
    struct mend *m, struct txn *t, struct span key, struct span value)
{
	CLEANUP(blob_release) struct blob b = {0};
	struct key64 size;
	char sized[DIGEST_SIZE + sizeof(size.byte)];
	char is[1 + sizeof(size.byte)] = {CONTENT_BLOB};
	struct content c;
	int r;

	(void)value;
	if (key.len != sizeof(struct key64))
		return 0;
	r = blob_load(t, key64_value(key.ptr), &b);
	if (r < 0)
		return is_damage(r) ? 0 : r;
	if (!leads_right(t, &b.sha256))
		return put_content(
		    m, &b.sha256, (struct content){CONTENT_BLOB, b.number});
	r = content_find_file(t, &b.sha256, b.size, &c);
	if (r >= 0 || !is_damage(r))
		return r;
	/* Its hash was announced with another size first. */
	size = key64(b.size);
	memcpy(sized, b.sha256.byte, DIGEST_SIZE);
	memcpy(sized + DIGEST_SIZE, size.byte, sizeof(size.byte));
	memcpy(is + 1, key.ptr, sizeof(size.byte));
	return mend_put(m, T_CONTENTS, (struct span){sized, sizeof(sized)},
	    (struct span){is, sizeof(is)});
}

/* --- runs ---------------------------------------------------------------- */

/* A run stands in lists of one kind: its ID has that. */
static int
mend_run_id(struct mend *m, uint64_t number)
{
	CLEANUP(txn_cleanup) struct txn *t = NULL;
	struct key64 k = key64(number);
	struct span value = {(const char *)k.byte, sizeof(k.byte)}, there;
	enum package_kind kind;
	struct digest id;
	int r = txn_read(m->store, &t, m->err);

	if (r < 0 || mend_kind(m->run_kinds, number, &kind) == 0)
		return r;
	r = run_id(m->heavy, t, number, kind, &id);
	if (r < 0)
		return is_damage(r) ? 0 : r;
	r = txn_get(t, T_RUN_IDS, id.byte, sizeof(id.byte), &there);
	/* Another run of the same packages is as good. */
	if (r == 0 && there.len == sizeof(k.byte) &&
	    run_load(t, key64_value(there.ptr), &m->run) == 0 &&
	    !mend_is_suspect(m, T_RUNS, key64_value(there.ptr)))
		return 0;
	if (r < 0 && !is_damage(r))
		return r;
	return mend_put(m, T_RUN_IDS,
	    (struct span){(const char *)id.byte, sizeof(id.byte)}, value);
}

static int
mend_run_ids(struct mend *m)
{
	int r = 0;

	for (uint64_t n = mend_next(m, T_RUNS, 1); n != UINT64_MAX && r >= 0;
	     n = mend_next(m, T_RUNS, n + 1)) {
		r = mend_run_id(m, n);
		if (r >= 0 && mend_is_full(m))
			r = mend_flush(m);
	}
	return r < 0 ? r : mend_flush(m);
}

/* --- forms --------------------------------------------------------------- */

/* Forms come in the order in which they were made: the newest stays. */
static int
mend_form_id(struct mend *m, struct txn *t, struct span key, struct span value)
{
	CLEANUP(form_release) struct form f = {0}, there = {0};
	struct key64 list;
	char id[sizeof(list.byte) + 1];
	uint64_t number, newest;
	int r;

	(void)value;
	if (key.len != sizeof(struct key64))
		return 0;
	number = key64_value(key.ptr);
	r = form_load(t, number, &f);
	if (r < 0)
		return is_damage(r) ? 0 : r;
	r = form_find(t, f.list, f.codec, &newest);
	if (r == 0 && newest >= number)
		r = form_load(t, newest, &there);
	else if (r == 0)
		r = -ENOENT;
	if (r == 0 && there.list == f.list && there.codec == f.codec)
		return 0;
	if (r < 0 && !is_damage(r))
		return r;
	list = key64(f.list);
	memcpy(id, list.byte, sizeof(list.byte));
	id[sizeof(list.byte)] = (char)f.codec;
	return mend_put(m, T_FORM_IDS, (struct span){id, sizeof(id)}, key);
}

int
mend_ids(struct mend *m)
{
	int r = mend_each(m, T_LISTS, mend_list_content);

	if (r >= 0)
		r = mend_suspect_contents(m);
	if (r >= 0)
		r = mend_each(m, T_FORMS, mend_form_content);
	if (r >= 0)
		r = mend_each(m, T_TEXTS, mend_text_content);
	if (r >= 0)
		r = mend_each(m, T_BLOBS, mend_blob_content);
	if (r >= 0)
		r = mend_run_ids(m);
	return r < 0 ? r : mend_each(m, T_FORMS, mend_form_id);
}
