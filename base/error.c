#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void
error_clean(char *text)
{
	unsigned char *p = (unsigned char *)text;

	for (; *p; p++) {
		if (*p < ' ' || *p == 0x7f)
			*p = '?';
		/* U+0080 to U+009F: terminals obey these too. */
		if (*p == 0xc2 && p[1] >= 0x80 && p[1] <= 0x9f)
			p[0] = p[1] = '?';
	}
}

/*
 * Built aside, because the arguments may point into err->text; cut where it
 * is too long.
 */
static void PRINTF_LIKE(3, 0)
    format(struct error *err, const char *tail, const char *fmt, va_list ap)
{
	struct error made;
	size_t len;

	if (vsnprintf(made.text, sizeof(made.text), fmt, ap) < 0)
		made.text[0] = '\0';
	if (tail) {
		len = strlen(made.text);
		(void)snprintf(
		    made.text + len, sizeof(made.text) - len, ": %s", tail);
	}
	error_clean(made.text);
	*err = made;
}

int
error_set(struct error *err, int r, const char *fmt, ...)
{
	va_list ap;

	if (!err)
		return r;
	va_start(ap, fmt);
	format(err, NULL, fmt, ap);
	va_end(ap);
	return r;
}

int
error_sys(struct error *err, int r, const char *fmt, ...)
{
	char words[128];
	va_list ap;

	if (!err)
		return r;
	va_start(ap, fmt);
	format(err, strerror_r(-r, words, sizeof(words)), fmt, ap);
	va_end(ap);
	return r;
}

int
error_prefix(struct error *err, int r, const char *fmt, ...)
{
	va_list ap;

	if (!err)
		return r;
	va_start(ap, fmt);
	format(err, err->text[0] || r >= 0 ? err->text : strerror(-r), fmt, ap);
	va_end(ap);
	return r;
}
