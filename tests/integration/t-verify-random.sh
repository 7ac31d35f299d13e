#!/bin/bash
# snapshot verify beside a slow implementation and beside apt, on hundreds of
# small generated archives for two architectures, with Multi-Arch, Provides,
# versions and alternatives.  And snapshot pull: what comes lacks nothing that
# the source has.
. "$(dirname "$0")/lib.sh" || exit

need "$PYTHON" apt-cache
relations() {
	"$PYTHON" "$TESTS/relations.py" "$@"
}

# compare WHAT OPTION...: verify with the options, and what they are there.
compare() {
	local arches=$1 words=() option status=0
	shift
	for option; do
		case $option in
		--arch=*) ;;
		*) words+=("${option#--}") ;;
		esac
	done
	relations unmet "$UP" stable "$arches" "${words[@]}" >"$T/want"
	[[ -s $T/want ]] || fail "the slow one finds nothing: $*"
	suitefs --quiet snapshot verify "$@" "$SNAPSHOT" >"$T/got" || status=$?
	[[ $status == 3 ]] || fail "exit status $status: verify $*"
	same "$T/want" "$T/got" "seed $SEED: verify $*"
}

# apt_agrees ARCH OTHER: package by package, on a machine of ARCH.
apt_agrees() {
	apt_private "$T/apt-$SEED-$1" "APT::Architecture \"$1\";" \
		'#clear APT::Architectures;' \
		"APT::Architectures { \"$1\"; \"$2\"; };"
	apt_source "deb [trusted=yes] file:$UP stable main"
	apt_update
	apt-cache -i unmet | relations apt "$1" >"$T/want"
	suitefs --quiet snapshot verify --why "$SNAPSHOT" >"$T/why" || :
	# To lines of NAME VERSION FIELD ALTERNATIVE.  apt writes :native as
	# what it is there.
	sed "s/:native\>/:$1/" "$T/why" | awk -v arch="[$1]" '
		/^[^ ]/ { on = $NF == arch
			text = substr($0, 1, length($0) - length($NF) - 1) }
		/^ / && on { split($1, part, "_")
			print part[1], part[2], $2, text }' | sort -u >"$T/got"
	[[ $(wc -l <"$T/got") -gt 100 ]] || fail "apt knows of too little"
	same "$T/want" "$T/got" "seed $SEED: apt of $1 and suitefs"
}

# asked SNAPSHOT: lines "DEPENDENCY [ARCH] PACKAGE FIELD" of what is not met.
asked() {
	{ suitefs --quiet snapshot verify --why "$1" || [[ $? == 3 ]]; } | awk '
		/^[^ ]/ { text = $0 }
		/^ / { print text $0 }' | sort
}

# pulls_all QUERY OPTION...: no package lacks what it does not lack at the source.
pulls_all() {
	local query=$1
	shift

	run suitefs --quiet snapshot pull "$@" nil "$SNAPSHOT" pulled "$query"
	[[ $(wc -l <"$T/out") -gt 300 ]] || fail "little is pulled: $*"
	asked pulled >"$T/pulled"
	[[ -s $T/pulled ]] || fail "nothing is missing anywhere: $*"
	comm -23 "$T/pulled" "$T/source" >"$T/missing"
	[[ ! -s $T/missing ]] ||
		fail "seed $SEED: pull $*: $(head -n 5 "$T/missing")"
	run suitefs snapshot drop pulled
}

run suitefs --quiet snapshot create nil empty
for SEED in 1 2; do
	UP=$T/up-$SEED
	SNAPSHOT=s$SEED
	relations generate "$SEED" 300 "$UP"
	run suitefs --quiet mirror create --allow-unsigned --source m$SEED \
		"file:$UP" stable
	run suitefs --quiet mirror update m$SEED
	run suitefs --quiet snapshot create "$SNAPSHOT" from mirror m$SEED
	compare amd64,arm64
	compare amd64,arm64 --why
	compare amd64,arm64 --all-variants --why
	compare amd64,arm64 --build --why
	compare amd64 --arch=amd64 --build --all-variants --why
	compare arm64 --arch=arm64
	asked "$SNAPSHOT" >"$T/source"
	pulls_all 'Name (% c*-a)'
	pulls_all 'Name (% c*-b)' --recommends
	pulls_all 'Name (% c*-[cd])' --all-matches
	apt_agrees amd64 arm64
	apt_agrees arm64 amd64
done
