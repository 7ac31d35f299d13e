#ifndef MIRROR_TAKE_FORM_H
#define MIRROR_TAKE_FORM_H

/* One form of an index, from one place, into the store.  Private to mirror/. */

#include "base/hash.h"
#include "base/url.h"
#include "mirror/ahead.h"
#include "mirror/pipeline.h"
#include "mirror/update_run.h"
#include "store/blob.h"

struct take {
	struct update *u;
	const struct wanted *w;
	const struct wanted_form *form;
	const char *url;
	const struct origin *origin; /* NULL at a fallback */
	/* What fetches this form from this place, as its file at; or NULL. */
	struct ahead *ahead;
	size_t at;

	/* Private. */
	char shown[URL_SHOWN_SIZE]; /* the URL, for messages */
	struct pipeline *pipeline;
	/* What keeps the compressed bytes and checks their hash; for a plain
	 * index only the hash, which the pipeline makes anyway. */
	struct blob_writer *writer;
	struct hash *hash; /* of a plain one */
	uint64_t got;	   /* bytes */
	uint64_t counted;  /* of these: shown as progress */
	/* Why the sink ended the transfer. */
	int sink;
	struct error sink_err;

	/* Results. */
	struct ingest_result result;
	/* Another form can't help: the bytes are those announced. */
	bool final;
};

int take_form(struct take *t, struct error *err) MUST_CHECK;
void take_release(struct take *t);

#endif
