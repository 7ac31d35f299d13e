/*
 * Stanzas of any bytes, as a binary package's, a source package's or a udeb's:
 * the first byte says which.  What is accepted keeps the promises of
 * store/package.h and comes back the same from its light record; what is
 * refused says why.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/path.h"
#include "store/package.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool ok)
{
	if (!ok)
		abort();
}

/* Part of a file name in the mounted tree. */
static void
word_holds(struct span word)
{
	must(word.len > 0 && !memchr(word.ptr, '/', word.len) &&
	     !memchr(word.ptr, '\0', word.len));
}

static void
light_holds(const struct light *l)
{
	CLEANUP(buf_release) struct buf name = {0};

	word_holds(l->name);
	word_holds(l->version);
	word_holds(l->architecture);
	must(package_add_name(l, &name) == 0);
	must(!path_check(buf_span(&name)));
	must(l->nfiles > 0 && l->nfiles <= PACKAGE_MAX_FILES);
	for (size_t i = 0; i < l->nfiles; i++) {
		must(!path_check(l->files[i].path));
		must(l->files[i].size <= PACKAGE_MAX_SIZE);
	}
}

static void
same_light(const struct light *a, const struct light *b)
{
	must(a->kind == b->kind && a->stanza_len == b->stanza_len);
	must(span_eq(a->name, b->name) && span_eq(a->version, b->version));
	must(span_eq(a->architecture, b->architecture));
	must(span_eq(a->source, b->source));
	must(span_eq(a->source_version, b->source_version));
	must(span_eq(a->multi_arch, b->multi_arch));
	must(a->essential == b->essential && a->nfiles == b->nfiles);
	for (size_t i = 0; i < REL_COUNT; i++)
		must(span_eq(a->relations[i], b->relations[i]));
	for (size_t i = 0; i < a->nfiles; i++) {
		const struct package_file *x = &a->files[i];
		const struct package_file *y = &b->files[i];

		must(span_eq(x->path, y->path) && x->size == y->size);
		must(digest_eq(&x->sha256, &y->sha256));
	}
}

static void
comes_back(const struct light *l)
{
	CLEANUP(record_writer_release) struct record_writer w;
	CLEANUP(record_release) struct record record = {0};
	CLEANUP(light_release) struct light again = {0};
	struct span bytes;

	record_writer_init(&w);
	must(light_encode(l, &w, &bytes) == 0);
	must(light_decode(bytes, &record, &again) == 0);
	same_light(l, &again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(light_release) struct light l = {0};
	struct error err = {""};
	struct span stanza;
	enum package_kind kind;

	if (size < 1)
		return 0;
	kind = (enum package_kind)(data[0] % (PACKAGE_UDEB + 1));
	stanza = (struct span){(const char *)data + 1, size - 1};
	if (light_from_stanza(stanza, kind, 1, &l, &err) < 0) {
		must(err.text[0] != '\0');
		return 0;
	}
	light_holds(&l);
	comes_back(&l);
	return 0;
}
