#!/bin/sh
# Become the parent of a host's namespaces: in the host's cgroups, without the right to touch the machine's clock or modules.
#
# From the environment: LAB_CGROUPS (directories, one in each hierarchy), and what boot.sh reads.
set -eu

for group in $LAB_CGROUPS; do
    echo 0 >"$group/cgroup.procs"
done

# setpriv keeps the parent-death signal that it was started with: the host does not outlive its supervisor
exec setpriv --bounding-set=-sys_time,-sys_module -- \
    unshare --net --mount --uts --ipc --pid --cgroup --fork --kill-child=SIGKILL --propagation private \
    sh "${0%/*}/boot.sh"
