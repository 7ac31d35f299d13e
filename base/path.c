#include "base/path.h"

#include <stdbool.h>
#include <string.h>

static const char *
part_check(struct span part)
{
	if (part.len == 0)
		return "has an empty part";
	if (part.len > PATH_MAX_PART)
		return "has a part of more than 255 bytes";
	if (span_eq(part, SPAN(".")))
		return "has a part '.'";
	if (span_eq(part, SPAN("..")))
		return "has a part '..'";
	return NULL;
}

const char *
path_check(struct span path)
{
	struct span rest = path, part;

	if (path.len == 0)
		return "is empty";
	if (path.len > PATH_MAX_LEN)
		return "is longer than 1024 bytes";
	if (path.ptr[0] == '/')
		return "is absolute";
	/* Here, because span_cut() yields no part after the last slash. */
	if (path.ptr[path.len - 1] == '/')
		return "has an empty part";
	for (size_t i = 0; i < path.len; i++)
		if ((unsigned char)path.ptr[i] < ' ' || path.ptr[i] == 0x7f)
			return "has a control character";
	while (span_cut(&rest, '/', &part)) {
		const char *why = part_check(part);

		if (why)
			return why;
	}
	return NULL;
}

struct span
path_strip_dot(struct span path)
{
	while (span_starts(path, SPAN("./"))) {
		path.ptr += 2;
		path.len -= 2;
	}
	return path;
}

static bool
is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9');
}

const char *
name_check(struct span name)
{
	static const char also[] = "+-.:_~@";

	if (name.len == 0)
		return "is empty";
	if (name.len > NAME_MAX_LEN)
		return "is longer than 128 bytes";
	if (!is_alnum(name.ptr[0]))
		return "does not begin with a letter or digit";
	for (size_t i = 1; i < name.len; i++)
		if (!is_alnum(name.ptr[i]) &&
		    !memchr(also, name.ptr[i], sizeof(also) - 1))
			return "has a character other than letters, digits "
			       "and +-.:_~@";
	return NULL;
}

/* The offset of what follows the last slash. */
static size_t
base_offset(struct span path)
{
	const char *slash =
	    path.len > 0 ? memrchr(path.ptr, '/', path.len) : NULL;

	return slash ? (size_t)(slash - path.ptr) + 1 : 0;
}

struct span
path_base(struct span path)
{
	size_t from = base_offset(path);

	if (from == 0)
		return path;
	return (struct span){path.ptr + from, path.len - from};
}

struct span
path_dir(struct span path)
{
	size_t from = base_offset(path);

	return (struct span){path.ptr, from > 0 ? from - 1 : 0};
}
