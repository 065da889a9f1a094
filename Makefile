# SPDX-License-Identifier: GPL-2.0-or-later
# Front door. meson and ninja do the work: see HACKING.md.
BUILD ?= build
PREFIX ?= /usr/local
DESTDIR ?=
FUZZ_SECONDS ?= 60

.PHONY: all build deps check check-vm demo demo-offline install bench format fuzz clean

all: build

build: $(BUILD)/build.ninja
	@out=$$(ninja -C $(BUILD) 2>&1) || { echo "$$out" | grep -vE '^\[[0-9]+/' ; exit 1; }

$(BUILD)/build.ninja:
	@tools/deps build
	@meson setup $(BUILD) --prefix=$(PREFIX) -Dtests=disabled >$(BUILD).log 2>&1 || { cat $(BUILD).log; rm -f $(BUILD).log; exit 1; }
	@rm -f $(BUILD).log

deps:
	@tools/deps build demo test

check:
	@tools/deps build demo test plugs
	@tools/check

check-vm:
	@tools/deps build demo test
	@tools/check gcc vm

demo:
	@tools/deps build demo
	@$(MAKE) --no-print-directory build
	@tools/demo $(BUILD)

demo-offline:
	@tools/deps build demo
	@$(MAKE) --no-print-directory build
	@tools/demo --offline $(BUILD)

install: $(BUILD)/build.ninja
	@meson configure $(BUILD) --prefix=$(PREFIX)
	@$(MAKE) --no-print-directory build
	@DESTDIR=$(abspath $(DESTDIR)) meson install -C $(BUILD) --no-rebuild --quiet
	@echo "installed in $(DESTDIR)$(PREFIX)"

bench:
	@tools/deps build demo bench
	@$(MAKE) --no-print-directory build
	@bench/run $(BUILD)
	@bench/runtime $(BUILD)

format:
	@tools/deps test
	@git ls-files -co --exclude-standard '*.c' '*.h' | xargs clang-format -i

fuzz:
	@tools/deps build test
	@tools/fuzz $(FUZZ_SECONDS)

clean:
	@rm -rf $(BUILD) build-check build-fuzz
