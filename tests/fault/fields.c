/*
 * fields FILE...: what the parser makes of the stanzas of each file.  A line
 * for each stanza: "stanza", its bytes in hex and whether all of it are fields
 * (1 or 0); then one for each field up to the first that is none: "field", name
 * and value, in hex.  For t-stanza.sh, which compares with apt.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/deb822.h"
#include "base/file.h"

#define MAX_FILE ((size_t)256 << 20)

static void
print_hex(const char *before, struct span s)
{
	printf("%s", before);
	for (size_t i = 0; i < s.len; i++)
		printf("%02x", (unsigned)(unsigned char)s.ptr[i]);
}

/* Counts the fields and prints them if that is wanted; -1 where one is none. */
static int
each_field(struct span stanza, bool print)
{
	const char *why;
	struct field f;
	size_t line = 0;
	int r;

	while ((r = deb822_field(&stanza, &line, &f, &why)) > 0) {
		if (!print)
			continue;
		print_hex("field ", f.name);
		print_hex(" ", f.value);
		printf("\n");
	}
	return r;
}

int
main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		CLEANUP(buf_release) struct buf b = {0};
		struct error err = {0};
		struct span rest, stanza;

		if (file_read(AT_FDCWD, argv[i], MAX_FILE, &b, &err) < 0) {
			fprintf(stderr, "%s\n", err.text);
			return 1;
		}
		rest = buf_span(&b);
		while (deb822_stanza(&rest, &stanza)) {
			print_hex("stanza ", stanza);
			printf(" %d\n", each_field(stanza, false) == 0);
			(void)each_field(stanza, true);
		}
	}
	return 0;
}
