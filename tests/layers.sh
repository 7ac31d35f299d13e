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
		for dir in $(sed -n 's,^#include "\([a-z]*\)/.*,\1,p' "$file" | sort -u); do
			case " $allowed " in
			*" $dir "*) ;;
			*)
				echo "$file: must not include $dir/" >&2
				failed=1
				;;
			esac
		done
	done
	below="$below $layer"
done
exit $failed
