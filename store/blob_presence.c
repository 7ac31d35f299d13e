#include "store/blob_presence.h"

#include "store/blob.h"
#include "store/blob_dir.h"

static uint64_t
beginning(const struct digest *sha256)
{
	const unsigned char *b = sha256->byte;

	return (uint64_t)b[0] << 16 | (uint64_t)b[1] << 8 | b[2];
}

static int
note(const struct digest *sha256, void *arg)
{
	struct blob_presence *p = arg;
	int r = bits_set(&p->found, beginning(sha256));

	return r < 0 ? r : 0;
}

int
blob_presence_of(struct blob_presence *p, const struct digest *sha256)
{
	if (!p->listed && p->looks == BLOB_PRESENCE_LOOKS) {
		int r = blob_dir_each_name(p->store, note, p);

		if (r < 0)
			return r;
		p->listed = true;
	}
	p->looks++;
	if (p->listed && !bits_has(&p->found, beginning(sha256)))
		return 0;
	return blob_present(p->store, sha256);
}

void
blob_presence_release(struct blob_presence *p)
{
	bits_release(&p->found);
}
