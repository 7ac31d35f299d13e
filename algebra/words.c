#include "algebra/words.h"

#include <errno.h>
#include <sys/random.h>

#define LEAST 1024 /* slots */

#define FACTOR UINT64_C(0x9e3779b97f4a7c15)

static uint32_t
hash(const struct words *w, struct span word)
{
	uint64_t h = w->seed ^ word.len, part;

	for (; word.len >= sizeof(part); word.ptr += sizeof(part)) {
		memcpy(&part, word.ptr, sizeof(part));
		h = (h ^ part) * FACTOR;
		h ^= h >> 29;
		word.len -= sizeof(part);
	}
	part = 0;
	if (word.len > 0)
		memcpy(&part, word.ptr, word.len);
	h = (h ^ part) * FACTOR;
	h = (h ^ h >> 32) * FACTOR;
	return (uint32_t)(h >> 32);
}

/* Where the word is, or where it would go. */
static struct words_slot *
slot_of(const struct words *w, struct span word, uint32_t hashed)
{
	size_t at = hashed & (w->nslots - 1);

	while (w->slots[at].number != 0 &&
	       (w->slots[at].hash != hashed ||
		   !span_eq(words_get(w, w->slots[at].number - 1), word)))
		at = (at + 1) & (w->nslots - 1);
	return &w->slots[at];
}

static int
grow_slots(struct words *w)
{
	size_t nslots = w->nslots ? 2 * w->nslots : LEAST;
	struct words_slot *slots;

	if (w->seed == 0 &&
	    getrandom(&w->seed, sizeof(w->seed), GRND_NONBLOCK) < 0)
		w->seed =
		    (uint64_t)(uintptr_t)w; /* before the system has any */
	slots = calloc(nslots, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	for (size_t i = 0; i < w->nslots; i++) {
		size_t at = w->slots[i].hash & (nslots - 1);

		if (w->slots[i].number == 0)
			continue;
		while (slots[at].number != 0)
			at = (at + 1) & (nslots - 1);
		slots[at] = w->slots[i];
	}
	free(w->slots);
	w->slots = slots;
	w->nslots = nslots;
	return 0;
}

static int
reserve(struct words *w)
{
	size_t cap = w->cap ? 2 * w->cap : LEAST;
	uint32_t *ends;

	if (w->n < w->cap)
		return 0;
	ends = reallocarray(w->ends, cap, sizeof(*ends));
	if (!ends)
		return -ENOMEM;
	w->ends = ends;
	w->cap = cap;
	return 0;
}

int
words_add(struct words *w, struct span word, uint32_t *ret)
{
	struct words_slot *slot;
	uint32_t hashed;
	int r;

	/* At most half full, so that a search is short. */
	if (2 * (w->n + 1) > w->nslots) {
		r = grow_slots(w);
		if (r < 0)
			return r;
	}
	hashed = hash(w, word);
	slot = slot_of(w, word, hashed);
	if (slot->number != 0) {
		*ret = slot->number - 1;
		return 0;
	}
	if (w->n >= WORDS_MAX || word.len > WORDS_MAX_BYTES - w->bytes.len)
		return -E2BIG;
	r = reserve(w);
	if (r == 0)
		r = buf_add_span(&w->bytes, word);
	if (r < 0)
		return r;
	w->ends[w->n++] = (uint32_t)w->bytes.len;
	*slot = (struct words_slot){hashed, (uint32_t)w->n};
	*ret = (uint32_t)w->n - 1;
	return 0;
}

uint32_t
words_find(const struct words *w, struct span word)
{
	const struct words_slot *slot;

	if (w->n == 0)
		return WORD_NONE;
	slot = slot_of(w, word, hash(w, word));
	return slot->number != 0 ? slot->number - 1 : WORD_NONE;
}

struct span
words_get(const struct words *w, uint32_t number)
{
	uint32_t start = number > 0 ? w->ends[number - 1] : 0;

	return (struct span){w->bytes.ptr + start, w->ends[number] - start};
}

void
words_release(struct words *w)
{
	buf_release(&w->bytes);
	free(w->ends);
	free(w->slots);
	*w = (struct words){0};
}
