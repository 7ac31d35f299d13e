# suitefs: no configure step.  CC, CFLAGS, CPPFLAGS, LDFLAGS, PREFIX and
# DESTDIR are the packager's; what the code needs is added to them.

VERSION = 0.1.0
PREFIX = /usr/local
BINDIR = $(PREFIX)/bin
SBINDIR = $(PREFIX)/sbin
MANDIR = $(PREFIX)/share/man
BASHCOMPDIR = $(PREFIX)/share/bash-completion/completions
DOCDIR = $(PREFIX)/share/doc/suitefs

CC = gcc
CFLAGS = -O2 -g
# SAN=address,undefined or SAN=thread: a build of its own with sanitizers.
SAN =
B = build$(if $(SAN),-$(subst $(comma),-,$(SAN)))
comma = ,

PKGS = fuse3 lmdb libcurl gpgme liblzma zlib libzstd libdeflate libcrypto \
	jansson $(MSGPACK)
MSGPACK := $(shell pkg-config --exists msgpack-c && echo msgpack-c || echo msgpack)
PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
PKG_LIBS := $(shell pkg-config --libs $(PKGS) 2>/dev/null) -lbz2

WARN = -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wpointer-arith \
	-Wmissing-prototypes -Wwrite-strings -Wvla -Wformat=2 -Wundef \
	-Wno-language-extension-token
DEFS = -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -DFUSE_USE_VERSION=314 \
	-DVERSION='"$(VERSION)"'
SANFLAGS = $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer)
ALL_CFLAGS = -std=gnu11 $(WARN) $(DEFS) -I. $(PKG_CFLAGS) -pthread \
	$(SANFLAGS) $(CPPFLAGS) $(CFLAGS)

LAYERS = base store mirror fs cli
SRCS = $(wildcard $(addsuffix /*.c,$(LAYERS)))
objs = $(patsubst %.c,$(B)/%.o,$(wildcard $(1)/*.c))
LIBS = $(B)/fs.a $(B)/mirror.a $(B)/store.a $(B)/base.a

all: $(B)/suitefs

$(B)/suitefs: $(call objs,cli) $(LIBS)
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(PKG_LIBS)

define layer_archive
$(B)/$(1).a: $(call objs,$(1))
	rm -f $$@
	$(AR) rcs $$@ $$^
endef
$(foreach l,base store mirror fs,$(eval $(call layer_archive,$(l))))

$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# One cmocka program per module; it links what its layer may see.
TESTS = $(patsubst tests/unit/%.c,$(B)/unit/%,$(wildcard tests/unit/test_*.c))
$(B)/unit/test_%: $(B)/tests/unit/test_%.o $(LIBS)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $< $(LIBS) $(PKG_LIBS) -lcmocka

-include $(wildcard $(B)/*/*.d $(B)/*/*/*.d)

clean:
	rm -rf build build-*

.PHONY: all clean
.SECONDARY:
