#include "fs/archive_ref.h"

#include <assert.h>
#include <errno.h>

#include "store/package.h"

/*
 * A reference: the top bit says that it is a package's file (51 bits of
 * package number, 12 of the file's index), else it is a content (4 bits of
 * kind, 60 of number).
 */
#define REF_FILE      (UINT64_C(1) << 63)
#define REF_FILE_BITS 12
#define REF_KIND_BIT  60
#define REF_NUMBER    ((UINT64_C(1) << REF_KIND_BIT) - 1)

_Static_assert(PACKAGE_MAX_FILES == 1 << REF_FILE_BITS, "a file's index fits");

uint64_t
archive_ref_content(struct content c)
{
	return (uint64_t)c.kind << REF_KIND_BIT | (c.number & REF_NUMBER);
}

uint64_t
archive_ref_file(uint64_t package, unsigned file)
{
	return REF_FILE | package << REF_FILE_BITS | file;
}

static struct content
ref_content(uint64_t ref)
{
	return (struct content){
	    (enum content_kind)(ref >> REF_KIND_BIT), ref & REF_NUMBER};
}

uint64_t
archive_ref_package(uint64_t ref)
{
	return (ref & ~REF_FILE) >> REF_FILE_BITS;
}

int
archive_ref_identity(struct txn *t, uint64_t ref, struct archive_identity *ret)
{
	CLEANUP(package_release) struct package p = {0};
	int r;
	size_t i;

	if (!(ref & REF_FILE)) {
		struct content_info info;

		r = content_info(t, ref_content(ref), &info);
		if (r == 0)
			*ret =
			    (struct archive_identity){info.sha256, info.size};
		return r;
	}
	r = package_light(t, archive_ref_package(ref), &p);
	if (r < 0)
		return r == -ENOENT ? -EIO : r;
	i = ref & (PACKAGE_MAX_FILES - 1);
	if (i >= p.light.nfiles)
		return -EIO;
	*ret = (struct archive_identity){
	    p.light.files[i].sha256, p.light.files[i].size};
	return 0;
}

int
archive_resolve(struct txn *t, uint64_t ref, struct content *ret)
{
	struct archive_identity id;
	int r;

	if (!(ref & REF_FILE)) {
		*ret = ref_content(ref);
		return 0;
	}
	r = archive_ref_identity(t, ref, &id);
	return r < 0 ? r : content_find_file(t, &id.sha256, id.size, ret);
}
