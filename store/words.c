#include "store/words.h"

#include <errno.h>
#include <sys/random.h>

#define LEAST 1024 /* slots */

static uint64_t
mix(uint64_t h)
{
	h ^= h >> 32;
	h *= UINT64_C(0xd6e8feb86659fd93);
	h ^= h >> 32;
	h *= UINT64_C(0xd6e8feb86659fd93);
	return h ^ h >> 32;
}

static uint64_t
hash(const struct words *w, struct span word)
{
	uint64_t h = w->seed ^ word.len, part;

	for (; word.len >= sizeof(part); word.ptr += sizeof(part)) {
		memcpy(&part, word.ptr, sizeof(part));
		h = mix(h ^ part);
		word.len -= sizeof(part);
	}
	part = 0;
	if (word.len > 0)
		memcpy(&part, word.ptr, word.len);
	return mix(h ^ part);
}

/* Where the word is, or where it would go. */
static size_t
slot_of(const struct words *w, struct span word)
{
	size_t at = (size_t)hash(w, word) & (w->nslots - 1);

	while (
	    w->slots[at] != 0 && !span_eq(words_get(w, w->slots[at] - 1), word))
		at = (at + 1) & (w->nslots - 1);
	return at;
}

static int
grow_slots(struct words *w)
{
	size_t nslots = w->nslots ? 2 * w->nslots : LEAST;
	uint32_t *slots;

	if (w->seed == 0 &&
	    getrandom(&w->seed, sizeof(w->seed), GRND_NONBLOCK) < 0)
		w->seed =
		    (uint64_t)(uintptr_t)w; /* before the system has any */
	slots = calloc(nslots, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	free(w->slots);
	w->slots = slots;
	w->nslots = nslots;
	for (size_t i = 0; i < w->n; i++)
		slots[slot_of(w, words_get(w, (uint32_t)i))] = (uint32_t)i + 1;
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
	size_t at;
	int r;

	/* At most half full, so that a search is short. */
	if (2 * (w->n + 1) > w->nslots) {
		r = grow_slots(w);
		if (r < 0)
			return r;
	}
	at = slot_of(w, word);
	if (w->slots[at] != 0) {
		*ret = w->slots[at] - 1;
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
	w->slots[at] = (uint32_t)w->n;
	*ret = (uint32_t)w->n - 1;
	return 0;
}

uint32_t
words_find(const struct words *w, struct span word)
{
	size_t at;

	if (w->n == 0)
		return WORD_NONE;
	at = slot_of(w, word);
	return w->slots[at] != 0 ? w->slots[at] - 1 : WORD_NONE;
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
