#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# guest.sh FOLDER COMMAND [ARGUMENT...]: runs the command as root in a guest that has two Soft-RoCE devices, and this
# machine's file tree: read-only but for FOLDER, with a layer on top that is lost. Its output and its exit status are the
# command's. The guest is emulated: no virtualisation by the processor is needed.
#
#   JOINLEAF_RDMA_CACHE    where the kernel is kept (default ~/.cache/joinleaf-rdma)
#   JOINLEAF_RDMA_SECONDS  how long the command may take (default 280); then its status is 124
#
# Status 77: skipped, one line says what is missing. 125: the guest did not come up, or died.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
PATH=$PATH:/usr/sbin:/sbin
seconds=${JOINLEAF_RDMA_SECONDS:-280}
cache=${JOINLEAF_RDMA_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/joinleaf-rdma}
boot_seconds=100

skip() { echo "skipped: needs $*"; exit 77; }
[ $# -ge 2 ] || { echo "usage: guest.sh FOLDER COMMAND [ARGUMENT...]" >&2; exit 2; }
shared=$(cd "$1" && pwd -P)
shift
[ "$(uname -m)" = x86_64 ] || skip "a machine of type x86_64"
for each in qemu-system-x86_64:qemu-system-x86 busybox:busybox-static depmod:kmod cpio:cpio xz:xz-utils zstd:zstd \
    rdma:iproute2 apt-get:apt dpkg-deb:dpkg; do
    command -v "${each%:*}" >/dev/null || skip "${each#*:} (command ${each%:*})"
done
! ldd "$(command -v busybox)" >/dev/null 2>&1 || skip "busybox-static (this busybox is linked dynamically)"

mkdir -p "$cache"
exec 9>"$cache/lock"
flock 9
"$here/kernel.sh" "$cache" 2>"$cache/why" || skip "$(tail -n 1 "$cache/why")"

tree=$(mktemp -d)
job=$(mktemp -d)
guest=
end() {
    [ -z "$guest" ] || kill "$guest" 2>/dev/null || true
    rm -rf "$tree" "$job"
}
trap end EXIT
trap 'exit 143' TERM
trap 'exit 130' INT

mkdir -p "$tree/bin"
cp "$(command -v busybox)" "$tree/bin/busybox"
cp -r "$cache/modules" "$tree/modules"
install -m 755 "$here/init.sh" "$tree/init"
(cd "$tree" && find . | cpio --create --format=newc --quiet) >"$job/../$(basename "$job").cpio"
mv "$job/../$(basename "$job").cpio" "$job/initrd"
flock -u 9

cp "$here/second.sh" "$here/network.sh" "$job/"
echo "$shared" >"$job/shared"
echo "$seconds" >"$job/seconds"
printf '%q ' "$@" >"$job/command"
for name in $(compgen -e); do
    case $name in JOINLEAF_RDMA_*) ;; JOINLEAF_* | GTEST_* | FI_* | CI) declare -p "$name" ;; esac
done >"$job/environment"

folder() { # path, name, more
    printf 'local,path=%s,mount_tag=%s,security_model=none,multidevs=remap%s' "${1//,/,,}" "$2" "${3:-}"
}
exec 3>&1
# An emulated processor now and then trips over the kernel's own code patching while it boots: then once more.
for attempt in 1 2 3; do
    qemu-system-x86_64 -nodefaults -no-user-config -machine pc -accel tcg,thread=multi -cpu max -smp 1 -m 1024 \
        -display none -no-reboot -kernel "$cache/vmlinux" -initrd "$job/initrd" \
        -append "console=ttyS0 quiet loglevel=4 panic=-1 nokaslr mitigations=off audit=0 selinux=0 apparmor=0 tsc=reliable" \
        -serial "file:$job/console" -device virtio-serial-pci -add-fd fd=3,set=1 \
        -chardev file,id=out,path=/dev/fdset/1,append=on -device virtserialport,chardev=out,name=out \
        -virtfs "$(folder / host ,readonly=on)" -virtfs "$(folder "$shared" shared)" -virtfs "$(folder "$job" job)" \
        </dev/null 9>&- &
    guest=$!
    begin=$SECONDS
    while [ ! -s "$job/ready" ] && kill -0 "$guest" 2>/dev/null && [ $((SECONDS - begin)) -lt $boot_seconds ]; do
        sleep 0.2
    done
    [ ! -s "$job/ready" ] || break
    kill "$guest" 2>/dev/null || true
    wait "$guest" || true
    guest=
    echo "guest.sh: the guest did not come up (attempt $attempt); its console ended with:" >&2
    tail -n 5 "$job/console" >&2 || true
done
[ -n "$guest" ] || exit 125
echo "guest.sh: up after $((SECONDS - begin)) s, $(cat "$cache/package")" >&2
(sleep $((seconds + 30)) && kill "$guest" 2>/dev/null) >/dev/null 2>&1 3>&- 9>&- &
watchdog=$!
wait "$guest" || true
guest=
kill "$watchdog" 2>/dev/null || true
if [ ! -s "$job/status" ]; then
    echo "guest.sh: the guest gave no exit status; its console ended with:" >&2
    tail -n 20 "$job/console" >&2 || true
    exit 125
fi
exit "$(cat "$job/status")"
