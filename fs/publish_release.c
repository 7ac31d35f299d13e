#include "fs/publish_job.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/release_text.h"
#include "fs/compress.h"
#include "fs/compressor.h"
#include "store/list.h"
#include "store/txn.h"

static int
out_of_memory(struct error *err)
{
	return error_sys(err, -ENOMEM, "cannot make the Release");
}

int
publish_state(struct publish_job *j, struct error *err)
{
	struct state *s = &j->state;
	int64_t date = j->opts->now;

	state_release(s);
	/* apt silently keeps what it has where Date goes back. */
	if (j->old && date <= j->old_date)
		date = j->old_date + 1;
	s->suite = strdup(j->pub->distribution);
	if (!s->suite)
		return out_of_memory(err);
	s->date = date;
	s->valid_until = j->pub->valid_for ? date + j->pub->valid_for : 0;
	s->taken = j->opts->now;
	for (size_t i = 0; i < j->nlists; i++) {
		const struct publish_list *l = &j->lists[i];
		struct state_list sl = {
		    .component = j->components.v[l->component],
		    .architecture = l->architecture,
		    .kind = l->kind,
		    .list = l->list,
		};

		if (state_add_list(s, &sl) < 0)
			return out_of_memory(err);
	}
	return 0;
}

int
publish_codecs(const struct publication *p,
    enum codec codecs[PUBLISH_MAX_CODECS], size_t *n, struct error *err)
{
	*n = 0;
	for (size_t i = 0; i < p->compress.n; i++) {
		enum codec c;
		bool again = false;

		if (codec_parse(span_of(p->compress.v[i]), &c) < 0 ||
		    !compressor_can(c))
			return error_set(err, -EINVAL,
			    "indexes can't be compressed as %s, only as gz, "
			    "xz and zst",
			    p->compress.v[i]);
		for (size_t k = 0; k < *n; k++)
			again = again || codecs[k] == c;
		if (!again)
			codecs[(*n)++] = c;
	}
	return 0;
}

/* Size and hash of a plain index. */
static int
add_plain(struct publish_job *j, const struct state_list *sl,
    struct release_out *out, struct error *err)
{
	CLEANUP(txn_cleanup) struct txn *t = NULL;
	CLEANUP(list_release) struct list l = {0};
	int r = txn_read(j->store, &t, err);

	if (r < 0)
		return r;
	r = list_load(t, sl->list, &l);
	if (r >= 0)
		r = release_out_add(out, sl->path, l.bytes, &l.sha256);
	if (r < 0)
		return error_sys(err, r, "cannot read %s", sl->path);
	j->result.packages += l.packages;
	return 0;
}

static int
add_compressed(struct publish_job *j, const struct state_list *sl,
    enum codec codec, struct release_out *out, struct error *err)
{
	CLEANUP(form_release) struct form f = {0};
	CLEANUP(buf_release) struct buf path = {0};
	int r = compress_list(
	    j->store, sl->list, codec, j->opts->progress, &f, err);

	if (r < 0)
		return error_prefix(err, r, "%s", sl->path);
	if (buf_addf(&path, "%s.%s", sl->path, codec_suffix(codec)) < 0 ||
	    release_out_add(out, path.ptr, f.size, &f.sha256) < 0)
		return out_of_memory(err);
	return 0;
}

static int
add_indexes(struct publish_job *j, struct release_out *out, struct error *err)
{
	enum codec codecs[PUBLISH_MAX_CODECS];
	size_t n;
	int r = publish_codecs(j->pub, codecs, &n, err);

	if (r < 0)
		return r;
	j->result.packages = 0;
	for (size_t i = 0; i < j->state.nlists; i++) {
		const struct state_list *sl = &j->state.lists[i];

		r = add_plain(j, sl, out, err);
		for (size_t k = 0; r >= 0 && k < n; k++)
			r = add_compressed(j, sl, codecs[k], out, err);
		if (r < 0)
			return r;
	}
	j->result.indexes = (unsigned)out->nfiles;
	return 0;
}

/* The Release fields that publications inherit; offsets in struct release. */
static struct span
field_of(const struct publish_source *src, size_t offset)
{
	struct span value;

	if (!src->has_release)
		return (struct span){0};
	memcpy(&value, (const char *)&src->release + offset, sizeof(value));
	return value;
}

/*
 * What all sources that have a Release agree on, for the caller to free; NULL
 * where they don't, or where the field is absent.
 */
static int
agreed(const struct publish_job *j, size_t offset, char **ret)
{
	struct span value = {0};
	bool first = true;

	*ret = NULL;
	for (size_t i = 0; i < j->pub->sources.n; i++) {
		const struct publish_source *src = &j->sources[i];

		if (!src->has_release)
			continue;
		if (!first && !span_eq(field_of(src, offset), value))
			return 0;
		value = field_of(src, offset);
		first = false;
	}
	if (value.len == 0)
		return 0;
	*ret = span_dup(value);
	return *ret ? 0 : -ENOMEM;
}

/* Values that the Release borrows. */
struct defaults {
	char *origin, *label, *version, *description;
	struct buf place;
};

static void
defaults_release(struct defaults *d)
{
	free(d->origin);
	free(d->label);
	free(d->version);
	free(d->description);
	buf_release(&d->place);
}

static int
find_defaults(const struct publish_job *j, struct defaults *d)
{
	const struct publication *p = j->pub;
	int r;

	if (buf_addf(&d->place, "%s %s", p->prefix[0] ? p->prefix : ".",
		p->distribution) < 0)
		return -ENOMEM;
	r = agreed(j, offsetof(struct release, origin), &d->origin);
	if (r >= 0)
		r = agreed(j, offsetof(struct release, label), &d->label);
	if (r < 0 || p->sources.n != 1)
		return r;
	r = agreed(j, offsetof(struct release, version), &d->version);
	if (r < 0)
		return r;
	return agreed(
	    j, offsetof(struct release, description), &d->description);
}

static const char *
first_of(const char *a, const char *b, const char *c)
{
	return a ? a : b ? b : c;
}

static void
fill_fields(const struct publish_job *j, const struct defaults *d,
    struct release_out *out)
{
	const struct publication *p = j->pub;

	out->origin = first_of(p->origin, d->origin, d->place.ptr);
	out->label = first_of(p->label, d->label, d->place.ptr);
	out->suite = first_of(p->suite, p->distribution, NULL);
	out->codename = first_of(p->codename, p->distribution, NULL);
	out->version = first_of(p->version, d->version, NULL);
	out->description = first_of(p->description, d->description, NULL);
	out->date = j->state.date;
	out->valid_until = j->state.valid_until;
	out->not_automatic = p->not_automatic;
	out->but_automatic_upgrades = p->but_automatic_upgrades;
	out->snapshots = p->snapshots_url;
}

/*
 * apt looks into binary-all only for what isn't in binary-<arch>.  What is
 * published says that the latter have it all, unless a source with a
 * binary-all says otherwise.
 */
static bool
no_arch_all(const struct publish_job *j)
{
	for (size_t i = 0; i < j->nlists; i++) {
		const struct publish_list *l = &j->lists[i];

		if (strcmp(l->architecture, "all") != 0 ||
		    l->kind != PACKAGE_BINARY)
			continue;
		for (size_t k = 0; k < l->ninputs; k++)
			if (!j->sources[l->inputs[k].source]
				 .release.no_arch_all)
				return false;
	}
	return true;
}

static int
fill_words(const struct publish_job *j, struct release_out *out)
{
	for (size_t i = 0; i < j->nlists; i++) {
		struct span a = span_of(j->lists[i].architecture);

		if (span_eq(a, SPAN("source")) ||
		    strs_has(&out->architectures, a))
			continue;
		if (strs_add(&out->architectures, a) < 0)
			return -ENOMEM;
	}
	strs_sort(&out->architectures);
	out->no_arch_all = no_arch_all(j);
	return strs_add_all(&out->components, &j->components);
}

static int
write_release(struct publish_job *j, struct error *err)
{
	CLEANUP(release_out_free) struct release_out out = {0};
	CLEANUP(defaults_release) struct defaults d = {0};
	int r = add_indexes(j, &out, err);

	if (r < 0)
		return r;
	buf_clear(&j->release);
	if (find_defaults(j, &d) < 0 || fill_words(j, &out) < 0)
		return out_of_memory(err);
	fill_fields(j, &d, &out);
	return release_text(&out, &j->release) < 0 ? out_of_memory(err) : 0;
}

static int
keep_key(void *arg, const char *fingerprint, struct span bytes)
{
	struct publish_job *j = arg;
	struct publish_key *v = reallocarray(j->keys, j->nkeys + 1, sizeof(*v));

	if (!v)
		return -ENOMEM;
	j->keys = v;
	v += j->nkeys;
	*v = (struct publish_key){.fingerprint = strdup(fingerprint)};
	if (!v->fingerprint)
		return -ENOMEM;
	j->nkeys++;
	return buf_add_span(&v->bytes, bytes);
}

static int
keep_keys(struct publish_job *j, struct signer *s, struct error *err)
{
	int r = signer_each_key(s, keep_key, j, err);

	return r == -ENOMEM ? out_of_memory(err) : r;
}

int
publish_keys(struct publish_job *j, struct signer *s, struct error *err)
{
	return signer_knows_keys(s) ? keep_keys(j, s, err) : 0;
}

int
publish_sign(struct publish_job *j, struct signer *s, struct error *err)
{
	struct span text = buf_span(&j->release);
	int r;

	buf_clear(&j->in_release);
	buf_clear(&j->release_gpg);
	r = sign_inline(s, text, &j->in_release, err);
	if (r >= 0)
		r = sign_detached(s, text, &j->release_gpg, err);
	if (r >= 0 && j->nkeys == 0)
		r = keep_keys(j, s, err);
	for (size_t i = 0; r >= 0 && i < j->nkeys; i++)
		if (strs_add(
			&j->state.signers, span_of(j->keys[i].fingerprint)) < 0)
			return out_of_memory(err);
	return r;
}

int
publish_release(struct publish_job *j, struct error *err)
{
	int r;

	progress_stage(j->opts->progress, "compressing", 0, 0);
	r = write_release(j, err);
	progress_end(j->opts->progress);
	j->result.date = j->state.date;
	return r;
}
