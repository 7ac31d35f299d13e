#include "store/run_id.h"

#include "store/list_record.h"
#include "store/run_join.h"

/* 1 and the ID of a run that joins others, 0 where it joins none. */
static int
joined_id(struct span record, struct digest *ret)
{
	CLEANUP(record_release) struct record parsed = {0};
	CLEANUP(run_packages_release) struct run_packages joined = {0};
	struct record_view v = {0};
	int r = record_parse(&parsed, record, RUN_VERSION, &v);

	if (r < 0 || v.n <= RUN_ITEMS)
		return r;
	r = run_steps(record_span(&v, RUN_ITEMS), &joined);
	if (r == 0)
		r = run_join_id(joined.v, joined.n, ret);
	return r < 0 ? r : 1;
}

static int
hash_stanzas(struct heavy *heavy, struct txn *t, const struct run_packages *run,
    struct hash *h)
{
	CLEANUP(buf_release) struct buf stanza = {0};
	int r = 0;

	for (size_t i = 0; i < run->n && r == 0; i++) {
		struct digest digest;

		buf_clear(&stanza);
		r = heavy_stanza(heavy, t, run->v[i], &stanza);
		digest_of(stanza.ptr, stanza.len, &digest);
		hash_add(h, digest.byte, DIGEST_SIZE);
	}
	return r;
}

int
run_id(struct heavy *heavy, struct txn *t, uint64_t number,
    enum package_kind kind, struct digest *ret)
{
	CLEANUP(run_packages_release) struct run_packages run = {0};
	CLEANUP(hash_cleanup) struct hash *h = NULL;
	unsigned char byte = (unsigned char)kind;
	struct span record;
	int r = txn_get64(t, T_RUNS, number, &record);

	if (r == 0)
		r = joined_id(record, ret);
	if (r != 0)
		return r < 0 ? r : 0;
	r = run_load(t, number, &run);
	if (r == 0)
		r = hash_new(&h);
	if (r < 0)
		return r;
	hash_add(h, &byte, 1);
	r = hash_stanzas(heavy, t, &run, h);
	hash_end(h, ret);
	return r;
}
