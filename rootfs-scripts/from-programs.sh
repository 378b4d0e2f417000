#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# from-programs.sh DIR PROGRAM...: make DIR a root file system that holds just these
# programs of this machine and the libraries they load, for `runner exec --rootfs`.
# Only for programs you trust: finding their libraries runs the loader on them.
set -eu

usage() {
	echo "usage: from-programs.sh DIR PROGRAM..." >&2
	exit 2
}

[ $# -ge 2 ] || usage
dir=$1
shift
[ ! -e "$dir" ] || {
	echo "from-programs.sh: '$dir' exists; name a new directory" >&2
	exit 1
}
mkdir -p "$dir/usr/bin" "$dir/usr/lib" "$dir/usr/lib64" "$dir/etc"
for name in bin lib lib64; do
	ln -s "usr/$name" "$dir/$name"
done
printf 'root:x:0:0::/:/bin/sh\nuser:x:1000:1000::/tmp:/bin/sh\n' >"$dir/etc/passwd"

# Where it is found is where it goes, below usr.
place() {
	case $1 in
	/usr/*) to=$dir$1 ;;
	*) to=$dir/usr$1 ;;
	esac
	[ -e "$to" ] && return
	mkdir -p "$(dirname "$to")"
	cp -L "$1" "$to"
}

for program in "$@"; do
	path=$(command -v "$program") || {
		echo "from-programs.sh: '$program': not found" >&2
		rm -rf "$dir"
		exit 1
	}
	place "$path"
	# Inside, PATH is /usr/local/bin:/usr/bin:/bin.
	case $path in
	/usr/local/bin/* | /usr/bin/* | /bin/*) ;;
	*) ln -sf "${to#"$dir"}" "$dir/usr/bin/${path##*/}" ;;
	esac
	if [ "$(head -c 2 "$path" | tr -d '\000')" = '#!' ]; then
		echo "from-programs.sh: '$path' is a script: name what it runs, too" >&2
	fi
	# "name => /path (address)", or "/path (address)" for the loader
	ldd "$path" 2>/dev/null | sed -n 's/.*\(=> \|\t\)\(\/[^ ]*\) (.*/\2/p' |
		while read -r library; do
			place "$library"
		done
done
