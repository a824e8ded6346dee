#!/bin/sh
# What `make` needs of the machine, each lack said in one sentence: check_machine.sh PYTHON ENVIRONMENT
python="$1" environment="$2"
need() { echo "ser_ros: $1" >&2; exit 1; }

command -v "$python" >/dev/null || need "no $python here; install Python 3.10 to 3.13 or name one: make PYTHON=..."
"$python" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 14))' ||
  need "$("$python" --version) does not do; name Python 3.10 to 3.13: make PYTHON=python3.11"
"$python" -c 'import ensurepip, venv' 2>/dev/null ||
  need "$python cannot make a virtual environment; Debian, Ubuntu: apt install python3-venv"
[ "$(uname -sm)" = "Linux x86_64" ] ||
  need "the ROS wheels exist for x86_64 Linux only; on $(uname -sm) build with colcon (docs/install.md)"
for compiler in "${CC:-cc}" "${CXX:-c++}"; do
  command -v "${compiler%% *}" >/dev/null ||
    need "no ${compiler%% *}: the ROS messages need a C and a C++ compiler; Debian, Ubuntu: apt install gcc g++"
done
[ -w . ] || need "cannot write to $(pwd): it is read-only or belongs to another user; work in a copy of the tree"
for folder in "$environment" "$environment"/lib/python3*/site-packages; do
  ! [ -e "$folder" ] || [ -w "$folder" ] ||
    need "cannot write to $folder: it is read-only or belongs to another user; name another: make VENV=DIR"
done
