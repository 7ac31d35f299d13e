#include "cli/out_state.h"

#include <errno.h>
#include <stdio.h>

#include "cli/output.h"

int
state_files(
    struct txn *t, uint64_t state, struct pool_count *ret, struct error *err)
{
	struct pool_want want = {.state = state, .listed = true};

	return pool_count(t, &want, ret, err);
}

struct file_count
state_files_sum(const struct pool_count *n)
{
	const struct file_count *a = &n->pool, *b = &n->listed;

	return (struct file_count){
	    .files = a->files + b->files,
	    .bytes = a->bytes + b->bytes,
	    .missing_files = a->missing_files + b->missing_files,
	    .missing_bytes = a->missing_bytes + b->missing_bytes,
	    .gone_files = a->gone_files + b->gone_files,
	    .gone_bytes = a->gone_bytes + b->gone_bytes,
	};
}

/* A keyring's content may change under its name: the hash tells which one it
 * was. */
static void
out_keyrings(const struct state *state)
{
	for (size_t i = 0; i < state->keyrings.n; i++) {
		const char *label = i == 0 ? "Verified with" : "";

		out_field(label, state->keyrings.v[i]);
		if (i < state->keyring_hashes.n) {
			char text[96];

			(void)snprintf(text, sizeof(text), "SHA-256 %s",
			    state->keyring_hashes.v[i]);
			out_field("", text);
		}
	}
}

void
out_verified(const struct state *state)
{
	out_field_time("Date", state->date);
	out_valid_until(state);
	/* What was made here was not verified. */
	if (state->origin != 0)
		out_field_time("Verified", state->taken);
	out_field_strs("Signed-By", &state->signers);
	out_keyrings(state);
}

void
out_files(const struct pool_count *n)
{
	struct file_count all = state_files_sum(n);

	out_field_files("Pool files", n->pool.files, n->pool.bytes);
	out_field_files("Index files", n->listed.files, n->listed.bytes);
	out_field_files("Present", all.files - all.missing_files,
	    all.bytes - all.missing_bytes);
	out_field_files("Remote", all.missing_files - all.gone_files,
	    all.missing_bytes - all.gone_bytes);
	out_field_files("Gone", all.gone_files, all.gone_bytes);
}

/* Takes more, which may be NULL. */
static int
merge(json_t *object, json_t *more)
{
	int r = more && json_object_update(object, more) == 0 ? 0 : -ENOMEM;

	json_decref(more);
	return r;
}

int
out_json_verified(json_t *object, const struct state *state)
{
	return merge(
	    object, json_pack("{s:o,s:b,s:o,s:o,s:o,s:o}", "valid_until",
			out_time(state->valid_until), "expired",
			out_expired(state), "verified", out_time(state->taken),
			"signed_by", out_strs(&state->signers), "keyrings",
			out_strs(&state->keyrings), "keyring_sha256",
			out_strs(&state->keyring_hashes)));
}

static json_t *
json_count(const struct file_count *n)
{
	return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "files",
	    (json_int_t)n->files, "bytes", (json_int_t)n->bytes,
	    "present_files", (json_int_t)(n->files - n->missing_files),
	    "present_bytes", (json_int_t)(n->bytes - n->missing_bytes),
	    "missing_files", (json_int_t)n->missing_files, "missing_bytes",
	    (json_int_t)n->missing_bytes, "remote_files",
	    (json_int_t)(n->missing_files - n->gone_files), "remote_bytes",
	    (json_int_t)(n->missing_bytes - n->gone_bytes), "gone_files",
	    (json_int_t)n->gone_files, "gone_bytes", (json_int_t)n->gone_bytes);
}

int
out_json_files(json_t *object, const struct pool_count *n)
{
	struct file_count all = state_files_sum(n);
	int r = merge(object, json_count(&all));

	return r < 0 ? r
		     : merge(object,
			   json_pack("{s:o,s:o}", "pool", json_count(&n->pool),
			       "listed", json_count(&n->listed)));
}
