PYTHON ?= python3
IN = $(PYTHON) .ci/bootstrap.py

run:     ## hub and portal with demo data on http://127.0.0.1:7860 (PORT, CORPUSHUB_HOME)
	@$(IN) app.py --demo
test: check   ## every check and every test
	@$(IN) -m pytest
check:   ## style, types, import contracts, house rules, docs and cards up to date
	@$(IN) .ci/check.py
fix:     ## let the tools mend what they can
	@$(IN) .ci/check.py --fix
cards:   ## regenerate the checked-in data cards
	@$(IN) -m corpushub cards build
docs:    ## regenerate docs/reference
	@$(IN) .ci/docs.py
.PHONY: run test check fix cards docs
