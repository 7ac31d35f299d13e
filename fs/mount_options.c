#include "fs/mount_options.h"

#include <errno.h>
#include <stdint.h>

#include "base/span.h"
#include "fs/restarts.h"

/* What mount(8) says by itself, or what only it and others read. */
static const char *const ignored[] = {"ro", "rw", "dev", "nodev", "suid",
    "nosuid", "exec", "noexec", "auto", "noauto", "nofail", "_netdev", "user",
    "nouser", "users", "owner", "group", "async", "sync", "dirsync", "atime",
    "noatime", "diratime", "nodiratime", "relatime", "norelatime",
    "strictatime", "nostrictatime", "lazytime", "nolazytime", "silent", "loud",
    "iversion", "noiversion", "mand", "nomand", "defaults",
    /* see mount_options_say() */
    "nopassthrough"};

static const char *const ignored_prefixes[] = {"x-", "X-",
    "comment=", "uhelper=", "helper=",
    /* mount_options_numbers()'s */
    "restarts=", "fetch_wait="};

static const char *const passed[] = {
    "allow_other", "allow_root", "default_permissions"};

static const char *const passed_prefixes[] = {
    "context=", "fscontext=", "defcontext=", "rootcontext="};

static bool
is_one_of(struct span s, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (span_eq(s, span_of(names[i])))
			return true;
	return false;
}

static bool
starts_with_one_of(struct span s, const char *const *prefixes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (span_starts(s, span_of(prefixes[i])))
			return true;
	return false;
}

/* libfuse takes a backslash before what would end or escape a value. */
static void
add_escaped(struct buf *out, struct span s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] == ',' || s.ptr[i] == '\\')
			(void)buf_add_char(out, '\\');
		(void)buf_add_char(out, s.ptr[i]);
	}
}

static int
add_given(struct buf *out, struct span option, struct error *err)
{
	if (option.len == 0 || is_one_of(option, ignored, ARRAY_LEN(ignored)) ||
	    starts_with_one_of(
		option, ignored_prefixes, ARRAY_LEN(ignored_prefixes)))
		return 0;
	if (!is_one_of(option, passed, ARRAY_LEN(passed)) &&
	    !starts_with_one_of(
		option, passed_prefixes, ARRAY_LEN(passed_prefixes)))
		return error_set(err, -EINVAL, "unknown mount option '%.*s'",
		    SPAN_ARG(option));
	(void)buf_add_char(out, ',');
	(void)buf_add_span(out, option);
	return 0;
}

int
mount_options(const char *given, const struct mount_wishes *wishes,
    struct buf *out, struct error *err)
{
	struct span rest = span_of(given), option;

	(void)buf_add_str(out, "ro,nosuid,nodev,subtype=suitefs,fsname=");
	add_escaped(out, span_of(wishes->fsname));
	if (wishes->allow_other && !mount_options_say_who(given))
		(void)buf_add_str(out, ",allow_other,default_permissions");
	while (span_cut(&rest, ',', &option)) {
		int r = add_given(out, option, err);

		if (r < 0)
			return r;
	}
	if (out->failed)
		return error_sys(err, -ENOMEM, "cannot mount");
	return 0;
}

/* The last one given, or what it was. */
static int
take_number(const char *given, const char *wanted, unsigned max, unsigned *ret,
    struct error *err)
{
	struct span rest = span_of(given), value, name;

	while (span_cut(&rest, ',', &value)) {
		struct span option = value;
		uint64_t n;

		if (!span_cut(&value, '=', &name) ||
		    !span_eq(name, span_of(wanted)))
			continue;
		if (span_u64(value, &n) < 0 || n > max)
			return error_set(err, -EINVAL,
			    "mount option '%.*s': not a number from 0 to %u",
			    SPAN_ARG(option), max);
		*ret = (unsigned)n;
	}
	return 0;
}

int
mount_options_numbers(
    const char *given, struct mount_numbers *ret, struct error *err)
{
	struct mount_numbers n = {.restarts = RESTARTS_DEFAULT};
	int r = take_number(given, "restarts", RESTARTS_MAX, &n.restarts, err);

	if (r == 0)
		r = take_number(given, "fetch_wait", FETCH_WAIT_MAX_S,
		    &n.fetch_wait_s, err);
	if (r == 0)
		*ret = n;
	return r;
}

bool
mount_options_say(const char *given, const char *name)
{
	struct span rest = span_of(given), option;

	while (span_cut(&rest, ',', &option))
		if (span_eq(option, span_of(name)))
			return true;
	return false;
}

bool
mount_options_say_who(const char *given)
{
	return mount_options_say(given, "allow_other") ||
	       mount_options_say(given, "allow_root");
}

bool
fuse_conf_allows_other(struct span text)
{
	struct span line;

	while (span_cut(&text, '\n', &line))
		if (span_eq(span_trim(line), SPAN("user_allow_other")))
			return true;
	return false;
}
