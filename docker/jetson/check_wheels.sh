#!/bin/sh
# check_wheels.sh PYTHON: is there an aarch64 wheel of everything a robot installs, for the Pythons of JetPack 6 and 7?
# Asks the package index for metadata; downloads no wheel where the index offers metadata alone.
set -eu
here=$(dirname "$0")
list=$(mktemp)
trap 'rm -f "$list"' EXIT
"$1" "$here/requirements.py" "$here/../../pyproject.toml" > "$list"
for version in 3.10 3.12; do
  "$1" -m pip install --quiet --dry-run --ignore-installed --target /nonexistent --only-binary=:all: \
    --platform manylinux_2_28_aarch64 --platform manylinux_2_17_aarch64 --platform manylinux2014_aarch64 \
    --implementation cp --python-version "$version" -r "$list" 'onnxruntime>=1.21,<2'
  echo "Python $version: every requirement has an aarch64 or a pure wheel"
done
