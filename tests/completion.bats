#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What is made of the option tables: help, completions, manual pages.

setup_file() {
    load lib
    file_setup
}
teardown_file() {
    load lib
    file_teardown
}
setup() {
    load lib
    test_setup
}
teardown() {
    test_teardown
}
commands="run create start stop kill rm ps logs exec inspect wait attach images rmi pull load tag info version pause unpause rename"

# bats test_tags=short
@test "--help of every command tells its usage and options" {
    local c
    ok --help
    for c in $commands; do
        want_match "(^|[^a-z])$c( |,|"$'\n'")"
    done
    for c in $commands; do
        ok "$c" --help
        want_match "dhow( \[OPTION[^]]*\])? $c|dhow $c"
        ok help "$c"
    done
    ok run --help
    want_match '--network'
    want_match '-d, --detach'
}

# bats test_tags=short
@test "the completions parse in their shells" {
    ok completion bash
    bash -n "$T/out"
    ok completion zsh
    if command -v zsh >/dev/null; then zsh -n "$T/out"; fi
    ok completion fish
    if command -v fish >/dev/null; then fish -n "$T/out"; fi
    try completion nosuchshell
    want_error 125 'nosuchshell'
}

# Both programs' scripts live in one shell.
@test "dhow-runtime has help and completions of its own" {
    local runtime
    runtime=$(dirname "$DHOW")/dhow-runtime
    "$runtime" --help | grep -q '^  create '
    "$runtime" help exec | grep -q -- '--process FILE'
    "$runtime" completion bash >"$D/runtime.bash"
    "$runtime" completion zsh >"$D/runtime.zsh"
    "$runtime" completion fish >"$D/runtime.fish"
    bash -n "$D/runtime.bash"
    if command -v zsh >/dev/null; then zsh -n "$D/runtime.zsh"; fi
    if command -v fish >/dev/null; then fish -n "$D/runtime.fish"; fi
    dhow completion bash >"$D/bash"
    bash -c 'source "$1"; source "$2"; complete -p dhow; complete -p dhow-runtime; declare -F' sh "$D/bash" "$D/runtime.bash" >"$D/all"
    grep -q -- '-F _dhow dhow$' "$D/all"
    grep -q -- '-F _dhow_runtime dhow-runtime$' "$D/all"
    [[ $(grep -c '__dhow_flags$' "$D/all") == 1 && $(grep -c '__dhow_runtime_flags$' "$D/all") == 1 ]]
}

complete_bash() { # complete_bash WORDS...: what bash would offer for the last word
    ROOT=$ROOT RUNROOT=$RUNROOT bash -c '
        source "$0"
        PATH=$(dirname "$DHOW"):$PATH
        COMP_WORDS=(dhow "$@")
        COMP_CWORD=$#
        COMP_LINE="dhow $*"
        COMP_POINT=${#COMP_LINE}
        COMPREPLY=()
        f=$(complete -p dhow | sed "s/.*-F \([^ ]*\) .*/\1/")
        $f dhow "${@: -1}" "${@: -2:1}"
        printf "%s\n" "${COMPREPLY[@]}"' "$D/bash" "$@"
}

@test "bash completes commands, options, values and names" {
    dhow completion bash >"$D/bash"
    ok create --name mybox --network none "$IMAGE" true
    complete_bash r | sed 's/ *$//' | sort >"$T/out"
    grep -qx run "$T/out" && grep -qx rm "$T/out" && grep -qx rmi "$T/out"
    complete_bash run --netw | grep -q -- '^--network'
    complete_bash run --network '' | grep -q '^none'
    complete_bash --root "$ROOT" --runroot "$RUNROOT" rm my | grep -q '^mybox'
    complete_bash --root "$ROOT" --runroot "$RUNROOT" run localhost/te | grep -q 'busybox'
    ok rm mybox
}

@test "the manual pages are without a fault" {
    local folder page found=0
    folder=$(dirname "$(dirname "$DHOW")")/docs
    while read -r page; do
        found=$((found + 1))
        mandoc -T lint -W warning "$page" >"$D/lint" || { cat "$D/lint"; fail "$page"; }
        mandoc -T utf8 "$page" >/dev/null
    done < <(find "$folder" -name 'dhow*.1')
    ((found > 15)) || fail "only $found manual pages in $folder"
}

@test "the nearest match is offered" {
    try rnu
    want_error 125 "'?run'?"
    try run --intractive "$IMAGE"
    want_error 125 'interactive'
    try run --network=hots --rm "$IMAGE" true
    want_error 125 'host'
}
