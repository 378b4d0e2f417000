# SPDX-License-Identifier: Apache-2.0
# runner: build, test, install. `make help` lists the targets.

PREFIX ?= /usr/local
DESTDIR ?=
# make's own default, cc, counts as not set
ifeq ($(origin CC),default)
CC := gcc
endif
CFLAGS ?= -O2 -g
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
ALL_CFLAGS := -std=gnu17 $(WARNINGS) $(HARDENING) $(CFLAGS) $(if $(SANITIZE),,-fno-pie) \
	$(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-sanitize-recover=all)
ALL_LDFLAGS := $(if $(SANITIZE),-fsanitize=$(SANITIZE),-static) \
	-Wl,-z,relro,-z,now,-z,noexecstack $(LDFLAGS)
# The objects are not position-independent; embed and unit are dynamic programs.
NO_PIE := -no-pie
LIBS := -ljansson -lseccomp -lcap -lmd

# -- what there is, from the bottom up: a file may use those above it -----------

BASE := base/err base/fd base/reopen base/kernel_fs base/open base/stranger_helper base/stranger base/text base/display base/visible base/jout
INPUT := spec limits mount_words profile profile_limits profile_mounts builtin profile_load profile_file policy_file options host
POLICY := bpf_run bpf_answers bpf_decide bpf_shrink bpf_table bpf policy_rule policy
DECIDE := cgroup_probe cgroup idmap mountinfo bind_source reach_trees reach command plan plan_print
LAYERS := table cgroup namespaces userns identity network memfd mounting chroot place chain root devices proc tmpfs binds programs privileges \
	landlock process filter guard unix_sockets seccomp
CHILD := execute child init
HOLD := cpu_sample memory_device helper survey survey_status survey_smaps survey_helper host_memory tmpfs_use shared_sizes socket_diag socket_use closed_sockets inventory inventory_bound nameless hold
PARENT := remedy pstdio launch message relay streams tree watchdog ending denial_words denial denials notify verdict verdict_setup supervise
PROGRAM := report report_usage report_limits report_denials report_place cmd_fail cmd_exec trial cmd_doctor cmd_profile \
	probe/probe probe/files probe/kernel probe/network probe/process probe/guard \
	selftest_ablate selftest_attacks selftest_calls selftest_outside selftest_run selftest_spawn selftest_write cmd_selftest

RUNNER := $(BASE) $(INPUT) $(DECIDE) $(LAYERS:%=layer/%) $(CHILD) $(HOLD) $(PARENT) $(PROGRAM)
OBJECTS := $(RUNNER:%=$(O)/runner/%.o) $(POLICY:%=$(O)/seccomp/%.o) $(O)/builtin.o
EMBED := $(addprefix $(O)/runner/,$(addsuffix .o,$(BASE) spec limits mount_words profile profile_limits profile_mounts)) \
	$(POLICY:%=$(O)/seccomp/%.o) $(O)/tools/embed.o

PROFILES := $(sort $(wildcard profiles/*.json))
POLICIES := $(sort $(wildcard seccomp/*.json))

.PHONY: all probes help demo check check-long check-unit check-child check-docs check-e2e check-security check-vm security fuzz mutate golden \
	bench soak deps check-deps install uninstall clean format lint
.DELETE_ON_ERROR:

all: $(B)/runner

help: ## list the targets
	@sed -n 's/^\([a-z][a-z0-9-]*\):.*## \(.*\)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

# -- the express door (runner/express/express.c says why) ------------------------
# Needs musl; without it (EXPRESS=, sanitizers) the program is the same, but slower.
MUSL_CC ?= musl-gcc
MUSL_LIBC ?= $(firstword $(wildcard /usr/lib/*-linux-musl/libc.a /usr/lib/musl/lib/libc.a))
EXPRESS ?= $(if $(SANITIZE),,$(shell command -v $(MUSL_CC) 2>/dev/null))
EXPRESS_ROOMS := $(filter-out runner/profile runner/profile_limits runner/profile_mounts runner/profile_file runner/policy_file \
	runner/trial runner/cmd_doctor runner/cmd_profile runner/cmd_selftest runner/probe/% runner/selftest_%,$(RUNNER:%=runner/%)) \
	seccomp/bpf_run seccomp/bpf_answers runner/express/express runner/express/entry
EXPRESS_OBJECTS := $(EXPRESS_ROOMS:%=$(O)/express/%.o) $(O)/express/builtin.o
# musl-gcc hides the kernel's headers along with glibc's; they come last.
KERNEL_HEADERS := -idirafter /usr/include -idirafter /usr/include/$(shell $(MUSL_CC) -dumpmachine 2>/dev/null)
EXPRESS_CFLAGS := -std=gnu17 $(WARNINGS) $(HARDENING) $(CFLAGS) $(KERNEL_HEADERS) -fno-pie -fdata-sections

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
$(O)/express.o: $(EXPRESS_OBJECTS) runner/express/express.ld
	$(Q)$(MUSL_CC) -r -nostdlib -nostartfiles -no-pie -Wl,-T,runner/express/express.ld -o $@.all $(EXPRESS_OBJECTS) \
		$(MUSL_LIBC) $(shell $(CC) -print-libgcc-file-name)
	$(Q)objcopy --keep-global-symbol=express_start $@.all $@
	@rm -f $@.all

$(B)/runner: $(if $(EXPRESS),$(O)/express.o) $(O)/runner/main.o $(OBJECTS) | runner/express/pad.ld
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) \
		$(if $(EXPRESS),-Wl$(comma)-e$(comma)express_start -Wl$(comma)-z$(comma)max-page-size=65536 -Wl$(comma)-T$(comma)runner/express/pad.ld) \
		-o $@ $^ $(LIBS)

$(B)/embed: $(EMBED)
	$(Q)$(CC) $(ALL_CFLAGS) $(if $(SANITIZE),-fsanitize=$(SANITIZE),$(NO_PIE)) -o $@ $^ $(LIBS)

$(B)/builtin.c: $(B)/embed $(PROFILES) $(POLICIES)
	$(Q)$(B)/embed $(PROFILES) -- $(POLICIES) > $@

$(O)/builtin.o: $(B)/builtin.c
	$(Q)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(O)/%.o: %.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

-include $(shell find $(B) -name '*.d' 2>/dev/null)

# -- tests --------------------------------------------------------------------

UNIT := main text jout spec profile bpf policy pinned options layer plan verdict stranger reopen relay denial denials cgroup message ending nameless inventory survey servers visible
UNIT_OBJECTS := $(UNIT:%=$(O)/tests/unit/test_%.o)
UNIT_OBJECTS := $(subst test_main,main,$(UNIT_OBJECTS))

$(B)/unit: $(UNIT_OBJECTS) $(OBJECTS)
	$(Q)$(CC) $(ALL_CFLAGS) $(if $(SANITIZE),-fsanitize=$(SANITIZE),$(NO_PIE)) -o $@ $^ -lcunit $(LIBS)

# What runs inside is static: it must not lean on the root file system it is in.
$(B)/t/%: tests/probes/%.c
	@mkdir -p $(@D)
	$(Q)$(CC) -O2 -Wall -Wextra -static -Irunner -o $@ $(filter %.c,$^)

$(B)/t/display: runner/base/display.c runner/base/jout.c runner/base/stranger.c runner/base/stranger_helper.c

$(B)/t/probe: $(wildcard runner/probe/*.c) runner/probe/probe.h

$(B)/t/bench $(B)/t/spin: $(B)/t/%: tests/bench/%.c
	@mkdir -p $(@D)
	$(Q)$(CC) -O2 -Wall -Wextra -static -o $@ $<

# A runner that has one profile more for each key of a profile: does embed lose one?
FIELDS := $(sort $(wildcard tests/fields/*.json))
$(B)/fields.c: $(B)/embed $(PROFILES) $(FIELDS) $(POLICIES)
	$(Q)$(B)/embed $(PROFILES) $(FIELDS) -- $(POLICIES) > $@

$(O)/fields.o: $(B)/fields.c
	$(Q)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(B)/t/runner-fields: $(O)/runner/main.o $(filter-out $(O)/builtin.o,$(OBJECTS)) $(O)/fields.o
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

UNIT_RUN := $(B)/unit tests
PROBES := $(B)/t/probe $(B)/t/true $(B)/t/killat $(B)/t/outer_filter $(B)/t/display $(B)/t/runner-fields $(B)/t/reach
# Debian's own: its modules come as packages
PYTHON ?= $(firstword $(wildcard /usr/bin/python3) python3)

probes: $(PROBES)

check: check-deps ## every test on this kernel: minutes (installs what it needs)
	$(Q)$(MAKE) --no-print-directory check-unit check-child check-docs check-e2e check-security

check-long: check-deps ## what else there is: fuzzing, deliberate breaks, other kernels
	$(Q)sh tools/deps.sh fuzz vm
	$(Q)$(MAKE) --no-print-directory FUZZ_SECONDS=10 fuzz
	$(Q)$(MAKE) --no-print-directory mutate
	$(Q)$(MAKE) --no-print-directory check-vm

check-unit: $(B)/unit ## unit tests: no privileges, milliseconds
	$(Q)$(UNIT_RUN)

golden: $(B)/unit ## write tests/golden anew: a change is to be read in the diff
	$(Q)$(UNIT_RUN) --golden

check-child: all ## nothing but system calls between clone and exec
	$(Q)$(PYTHON) tests/child_symbols.py $(O)/runner $(OBJECTS)

check-docs: all $(PROBES) ## --help, man pages and tables agree
	$(Q)BUILD=$(B) $(PYTHON) tests/docs.py

check-e2e: all $(PROBES) ## what a user sees, as root and as an ordinary user
	$(Q)for t in tests/e2e/test_*.py; do BUILD=$(B) $(PYTHON) -W ignore $$t || exit 1; done

check-security: all $(PROBES) ## attacks, each with its control
	$(Q)for t in tests/security/test_*.py; do BUILD=$(B) $(PYTHON) -W ignore $$t || exit 1; done

# libFuzzer is clang's; everything is compiled once more for it.
FUZZ_SECONDS ?= 60
FUZZ_B := build-fuzz
FUZZERS := profile policy options
FUZZ_ROOMS := $(BASE) $(filter-out host,$(INPUT))
FUZZ_SOURCES := $(FUZZ_ROOMS:%=runner/%.c) $(POLICY:%=seccomp/%.c) $(B)/builtin.c
FUZZ_SEEDS_profile := $(PROFILES) $(wildcard tests/bad-profiles/*.json)
FUZZ_SEEDS_policy := $(POLICIES)
FUZZ_SEEDS_options := $(wildcard tests/fuzz/seeds/options/*)

$(FUZZ_B)/%: tests/fuzz/%.c tests/fuzz/fuzz.h $(FUZZ_SOURCES)
	@mkdir -p $(@D)
	$(Q)clang -std=gnu17 -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
		-Irunner -I$(B) -o $@ $(filter %.c,$^) $(LIBS)

.PRECIOUS: $(FUZZ_B)/%
fuzz: $(FUZZERS:%=fuzz-%) ## fuzz the parsers, FUZZ_SECONDS=60 each

fuzz-%: $(FUZZ_B)/%
	$(Q)mkdir -p $(FUZZ_B)/corpus/$* $(FUZZ_B)/found
	$(Q)cp $(FUZZ_SEEDS_$*) $(FUZZ_B)/corpus/$*
	$(Q)$< -max_total_time=$(FUZZ_SECONDS) -timeout=10 -max_len=8192 -verbosity=0 \
		-print_final_stats=1 -artifact_prefix=$(FUZZ_B)/found/ $(FUZZ_B)/corpus/$* 2>&1 | \
		tee $(FUZZ_B)/$*.log | grep -E 'number_of_executed_units|ERROR|SUMMARY' || true
	$(Q)! grep -qE 'ERROR: |SUMMARY: ' $(FUZZ_B)/$*.log

# MUTATE=sample: some of the rows, others every day; by_hand; all. NAMES: these only.
MUTATE ?= sample
NAMES ?=
mutate: ## break runner on purpose; the check named with each break must notice
	$(Q)$(PYTHON) tests/mutate.py --mode $(MUTATE) $(NAMES)

KERNEL ?= 6.1 6.12
VM_CACHE ?= $(HOME)/.cache/runner-vm

security: check-security ## attacks, and what runner says of itself
	$(Q)$(B)/runner selftest --ablate

check-vm: all $(PROBES) ## the same on other kernels, with cgroup v2 (KERNEL="6.1 6.12" or a vmlinuz)
	$(Q)for k in $(KERNEL); do BUILD=$(B) $(PYTHON) tests/vm/boot.py --cache $(VM_CACHE) \
		--log $(B)/vm-$$(basename $$k).log $$k || exit 1; done

bench: all $(B)/t/bench $(B)/t/true $(B)/t/spin ## speed against bubblewrap and bare execution
	$(Q)BUILD=$(B) sh tests/bench/bench.sh
	$(Q)BUILD=$(B) $(PYTHON) tests/bench/overhead.py

soak: all $(PROBES) ## RUNS=10000 runs in a row, and what the host holds afterwards
	$(Q)BUILD=$(B) $(PYTHON) tests/soak.py $(or $(RUNS),10000)

# -- what a fresh machine lacks ---------------------------------------------------

deps: ## install what the build needs (Debian packages)
	$(Q)sh tools/deps.sh build

check-deps:
	$(Q)sh tools/deps.sh build test

demo: deps ## build, and run a strategy in the sandbox
	$(Q)$(MAKE) --no-print-directory all
	$(Q)BUILD=$(B) sh docs/examples/demo.sh

# -- installing -------------------------------------------------------------------

install: all ## install below DESTDIR and PREFIX
	install -D -m 0755 $(B)/runner $(DESTDIR)$(PREFIX)/bin/runner
	install -D -m 0644 docs/runner.1 $(DESTDIR)$(PREFIX)/share/man/man1/runner.1
	install -D -m 0644 docs/runner-profile.5 $(DESTDIR)$(PREFIX)/share/man/man5/runner-profile.5

uninstall: ## remove what install put there
	rm -f $(DESTDIR)$(PREFIX)/bin/runner $(DESTDIR)$(PREFIX)/share/man/man1/runner.1 \
		$(DESTDIR)$(PREFIX)/share/man/man5/runner-profile.5

# -- keeping house ----------------------------------------------------------------

SOURCES := $(shell git ls-files '*.c' '*.h' 2>/dev/null)

format: ## format the C sources
	clang-format -i $(SOURCES)

lint: ## static analysis, and shellcheck on the scripts
	cppcheck --quiet --error-exitcode=1 --inline-suppr --suppress=missingIncludeSystem \
		--enable=warning,portability -Irunner runner seccomp tools
	shellcheck tools/*.sh rootfs-scripts/*.sh tests/bench/*.sh docs/examples/*.sh .ci/run

clean: ## remove what was built
	rm -rf build build-*
