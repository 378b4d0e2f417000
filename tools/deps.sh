#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# deps.sh SET...: install the Debian packages of the sets build, test, fuzz and vm that are
# missing. As root, or with sudo; when neither works, name the exact command.
set -eu

build="gcc make libc6-dev binutils libseccomp-dev libcap-dev libjansson-dev libmd-dev musl-tools
	python3"
test="libcunit1-dev python3 python3-numpy python3-pandas python3-jsonschema strace procps
	util-linux mount iproute2 git mandoc"

fuzz="clang libclang-rt-dev"
vm="qemu-system-x86 mmdebstrap fakeroot fakechroot e2fsprogs git"

missing=
for set in "$@"; do
	case $set in
	build) packages=$build ;;
	test)
		packages=$test
		# Any node will do, Debian's or another.
		command -v node >/dev/null || packages="$packages nodejs"
		;;
	vm) packages=$vm ;;
	fuzz) packages=$fuzz ;;
	*)
		echo "deps.sh: no set '$set'" >&2
		exit 2
		;;
	esac
	for p in $packages; do
		dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q 'ok installed' ||
			missing="$missing $p"
	done
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null; then
	echo "deps.sh: this is no Debian; please install what these packages hold:$missing" >&2
	exit 1
fi
as_root=
if [ "$(id -u)" -ne 0 ]; then
	if command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
		as_root=sudo
	else
		echo "deps.sh: packages are missing. As root:" >&2
		echo "    apt-get update && apt-get install -y --no-install-recommends$missing" >&2
		exit 1
	fi
fi
echo "installing:$missing"
$as_root apt-get update -qq
# shellcheck disable=SC2086 # a list of words
DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq --no-install-recommends $missing
