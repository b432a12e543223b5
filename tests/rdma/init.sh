#!/bin/busybox sh
# shellcheck shell=dash
# SPDX-License-Identifier: Apache-2.0
# The guest's first process: modules, the host's file tree under a writable layer, then second.sh in there.
b=/bin/busybox
$b mkdir -p /proc /sys /dev /host /layer /tree /job
$b mount -t proc none /proc
$b mount -t sysfs none /sys
$b mount -t devtmpfs none /dev
while read -r module; do $b insmod "/modules/$module" || echo "guest: $module cannot be loaded"; done </modules/order
share=trans=virtio,version=9p2000.L,msize=512000
$b mount -t 9p -o $share,ro,cache=loose host /host || echo "guest: no host tree"
$b mount -t 9p -o $share,cache=mmap job /job || echo "guest: no job"
$b mount -t tmpfs -o mode=755 none /layer
$b mkdir /layer/upper /layer/work
$b mount -t overlay -o lowerdir=/host,upperdir=/layer/upper,workdir=/layer/work none /tree || echo "guest: no overlay"
for each in proc sys dev; do $b mount --move /$each /tree/$each; done
$b mount -t tmpfs -o mode=755 none /tree/run
$b mkdir -p /tree/run/job /tree/dev/shm /tree/dev/pts
$b mount -t tmpfs -o mode=1777 none /tree/dev/shm
$b ln -s /proc/self/fd /tree/dev/fd
for each in 0:stdin 1:stdout 2:stderr; do $b ln -s /proc/self/fd/${each%:*} /tree/dev/${each#*:}; done
$b mount --move /job /tree/run/job
exec $b chroot /tree /bin/bash /run/job/second.sh
