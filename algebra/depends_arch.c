/* Architecture lists and build profiles of dependencies; see depends.h. */

#include "algebra/depends.h"

/* Architectures whose CPU has another name, dpkg's tupletable. */
static const struct cpu {
	struct span architecture, cpu;
} cpus[] = {
    {SPAN_INIT("armel"), SPAN_INIT("arm")},
    {SPAN_INIT("armhf"), SPAN_INIT("arm")},
    {SPAN_INIT("arm64ilp32"), SPAN_INIT("arm64")},
    {SPAN_INIT("x32"), SPAN_INIT("amd64")},
    {SPAN_INIT("powerpcspe"), SPAN_INIT("powerpc")},
    {SPAN_INIT("mipsn32"), SPAN_INIT("mips64")},
    {SPAN_INIT("mipsn32el"), SPAN_INIT("mips64el")},
    {SPAN_INIT("mipsn32r6"), SPAN_INIT("mips64r6")},
    {SPAN_INIT("mipsn32r6el"), SPAN_INIT("mips64r6el")},
};

/* Cuts the last part of "kfreebsd-amd64"; what is missing is `otherwise`. */
static struct span
cut_last(struct span *s, struct span otherwise)
{
	struct span part = *s;

	if (s->len == 0)
		return otherwise;
	for (size_t i = s->len; i > 0; i--) {
		if (s->ptr[i - 1] != '-')
			continue;
		part = (struct span){s->ptr + i, s->len - i};
		s->len = i - 1;
		return part;
	}
	s->len = 0;
	return part;
}

static struct span
cpu_of(struct span name)
{
	for (size_t i = 0; i < ARRAY_LEN(cpus); i++)
		if (span_eq(cpus[i].architecture, name))
			return cpus[i].cpu;
	return name;
}

static bool
has_any(struct span pattern)
{
	struct span part;

	while (span_cut(&pattern, '-', &part))
		if (span_eq(part, SPAN("any")))
			return true;
	return false;
}

/* [[abi-]libc-]os-cpu, from the right; "any" stands for every part. */
static bool
arch_matches(struct span arch, struct span pattern)
{
	/* Of os, libc and abi, where the architecture does not say. */
	static const struct span otherwise[] = {
	    SPAN_INIT("linux"), SPAN_INIT("gnu"), SPAN_INIT("base")};
	struct span want, have;

	if (span_eq(arch, pattern))
		return true;
	if (!has_any(pattern))
		return false;
	want = cut_last(&pattern, SPAN("any"));
	have = cpu_of(cut_last(&arch, SPAN("any")));
	if (!span_eq(want, SPAN("any")) && !span_eq(want, have))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(otherwise); i++) {
		want = cut_last(&pattern, SPAN("any"));
		have = cut_last(&arch, otherwise[i]);
		if (!span_eq(want, SPAN("any")) && !span_eq(want, have))
			return false;
	}
	return true;
}

bool
dep_concerns(const struct dep *d, struct span architecture)
{
	struct span rest = d->architectures, word;
	bool concerned = rest.len == 0;

	while (span_word(&rest, &word)) {
		bool not = word.len > 0 && *word.ptr == '!';

		if (not )
			word = (struct span){word.ptr + 1, word.len - 1};
		if (arch_matches(architecture, word))
			return !not ;
		/* "!i386" means all the others. */
		concerned = concerned || not ;
	}
	return concerned;
}

/* Are all terms of one list true? */
static bool
list_holds(struct span list, const struct strs *profiles)
{
	struct span word;

	while (span_word(&list, &word)) {
		bool not = word.len > 0 && *word.ptr == '!';

		if (not )
			word = (struct span){word.ptr + 1, word.len - 1};
		if ((profiles && strs_has(profiles, word)) == not )
			return false;
	}
	return true;
}

bool
dep_in_profiles(const struct dep *d, const struct strs *profiles)
{
	struct span rest = d->profiles, head, list;

	if (rest.len == 0)
		return true;
	while (span_cut(&rest, '<', &head)) {
		if (rest.len == 0 || !span_cut(&rest, '>', &list))
			break;
		if (list_holds(list, profiles))
			return true;
	}
	return false;
}
