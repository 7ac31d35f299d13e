#include "store/release_files.h"

#include <errno.h>

#include "base/path.h"
#include "store/blob.h"
#include "store/content.h"

int
release_by_hash(const struct release_file *file, struct buf *out)
{
	struct span dir = path_dir(file->path);
	char hex[DIGEST_HEX_SIZE];

	return buf_addf(out, "%.*s%sby-hash/SHA256/%s", SPAN_ARG(dir),
	    dir.len > 0 ? "/" : "", digest_hex(&file->sha256, hex));
}

struct putting {
	struct txn *t;
	const struct release_place *place;
	bool by_hash;
	struct buf path; /* of the one in hand, below the origin */
};

static int
add_place(struct putting *p, uint64_t blob)
{
	struct blob_source source = {
	    .origin = p->place->origin, .path = buf_span(&p->path)};

	return p->path.failed ? -ENOMEM
			      : blob_add_sources(p->t, blob, &source, 1);
}

static int
add_places(struct putting *p, uint64_t blob, const struct release_file *file)
{
	int r = 0;

	if (p->by_hash) {
		buf_clear(&p->path);
		(void)buf_add_str(&p->path, p->place->dir); /* failed tells */
		(void)release_by_hash(file, &p->path);
		r = add_place(p, blob);
	}
	if (r < 0)
		return r;
	buf_clear(&p->path);
	(void)buf_add_str(&p->path, p->place->dir);
	(void)buf_add_span(&p->path, file->path);
	return add_place(p, blob);
}

static int
put_file(struct putting *p, const struct release_file *file)
{
	struct content c;
	int r = content_find_file(p->t, &file->sha256, file->size, &c);

	if (r == 0 && (c.kind != CONTENT_BLOB || !p->place->new_origin))
		return 0;
	if (r == -ENOENT)
		r = blob_put(p->t, &file->sha256, file->size, &c.number);
	return r < 0 ? r : add_places(p, c.number, file);
}

/*
 * Archives list plain files that they have not got, only compressed ones.
 * Which codec a name promises is known here alone.
 */
static int
put_sister(struct putting *p, const struct release *rel,
    const struct release_file *file)
{
	struct blob_sister sister = {0};
	const struct release_file *plain;
	struct content packed = {0}, c = {0};
	struct span stem;
	int r;

	sister.codec = codec_of_path(file->path, &stem);
	if (sister.codec == CODEC_PLAIN)
		return 0;
	plain = release_find(rel, stem);
	if (!plain)
		return 0;
	r = content_find_file(p->t, &plain->sha256, plain->size, &c);
	if (r == 0)
		r = content_find_file(p->t, &file->sha256, file->size, &packed);
	if (r < 0)
		return r;
	/* What the store renders by itself needs no sister. */
	if (c.kind != CONTENT_BLOB || packed.kind != CONTENT_BLOB ||
	    c.number == packed.number)
		return 0;
	sister.blob = packed.number;
	return blob_add_sister(p->t, c.number, &sister);
}

int
release_files_put(struct txn *t, const struct release_place *place,
    const struct release *rel, struct error *err)
{
	struct putting p = {
	    .t = t, .place = place, .by_hash = rel->acquire_by_hash};
	int r = 0;

	/* Sorted by path, a plain file comes before its sisters. */
	for (size_t i = 0; r == 0 && i < rel->nfiles; i++) {
		r = put_file(&p, &rel->files[i]);
		if (r == 0)
			r = put_sister(&p, rel, &rel->files[i]);
		if (r < 0)
			(void)error_sys(err, r, "cannot store %.*s",
			    SPAN_ARG(rel->files[i].path));
	}
	buf_release(&p.path);
	return r;
}
