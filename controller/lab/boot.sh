#!/bin/sh
# Process 1 of a host, from new namespaces to systemd: file systems, devices, cgroups, then /sbin/init.
#
# From the environment: LAB_LABEL (name of the root mount), LAB_LOWER (root file system), LAB_HOST_DIR (up, work, root,
# docker, boot_id), LAB_CGROUP_MOUNTS (<directory>:<options> words, empty for cgroup2 alone).
# Says "ready" on stdout, then waits for a line on stdin: by then the supervisor has put eth0 into the network namespace.
set -eu

echo ready
read -r _
exec </dev/null >&2

ip link set lo up

root=$LAB_HOST_DIR/root
mount -t overlay "$LAB_LABEL" \
    -o "lowerdir=$LAB_LOWER,upperdir=$LAB_HOST_DIR/up,workdir=$LAB_HOST_DIR/work" "$root"
cd "$root"

# a real disk: the engine's overlay2 cannot stand on another overlay
mount --bind "$LAB_HOST_DIR/docker" var/lib/docker

mount -t proc -o nosuid,nodev,noexec proc proc
mount -t sysfs -o nosuid,nodev,noexec sysfs sys
mount -t tmpfs -o mode=755,nosuid,nodev tmpfs run
mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs tmp

mount -t tmpfs -o mode=755,nosuid,size=16m tmpfs dev
mkdir dev/pts dev/shm dev/mqueue dev/net
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts dev/pts
mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs dev/shm
mount -t mqueue mqueue dev/mqueue
while read -r name major minor; do
    mknod -m 666 "dev/$name" c "$major" "$minor"
done <<END
null 1 3
zero 1 5
full 1 7
random 1 8
urandom 1 9
tty 5 0
fuse 10 229
net/tun 10 200
END
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
ln -s fd/0 dev/stdin
ln -s fd/1 dev/stdout
ln -s fd/2 dev/stderr
# the kernel log and the console are the machine's
for name in console kmsg; do
    : >"dev/$name"
    mount --bind /dev/null "dev/$name"
done

if [ -n "$LAB_CGROUP_MOUNTS" ]; then
    mount -t tmpfs -o mode=755,size=4m tmpfs sys/fs/cgroup
    for pair in $LAB_CGROUP_MOUNTS; do
        name=${pair%%:*}
        options=${pair#*:}
        mkdir "sys/fs/cgroup/$name"
        if [ -n "$options" ]; then
            mount -t cgroup -o "$options" cgroup "sys/fs/cgroup/$name"
        else
            mount -t cgroup2 cgroup2 "sys/fs/cgroup/$name"
        fi
        case $name in
        *,*) # cpu,cpuacct is looked up as cpu and as cpuacct
            for alias in $(echo "$name" | tr , ' '); do ln -s "$name" "sys/fs/cgroup/$alias"; done
            ;;
        esac
    done
else
    mount -t cgroup2 cgroup2 sys/fs/cgroup
fi

# read-only /sys means "no udev here" to systemd-networkd, which would wait for udev for ever and leave eth0 down
mount -o remount,bind,ro sys

# what is the machine's, not the host's: settings outside net, interrupts, the magic key
mount --bind proc/sys proc/sys
mount --bind proc/sys/net proc/sys/net
mount -o remount,bind,ro proc/sys
for name in bus fs irq sysrq-trigger; do
    [ -e "proc/$name" ] || continue
    mount --bind "proc/$name" "proc/$name"
    mount -o remount,bind,ro "proc/$name"
done
# journald tells boots apart by this
cat /proc/sys/kernel/random/uuid >"$LAB_HOST_DIR/boot_id"
mount --bind "$LAB_HOST_DIR/boot_id" proc/sys/kernel/random/boot_id

pivot_root . .
exec env -i container=lxc PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin TERM=linux \
    sh -c 'umount -l . && cd / && exec /sbin/init systemd.log_target=journal </dev/null >/dev/null 2>&1'
