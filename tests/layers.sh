#!/bin/sh
# The layers, lowest first, are this script's arguments; a file may include
# its own layer's headers and those below.  fs and mirror stand side by side
# and do not see each other.
set -eu

failed=0
below=''
for layer; do
	allowed="$below $layer"
	[ "$layer" = fs ] && allowed=$(printf '%s' "$allowed" | sed 's/ mirror//')
	for file in "$layer"/*.[ch]; do
		bad=$(sed -n 's,^#include "\([a-z]*\)/.*,\1,p' "$file" | sort -u |
			while read -r dir; do
				case " $allowed " in
				*" $dir "*) ;;
				*) printf ' %s/' "$dir" ;;
				esac
			done)
		if [ -n "$bad" ]; then
			echo "$file: must not include$bad" >&2
			failed=1
		fi
	done
	below="$below $layer"
done
exit $failed
