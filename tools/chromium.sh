#!/usr/bin/env bash
# Installs what the browser scenario needs of the machine: Debian's Chromium, its driver, and certutil. Where it may not or
# cannot, it says so and ends well: the scenario then says that it skips.
set -uo pipefail

declare -A packages=([chromium]=chromium [chromedriver]=chromium-driver [certutil]=libnss3-tools)
missing=()
for program in "${!packages[@]}"; do
    command -v "$program" >/dev/null || missing+=("${packages[$program]}")
done
[ ${#missing[@]} -eq 0 ] && exit 0

without() { printf 'no browser scenario: %s (missing: %s)\n' "$1" "${missing[*]}"; exit 0; }

command -v apt-get >/dev/null || without "there is no apt-get"
as_root=()
if [ "$(id -u)" -ne 0 ]; then
    sudo -n true 2>/dev/null || without "only root may install packages"
    as_root=(sudo -n)
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
printf '==> installing %s\n' "${missing[*]}"
# Both wait for whoever holds the package database, and neither holds up a submission for ever.
apt=(env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=60 -qq)
if ! "${as_root[@]}" timeout 120 "${apt[@]}" update >"$log" 2>&1 ||
    ! "${as_root[@]}" timeout 400 "${apt[@]}" install -y --no-install-recommends "${missing[@]}" >>"$log" 2>&1; then
    tail -n 5 "$log"
    without "apt-get failed"
fi
