# Every target installs what it needs. `make demo` and `make test` are the two commands; both
# print their steps with times. LAB names the lab, so that a second one can run beside the first.

LAB ?= demo
export LAB

.PHONY: help demo test lint unit docs man docs-tables docs-check faults contract-16 contract-18 lab-test lab-long lab-locked lab-awx interleavings daily molecule soak bench install-test deb rpm wheel collection down clean

help:
	@sed -n 's/^## //p' $(MAKEFILE_LIST)

## make demo         a real lab: three hosts, Ceph, this backend (LAB=other for a second one)
demo:
	@tests/tools/steps demo

## make test         the gate: lint, unit and integration tests, faults, Ceph 18.2, the lab's tests
test:
	@tests/tools/steps lint unit faults contract-18 lab-test

## make lint         ruff, mypy, yamllint, ansible-lint, validate-modules
lint:
	@tests/tools/steps lint

## make unit         the unit and integration tests alone; need neither root nor Ceph
unit:
	@tests/tools/steps unit

## make docs         the documents as a site with search, in .cache/site; a warning is an error
docs:
	@tests/tools/steps docs

## make man          the manual pages of orch-ansible, from its help texts, in build/man/man1
man:
	@tests/tools/steps man

## make docs-tables  what is made of the code, written anew: tables in docs/, the list of messages
docs-tables:
	@tests/tools/steps docs-tables

## make docs-check   fail where one of these is old
docs-check:
	@tests/tools/steps docs-check

## make faults       what dies, hangs or runs full around a job, each once (as root for the mounts)
faults:
	@tests/tools/steps faults

## make contract-18  the interface's types against Ceph 18.2's own (as root)
contract-18:
	@tests/tools/steps contract-18

## make contract-16  what the module hands to Ceph 16.2's own classes (as root)
contract-16:
	@tests/tools/steps contract-16

## make lab-test     the tests on real hosts alone (as root)
lab-test:
	@tests/tools/steps lab-test

## make lab-long     all tests of OSDs and services on real hosts, and molecule (as root)
lab-long:
	@tests/tools/steps lab-long

## make lab-locked   verbs, hosts, OSDs, drains, maintenance, profiles through the invoker alone (as root)
lab-locked:
	@tests/tools/steps lab-locked

## make lab-awx     hosts, devices, jobs, OSDs, services with a stand-in for AWX as the managers' engine (as root)
lab-awx:
	@tests/tools/steps lab-awx

## make interleavings  200 random interleavings of osd rm with other administrators and faults, SEED=7 (as root)
interleavings:
	@tests/tools/steps interleavings

## make daily        daily work at random against a model of what must hold: ten seeds, an hour (as root)
daily:
	@tests/tools/steps daily

## make install-test  install, use, remove and install again in each way of docs/install.md (as root)
install-test:
	@tests/tools/steps install-test

## make molecule     the roles by themselves on real hosts: check, converge, idempotence, verify (as root)
molecule:
	@tests/tools/steps molecule

## make soak         all faults many times over, and the table of docs/reliability.md anew (as root)
soak:
	@tests/tools/steps soak

## make bench        the benchmarks, printed as ratios (as root)
bench:
	@tests/tools/steps bench

## make deb          the Debian packages, in dist/: ceph-mgr-ansible, and ceph-mgr-ansible-bundled for Debian 12
deb:
	@tests/tools/steps deb

## make rpm          the RPM, in dist/; it was run on no EL host
rpm:
	@tests/tools/steps rpm

## make wheel        the wheel, in dist/
wheel:
	@tests/tools/steps wheel

## make collection   the archive of the collection, in dist/
collection:
	@tests/tools/steps collection

## make down         stop the lab and leave nothing of it
down:
	@tests/lab/lab down

## make clean        remove what the targets made in this checkout
clean:
	rm -rf .venv .cache build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache
