/* Checks of what the user asked for, before anything is read or made. */

#include "fs/publish_job.h"

#include <errno.h>
#include <string.h>

#include "base/path.h"

#define SNAPSHOTS_URL_MAX 2000

static int
check_names(const struct strs *names, const char *what, struct error *err)
{
	for (size_t i = 0; i < names->n; i++) {
		const char *why = name_check(span_of(names->v[i]));

		if (why)
			return error_set(err, -EINVAL, "the %s '%s' %s", what,
			    names->v[i], why);
	}
	return 0;
}

int
publish_check_place(const struct publication *p, struct error *err)
{
	const char *why = prefix_check(span_of(p->prefix));

	if (why)
		return error_set(
		    err, -EINVAL, "the prefix '%s' %s", p->prefix, why);
	if (!p->distribution)
		return 0;
	why = distribution_check(span_of(p->distribution));
	if (why)
		return error_set(err, -EINVAL, "the distribution '%s' %s",
		    p->distribution, why);
	return 0;
}

/* apt puts the ID in place of @SNAPSHOTID@ and takes the rest as it stands. */
static int
check_snapshots_url(const char *url, struct error *err)
{
	if (!url)
		return 0;
	if (strlen(url) > SNAPSHOTS_URL_MAX)
		return error_set(err, -EINVAL,
		    "the address of snapshots is longer than %d bytes",
		    SNAPSHOTS_URL_MAX);
	for (const char *p = url; *p; p++)
		if ((unsigned char)*p <= ' ' || *p == 0x7f)
			return error_set(err, -EINVAL,
			    "the address of snapshots has a blank in it");
	if (!span_starts(span_of(url), SPAN("http://")) &&
	    !span_starts(span_of(url), SPAN("https://")) &&
	    !span_starts(span_of(url), SPAN("file:/")))
		return error_set(err, -EINVAL,
		    "the address of snapshots '%s' is none of http, https or "
		    "file",
		    url);
	if (!strstr(url, "@SNAPSHOTID@"))
		return error_set(err, -EINVAL,
		    "the address of snapshots '%s' has no @SNAPSHOTID@ in it, "
		    "where apt puts the snapshot's name",
		    url);
	return 0;
}

static int
check_verbatim(const struct publication *p, struct error *err)
{
	if (p->sources.n != 1)
		return error_set(
		    err, -EINVAL, "only one source can be published verbatim");
	if (p->components.n > 0 || p->architectures.n > 0 || p->origin ||
	    p->label || p->suite || p->codename || p->description ||
	    p->version || p->not_automatic || p->but_automatic_upgrades ||
	    p->valid_for || p->snapshots_url || p->skip_signing ||
	    p->keys.n > 0 || p->passphrase_file || p->compress.n > 0)
		return error_set(err, -EINVAL,
		    "what is published verbatim keeps upstream's Release: its "
		    "components, architectures, fields, compressed forms and "
		    "signatures can't be chosen");
	return 0;
}

int
publish_check(const struct publication *p, struct error *err)
{
	enum codec codecs[PUBLISH_MAX_CODECS];
	size_t n;
	int r = publish_check_place(p, err);

	if (r < 0)
		return r;
	if (p->sources.n == 0)
		return error_set(err, -EINVAL, "nothing to publish");
	if (p->sources.n > PUBLISH_MAX_SOURCES)
		return error_set(
		    err, -E2BIG, "more than %d sources", PUBLISH_MAX_SOURCES);
	if (p->components.n > 0 && p->components.n != p->sources.n)
		return error_set(err, -EINVAL,
		    "%zu components for %zu sources: name one for each",
		    p->components.n, p->sources.n);
	r = check_names(&p->components, "component", err);
	if (r >= 0)
		r = check_names(&p->architectures, "architecture", err);
	if (r >= 0)
		r = publish_codecs(p, codecs, &n, err);
	if (r >= 0)
		r = check_snapshots_url(p->snapshots_url, err);
	if (r >= 0 && p->verbatim)
		r = check_verbatim(p, err);
	return r;
}
