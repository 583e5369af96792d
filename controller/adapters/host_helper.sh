#!/bin/sh
# What ovctl does on a host besides talking to its engine: a fixed set of verbs.
#
# Sent whole with each call (sh -c SCRIPT ovctl-helper VERB ARGUMENT...), so nothing is installed. Answers stand between
# "ovctl begin" and "ovctl end", one fact a line, texts in base64: what a login shell prints around them does no harm.
# A verb that cannot do it says "ovctl error: FACT" and "ovctl hint: WHAT TO DO" on stderr and ends with 3.
set -u
umask 077
LC_ALL=C
PATH=${PATH:-}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL PATH

# Another root directory, for tests: an ssh or sudo session never brings this variable along.
root=${OVCTL_ROOT:-}
daemon_json=$root/etc/docker/daemon.json
records=$root/var/lib/ovctl
files=$records/files
temporary=
newline='
'

fail() {
    [ -z "$temporary" ] || rm -f -- "$temporary"
    printf 'ovctl error: %s\n' "$1" >&2
    [ $# -lt 2 ] || printf 'ovctl hint: %s\n' "$2" >&2
    exit 3
}

need() {
    command -v "$1" >/dev/null 2>&1 || fail "$1 is not installed" "apt-get install $2"
}

need_root() {
    [ -n "$root" ] || [ "$(id -u)" -eq 0 ] || fail "user $(id -un) is not root" "set sudo: true for this host, or connect as root"
}

# digest FILE: its SHA-256, or "absent".
digest() {
    if [ -e "$1" ] || [ -L "$1" ]; then
        sum=$(sha256sum <"$1") || fail "$1 cannot be read"
        printf '%s\n' "${sum%% *}"
    else
        echo absent
    fi
}

# replace FILE MODE NEW EXPECTED: put stdin there in one step; a new file gets MODE, an old one keeps its mode and owner.
# NEW is the digest of what stdin must bring: a connection that breaks half way must not leave half a file.
# EXPECTED is the digest of what must be there now, or "any".
replace() {
    file=$1
    if [ -L "$file" ]; then
        file=$(readlink -f -- "$file") || fail "$1 is a broken link"
    fi
    temporary=$(mktemp -- "${file%/*}/.ovctl.XXXXXX") || fail "nothing can be written in ${file%/*}"
    trap 'rm -f -- "$temporary"' EXIT
    trap 'exit 3' HUP INT TERM
    cat >"$temporary" || fail "$1 cannot be written" "is the disk full?"
    [ "$(digest "$temporary")" = "$3" ] || fail "$1: its new text did not arrive whole"
    if [ -e "$file" ]; then
        if ! chown --reference="$file" -- "$temporary" || ! chmod --reference="$file" -- "$temporary"; then
            fail "$1: its owner and mode cannot be kept"
        fi
    else
        chmod "$2" -- "$temporary"
    fi
    sync -- "$temporary" 2>/dev/null || sync
    [ "$4" = any ] || [ "$(digest "$file")" = "$4" ] || changed "$1"
    mv -f -- "$temporary" "$file" || fail "$1 cannot be replaced"
    sync -- "${file%/*}" 2>/dev/null || :
    trap - EXIT
}

changed() {
    fail "$1 was changed by somebody else meanwhile" "plan again"
}

# facts TOPOLOGY
facts() {
    need_root
    active=unknown
    pid=0
    shown=$(systemctl show --property=ActiveState --property=MainPID docker.service 2>/dev/null) || shown=
    for line in $shown; do
        case $line in
            ActiveState=*) active=${line#*=} ;;
            MainPID=*) pid=${line#*=} ;;
        esac
    done
    if [ "$pid" -eq 0 ] 2>/dev/null && [ -r "$root/var/run/docker.pid" ]; then
        read -r pid <"$root/var/run/docker.pid" || :
    fi
    read -r hostname </proc/sys/kernel/hostname
    read -r boot_id </proc/sys/kernel/random/boot_id
    echo 'ovctl begin'
    printf 'hostname %s\nboot_id %s\nengine_unit %s\n' "$hostname" "$boot_id" "$active"
    ip -4 -o addr show 2>/dev/null | while read -r _ name _ cidr _; do
        printf 'interface %s %s\n' "${name%@*}" "${cidr%%/*}"
    done
    # 7946 in hexadecimal, 0A: listening
    if cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | grep -qE '^ *[0-9]+: [0-9A-F]+:1F0A [0-9A-F]+:0000 0A '; then
        echo 'gossip listening'
    fi
    text daemon_json "$daemon_json"
    text record "$records/$1.json"
    for other in "$records"/*.json; do
        name=${other##*/}
        [ "$name" = "$1.json" ] || text "other ${name%.json}" "$other"
    done
    delivered "$1"
    case $pid in
        '' | 0 | *[!0-9]*) ;;
        *) [ ! -r "/proc/$pid/cmdline" ] || printf 'engine_arguments %s\n' "$(base64 -w0 2>/dev/null <"/proc/$pid/cmdline")" ;;
    esac
    echo 'ovctl end'
}

# text NAME FILE: the line for a file's text; no line when there is no such file.
text() {
    if [ -e "$2" ] || [ -L "$2" ]; then
        encoded=$(base64 -w0 <"$2") || fail "$2 cannot be read"
        printf '%s %s\n' "$1" "$encoded"
    fi
}

# delivered TOPOLOGY: for each file of ours its mode, owner and path, and its digest and path.
delivered() {
    if [ -d "$files/$1" ]; then
        owners=$(cd "$files/$1" && find . -mindepth 2 -type f -exec stat -c 'file %a %u %g %n' -- {} +) || fail "$files/$1 cannot be read"
        sums=$(cd "$files/$1" && find . -mindepth 2 -type f -exec sha256sum -- {} +) || fail "$files/$1 cannot be read"
        printf '%s\n' "$owners"
        printf '%s\n' "$sums" | sed 's/^/digest /'
    fi
}

# named WORD...: each can be a part of a path.
named() {
    for word; do
        case $word in '' | .* | *[!A-Za-z0-9_.-]*) fail "not a name: $word" ;; esac
    done
}

# deliver TOPOLOGY CONTAINER KIND NAME MODE UID GID: on stdin a line with the digest of what follows it. No digest is an
# argument: the host's users see those, and of a short secret it would tell too much. Answers with the file's path.
deliver() {
    need_root
    named "$1" "$2" "$4"
    case $3 in configs | secrets) ;; *) fail "not a kind of file: $3" ;; esac
    case $5 in 0[0-7][0-7][0-7]) ;; *) fail "not a mode: $5" ;; esac
    case $6:$7 in :* | *: | *[!0-9:]*) fail "not numbers of a user and a group: $6:$7" ;; esac
    IFS= read -r wanted || fail "$3/$4: nothing arrived"
    directory=$files/$1/$2/$3/$4
    mkdir -p -- "$directory" || fail "$directory cannot be made"
    chmod 0700 -- "$records" "$files"
    temporary=$(mktemp -- "$directory/.ovctl.XXXXXX") || fail "nothing can be written in $directory"
    trap 'rm -f -- "$temporary"' EXIT
    trap 'exit 3' HUP INT TERM
    cat >"$temporary" || fail "$3/$4 cannot be written" "is the disk full?"
    [ "$(digest "$temporary")" = "$wanted" ] || fail "$3/$4: it did not arrive whole"
    if ! chown -- "$6:$7" "$temporary" || ! chmod -- "$5" "$temporary"; then
        fail "$3/$4: its owner and mode cannot be set"
    fi
    file=
    for version in "$directory"/*; do
        if [ -f "$version" ] && ! [ -L "$version" ] && [ "$(owner "$version")" = "$(owner "$temporary")" ] &&
            [ "$(digest "$version")" = "$wanted" ]; then
            file=$version
        fi
    done
    if [ -z "$file" ]; then
        file=$directory/${temporary##*.}
        sync -- "$temporary" 2>/dev/null || sync
        mv -f -- "$temporary" "$file" || fail "$file cannot be written"
        sync -- "$directory" 2>/dev/null || :
    fi
    printf 'ovctl begin\ndelivered %s\novctl end\n' "${file#"$root"}"
}

# owner FILE: its mode and owner.
owner() {
    stat -c '%a %u %g' -- "$1"
}

# sweep TOPOLOGY CONTAINER: the files delivered for it go, but for those whose paths stand on stdin, a line each.
sweep() {
    need_root
    named "$1" "$2"
    directory=$files/$1/$2
    [ -d "$directory" ] || return 0
    kept=$(cat)
    find "$directory" ! -type d | while IFS= read -r file; do
        case $newline$kept$newline in
            *"$newline${file#"$root"}$newline"*) ;;
            *) rm -f -- "$file" || fail "$file cannot be removed" ;;
        esac
    done || exit 3
    find "$directory" -depth -type d -exec rmdir -- {} + 2>/dev/null
    rmdir -- "$files/$1" "$files" "$records" 2>/dev/null || :
}

# write-daemon-json NEW EXPECTED: digests or "absent"; the text on stdin.
write_daemon_json() {
    need_root
    if [ "$1" = absent ]; then
        [ "$(digest "$daemon_json")" = "$2" ] || changed "$daemon_json"
        rm -f -- "$daemon_json" || fail "$daemon_json cannot be removed"
    else
        (umask 022 && mkdir -p -- "${daemon_json%/*}") || fail "${daemon_json%/*} cannot be made"
        replace "$daemon_json" 0644 "$1" "$2"
    fi
}

# write-record TOPOLOGY NEW: the text on stdin; "absent" removes it, and the directory when it is empty.
write_record() {
    need_root
    if [ "$2" = absent ]; then
        rm -f -- "$records/$1.json" || fail "$records/$1.json cannot be removed"
        rmdir -- "$records" 2>/dev/null || :
    else
        mkdir -p -- "$records" || fail "$records cannot be made"
        chmod 0700 -- "$records"
        replace "$records/$1.json" 0600 "$2" any
    fi
}

# restart-engine gentle|kill SECONDS
restart_engine() {
    need_root
    need systemctl systemd
    since=$(date +%s)
    # More than three starts a minute, and systemd refuses the next one unless the count is forgotten.
    systemctl reset-failed docker.service docker.socket 2>/dev/null
    if [ "$1" = kill ]; then
        # A daemon that waits for its store ignores SIGTERM for as long as systemd lets it, which is 90 s.
        systemctl kill --kill-who=main --signal=KILL docker.service 2>/dev/null
        sleep 0.2
        systemctl reset-failed docker.service docker.socket 2>/dev/null
    fi
    timeout "$2" systemctl restart docker.service 2>/dev/null
    code=$?
    state=$(systemctl is-active docker.service)
    if [ "$code" -ne 0 ] || [ "$state" != active ]; then
        journalctl --sync 2>/dev/null || : # what a daemon said as it died may still be on its way
        journalctl --unit=docker.service --since="@$since" --lines=40 --no-pager --output=cat 2>/dev/null | sed 's/^/ovctl log: /' >&2
        [ "$code" -ne 124 ] || fail "docker.service did not come up within $2 s (it is $state)"
        fail "docker.service does not come up (it is $state)"
    fi
}

# interfaces: a pid a line on stdin; from inside each one's network namespace, its interfaces' IPv4 addresses.
interfaces() {
    need_root
    need nsenter util-linux
    echo 'ovctl begin'
    number=0
    while read -r pid; do
        case $pid in '' | *[!0-9]*) fail "not a process: $pid" ;; esac
        inside "$pid" </dev/null &
        number=$((number + 1))
        [ $((number % 16)) -ne 0 ] || wait
    done
    wait
    echo 'ovctl end'
}

# inside PID: one line, "inside PID NAME=IP ADDRESS ...", at once, since others write too; nothing for a pid that is gone.
inside() {
    said=$(timeout -k 1 3 nsenter -t "$1" -n ip -4 -o addr show 2>/dev/null) || return 0
    line=$(printf '%s\n' "$said" | while read -r _ name _ cidr _; do
        printf ' %s=%s' "${name%@*}" "${cidr%%/*}"
    done)
    printf 'inside %s%s\n' "$1" "$line"
}

# ping SECONDS: a question a line on stdin, PID RESOLV_CONF|- TARGET, at most 16 of them at once, each so long.
ping_all() {
    within=$1
    case $within in [1-9]) ;; *) fail "not 1 to 9 seconds: $within" ;; esac
    need_root
    need ping iputils-ping
    need nsenter util-linux
    echo 'ovctl begin'
    number=0
    while read -r pid conf target; do
        case $pid in '' | *[!0-9]*) fail "not a process: $pid" ;; esac
        case $target in '' | -* | *[!A-Za-z0-9_.:-]*) fail "not an address or name: $target" ;; esac
        case $conf in - | /*) ;; *) fail "not a path: $conf" ;; esac
        ask "$number" "$pid" "$conf" "$target" </dev/null &
        number=$((number + 1))
        [ $((number % 16)) -ne 0 ] || wait
    done
    wait
    echo 'ovctl end'
}

# ask NUMBER PID RESOLV_CONF|- TARGET
ask() {
    if [ "$3" = - ]; then
        said=$(timeout -k 1 "$within" nsenter -t "$2" -n ping -n -c 1 -W 2 "$4" 2>&1)
        code=$?
    else
        # shellcheck disable=SC2016 # expanded by the inner shell, which gets them as arguments
        said=$(timeout -k 1 "$within" nsenter -t "$2" -n unshare -m sh -c \
            'mount --bind -- "$1" /etc/resolv.conf && exec ping -n -c 1 -W 2 "$2"' ovctl-ask "$3" "$4" 2>&1)
        code=$?
    fi
    printf 'pong %s %s %s\n' "$1" "$code" "$(printf '%s' "$said" | base64 -w0)"
}

# resolve PID RESOLV_CONF NAME...: each name that the container's own resolver knows, with its IP addresses, in a line.
# Asked from its network namespace, of DNS alone: the host's /etc/hosts is no witness. At most 16 names at once.
resolve() {
    need_root
    need nsenter util-linux
    need getent libc-bin
    pid=$1
    case $pid in '' | *[!0-9]*) fail "not a process: $pid" ;; esac
    conf=$2
    case $conf in /*) ;; *) fail "not a path: $conf" ;; esac
    shift 2
    echo 'ovctl begin'
    # shellcheck disable=SC2016 # expanded by the inner shell, which gets them as arguments
    nsenter -t "$pid" -n unshare -m sh -c '
        mount --bind -- "$1" /etc/resolv.conf || exit
        shift
        echo asked
        # one process asks for all; what it did not find, or not in time, is asked for one by one
        found=$(timeout 0.6 getent -s hosts:dns ahostsv4 "$@" | {
            while read -r ip kind name; do
                [ "$kind" = STREAM ] || continue
                [ -z "$name" ] || printf "\nresolved %s" "$name"
                printf " %s" "$ip"
            done
            echo
        })
        printf "%s\n" "$found"
        number=0
        for name; do
            case "$found " in *"resolved $name "*) continue ;; esac
            (
                line=$(timeout 0.6 getent -s hosts:dns ahostsv4 "$name" | while read -r ip kind _; do
                    [ "$kind" != STREAM ] || printf " %s" "$ip"
                done)
                [ -z "$line" ] || printf "resolved %s%s\\n" "$name" "$line"
            ) &
            number=$((number + 1))
            [ $((number % 16)) -ne 0 ] || wait
        done
        wait' ovctl-resolve "$conf" "$@" </dev/null || fail "names cannot be asked for from inside process $pid"
    echo 'ovctl end'
}

case ${1:-} in
    facts) facts "$2" ;;
    write-daemon-json) write_daemon_json "$2" "$3" ;;
    write-record) write_record "$2" "$3" ;;
    deliver) shift && deliver "$@" ;;
    sweep) sweep "$2" "$3" ;;
    restart-engine) restart_engine "$2" "$3" ;;
    interfaces) interfaces ;;
    ping) ping_all "$2" ;;
    resolve) shift && resolve "$@" ;;
    *) fail "no such verb: ${1:-}" ;;
esac
