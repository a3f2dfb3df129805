#!/usr/bin/env bash
# Installs the Python programs that tests use into .holdfast-tools/venv: cfn-lint, which checks CloudFormation
# templates, ministack, which stands in for AWS, and Celery, whose queues are measured and which is put beside Holdfast
# (psycopg is for its tasks). Nothing else on the machine changes.
# Half a minute the first time, at once when they are there. Exit 1 with one sentence on standard error.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# ministack drives containers through docker's client library, and signs their certificates with cryptography.
readonly packages=(cfn-lint==1.58.0 ministack==1.5.33 docker==7.2.0 cryptography==50.0.2 'celery[redis]==5.7.0'
  'psycopg[binary]==3.3.9')
readonly tools=.holdfast-tools
readonly python=$tools/venv/bin/python
# Written as the last step: what is installed is known to be whole.
readonly installed=$tools/venv/installed

die() {
  echo "$*" >&2
  exit 1
}

is_ready() { [ -x "$python" ] && [ "$(cat "$installed" 2>/dev/null)" = "${packages[*]}" ]; }

is_ready && exit 0
command -v python3 >/dev/null || die "python3 is not installed; cfn-lint and ministack need Python 3.10 to 3.14."
python3 -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 14))' ||
  die "python3 is $(python3 -V 2>&1); cfn-lint and ministack need Python 3.10 to 3.14."
python3 -c 'import ensurepip, venv' 2>/dev/null ||
  die "python3 cannot make virtual environments; install them, on Debian with: apt-get install python3-venv"

mkdir -p "$tools"
# Two runs at once would disturb each other. macOS has no flock.
exec 9>"$tools/lock"
! command -v flock >/dev/null || flock 9
is_ready && exit 0
echo "Installing ${packages[*]} into $tools (about half a minute) ..."
"$python" -m pip --version >/dev/null 2>&1 || python3 -m venv --clear "$tools/venv"
"$python" -m pip install --quiet --disable-pip-version-check "${packages[@]}" >"$tools/pip.log" 2>&1 ||
  die "pip could not install ${packages[*]}; see $tools/pip.log"
echo "${packages[*]}" >"$installed"
