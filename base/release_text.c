#include "base/release_text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/date.h"

static void
add_field(struct buf *out, const char *name, const char *value)
{
	if (!value)
		return;
	(void)buf_addf(out, "%s: ", name);
	for (; *value; value++) {
		unsigned char c = (unsigned char)*value;

		(void)buf_add_char(out, c < ' ' || c == 0x7f ? ' ' : *value);
	}
	(void)buf_add_char(out, '\n');
}

static void
add_date(struct buf *out, const char *name, int64_t t)
{
	char text[DATE_SIZE];

	add_field(out, name, date_format(t, text));
}

static int
add_words(struct buf *out, const char *name, const struct strs *words)
{
	CLEANUP_FREE char *joined = strs_join(words, " ");

	if (!joined)
		return -ENOMEM;
	add_field(out, name, joined);
	return 0;
}

static int
file_cmp(const void *a, const void *b)
{
	const struct release_out_file *x = a, *y = b;

	return strcmp(x->path, y->path);
}

static void
add_files(struct buf *out, const struct release_out *r)
{
	char hex[DIGEST_HEX_SIZE];

	(void)buf_add_str(out, "SHA256:\n");
	for (size_t i = 0; i < r->nfiles; i++) {
		const struct release_out_file *f = &r->files[i];

		(void)buf_addf(out, " %s %16" PRIu64 " %s\n",
		    digest_hex(&f->sha256, hex), f->size, f->path);
	}
}

int
release_text(struct release_out *r, struct buf *out)
{
	add_field(out, "Origin", r->origin);
	add_field(out, "Label", r->label);
	add_field(out, "Suite", r->suite);
	add_field(out, "Version", r->version);
	add_field(out, "Codename", r->codename);
	add_date(out, "Date", r->date);
	if (r->valid_until)
		add_date(out, "Valid-Until", r->valid_until);
	if (r->not_automatic)
		add_field(out, "NotAutomatic", "yes");
	if (r->but_automatic_upgrades)
		add_field(out, "ButAutomaticUpgrades", "yes");
	add_field(out, "Acquire-By-Hash", "yes");
	add_field(out, "Snapshots", r->snapshots);
	if (r->no_arch_all)
		add_field(out, "No-Support-for-Architecture-all", "Packages");
	if (add_words(out, "Architectures", &r->architectures) < 0 ||
	    add_words(out, "Components", &r->components) < 0)
		return -ENOMEM;
	add_field(out, "Description", r->description);
	if (r->nfiles > 1)
		qsort(r->files, r->nfiles, sizeof(*r->files), file_cmp);
	add_files(out, r);
	return out->failed ? -ENOMEM : 0;
}

int
release_out_add(struct release_out *r, const char *path, uint64_t size,
    const struct digest *sha256)
{
	CLEANUP_FREE char *copy = strdup(path);
	struct release_out_file *files;

	if (!copy)
		return -ENOMEM;
	files = reallocarray(r->files, r->nfiles + 1, sizeof(*files));
	if (!files)
		return -ENOMEM;
	r->files = files;
	files[r->nfiles++] = (struct release_out_file){
	    .path = TAKE(copy), .size = size, .sha256 = *sha256};
	return 0;
}

void
release_out_free(struct release_out *r)
{
	for (size_t i = 0; i < r->nfiles; i++)
		free(r->files[i].path);
	free(r->files);
	strs_release(&r->architectures);
	strs_release(&r->components);
	*r = (struct release_out){0};
}
