#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# kernel.sh CACHE: puts a kernel with Soft-RoCE into CACHE: vmlinux, modules/*.ko and modules/order. The kernel comes as a
# package out of Debian's repository and is unpacked, never installed. Once there, it stays.
# Status 3 and one line on stderr: no kernel can be had.
set -euo pipefail

cache=$1
wanted=(virtio_pci virtio_console 9pnet_virtio 9p overlay veth bonding sch_netem sch_fq ib_uverbs rdma_ucm rdma_rxe
        crc32c_generic crc32_generic)
recipe="1 ${wanted[*]}"

[ ! -s "$cache/vmlinux" ] || [ "$(cat "$cache/recipe" 2>/dev/null)" != "$recipe" ] || exit 0
no_kernel() { echo "a kernel package of Debian: $*" >&2; exit 3; }

work=$(mktemp -d "$cache/unpack.XXXXXX")
trap 'rm -rf "$work"' EXIT

# The newest of the backported kernels, whose Soft-RoCE is the better one; else the release's own.
package=$(apt-cache search --names-only '^linux-image-6\.[0-9.]+\+deb12-amd64$' | cut -d' ' -f1 | sort -V | tail -n 1)
[ -n "$package" ] || package=$(apt-cache depends linux-image-amd64 2>/dev/null | sed -n 's/.*Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1)
[ -n "$package" ] || no_kernel "apt-cache knows none (apt-get update)"
(cd "$work" && apt-get download -q "$package" >download.log 2>&1) || no_kernel "apt-get download $package fails: $(tail -n 1 "$work/download.log")"
dpkg-deb -x "$work"/*.deb "$work/tree"
version=$(basename "$work"/tree/lib/modules/*)
depmod -b "$work/tree" "$version"

# The kernel proper lies compressed inside the boot image; started directly it spares the emulator the decompression.
image=$work/tree/boot/vmlinuz-$version
number_at() { od -An -t "u$2" -j "$1" -N "$2" "$image" | tr -d ' '; }
begin=$((($(number_at 497 1) + 1) * 512 + $(number_at 584 4)))
tail -c "+$((begin + 1))" "$image" 2>/dev/null | head -c "$(number_at 588 4)" >"$work/packed" || true
case $(od -An -t x1 -N 4 "$work/packed" | tr -d ' ') in
fd377a58) xz --decompress --stdout --single-stream <"$work/packed" >"$work/vmlinux" ;;
28b52ffd) zstd --decompress --stdout --quiet <"$work/packed" >"$work/vmlinux" 2>/dev/null || true ;; # its size follows
*) no_kernel "$package is packed in a way that is not known here" ;;
esac
[ "$(head -c 4 "$work/vmlinux" | tail -c 3)" = ELF ] || no_kernel "$package holds no vmlinux"

# The modules in the order in which they can be loaded; what is built in has none.
mkdir "$work/modules"
for module in "${wanted[@]}"; do
    modprobe --dirname "$work/tree" --set-version "$version" --show-depends "$module" 2>/dev/null | sed -n 's/^insmod \(\S*\).*/\1/p' || true
done | awk '!seen[$0]++' | while read -r file; do
    name=$(basename "$file")
    case $name in
    *.xz) xz --decompress --stdout "$file" >"$work/modules/${name%.xz}" ;;
    *.zst) zstd --decompress --stdout --quiet "$file" >"$work/modules/${name%.zst}" ;;
    *) cp "$file" "$work/modules/" ;;
    esac
    name=${name%.xz}
    echo "${name%.zst}" >>"$work/modules/order"
done

rm -rf "$cache/modules"
mv "$work/modules" "$cache/modules"
mv "$work/vmlinux" "$cache/vmlinux"
echo "$package" >"$cache/package"
echo "$recipe" >"$cache/recipe"
