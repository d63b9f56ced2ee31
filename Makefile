# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# Every target is a line that calls a script. What takes long lives in the cache
# (KALLMODSYMS_CACHE, or ~/.cache/kallmodsyms), what belongs to this clone in build/.
# `make run KERNEL_SRC=...` takes another Linux 6.12.y, directory or tarball; JOBS=
# sets how many compilers run at once. `make stress CONFIG=lockdep` takes a lane's kernel,
# `make export SIGN_OFF="Name <address>"` signs the series for mail.

export CARGO_TARGET_DIR ?= $(CURDIR)/build/cargo
OUT ?= build/export
CONFIG = standard
E2E := cargo run --quiet --release --manifest-path tests/Cargo.toml -p e2e --

.PHONY: help run test lanes stress bench bench-kernel bench-link shell kernel tree export check where clean distclean
help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile | expand -t 20

run: ## build and boot the patched kernel, and show /proc/kallmodsyms
	@qemu/install.sh && qemu/turn.sh qemu/run.sh standard run build/run && qemu/show.sh build/run

test: ## test all but the lanes: half an hour the first time; the last line counts
	@qemu/install.sh test && qemu/turn.sh $(E2E) suite

lanes: ## test the kernels of all lanes (make lane-NAME: of one), and the large clients of the crate
	@qemu/install.sh lanes && qemu/turn.sh $(E2E) lane

lane-%:
	@qemu/install.sh $@ && qemu/turn.sh $(E2E) lane $*

stress: ## read while modules and BPF programs come and go, 2,000 times (make test: 100)
	@qemu/install.sh lane-$(CONFIG) && qemu/turn.sh qemu/stress.sh $(CONFIG) build/stress

bench: ## measure the crate beside its peers; with BASE=REVISION the command beside that of another revision
	@qemu/install.sh bench && $(if $(BASE),userspace/bench/compare.sh $(BASE),userspace/bench/bench.sh)

bench-kernel: ## count the instructions of reading the symbol files and of look-ups, beside the targets
	@qemu/install.sh && qemu/turn.sh qemu/bench/bench.sh build/bench-kernel $(CONFIG)

bench-link: ## time the link of vmlinux with the option and without
	@qemu/install.sh && qemu/turn.sh qemu/bench/link.sh

shell: ## a shell in the guest
	@qemu/install.sh && qemu/run.sh standard shell build/shell

kernel: ## build the kernel, and do not boot it
	@qemu/install.sh && qemu/build.sh standard

tree: ## prepare the patched source tree
	@qemu/install.sh && linux-patch/prepare.sh && qemu/where.sh

export: ## write the whole series for git am to OUT= (build/export)
	@qemu/install.sh && linux-patch/export.sh $(OUT)

check: ## check the series: order, exactness, checkpatch, builds and links after each patch
	@qemu/install.sh && linux-patch/check.sh && linux-patch/builds.sh && linux-patch/builds.sh links

where: ## print where tree, build, image and results are, as shell assignments
	@qemu/where.sh

clean: ## remove what belongs to this clone
	rm -rf build

distclean: clean ## remove the cache as well (kernel trees, builds, tools)
	@linux-patch/distclean.sh
