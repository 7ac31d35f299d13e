#include "base/date.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "base/cleanup.h"

#define DAY	 86400
#define YEAR_MIN 1970

/* Not strftime() and strptime(): those follow the locale. */
static const char month_names[12][4] = {"Jan", "Feb", "Mar", "Apr", "May",
    "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
static const char day_names[7][4] = {
    "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};

/* The index of a three-letter name, any case, or -1. */
static int
find_name(const char (*names)[4], int n, struct span s)
{
	for (int i = 0; i < n; i++)
		if (span_eq_nocase(s, span_of(names[i])))
			return i;
	return -1;
}

/* A number of min to max digits; -1 otherwise. */
static int
number(struct span s, size_t min, size_t max)
{
	uint64_t n;

	if (s.len < min || s.len > max || span_u64(s, &n) < 0)
		return -1;
	return (int)n;
}

static int
days_in_month(int year, int month)
{
	static const int days[] = {
	    31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month] + (month == 1 && leap);
}

/* hh:mm or hh:mm:ss; a leap second counts as the next minute's first. */
static int
parse_clock(struct span s, struct tm *tm)
{
	struct span part;

	if (!span_cut(&s, ':', &part))
		return -EBADMSG;
	tm->tm_hour = number(part, 2, 2);
	if (tm->tm_hour < 0 || tm->tm_hour > 23 || !span_cut(&s, ':', &part))
		return -EBADMSG;
	tm->tm_min = number(part, 2, 2);
	if (tm->tm_min < 0 || tm->tm_min > 59)
		return -EBADMSG;
	/* Without seconds nothing may be left: "09:51:" is no time. */
	if (part.ptr + part.len == s.ptr && s.len == 0)
		return 0;
	tm->tm_sec = number(s, 2, 2);
	return tm->tm_sec < 0 || tm->tm_sec > 60 ? -EBADMSG : 0;
}

/* Seconds east of UTC. */
static int
parse_zone(struct span s, int *ret)
{
	static const char utc[][4] = {"UTC", "GMT", "UT", "Z"};
	int hours, minutes;

	if (find_name(utc, 4, s) >= 0) {
		*ret = 0;
		return 0;
	}
	if (s.len != 5 || (s.ptr[0] != '+' && s.ptr[0] != '-'))
		return -EBADMSG;
	hours = number((struct span){s.ptr + 1, 2}, 2, 2);
	minutes = number((struct span){s.ptr + 3, 2}, 2, 2);
	if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59)
		return -EBADMSG;
	*ret = (hours * 60 + minutes) * (s.ptr[0] == '-' ? -60 : 60);
	return 0;
}

/* Where the parts stand among the words of a date. */
struct order {
	size_t words;
	size_t day, month, year, clock;
	size_t zone; /* == words: none, which is UTC */
};

static const struct order rfc5322 = {5, 0, 1, 2, 3, 4};
/* "Sat May 17 09:51:27 2025": what asctime(3) writes, and apt reads. */
static const struct order asctime_order = {4, 1, 0, 3, 2, 4};

static int
parse_parts(const struct span *w, const struct order *o, int64_t *ret)
{
	struct tm tm = {0};
	int year = number(w[o->year], 4, 4);
	int month = find_name(month_names, 12, w[o->month]);
	int day = number(w[o->day], 1, 2);
	int zone = 0;
	int64_t t;

	if (year < YEAR_MIN || month < 0)
		return -EBADMSG;
	if (day < 1 || day > days_in_month(year, month))
		return -EBADMSG;
	if (parse_clock(w[o->clock], &tm) < 0)
		return -EBADMSG;
	if (o->zone < o->words && parse_zone(w[o->zone], &zone) < 0)
		return -EBADMSG;
	tm.tm_year = year - 1900;
	tm.tm_mon = month;
	tm.tm_mday = day;
	t = (int64_t)timegm(&tm) - zone;
	if (t < 0)
		return -EBADMSG;
	*ret = t;
	return 0;
}

int
date_parse(struct span s, int64_t *ret)
{
	const struct order *order = &rfc5322;
	struct span w[7], *first = w;
	size_t n = 0;
	bool comma;

	while (n < ARRAY_LEN(w) && span_word(&s, &w[n]))
		n++;
	if (n == 0 || n == ARRAY_LEN(w))
		return -EBADMSG;
	comma = span_ends(w[0], SPAN(","));
	if (comma)
		w[0].len--;
	if (find_name(day_names, 7, w[0]) >= 0) {
		if (!comma)
			order = &asctime_order;
		first++;
		n--;
	} else if (comma) {
		return -EBADMSG;
	}
	return n == order->words ? parse_parts(first, order, ret) : -EBADMSG;
}

/* Within the years that the forms have room for. */
static struct tm
split(int64_t t)
{
	const int64_t min = -INT64_C(62135596800); /* 0001-01-01 */
	const int64_t max = INT64_C(253402300799); /* 9999-12-31 */
	time_t clamped = (time_t)(t < min ? min : t > max ? max : t);
	struct tm tm = {0};

	(void)gmtime_r(&clamped, &tm);
	tm.tm_year += 1900;
	tm.tm_mon++;
	return tm;
}

char *
date_format(int64_t t, char out[DATE_SIZE])
{
	struct tm tm = split(t);

	(void)snprintf(out, DATE_SIZE, "%s, %02d %s %04d %02d:%02d:%02d UTC",
	    day_names[tm.tm_wday], tm.tm_mday, month_names[tm.tm_mon - 1],
	    tm.tm_year, tm.tm_hour, tm.tm_min, tm.tm_sec);
	return out;
}

char *
date_format_id(int64_t t, char out[DATE_SIZE])
{
	struct tm tm = split(t);

	(void)snprintf(out, DATE_SIZE, "%04d%02d%02dT%02d%02d%02dZ", tm.tm_year,
	    tm.tm_mon, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
	return out;
}

char *
date_format_iso(int64_t t, char out[DATE_SIZE])
{
	struct tm tm = split(t);

	(void)snprintf(out, DATE_SIZE, "%04d-%02d-%02dT%02d:%02d:%02dZ",
	    tm.tm_year, tm.tm_mon, tm.tm_mday, tm.tm_hour, tm.tm_min,
	    tm.tm_sec);
	return out;
}

static int64_t
unit_seconds(char unit)
{
	switch (unit) {
	case 's':
		return 1;
	case 'm':
		return 60;
	case 'h':
		return 3600;
	case 'd':
		return DAY;
	case 'w':
		return 7 * DAY;
	default:
		return 0;
	}
}

int
duration_parse(struct span s, int64_t *ret)
{
	/* Ten thousand years: far from overflow when added to a time. */
	const uint64_t most = UINT64_C(10000) * 366 * DAY;
	uint64_t total = 0, n;
	bool plain = span_u64(s, &total) == 0;

	if (s.len == 0)
		return -EINVAL;
	while (!plain && s.len > 0) {
		struct span digits = {s.ptr, 0};
		uint64_t unit;

		while (digits.len < s.len && s.ptr[digits.len] >= '0' &&
		       s.ptr[digits.len] <= '9')
			digits.len++;
		if (digits.len == s.len || span_u64(digits, &n) < 0)
			return -EINVAL;
		unit = (uint64_t)unit_seconds(s.ptr[digits.len]);
		if (unit == 0 || n > most / unit || total > most - n * unit)
			return -EINVAL;
		total += n * unit;
		s.ptr += digits.len + 1;
		s.len -= digits.len + 1;
	}
	if (total > most)
		return -EINVAL;
	*ret = (int64_t)total;
	return 0;
}
