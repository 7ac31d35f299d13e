#include "algebra/candidates.h"

#include <errno.h>

#include "algebra/words.h"
#include "base/version.h"
#include "store/bits.h"

struct entry {
	uint64_t number;
	uint64_t listed;
	uint32_t name, version, architecture; /* words */
	uint8_t multi_arch;
	bool udeb;
};

/* A name that an entry has or provides. */
struct offer {
	uint32_t name;	    /* word */
	uint32_t entry;	    /* index */
	uint32_t version;   /* word; WORD_NONE: a Provides without one */
	uint32_t qualifier; /* word; WORD_NONE */
	bool provided;
};

struct candidates {
	struct words words;
	struct words arches; /* numbered as the masks have them */
	struct bits seen;    /* packages' numbers */
	/* The same as words of 8 bytes, numbered as the entries; made when one
	 * is seen again. */
	struct words numbers;
	struct entry *entries;
	size_t n, cap;
	struct offer *offers;
	size_t noffers, offers_cap;
	/* By word, once sorted: where the offers of a name begin. */
	uint32_t *starts;
	size_t nstarts;
};

int
candidates_new(struct candidates **ret)
{
	*ret = calloc(1, sizeof(**ret));
	return *ret ? 0 : -ENOMEM;
}

void
candidates_free(struct candidates *c)
{
	if (!c)
		return;
	words_release(&c->words);
	words_release(&c->arches);
	bits_release(&c->seen);
	words_release(&c->numbers);
	free(c->entries);
	free(c->offers);
	free(c->starts);
	free(c);
}

int
candidates_arch(struct candidates *c, struct span architecture, size_t *ret)
{
	uint32_t number = words_find(&c->arches, architecture);

	if (number == WORD_NONE) {
		int r;

		if (c->arches.n >= CANDIDATES_MAX_ARCHES)
			return -E2BIG;
		r = words_add(&c->arches, architecture, &number);
		if (r < 0)
			return r;
	}
	*ret = number;
	return 0;
}

size_t
candidates_arches(const struct candidates *c)
{
	return c->arches.n;
}

struct span
candidates_arch_name(const struct candidates *c, size_t arch)
{
	return words_get(&c->arches, (uint32_t)arch);
}

/* --- filling -------------------------------------------------------------- */

/* Makes room for one more of n; NULL where there is none. */
static void *
grown(void *v, size_t *cap, size_t n, size_t size)
{
	size_t more = *cap ? *cap + *cap / 2 : 256;
	void *p;

	if (n < *cap)
		return v;
	p = reallocarray(v, more, size);
	if (p)
		*cap = more;
	return p;
}

static int
add_offer(struct candidates *c, struct span name, uint32_t version,
    struct span qualifier, bool provided)
{
	struct offer o = {
	    .entry = (uint32_t)c->n,
	    .version = version,
	    .qualifier = WORD_NONE,
	    .provided = provided,
	};
	struct offer *offers =
	    grown(c->offers, &c->offers_cap, c->noffers, sizeof(*offers));
	int r;

	if (!offers)
		return -ENOMEM;
	c->offers = offers;
	if (c->noffers >= UINT32_MAX)
		return -E2BIG;
	r = words_add(&c->words, name, &o.name);
	if (r == 0 && qualifier.len > 0)
		r = words_add(&c->words, qualifier, &o.qualifier);
	if (r == 0)
		c->offers[c->noffers++] = o;
	return r;
}

static int
add_provides(
    struct candidates *c, const struct package *p, const char **reterr_why)
{
	struct span field = p->light.relations[REL_PROVIDES], name;
	struct dep_offer offer = {0};
	int r;

	while ((r = dep_next_provided(&field, &name, &offer, reterr_why)) > 0) {
		uint32_t version = WORD_NONE;

		if (offer.version.len > 0) {
			r = words_add(&c->words, offer.version, &version);
			if (r < 0)
				return r;
		}
		r = add_offer(c, name, version, offer.qualifier, true);
		if (r < 0)
			return r;
	}
	return r == -EBADMSG ? 0 : r;
}

/* Packages of one source stand side by side, and have one version. */
static int
add_version(struct candidates *c, struct span version, uint32_t *ret)
{
	if (c->n > 0) {
		uint32_t last = c->entries[c->n - 1].version;

		if (span_eq(words_get(&c->words, last), version)) {
			*ret = last;
			return 0;
		}
	}
	return words_add(&c->words, version, ret);
}

static int
add_entry(
    struct candidates *c, const struct package *p, const char **reterr_why)
{
	const struct light *l = &p->light;
	struct entry *entries =
	    grown(c->entries, &c->cap, c->n, sizeof(*entries));
	struct entry e = {
	    .number = p->number,
	    .multi_arch = (uint8_t)multi_arch_of(l->multi_arch),
	    .udeb = l->kind == PACKAGE_UDEB,
	};
	int r;

	if (!entries)
		return -ENOMEM;
	c->entries = entries;
	r = words_add(&c->words, l->name, &e.name);
	if (r == 0)
		r = add_version(c, l->version, &e.version);
	if (r == 0)
		r = words_add(&c->words, l->architecture, &e.architecture);
	if (r == 0)
		r = add_offer(c, l->name, e.version, (struct span){0}, false);
	if (r == 0)
		r = add_provides(c, p, reterr_why);
	if (r == 0)
		c->entries[c->n++] = e;
	return r;
}

static int
add_number(struct candidates *c, const uint64_t *number, uint32_t *ret)
{
	struct span bytes = {(const char *)number, sizeof(*number)};

	return words_add(&c->numbers, bytes, ret);
}

/* The index of the entry of a package that has been seen. */
static int
find_entry(struct candidates *c, uint64_t number, uint32_t *ret)
{
	while (c->numbers.n < c->n) {
		int r = add_number(c, &c->entries[c->numbers.n].number, ret);

		if (r < 0)
			return r;
	}
	return add_number(c, &number, ret);
}

int
candidates_add(struct candidates *c, const struct package *p, uint64_t listed,
    const char **reterr_why)
{
	uint32_t at = (uint32_t)c->n;
	int r = bits_set(&c->seen, p->number);
	bool is_new = r > 0;

	if (is_new)
		r = add_entry(c, p, reterr_why);
	else if (r == 0)
		r = find_entry(c, p->number, &at);
	if (r < 0)
		return r;
	c->entries[at].listed |= listed;
	return is_new;
}

/* --- sorting -------------------------------------------------------------- */

static struct span
word(const struct candidates *c, uint32_t number)
{
	if (number == WORD_NONE)
		return (struct span){0};
	return words_get(&c->words, number);
}

/* Of offers of one name. */
static int
by_rank(const void *a, const void *b, void *arg)
{
	const struct candidates *c = arg;
	const struct offer *x = a, *y = b;
	const struct entry *e = &c->entries[x->entry];
	const struct entry *f = &c->entries[y->entry];
	int r = (int)x->provided - (int)y->provided;

	if (r == 0 && e->name != f->name)
		r = span_cmp(word(c, e->name), word(c, f->name));
	if (r == 0 && e->version != f->version)
		r = version_cmp(word(c, f->version), word(c, e->version));
	if (r == 0 && e->architecture != f->architecture)
		r = span_cmp(
		    word(c, e->architecture), word(c, f->architecture));
	if (r == 0)
		r = (x->entry > y->entry) - (x->entry < y->entry);
	return r != 0 ? r
		      : (x->version > y->version) - (x->version < y->version);
}

/* Where the offers of each name begin, once they stand side by side. */
static int
count_offers(struct candidates *c)
{
	c->nstarts = c->words.n;
	c->starts = calloc(c->nstarts + 1, sizeof(*c->starts));
	if (!c->starts)
		return -ENOMEM;
	for (size_t i = 0; i < c->noffers; i++)
		c->starts[c->offers[i].name + 1]++;
	for (size_t i = 0; i < c->nstarts; i++)
		c->starts[i + 1] += c->starts[i];
	return 0;
}

/* Puts the offers of each name side by side: each is swapped to the next place
 * of its name, so that there is never a second copy of them. */
static int
gather(struct candidates *c)
{
	CLEANUP_FREE uint32_t *next = NULL;
	int r = count_offers(c);

	if (r < 0)
		return r;
	next = calloc(c->nstarts + 1, sizeof(*next));
	if (!next)
		return -ENOMEM;
	memcpy(next, c->starts, c->nstarts * sizeof(*next));
	for (uint32_t name = 0; name < c->nstarts; name++) {
		while (next[name] < c->starts[name + 1]) {
			struct offer *here = &c->offers[next[name]], o = *here;

			/* Where it is right, with itself. */
			*here = c->offers[next[o.name]];
			c->offers[next[o.name]++] = o;
		}
	}
	return 0;
}

/* Gives back what was reserved for more; what can't be is kept. */
static void *
shrunk(void *v, size_t *cap, size_t n, size_t size)
{
	void *p = n > 0 ? reallocarray(v, n, size) : NULL;

	if (!p)
		return v;
	*cap = n;
	return p;
}

int
candidates_sort(struct candidates *c)
{
	int r;

	words_release(&c->numbers);
	c->entries = shrunk(c->entries, &c->cap, c->n, sizeof(*c->entries));
	c->offers =
	    shrunk(c->offers, &c->offers_cap, c->noffers, sizeof(*c->offers));
	r = gather(c);
	for (size_t i = 0; r == 0 && i < c->nstarts; i++) {
		size_t n = c->starts[i + 1] - c->starts[i];

		if (n > 1)
			qsort_r(c->offers + c->starts[i], n, sizeof(*c->offers),
			    by_rank, c);
	}
	return r;
}

/* --- asking --------------------------------------------------------------- */

size_t
candidates_count(const struct candidates *c)
{
	return c->n;
}

struct candidate
candidates_at(const struct candidates *c, size_t i)
{
	const struct entry *e = &c->entries[i];

	return (struct candidate){
	    .index = i,
	    .number = e->number,
	    .name = word(c, e->name),
	    .version = word(c, e->version),
	    .architecture = word(c, e->architecture),
	    .listed = e->listed,
	    .udeb = e->udeb,
	};
}

void
candidates_find(const struct candidates *c, const struct dep *dep,
    struct span architecture, bool udeb, struct candidate_walk *ret)
{
	uint32_t name = words_find(&c->words, dep->name);

	*ret = (struct candidate_walk){
	    .c = c,
	    .dep = dep,
	    .architecture = architecture,
	    .udeb = udeb,
	};
	if (name == WORD_NONE || name >= c->nstarts)
		return;
	ret->start = ret->at = c->starts[name];
	ret->end = c->starts[name + 1];
}

/* The passes through the offers of a name. */
enum { OWN_NATIVE, OWN_OTHER, PROVIDED_NATIVE, PROVIDED_OTHER, PASSES };

static bool
in_pass(const struct candidate_walk *w, const struct offer *o)
{
	struct span arch = word(w->c, w->c->entries[o->entry].architecture);
	bool native =
	    span_eq(arch, w->architecture) || span_eq(arch, SPAN("all"));

	return w->pass ==
	       (o->provided ? PROVIDED_NATIVE : OWN_NATIVE) + !native;
}

static bool
meets(const struct candidate_walk *w, const struct offer *o)
{
	const struct entry *e = &w->c->entries[o->entry];
	struct dep_offer offer = {
	    .version = word(w->c, o->version),
	    .architecture = word(w->c, e->architecture),
	    .multi_arch = (enum multi_arch)e->multi_arch,
	    .provided = o->provided,
	    .qualifier = word(w->c, o->qualifier),
	};

	return e->udeb == w->udeb &&
	       dep_met_by(w->dep, &offer, w->architecture);
}

bool
candidates_next(struct candidate_walk *w, struct candidate *ret)
{
	for (; w->pass < PASSES; w->pass++, w->at = w->start)
		while (w->at < w->end) {
			const struct offer *o = &w->c->offers[w->at++];

			if (!in_pass(w, o) || !meets(w, o))
				continue;
			*ret = candidates_at(w->c, o->entry);
			return true;
		}
	return false;
}

bool
candidates_meet(const struct candidates *c, const struct dep *dep,
    struct span architecture, bool udeb)
{
	struct candidate_walk w;

	candidates_find(c, dep, architecture, udeb, &w);
	for (; w.at < w.end; w.at++)
		if (meets(&w, &c->offers[w.at]))
			return true;
	return false;
}
