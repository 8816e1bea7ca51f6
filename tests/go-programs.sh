# For the build.sh of each set of Go programs, which source it: programs are built once from modules that are pinned, and kept in the user's
# cache, outside of any target directory, so that a `cargo clean` or a second checkout does not cost the minutes again.

say() {
	echo "$*" >&2
}

# has_all DIRECTORY PROGRAM...: whether all of them are there.
has_all() {
	local directory=$1 program
	shift
	for program in "$@"; do
		[[ -x "$directory/$program" ]] || return 1
	done
}

# in_module DIRECTORY ARGUMENT...: go, in a module. The pinned files decide, whatever workspace or flags the caller's environment has; without
# cgo no C compiler is needed.
in_module() {
	(cd "$1" && shift && GOFLAGS=-mod=readonly GOWORK=off CGO_ENABLED=0 go "$@")
}

# build MODULE OUTPUT PACKAGE LINKER_FLAGS REMARK: one program, with progress. `-v` names each package once it is compiled.
build() {
	local program packages started=$SECONDS
	program=$(basename "$2")
	packages=$(in_module "$1" list -deps "$3" | wc -l)
	say "building $program $5: $packages packages"
	in_module "$1" build -v -buildvcs=false -trimpath -ldflags "-s -w $4" -o "$2" "$3" 2>&1 | count_packages "$program" "$packages"
	say "built $program in $((SECONDS - started)) s"
}

# count_packages PROGRAM PACKAGES: says every 15 s how many of the packages are compiled; what else go says is passed on.
count_packages() {
	local line compiled=0 started=$SECONDS told=$SECONDS
	while IFS= read -r line; do
		if [[ ! $line =~ ^[^[:space:]:]+$ ]]; then
			say "$line"
			continue
		fi
		compiled=$((compiled + 1))
		if ((SECONDS - told >= 15)); then
			told=$SECONDS
			say "building $1: $compiled of $2 packages after $((SECONDS - started)) s"
		fi
	done
}

# keep SET SCRIPT HINT PROGRAM...: sets `kept` to the directory that holds the programs. Where they are missing, `build_all DIRECTORY`, which
# the caller defines, makes them of the modules in go/ beside SCRIPT. HINT is what there is to do without Go. It prints nothing: in a command
# substitution bash would go on after a build that failed.
keep() {
	local set=$1 script=$2 hint=$3 here key cache unfinished
	shift 3
	if ! command -v go >/dev/null; then
		say "Go is needed to build $*; $hint"
		exit 1
	fi
	here=$(dirname "$script")
	key=$({
		find "$here/go" -type f | LC_ALL=C sort | xargs cat
		cat "$script" "${BASH_SOURCE[0]}"
		go version
	} | sha256sum | cut -c1-16)
	cache=${XDG_CACHE_HOME:-$HOME/.cache}/passcode-operator/$set
	kept=$cache/$key
	if ! has_all "$kept" "$@"; then
		mkdir -p "$cache"
		exec 9>"$cache/$key.lock"
		flock 9
		# Another run may have built them while this one waited for the lock.
		if ! has_all "$kept" "$@"; then
			unfinished=$cache/$key.unfinished
			rm -rf "$unfinished" "$kept"
			mkdir "$unfinished"
			build_all "$unfinished"
			# Renaming last means that a directory with the final name is always complete.
			mv "$unfinished" "$kept"
		fi
	fi
}
