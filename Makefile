# Every target sets up what it needs in .venv, by itself.  `make help` lists them.

RUN := .venv/bin/python
KEYLESS := $(RUN) -m cjadmin.local.environment
.DEFAULT_GOAL := help
.PHONY: help setup lock demo run test test-long test-api test-browser check format bench bench-hosts chaos chaos-short messages pictures

help:
	@echo "make demo          judge the bundled essays, print the scale, serve the admin (EXIT=1: end after printing)"
	@echo "make run           serve the admin and the workers, with your keys and your services"
	@echo "make test          run the tests; ARGS='...' goes to pytest"
	@echo "make test-long     run the tests that take long"
	@echo "make test-api      make two thousand calls of the status API, by every caller"
	@echo "make test-browser  run the tests that drive a browser"
	@echo "make check         format, lint, types, imports, migrations"
	@echo "make bench         measure every path beside its limit; ARGS='--short', ARGS='--only submit --json FILE'"
	@echo "make bench-hosts   let two hosts of workers share the work, in network namespaces; needs root"
	@echo "make chaos-short   kill, stop, crash and fool the pipeline for some minutes; a table of what held"
	@echo "make chaos         the same with every count in full: an hour or two"
	@echo "make format        put the code into shape"
	@echo "make messages      collect the texts for translators, and compile what they wrote"
	@echo "make pictures      take the pictures of the documentation from the running demo"
	@echo "make setup         only install what all of these need"
	@echo "make lock          pin what requirements*.txt ask for, with hashes; after each change of a list"

setup: development

.PHONY: runtime development
runtime:
	@sh tools/setup.sh requirements.txt

development:
	@sh tools/setup.sh requirements-dev.txt

lock:
	@$$(sh tools/find_python.sh) tools/lock.py

demo: runtime
	@CJ_POLL_INTERVAL_MIN=1 CJ_CALLBACK_SINK=kafka $(KEYLESS) manage.py demo $(if $(EXIT),--exit)

run: runtime
	@$(RUN) manage.py up

test: development
	@$(RUN) -m pytest -n 2 -q $(ARGS)

test-long: development
	@$(RUN) -m pytest -n 2 -q -m long $(ARGS)

test-api: development
	@$(RUN) -m pytest -q -m long tests/api/test_any_call.py $(ARGS)

test-browser: development
	@sh tools/chromium.sh
	@$(RUN) -m pytest -q -m browser $(ARGS)

check: development
	@$(RUN) tools/check.py

format: development
	@$(RUN) -m ruff format .
	@$(RUN) -m ruff check --fix .
	@.venv/bin/djade --target-version 6.1 $$(git ls-files --cached --others --exclude-standard '*.html')

pictures: development
	@sh tools/chromium.sh
	@$(RUN) tools/pictures.py

messages: development
	@$(RUN) tools/messages.py

bench: development
	@$(KEYLESS) -m bench $(ARGS)

bench-hosts: development
	@$(KEYLESS) -m bench.hosts $(ARGS)

chaos: development
	@$(KEYLESS) -m chaos --long $(ARGS)

chaos-short: development
	@$(KEYLESS) -m chaos $(ARGS)
