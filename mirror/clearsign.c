#include "mirror/clearsign.h"

#include <errno.h>

#define BEGIN_TEXT SPAN("-----BEGIN PGP SIGNED MESSAGE-----")
#define BEGIN_SIG  SPAN("-----BEGIN PGP SIGNATURE-----")
#define END_SIG	   SPAN("-----END PGP SIGNATURE-----")

/* Where a line stands. */
enum place {
	BEFORE,	   /* nothing but blank lines yet */
	HEADERS,   /* after BEGIN_TEXT, up to an empty line */
	TEXT,	   /* what is signed */
	SIGNATURE, /* after BEGIN_SIG */
	AFTER,	   /* after END_SIG: blank lines again */
};

struct split {
	enum place place;
	struct buf *plain;
	const char *why; /* what is wrong with the line */
};

/* Without blanks, tabs and CR at its end: RFC 9580 does not sign them. */
static struct span
trim_end(struct span line)
{
	while (line.len > 0) {
		char c = line.ptr[line.len - 1];

		if (c != ' ' && c != '\t' && c != '\r')
			break;
		line.len--;
	}
	return line;
}

static int
add_line(struct buf *plain, struct span line)
{
	int r = buf_add_span(plain, line);

	return r < 0 ? r : buf_add_char(plain, '\n');
}

static int
malformed(struct split *s, const char *why)
{
	s->why = why;
	return -EBADMSG;
}

static int
take_before(struct split *s, struct span line)
{
	if (line.len == 0)
		return 0;
	if (!span_eq(line, BEGIN_TEXT))
		return malformed(s, "not a clearsigned message");
	s->place = HEADERS;
	return 0;
}

/* NotDashEscaped, say, would change what the text is. */
static int
take_header(struct split *s, struct span line)
{
	if (line.len == 0)
		s->place = TEXT;
	else if (!span_starts(line, SPAN("Hash: ")))
		return malformed(s, "an armour header other than Hash");
	return 0;
}

static int
take_text(struct split *s, struct span line)
{
	if (span_eq(line, BEGIN_SIG)) {
		s->place = SIGNATURE;
		return 0;
	}
	if (span_starts(line, SPAN("- "))) {
		line.ptr += 2;
		line.len -= 2;
	} else if (span_starts(line, SPAN("-")) && line.len > 1) {
		return malformed(s, "a dash that is not escaped");
	} else if (span_eq(line, SPAN("-"))) {
		/* "- " that lost its blank: an empty line, escaped. */
		line.len = 0;
	}
	return s->plain ? add_line(s->plain, line) : 0;
}

static int
take_signature(struct split *s, struct span line)
{
	if (span_eq(line, END_SIG))
		s->place = AFTER;
	else if (span_starts(line, SPAN("-")))
		return malformed(s, "a dash within the signature");
	return 0;
}

static int
take_after(struct split *s, struct span line)
{
	if (line.len == 0)
		return 0;
	return malformed(s, "text after the signature");
}

static int
take_line(struct split *s, struct span line)
{
	switch (s->place) {
	case BEFORE:
		return take_before(s, line);
	case HEADERS:
		return take_header(s, line);
	case TEXT:
		return take_text(s, line);
	case SIGNATURE:
		return take_signature(s, line);
	default:
		return take_after(s, line);
	}
}

static int
split_lines(
    struct split *s, struct span bytes, const char *name, struct error *err)
{
	struct span line;

	for (size_t n = 1; span_cut(&bytes, '\n', &line); n++) {
		int r = take_line(s, trim_end(line));

		if (r == -EBADMSG)
			return error_set(err, r, "%s:%zu: %s", name, n, s->why);
		if (r < 0)
			return error_set(err, r, "out of memory");
	}
	if (s->place == BEFORE)
		return error_set(err, -EBADMSG, "%s: empty", name);
	if (s->place != AFTER)
		return error_set(err, -EBADMSG,
		    "%s: ends within the clearsigned message", name);
	return 0;
}

int
clearsign_trim(struct span text, struct buf *plain)
{
	struct span line;

	while (span_cut(&text, '\n', &line)) {
		int r = add_line(plain, trim_end(line));

		if (r < 0)
			return r;
	}
	return 0;
}

int
clearsign_split(
    struct span bytes, const char *name, struct buf *plain, struct error *err)
{
	struct split s = {.place = BEFORE, .plain = plain};
	size_t start = plain ? plain->len : 0;
	int r;

	if (bytes.len && memchr(bytes.ptr, '\0', bytes.len))
		return error_set(err, -EBADMSG, "%s: holds a NUL byte", name);
	r = split_lines(&s, bytes, name, err);
	if (r < 0 && plain)
		plain->len = start;
	return r;
}
