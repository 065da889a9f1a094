#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# --format: json and templates; info, version; what scripts read.

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

# bats test_tags=short
@test "ps --format json is a list of objects, empty when there is nothing" {
    ok ps -a --format json
    jq -e '. == []' "$T/out"
    ok create --name c --network none --label a=b "$IMAGE" sh -c 'exit 1'
    ok ps -a --format json
    jq -e 'length == 1 and .[0].Names == ["c"] and (.[0].Id | length) == 64 and .[0].Labels.a == "b" and .[0].Command == ["sh","-c","exit 1"]' "$T/out"
    ok rm c
}

# bats test_tags=short
@test "templates: fields, tab, table, functions" {
    ok create --name c --network none "$IMAGE" true
    ok ps -a --format '{{.ID}}|{{.Names}}|{{.Image}}'
    want_match "^[0-9a-f]{12}\|c\|$IMAGE$"
    ok ps -a --format '{{.Names}}\t{{.State}}'
    [[ $output == $'c\tcreated' || $output =~ ^c\ +created$ ]]
    ok ps -a --format 'table {{.Names}} {{.Image}}'
    want_match 'NAMES +IMAGE'
    ok inspect --format '{{json .State.Status}} {{.State.Running}} {{upper .Name}}' c
    want_output '"created" false C'
    ok inspect --format '{{if .State.Running}}yes{{else}}no{{end}} {{len .Config.Cmd}} {{index .Config.Cmd 0}}' c
    want_output 'no 1 true'
    ok inspect --format '{{range .Config.Cmd}}[{{.}}]{{end}}' c
    want_output '[true]'
    ok rm c
}

# bats test_tags=short
@test "a template that is wrong is told in one line" {
    ok create --name c --network none "$IMAGE" true
    try ps -a --format '{{.NoSuchField}}'
    want_error 125 'NoSuchField'
    try inspect --format '{{.Name' c
    want_error 125
    try inspect --format '{{nosuchfunction .Name}}' c
    want_error 125 'nosuchfunction'
    ok rm c
}

@test "inspect finds containers and images, and gives an array of both" {
    ok create --name c --network none "$IMAGE" true
    ok inspect c "$IMAGE"
    jq -e 'length == 2 and .[0].Name == "c" and (.[1].RootFS.Layers | length) == 1' "$T/out"
    ok inspect --type image "$IMAGE"
    jq -e '.[0] | .Architecture and .Os == "linux" and .Config.Cmd == ["sh"] and (.RepoTags | index("localhost/test/busybox:1") != null)' "$T/out"
    try inspect --type image c
    want_error 125 'c'
    try inspect --type nonsense c
    want_error 125 'nonsense'
    ok rm c
}

# bats test_tags=short
@test "info and version tell about this machine" {
    ok info --format json
    jq -e '.host.arch and .host.kernel and .store' "$T/out"
    ok info
    want_match 'kernel'
    ok version
    want_match '[0-9]+\.[0-9]+\.[0-9]+'
    ok version --format '{{.Client.Version}}'
    want_match '^[0-9]+\.[0-9]+\.[0-9]+'
    ok --version
    want_match '[0-9]+\.[0-9]+\.[0-9]+'
}

@test "odd labels, names and arguments come out of json as they went in" {
    ok create --name c --network none --label 'quote="x"' --label $'line=a\nb' --label 'uni=größe' "$IMAGE" printf '%s' $'a\tb\\"'
    ok inspect c
    jq -e '.[0].Config.Labels | .quote == "\"x\"" and .line == "a\nb" and .uni == "größe"' "$T/out"
    jq -e '.[0].Config.Cmd[2] == "a\tb\\\""' "$T/out"
    ok ps -a
    [[ $(wc -l <"$T/out") == 2 ]] || fail "a label or an argument breaks the table"
    ok rm c
}

@test "argv[0] docker and podman speak the same commands" {
    local name
    mkdir -p "$D/bin"
    for name in docker podman; do
        ln -sf "$DHOW" "$D/bin/$name"
        timeout 20 "$D/bin/$name" --root "$ROOT" --runroot "$RUNROOT" ps -a 3>&- >"$T/out" 2>"$T/err"
        grep -q 'CONTAINER ID' "$T/out"
        timeout 20 "$D/bin/$name" --root "$ROOT" --runroot "$RUNROOT" run --rm --network none "$IMAGE" echo "by $name" 3>&- >"$T/out" 2>"$T/err"
        [[ $(cat "$T/out") == "by $name" ]]
    done
    rm -r "${D:?}/bin"
}
