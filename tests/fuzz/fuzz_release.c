/*
 * Release files of any bytes: what is accepted keeps the promises of
 * base/release.h, and what is refused says why.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/path.h"
#include "base/release.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static void
words_hold(const struct strs *words)
{
	for (size_t i = 0; i < words->n; i++)
		must(!path_check(span_of(words->v[i])));
}

static void
files_hold(const struct release *r)
{
	must(r->nfiles <= RELEASE_MAX_FILES);
	for (size_t i = 0; i < r->nfiles; i++) {
		const struct release_file *f = &r->files[i];

		must(!path_check(f->path));
		must(f->size <= RELEASE_MAX_SIZE);
		must(i == 0 || span_cmp(f[-1].path, f->path) < 0);
		must(release_find(r, f->path) == f);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error err = {""};
	struct release r;

	if (release_parse((struct span){(const char *)data, size}, &r, &err) <
	    0) {
		must(err.text[0] != '\0' && !strchr(err.text, '\n'));
		return 0;
	}
	must(r.date >= 0 && r.valid_until >= 0);
	words_hold(&r.architectures);
	words_hold(&r.components);
	files_hold(&r);
	release_free(&r);
	return 0;
}
