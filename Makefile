# Every chore of the project. `make help` lists them; `make` does the whole way from data to answer.

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory
.PHONY: all bench-accuracy bench-predict bench-serve bench-train clean data distclean export format help inspect lint onnx-bench predict report \
	samples serve setup setup-dev sweep test test-docs test-kill test-slow train

# Settings, all optional:    make train MODEL=mlp DATA=../shared/mnist EPOCHS=5
MODEL  ?= lenet
DATA   ?=
EPOCHS ?=
SEED   ?=
RUN    ?=
IMAGES ?=
OUT    ?= predictions.csv
PORT   ?=
ARGS   ?=

# paddlepaddle 2.6.2 runs on these; the first one found makes the environment.
PYTHON ?= $(shell for p in python3.12 python3.11 python3 python; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
PY   := $(VENV)/bin/python

# What is only compared with has environments of its own: PyTorch, and the peers of serve and predict.
BENCH := .venv-bench
PEERS := .venv-peers

# $(call flag,--name,value) is the flag where the value is given, and nothing where it is not.
flag = $(if $(strip $(2)),$(1) "$(strip $(2))")
run  = $(call flag,--run,$(RUN))

all: RUN := $(or $(RUN),$(MODEL))
all: ## Train, export, benchmark and predict on what data is at hand (3 epochs unless EPOCHS is given)
	@$(MAKE) train RUN="$(RUN)" \
		$(if $(wildcard runs/$(RUN)/config.json),ARGS="--resume $(ARGS)",EPOCHS="$(or $(EPOCHS),3)")
	@$(MAKE) export onnx-bench RUN="$(RUN)" ARGS=
	@$(MAKE) predict RUN="$(RUN)" IMAGES="$(or $(IMAGES),samples)" ARGS="--html predictions.html"
	@$(MAKE) report RUN="$(RUN)" ARGS=
	@echo; echo "All done. Look at:"
	@for f in curves.png metrics.csv inference inference_fluid onnx/model.onnx bench/bench.png report.html manifest.json; do \
		echo "  runs/$(RUN)/$$f"; done; echo "  $(OUT)"; echo "  predictions.html"

train: setup ## Train MODEL on DATA for EPOCHS, into runs/RUN (RUN is the model's name unless given)
	@$(PY) -m pipeline train --model "$(MODEL)" $(run) $(call flag,--data,$(DATA)) $(call flag,--epochs,$(EPOCHS)) \
		$(call flag,--seed,$(SEED)) $(ARGS)

sweep: setup ## Train MODEL with every combination of ARGS="--vary learning_rate=0.01,0.001 --vary optimizer=adam,sgd"
	@$(PY) -m pipeline sweep --model "$(MODEL)" $(call flag,--data,$(DATA)) $(call flag,--epochs,$(EPOCHS)) \
		$(call flag,--seed,$(SEED)) $(call flag,--name,$(RUN)) $(ARGS)

inspect: setup ## Look inside RUN's model: layers, parameters, dead units, filters, feature maps, mistakes, graphs
	@$(PY) -m pipeline inspect $(run) $(ARGS)

report: setup ## Write all that is known of RUN into one HTML file
	@$(PY) -m pipeline report $(run) $(ARGS)

data: setup ## Sum up DATA and draw a picture of samples
	@$(PY) -m pipeline data $(call flag,--data,$(DATA)) --show $(ARGS)

export: setup ## Make the inference models and the validated model.onnx of RUN (the latest unless given)
	@$(PY) -m export inference $(run)
	@$(PY) -m export onnx $(run) $(ARGS)

onnx-bench: setup ## Measure RUN's model on Paddle and onnxruntime: latency, throughput, memory
	@$(PY) -m export bench $(run) $(ARGS)

predict: setup $(if $(filter samples,$(IMAGES)),samples) ## Label the images of IMAGES=dir with RUN's model, into OUT
	@$(if $(IMAGES),,echo "which images? make predict IMAGES=dir" >&2; exit 2)
	@$(PY) -m export predict "$(IMAGES)" $(run) --out "$(OUT)" $(ARGS)

serve: setup ## Serve the model of RUN, or of several, RUN="lenet mlp", on PORT: a page to draw on, and an API
	@$(PY) -m export serve $(foreach name,$(RUN),--run "$(name)") $(call flag,--port,$(PORT)) $(ARGS)

samples: setup ## Write 100 test images of DATA as PNG files into samples/, to try predict on
	@$(PY) -m pipeline data $(call flag,--data,$(DATA)) --samples samples

setup: $(VENV)/.installed ## Make the environment in .venv (again when requirements.txt changed)

setup-dev: $(VENV)/.installed-dev ## The same with the tools for lint and test

$(PY):
	@$(if $(PYTHON),,echo "no Python 3.11 or 3.12 found: install one, or name it with PYTHON=..." >&2; exit 1)
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: requirements.txt | $(PY)
	$(PY) -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/.installed-dev: requirements-dev.txt $(VENV)/.installed
	$(PY) -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

lint: setup-dev ## Check style and types
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy

format: setup-dev ## Put the code into the project's style
	@$(PY) -m ruff check --fix-only --quiet .
	@$(PY) -m ruff format .

test: setup-dev ## Run the tests (a few minutes on two cores)
	@OMP_NUM_THREADS=1 $(PY) -m pytest -n 2 $(ARGS)

test-docs: setup-dev ## Do all that the guide and the tutorials' pages tell a reader to type
	@OMP_NUM_THREADS=1 $(PY) -m pytest -n 2 -m "not gpu" tests/docs $(ARGS)

test-kill: setup-dev ## Kill a training at 200 random moments and see that it ends as if nobody had
	@OMP_NUM_THREADS=1 KILLS=200 $(PY) -m pytest tests/pipeline/test_train_kill.py $(ARGS)

test-slow: setup-dev ## Run the long tests too
	@OMP_NUM_THREADS=1 $(PY) -m pytest -n 2 -m "not gpu" $(ARGS)

bench-accuracy: setup ## Train the three models with three seeds on DATA and print the table of accuracies
	@$(PY) -m benchmarks.accuracy $(call flag,--data,$(DATA)) $(ARGS)

bench-train: setup $(if $(findstring --without torch,$(ARGS)),,$(BENCH)/.installed) ## Race training against PyTorch and Paddle (ARGS="--without torch": without PyTorch)
	@$(PY) -m benchmarks.bench_train $(call flag,--data,$(DATA)) $(ARGS)

bench-serve: setup $(PEERS)/.installed ## Race serving RUN's model against FastAPI and Mosec (ARGS="--rounds 0 --requests 1000000": our memory)
	@$(PY) -m benchmarks.serving $(run) $(call flag,--data,$(DATA)) $(ARGS)

bench-predict: setup $(PEERS)/.installed ## Race predicting folders with RUN's model against OpenCV and Pillow
	@$(PY) -m benchmarks.folders $(run) $(call flag,--data,$(DATA)) $(ARGS)

$(BENCH)/.installed: requirements-bench.txt
$(PEERS)/.installed: requirements-peers.txt

$(BENCH)/.installed $(PEERS)/.installed: | $(PY)
	$(PY) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@

clean: ## Remove what tests, linters and a trial run left (not runs/, not .venv)
	rm -rf samples predictions.csv predictions.html .pytest_cache .mypy_cache .ruff_cache
	find . -name __pycache__ -not -path './.venv*' -exec rm -rf {} +

distclean: clean ## Remove the environment too (runs/ stays)
	rm -rf $(VENV) $(BENCH) $(PEERS)

help: ## List the chores
	@echo "make [CHORE] [SETTING=value ...]"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo "Settings: MODEL=softmax|mlp|lenet DATA=dir|builtin EPOCHS=n SEED=n RUN=name IMAGES=dir OUT=file PORT=n ARGS=\"more flags\""
