# suitefs: no configure step.  CC, CFLAGS, CPPFLAGS, LDFLAGS, PREFIX and
# DESTDIR are the packager's; what the code needs is added to them.

VERSION = 0.1.0
PREFIX = /usr/local
BINDIR = $(PREFIX)/bin
# mount(8) looks for its helpers there, whatever the prefix.
HELPERDIR = /sbin
MANDIR = $(PREFIX)/share/man
BASHCOMPDIR = $(PREFIX)/share/bash-completion/completions
DOCDIR = $(PREFIX)/share/doc/suitefs
SYSTEMDUNITDIR = $(PREFIX)/lib/systemd/system

CC = gcc
CFLAGS = -O2 -g
# SAN=address,undefined or SAN=thread: a build of its own with sanitizers.
SAN =
B = build$(if $(SAN),-$(subst $(comma),-,$(SAN)))
comma = ,

# libcrypto comes first: it looks up 4000 symbols of its own whenever a program
# starts, in one library after another.
PKGS = libcrypto fuse3 lmdb gpgme liblzma zlib libzstd libdeflate \
	libpcre2-8 jansson $(MSGPACK)
MSGPACK := $(shell pkg-config --exists msgpack-c && echo msgpack-c || echo msgpack)
# Not linked, but loaded where it is needed: see mirror/libcurl.h.
LOADED = libcurl
# Their headers are theirs to mend: no warnings from them.
PKG_CFLAGS := $(patsubst -I%,-isystem%,$(shell pkg-config --cflags $(PKGS) $(LOADED) 2>/dev/null))
PKG_LIBS := $(shell pkg-config --libs $(PKGS) 2>/dev/null) -lbz2

WARN = -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wpointer-arith \
	-Wmissing-prototypes -Wwrite-strings -Wvla -Wformat=2 -Wundef \
	-Wno-language-extension-token
DEFS = -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -DFUSE_USE_VERSION=314 \
	-DVERSION='"$(VERSION)"'
SANFLAGS = $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer)
ALL_CFLAGS = -std=gnu11 $(WARN) $(DEFS) -I. $(PKG_CFLAGS) -pthread \
	$(SANFLAGS) $(CPPFLAGS) $(CFLAGS)

# V=1 shows the commands.
Q = $(if $(V),,@)
say = $(if $(V),,@printf '  %-4s %s\n' $(1) $(2))
JOBS := $(shell nproc)

LAYERS = base store algebra mirror fs cli
SRCS = $(wildcard $(addsuffix /*.c,$(LAYERS)))
objs = $(patsubst %.c,$(B)/%.o,$(wildcard $(1)/*.c))
LIBS = $(addprefix $(B)/,fs.a mirror.a algebra.a store.a base.a)

all: $(B)/suitefs

$(B)/suitefs: $(call objs,cli) $(LIBS)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(PKG_LIBS)

define layer_archive
$(B)/$(1).a: $(call objs,$(1))
	$(Q)rm -f $$@
	$(Q)$(AR) rcs $$@ $$^
endef
$(foreach l,$(filter-out cli,$(LAYERS)),$(eval $(call layer_archive,$(l))))

$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# One cmocka program per module; it links what its layer may see.
TESTS = $(patsubst tests/unit/%.c,$(B)/unit/%,$(wildcard tests/unit/test_*.c))
$(B)/unit/test_%: $(B)/tests/unit/test_%.o $(LIBS)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $< $(LIBS) $(PKG_LIBS) -lcmocka

# What lets files fail and looks at the result: see tests/fault/fault.h.
FAULT = $(B)/fault/fault.so $(B)/fault/walk $(B)/fault/damage $(B)/fault/fields
$(B)/fault/fault.so: $(wildcard tests/fault/lib_*.c) tests/fault/fault.h
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) -std=gnu11 $(WARN) $(DEFS) $(CPPFLAGS) $(CFLAGS) -fPIC \
		-shared -pthread $(LDFLAGS) -o $@ $(filter %.c,$^) -ldl

$(B)/fault/%: $(B)/tests/fault/%.o $(LIBS)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $< $(LIBS) $(PKG_LIBS)

-include $(wildcard $(B)/*/*.d $(B)/*/*/*.d)

# --- tests -----------------------------------------------------------------

unit-tests: $(TESTS) $(FAULT)

# Installs what is missing (as root; otherwise says what it is), then builds:
# a second make, because the first one could not ask pkg-config.
check:
	tests/deps.sh check
	$(Q)$(MAKE) -j$(JOBS) check-installed

check-installed: all unit-tests
	SUITEFS=$(CURDIR)/$(B)/suitefs tests/run.sh $(B)/unit

# The same faults as in "make check", of each kind and for each command up to
# ROUNDS of them or for SECONDS: see tests/README.md.
ROUNDS ?= 1000
SECONDS = 600
torture: all unit-tests
	SUITEFS=$(CURDIR)/$(B)/suitefs TORTURE_ROUNDS=$(ROUNDS) \
		TORTURE_SECONDS=$(SECONDS) tests/torture.sh

# The units, under a systemd that boots in a container (as root).
check-boot: all
	tests/deps.sh boot
	SUITEFS=$(CURDIR)/$(B)/suitefs tests/integration/run.sh \
		$(CURDIR)/tests/integration/boot.sh

# Seconds for each fuzz target; the corpora in tests/fuzz/corpus are its seed.
FUZZ_SECONDS = 20
FUZZERS = $(patsubst tests/fuzz/%.c,$(B)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
$(B)/fuzz/fuzz_%: $(B)/tests/fuzz/fuzz_%.o $(LIBS)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -fsanitize=fuzzer $(LDFLAGS) -o $@ $< $(LIBS) $(PKG_LIBS)

fuzz:
	tests/deps.sh lint
	$(MAKE) -j$(JOBS) fuzz-run CC=clang SAN=address,undefined B=build-fuzz \
		CFLAGS="-O1 -g -fsanitize=fuzzer-no-link"

fuzz-run: $(FUZZERS)
	tests/fuzz/run.sh $(FUZZ_SECONDS) $(FUZZERS)

lint:
	tests/deps.sh lint
	$(MAKE) lint-run

SCRIPTS = .ci/run $(shell git ls-files '*.sh' '*.bash' 2>/dev/null)
lint-run: lint-format lint-layers lint-scripts lint-man lint-cppcheck lint-tidy

lint-format:
	clang-format --dry-run -Werror $(SRCS) $(wildcard $(addsuffix /*.h,$(LAYERS))) \
		$(wildcard tests/unit/*.[ch] tests/fuzz/*.[ch] tests/fault/*.[ch])

lint-layers:
	tests/layers.sh $(LAYERS)

# Each by itself: to read along what it sources takes ten times as long.  What
# can't be known then is left out: variables set elsewhere (set -u finds those
# that nobody sets), functions called elsewhere, set -e in what is sourced.
lint-scripts:
	printf '%s\n' $(SCRIPTS) | xargs -P $(JOBS) -n 4 shellcheck --norc \
		--exclude=SC1091,SC2034,SC2154,SC2164,SC2317

lint-man:
	mandoc -T lint -W warning man/*.[1-9]

lint-cppcheck:
	cppcheck --quiet --error-exitcode=1 --std=c11 --inline-suppr -j 2 \
		--enable=warning,performance,portability \
		--suppressions-list=tests/cppcheck.txt $(DEFS) -I. $(LAYERS)

# Largest first, so that both ends come together.  Some functions have more paths
# than anybody waits for: the analyzer looks at so many steps of each.
TIDY_STEPS = 25000
lint-tidy:
	ls -S $(SRCS) | xargs -P $(JOBS) -n 1 sh -c 'clang-tidy --quiet \
		--warnings-as-errors="*" "$$@" -- $(subst ",\",$(subst ',,$(ALL_CFLAGS))) \
		-Xclang -analyzer-config -Xclang max-nodes=$(TIDY_STEPS) \
		2>/dev/null' clang-tidy

# ROWS=mirror,publish: only those; ROWS=scale: how it grows; ROWS=choices: the
# mount's, one by one.
bench:
	tests/deps.sh bench
	$(MAKE) -j$(JOBS) all $(B)/bench/measure
	SUITEFS=$(CURDIR)/$(B)/suitefs MEASURE=$(CURDIR)/$(B)/bench/measure \
		tests/bench/run.sh $(ROWS)

$(B)/bench/measure: tests/bench/measure.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $<

demo:
	tests/deps.sh demo
	$(Q)$(MAKE) -j$(JOBS) all
	$(Q)SUITEFS=$(CURDIR)/$(B)/suitefs URL="$(URL)" SUITE="$(SUITE)" \
		KEYRING="$(KEYRING)" tests/demo.sh

deps:
	tests/deps.sh build

# --- installing ------------------------------------------------------------

MAN1 = $(notdir $(wildcard man/*.1))
MAN5 = $(notdir $(wildcard man/*.5))
MAN7 = $(notdir $(wildcard man/*.7))

UNITS = $(notdir $(wildcard systemd/suitefs-*))

install: all install-units
	install -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(HELPERDIR) \
		$(DESTDIR)$(MANDIR)/man1 $(DESTDIR)$(MANDIR)/man5 \
		$(DESTDIR)$(MANDIR)/man7 \
		$(DESTDIR)$(BASHCOMPDIR) $(DESTDIR)$(DOCDIR)
	install -m 755 $(B)/suitefs $(DESTDIR)$(BINDIR)/suitefs
	ln -sf $(BINDIR)/suitefs $(DESTDIR)$(HELPERDIR)/mount.suitefs
	install -m 644 $(addprefix man/,$(MAN1)) $(DESTDIR)$(MANDIR)/man1/
	install -m 644 $(addprefix man/,$(MAN5)) $(DESTDIR)$(MANDIR)/man5/
	install -m 644 $(addprefix man/,$(MAN7)) $(DESTDIR)$(MANDIR)/man7/
	install -m 644 completions/suitefs.bash $(DESTDIR)$(BASHCOMPDIR)/suitefs
	install -m 644 README.md LICENSE $(DESTDIR)$(DOCDIR)/

install-units:
	install -d $(DESTDIR)$(SYSTEMDUNITDIR)
	for unit in $(UNITS); do \
		sed 's,@BINDIR@,$(BINDIR),' "systemd/$$unit" \
			>"$(DESTDIR)$(SYSTEMDUNITDIR)/$$unit" && \
		chmod 644 "$(DESTDIR)$(SYSTEMDUNITDIR)/$$unit" || exit 1; \
	done

uninstall:
	rm -f $(DESTDIR)$(BINDIR)/suitefs $(DESTDIR)$(HELPERDIR)/mount.suitefs \
		$(addprefix $(DESTDIR)$(MANDIR)/man1/,$(MAN1)) \
		$(addprefix $(DESTDIR)$(MANDIR)/man5/,$(MAN5)) \
		$(addprefix $(DESTDIR)$(MANDIR)/man7/,$(MAN7)) \
		$(addprefix $(DESTDIR)$(SYSTEMDUNITDIR)/,$(UNITS)) \
		$(DESTDIR)$(BASHCOMPDIR)/suitefs \
		$(DESTDIR)$(DOCDIR)/README.md $(DESTDIR)$(DOCDIR)/LICENSE
	-rmdir $(DESTDIR)$(DOCDIR)

clean:
	rm -rf build build-*

.PHONY: all unit-tests check check-installed check-boot torture fuzz fuzz-run lint lint-run \
	lint-format lint-layers lint-scripts lint-man lint-cppcheck lint-tidy \
	bench demo deps install install-units uninstall clean
.SECONDARY:
