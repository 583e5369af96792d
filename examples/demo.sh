#!/usr/bin/env bash
# The whole story on three virtual hosts and a consul server: plan, apply, verify, break things, heal them, destroy.
# It uses a lab of its own (named demo), beside the one that `ovctl lab up` makes, and takes it away at the end.
# KEEP=1 leaves the lab up to play with.
set -euo pipefail
shopt -s inherit_errexit

here=$(cd "$(dirname "$0")" && pwd)
lab=demo
base=${OVCTL_LAB_DIR:-/var/lib/ovctl-lab}
work=$(mktemp -d)
hosts=(h1 h2 h3)

cleanup() {
  status=$?
  if [ "${KEEP:-}" = 1 ]; then
    echo "the lab is still up: cd $work; ovctl status; ovctl lab --name $lab down takes it away"
  else
    ovctl lab --name "$lab" down || status=1
    rm -rf "$work"
  fi
  exit "$status"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

say() { printf '\n\033[1m== %s\033[0m\n' "$*"; }
run() { printf '\033[1m$ %s\033[0m\n' "$*"; "$@"; }
on() { local host=$1; shift; ssh -F "$base/$lab/ssh_config" "$host" "$@"; }
by_hand() { printf '\033[1m%s# %s\033[0m\n' "$1" "$2"; on "$1" "$2" >/dev/null; }
die() { echo "demo: $*" >&2; exit 1; }
expect() { # EXIT-CODE COMMAND…
  local want=$1 got=0; shift
  run "$@" || got=$?
  [ "$got" = "$want" ] || die "'$*' ended with $got, expected $want"
}

# What a host holds that must come back as it was. Exceptions, each the engine's own and harmless: docker_gwbridge and
# its rules (an engine keeps it once it has had an overlay).
listing() {
  on "$1" '
    echo "# /etc"; find /etc -xdev -type f -exec sha256sum {} + | sort -k2; find /etc -xdev -type l -printf "%p -> %l\n" | sort
    echo "# /var/lib/ovctl"; ls -A /var/lib/ovctl 2>/dev/null
    echo "# containers"; docker ps -a --format "{{.Names}} {{.Image}} {{.Status}}" | sed "s/ Up .*/ Up/" | sort
    echo "# networks"; docker network ls --format "{{.Name}} {{.Driver}} {{.Scope}}" | grep -v docker_gwbridge | sort
    echo "# iptables"; iptables-save | grep -v "^#" | sed "s/\[[0-9:]*\]//" | grep -v docker_gwbridge | sort
  '
}
# The store's keys. Exceptions: docker/nodes/… (each until its TTL), the engines' own empty directories and allocators,
# which stay in a store once an engine has joined it.
store_keys() {
  on store 'curl -s "http://localhost:8500/v1/kv/?keys"' | tr ',' '\n' | tr -d '[]" ' | sort |
    grep -vE '^$|^docker/nodes|^docker/network/v1\.0/(network/|endpoint_count/|endpoint/[0-9a-f]+/|idm/vxlan-id/|ipam/default/config/GlobalDefault/)$' || true
}

say "three hosts with unconfigured engines, and a consul server"
ovctl lab --name "$lab" down
run ovctl lab --name "$lab" up --hosts 3 --subnet 192.168.117.0/24
cd "$work"
sed "s/192\.168\.112\./192.168.117./g; s#/var/lib/ovctl-lab/ovctl/#$base/$lab/#" "$here/topology.yaml" >topology.yaml
for host in "${hosts[@]}"; do listing "$host" >"before.$host"; done
store_keys >before.store

say "the guide's whole procedure, from one file"
expect 0 ovctl validate
expect 2 ovctl plan
expect 0 ovctl apply --yes

say "who reaches whom, and who must not"
expect 0 ovctl verify
expect 0 ovctl status
run ssh -F "$base/$lab/ssh_config" h1 docker exec overlay_1 ping -c 1 -W 3 10.0.0.12
run ssh -F "$base/$lab/ssh_config" h1 docker exec overlay_1 ping -c 1 -W 3 overlay_2
expect 0 ovctl plan

say "somebody breaks things by hand, and somebody else works on the same hosts"
by_hand h1 "docker rm -f overlay_1"
by_hand h3 "docker network disconnect ov_net2 overlay_4"
by_hand h2 "docker stop -t 1 overlay_5"
by_hand h2 "sed -i 's/192.168.117.10/192.168.117.99/' /etc/docker/daemon.json"
by_hand h1 "docker run -d --name somebody busybox:1 sleep 100000"
by_hand h1 "docker network create somebodys_net"
foreign() { on h1 'docker inspect -f "{{.Id}} {{.State.StartedAt}}" somebody; docker network inspect -f "{{.Id}}" somebodys_net'; }
foreign >foreign.before

say "the plan names exactly these four"
expect 2 ovctl plan
got=$(ovctl plan -o json | python3 -c 'import json, sys; print(*sorted(d["address"] for d in json.load(sys.stdin)["drift"]))') || true
[ "$got" = "container/overlay_1 container/overlay_4 container/overlay_5 host/h2" ] || die "the plan names: $got"

say "apply heals them"
expect 0 ovctl apply --yes
expect 0 ovctl verify
expect 0 ovctl plan
foreign >foreign.after
diff foreign.before foreign.after || die "somebody else's objects were touched"
echo "somebody else's container and network: untouched"

say "destroy: as it was before"
expect 0 ovctl destroy --yes
foreign | sed 's/ .*//' | diff <(sed 's/ .*//' foreign.before) - || die "somebody else's objects were touched"
on h1 'docker inspect -f "{{.State.Running}}" somebody' | grep -q true || die "somebody else's container does not run any more"
by_hand h1 "docker rm -f somebody; docker network rm somebodys_net"
for host in "${hosts[@]}"; do
  listing "$host" >"after.$host"
  diff "before.$host" "after.$host" || die "$host is not as it was"
done
store_keys >after.store
diff before.store after.store || die "the store is not as it was"
echo "/etc, containers, networks, iptables and store keys are as before on ${hosts[*]} (but for docker_gwbridge,"
echo "the nodes' keys until their TTL, and the empty directories and allocators that engines leave in a store)"
say "that is the whole story"
