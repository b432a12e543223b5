# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# In the guest, with the host's tree as root: devices and network, then the command, then the end.
job=/run/job
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
out=
for port in /sys/class/virtio-ports/*; do
    [ "$(cat "$port/name")" != out ] || out=/dev/${port##*/}
done
shared=$(cat $job/shared)
mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000,cache=mmap shared "$shared"
ulimit -l unlimited
ulimit -n 65536
. $job/network.sh >$job/network.log 2>&1
cut -d' ' -f1 /proc/uptime >$job/ready
{
    . $job/environment
    cd "$shared" && timeout --kill-after=5 "$(cat $job/seconds)" bash $job/command </dev/null
    echo $? >$job/status
} 2>&1 | cat >"$out"
sync
busybox reboot -f
