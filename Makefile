# SPDX-License-Identifier: Apache-2.0
# runner: build, test, install. `make help` lists the targets.

PREFIX ?= /usr/local
DESTDIR ?=
# make's own default, cc, counts as not set
ifeq ($(origin CC),default)
CC := gcc
endif
CFLAGS ?= -O2 -g
PKG_CONFIG ?= pkg-config
SANITIZE ?=
DEV ?=

# A build with sanitizers lives in its own directory.
comma := ,
B := build$(if $(SANITIZE),-$(subst $(comma),-,$(SANITIZE)))
O := $(B)/obj
Q := $(if $(V),,@)

WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
	-Wvla -Wwrite-strings $(if $(DEV),-Werror)
# OpenSSF, "Compiler Options Hardening Guide for C and C++". The program is static
# and not position-independent: relocating itself costs time at each start, and it
# reads no input that it does not check before it has dropped into the child.
HARDENING := -fstack-protector-strong -fno-strict-aliasing -fno-delete-null-pointer-checks \
	-fstack-clash-protection
ALL_CPPFLAGS := -Irunner -I$(B) $(CPPFLAGS)
ALL_CFLAGS := -std=gnu17 $(WARNINGS) $(HARDENING) $(CFLAGS) \
	$(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-sanitize-recover=all)
ALL_LDFLAGS := $(if $(SANITIZE),-fsanitize=$(SANITIZE),-static -no-pie) \
	-Wl,-z,relro,-z,now,-z,noexecstack $(LDFLAGS)
LIBS := -ljansson -lseccomp -lcap -lmd

# -- what there is, from the bottom up: a file may use those above it -----------

BASE := base/err base/fd base/text base/jout
INPUT := spec limits profile builtin profile_load profile_file policy_file options host
POLICY := bpf policy
DECIDE := idmap command plan plan_print
LAYERS := table namespaces userns network memfd mounting root devices proc mounts privileges \
	landlock process seccomp
CHILD := child init
PARENT := launch relay tree denial notify verdict supervise
PROGRAM := report report_place cmd_fail cmd_exec cmd_doctor cmd_profile

RUNNER := $(BASE) $(INPUT) $(DECIDE) $(LAYERS:%=layer/%) $(CHILD) $(PARENT) $(PROGRAM)
OBJECTS := $(RUNNER:%=$(O)/runner/%.o) $(POLICY:%=$(O)/seccomp/%.o) $(O)/builtin.o
EMBED := $(addprefix $(O)/runner/,$(addsuffix .o,$(BASE) spec limits profile)) \
	$(POLICY:%=$(O)/seccomp/%.o) $(O)/tools/embed.o

PROFILES := $(sort $(wildcard profiles/*.json))
POLICIES := $(sort $(wildcard seccomp/*.json))

.PHONY: all help demo check check-unit check-e2e check-security child-symbols golden bench \
	deps deps-test install uninstall clean format lint
.DELETE_ON_ERROR:

all: $(B)/runner

help: ## list the targets
	@sed -n 's/^\([a-z][a-z-]*\):.*## \(.*\)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

# -- the express door (runner/express/express.c says why) ------------------------
# Needs musl; without it (EXPRESS=, sanitizers) the program is the same, but slower.
MUSL_CC ?= musl-gcc
MUSL_LIBC ?= $(firstword $(wildcard /usr/lib/*-linux-musl/libc.a /usr/lib/musl/lib/libc.a))
EXPRESS ?= $(if $(SANITIZE),,$(shell command -v $(MUSL_CC) 2>/dev/null))
EXPRESS_ROOMS := $(filter-out runner/profile runner/profile_file runner/policy_file \
	runner/cmd_doctor runner/cmd_profile,$(RUNNER:%=runner/%)) \
	seccomp/bpf runner/express/express runner/express/entry
EXPRESS_OBJECTS := $(EXPRESS_ROOMS:%=$(O)/express/%.o) $(O)/express/builtin.o
# musl-gcc hides the kernel's headers along with glibc's; they come last.
KERNEL_HEADERS := -idirafter /usr/include -idirafter /usr/include/$(shell $(CC) -dumpmachine)
EXPRESS_CFLAGS := -std=gnu17 $(WARNINGS) $(HARDENING) $(CFLAGS) $(KERNEL_HEADERS) -fno-pie

$(O)/express/%.o: %.c
	@mkdir -p $(@D)
	$(Q)$(MUSL_CC) $(ALL_CPPFLAGS) $(EXPRESS_CFLAGS) -MMD -MP -c -o $@ $<

$(O)/express/%.o: %.S
	@mkdir -p $(@D)
	$(Q)$(MUSL_CC) $(ALL_CPPFLAGS) $(EXPRESS_CFLAGS) -c -o $@ $<

$(O)/express/builtin.o: $(B)/builtin.c
	@mkdir -p $(@D)
	$(Q)$(MUSL_CC) $(ALL_CPPFLAGS) $(EXPRESS_CFLAGS) -MMD -MP -c -o $@ $<

# One object; every symbol but the entry becomes its own.
$(O)/express.o: $(EXPRESS_OBJECTS)
	$(Q)$(MUSL_CC) -r -nostdlib -nostartfiles -no-pie -o $@.all $^ \
		$(MUSL_LIBC) $(shell $(CC) -print-libgcc-file-name)
	$(Q)objcopy --keep-global-symbol=express_start $@.all $@
	@rm -f $@.all

$(B)/runner: $(O)/runner/main.o $(OBJECTS) $(if $(EXPRESS),$(O)/express.o)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) $(if $(EXPRESS),-Wl$(comma)-e$(comma)express_start) \
		-o $@ $^ $(LIBS)

$(B)/embed: $(EMBED)
	$(Q)$(CC) $(ALL_CFLAGS) $(if $(SANITIZE),-fsanitize=$(SANITIZE)) -o $@ $^ $(LIBS)

$(B)/builtin.c: $(B)/embed $(PROFILES) $(POLICIES)
	$(Q)$(B)/embed $(PROFILES) -- $(POLICIES) > $@

$(O)/builtin.o: $(B)/builtin.c
	$(Q)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(O)/%.o: %.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

-include $(shell find $(B) -name '*.d' 2>/dev/null)

clean: ## remove what was built
	rm -rf build build-*
