#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/release.h"
#include "base/release_text.h"

#define DATE  1764000000 /* Mon, 24 Nov 2025 16:00:00 UTC */
#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static void
add_words(struct strs *s, const char *words)
{
	assert_int_equal(strs_add_split(s, span_of(words), 0), 0);
}

static void
add_file(struct release_out *r, const char *path, uint64_t size)
{
	struct digest d;

	assert_int_equal(digest_parse(span_of(EMPTY), &d), 0);
	assert_int_equal(release_out_add(r, path, size, &d), 0);
}

static void
test_release_text_all_fields(void **state)
{
	struct buf out = {0};
	struct release_out r = {
	    .origin = "Example",
	    .label = "Ours",
	    .suite = "stable",
	    .codename = "bookworm",
	    .version = "12.1",
	    .description = "a\nb\tc",
	    .date = DATE,
	    .valid_until = DATE + 86400,
	    .not_automatic = true,
	    .but_automatic_upgrades = true,
	    .no_arch_all = true,
	    .snapshots = "http://mirror.example.org/snapshots/@SNAPSHOTID@/",
	};

	(void)state;
	add_words(&r.architectures, "amd64 arm64");
	add_words(&r.components, "main contrib");
	add_file(&r, "main/binary-amd64/Packages.gz", 20);
	add_file(&r, "main/binary-amd64/Packages", 1234567);
	add_file(&r, "contrib/binary-amd64/Packages", 0);
	assert_int_equal(release_text(&r, &out), 0);
	assert_string_equal(out.ptr,
	    "Origin: Example\n"
	    "Label: Ours\n"
	    "Suite: stable\n"
	    "Version: 12.1\n"
	    "Codename: bookworm\n"
	    "Date: Mon, 24 Nov 2025 16:00:00 UTC\n"
	    "Valid-Until: Tue, 25 Nov 2025 16:00:00 UTC\n"
	    "NotAutomatic: yes\n"
	    "ButAutomaticUpgrades: yes\n"
	    "Acquire-By-Hash: yes\n"
	    "Snapshots: "
	    "http://mirror.example.org/snapshots/@SNAPSHOTID@/\n"
	    "No-Support-for-Architecture-all: Packages\n"
	    "Architectures: amd64 arm64\n"
	    "Components: main contrib\n"
	    "Description: a b c\n"
	    "SHA256:\n"
	    " " EMPTY "                0 contrib/binary-amd64/Packages\n"
	    " " EMPTY "          1234567 main/binary-amd64/Packages\n"
	    " " EMPTY "               20 main/binary-amd64/Packages.gz\n");
	buf_release(&out);
	release_out_free(&r);
}

static void
test_release_text_fields_left_out(void **state)
{
	static const char *const absent[] = {"Origin", "Label", "Version",
	    "Description", "Valid-Until", "NotAutomatic",
	    "ButAutomaticUpgrades", "No-Support"};
	struct buf out = {0};
	struct release_out r = {.suite = "s", .date = DATE};

	(void)state;
	assert_int_equal(release_text(&r, &out), 0);
	for (size_t i = 0; i < ARRAY_LEN(absent); i++)
		assert_null(strstr(out.ptr, absent[i]));
	buf_release(&out);
	release_out_free(&r);
}

/* What is written is understood again. */
static void
test_release_text_parses(void **state)
{
	struct buf out = {0};
	struct release_out r = {
	    .origin = "Example", .suite = "stable", .date = DATE};
	struct release parsed = {0};
	struct error err;

	(void)state;
	add_words(&r.architectures, "amd64");
	add_words(&r.components, "main");
	add_file(&r, "main/source/Sources", 77);
	assert_int_equal(release_text(&r, &out), 0);
	assert_int_equal(release_parse(buf_span(&out), &parsed, &err), 0);
	assert_true(span_eq(parsed.origin, SPAN("Example")));
	assert_int_equal(parsed.date, DATE);
	assert_true(parsed.acquire_by_hash);
	assert_int_equal(parsed.nfiles, 1);
	assert_int_equal(parsed.files[0].size, 77);
	release_free(&parsed);
	buf_release(&out);
	release_out_free(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_release_text_all_fields),
	    cmocka_unit_test(test_release_text_fields_left_out),
	    cmocka_unit_test(test_release_text_parses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
