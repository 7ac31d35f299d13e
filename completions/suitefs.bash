# bash completion for suitefs(1)

# Names of mirrors, snapshots and publications: the first word of each line.
# In the store that the command line names, which is the caller's $store.
_suitefs_names()
{
	suitefs ${store:+--store="${store/#\~/$HOME}"} --quiet "$1" list \
		2>/dev/null | cut -d' ' -f1
}

_suitefs_options()
{
	case "$1 $2" in
	'mirror create')
		echo --arch= --source --udeb --keyring= --allow-unsigned \
			--ca= --cert= --key= --fallback= --indexes= \
			--no-indexes --pool= --filter= --filter-with-deps
		;;
	'mirror edit')
		echo --url= --suite= --component= --arch= --source \
			--no-source --udeb --no-udeb --keyring= \
			--allow-unsigned --no-allow-unsigned --ca= --cert= \
			--key= --fallback= --no-fallback --indexes= \
			--no-indexes --pool= --filter= --filter-with-deps \
			--no-filter-with-deps
		;;
	'mirror update') echo --force --ignore-valid-until --jobs= --rate= ;;
	'mirror fetch' | 'snapshot fetch')
		echo --arch= --dry-run --no-indexes --jobs= --rate=
		;;
	'mirror show' | 'snapshot show') echo --packages ;;
	'mirror search' | 'snapshot search')
		echo --arch= --format= --with-deps
		;;
	'package search') echo --arch= --format= ;;
	'package show') echo --arch= ;;
	'snapshot pull')
		echo --arch= --all-matches --no-remove --no-deps --recommends \
			--suggests --dry-run
		;;
	'snapshot verify')
		echo --arch= --recommends --suggests --build --all-variants \
			--why
		;;
	'mirror drop' | 'snapshot drop') echo --force ;;
	'publish snapshot' | 'publish mirror')
		echo --prefix= --distribution= --component= --verbatim \
			--gpg-key= --passphrase-file= --skip-signing \
			--origin= --label= --suite= --codename= \
			--description= --version= --not-automatic \
			--but-automatic-upgrades --valid-for= --compress= \
			--arch= --snapshots-url=
		;;
	'snapshot diff') echo --only-matching --fields --arch= ;;
	'snapshot filter') echo --with-deps --arch= ;;
	'snapshot merge') echo --no-remove --latest --arch= ;;
	'publish switch') echo --prefix= --component= ;;
	'publish update') echo --prefix= --force ;;
	'publish show' | 'publish drop') echo --prefix= ;;
	'db check') echo --blobs --repair ;;
	'db cleanup') echo --dry-run --grace= ;;
	graph*) echo --format= ;;
	mount*) echo --foreground --options= ;;
	esac
	echo --store= --quiet --verbose --json --memstats= --meminterval= \
		--help --version
}

_suitefs_verbs()
{
	case $1 in
	mirror) echo create update fetch list show search edit rename drop ;;
	snapshot)
		echo create fetch list show search diff filter merge pull verify \
			rename drop
		;;
	package) echo search show ;;
	publish) echo snapshot mirror switch update list show drop ;;
	db) echo check cleanup stats backup ;;
	esac
}

_suitefs_words()
{
	case "$1 $2" in
	'mirror create' | *' list') ;;
	mirror\ * | 'publish mirror') _suitefs_names mirror ;;
	'snapshot create') echo from mirror empty && _suitefs_names mirror ;;
	'snapshot verify') _suitefs_names snapshot && _suitefs_names mirror ;;
	snapshot\ * | 'publish snapshot') _suitefs_names snapshot ;;
	'publish switch')
		_suitefs_names publish | sed 's,.*/,,'
		_suitefs_names snapshot
		;;
	publish\ *) _suitefs_names publish | sed 's,.*/,,' ;;
	esac
}

_suitefs()
{
	local cur=${COMP_WORDS[COMP_CWORD]} noun='' verb='' store='' option=''
	local value='' word words
	# bash makes three words of "--option=value".
	for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
		if [ "$value" ]; then
			[ "$option" != --store ] || store=$word
			option='' value=''
		elif [ "$word" = = ]; then
			value=y
		elif [[ $word == -* ]]; then
			option=$word
		elif [ -z "$noun" ]; then
			[ "$word" = help ] || noun=$word
		elif [ -z "$verb" ]; then
			verb=$word
		fi
	done
	COMPREPLY=()
	# For a value, the names of files.
	[ "$value" ] || [ "$cur" = = ] && return
	case $cur in
	-*) words=$(_suitefs_options "$noun" "$verb") ;;
	*)
		if [ -z "$noun" ]; then
			words='mirror snapshot publish package graph db mount help'
		elif [ "$noun" = mount ]; then
			mapfile -t COMPREPLY < <(compgen -d -- "$cur")
			return
		elif [ -z "$verb" ]; then
			words=$(_suitefs_verbs "$noun")
		else
			words=$(_suitefs_words "$noun" "$verb")
		fi
		;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
	if [ "${#COMPREPLY[@]}" = 1 ] && [[ ${COMPREPLY[0]} == *= ]]; then
		compopt -o nospace
	fi
}

complete -o default -F _suitefs suitefs
