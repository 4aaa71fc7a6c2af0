#!/bin/sh
# Installs Cortex, which turns Python models into web APIs, on Linux or macOS:
#
#   curl -fsSL https://github.com/OWNER_TO_BE_SET/cortex/releases/latest/download/install.sh | sh
#   ... | sh -s -- 1.2.3        a certain version
#   ... | sh -s -- --replace    though another program named cortex lies there
#
# CORTEX_INSTALL_DIR   folder to install into (default: ~/.local/bin)
# CORTEX_RELEASES_URL  a mirror of the releases, with latest/download/ and download/vVERSION/ below it
#
# Nothing is put in place before its checksum was verified and it has been started once.
set -eu

releases=https://github.com/OWNER_TO_BE_SET/cortex/releases
# What every Cortex has inside and no other program does; one that is found is not started to learn what it is.
marker="Turns a Python model into an autoscaling web API"
work=

main() {
  version=
  replace=
  for argument in "$@"; do
    case $argument in
      --replace) replace=1 ;;
      -*) fail "there is no option $argument" "there is --replace; a version is written without a dash, e.g. 1.2.3" ;;
      *) version=${argument#v} ;;
    esac
  done
  releases=${CORTEX_RELEASES_URL:-$releases}
  releases=${releases%/}
  check_address "$releases"
  [ -n "${CORTEX_INSTALL_DIR:-}${HOME:-}" ] || fail "there is no HOME" "set CORTEX_INSTALL_DIR to a folder"
  folder=${CORTEX_INSTALL_DIR:-$HOME/.local/bin}
  program=$folder/cortex
  find_target
  check_place
  mkdir -p "$folder" || fail "cannot make the folder $folder" "set CORTEX_INSTALL_DIR to one that you may write"
  [ -w "$folder" ] || fail "$folder may not be written" "set CORTEX_INSTALL_DIR to a folder that you may write"
  # In the same folder, so that the program is put in place in one step.
  trap 'clean_up' EXIT
  trap 'exit 130' HUP INT TERM
  work=$(mktemp -d "$folder/.cortex-install-XXXXXX") || fail "cannot make a folder in $folder" "is its disk full?"
  install_release
  say "cortex $version is installed: $program"
  advise
}

say() {
  printf '%s\n' "$1" >&2
}

fail() {
  say "error: $1"
  [ -z "${2:-}" ] || say "hint: $2"
  exit 1
}

clean_up() {
  [ -z "$work" ] || rm -rf "$work"
}

has() {
  command -v "$1" >/dev/null 2>&1
}

check_address() {
  rest=${1#*://}
  host=${rest%%/*}
  case $host in
    *[@?#\\]*) fail "CORTEX_RELEASES_URL has more than a host and a port before its path" "name an https:// address without a user name" ;;
  esac
  case $1 in https://?*) return ;; esac
  case $1 in http://*) ;; *) host= ;; esac
  case ${host##*\]} in *:*[!0-9]*) host= ;; esac
  case $host in
    127.0.0.1 | 127.0.0.1:* | localhost | localhost:* | "[::1]" | "[::1]:"*) ;;
    *) fail "CORTEX_RELEASES_URL is $1, from which no program is taken" "name an https:// address; http:// is for this machine alone" ;;
  esac
  # A proxy would have another machine in mind.
  others=${no_proxy:-${NO_PROXY:-}}
  export no_proxy="127.0.0.1,localhost,::1${others:+,$others}"
}

# Sets target to e.g. linux-x64.
find_target() {
  system=$(uname -s)
  machine=$(uname -m)
  case $system in
    Linux) os=linux ;;
    Darwin) os=darwin ;;
    MINGW* | MSYS* | CYGWIN* | Windows_NT) fail "this script is not for Windows" "use install.ps1, in PowerShell" ;;
    *) fail "there is no Cortex for $system" "there is one for Linux, macOS and Windows" ;;
  esac
  case $machine in
    x86_64 | amd64) arch=x64 ;;
    aarch64 | arm64) arch=arm64 ;;
    *) fail "there is no Cortex for $machine" "there is one for x86-64 and for 64-bit ARM" ;;
  esac
  # A shell that is translated by Rosetta takes an Apple machine for an Intel one.
  if [ $os = darwin ] && [ "$(sysctl -n sysctl.proc_translated 2>/dev/null || true)" = 1 ]; then arch=arm64; fi
  if [ $os = linux ]; then check_libc; fi
  target=$os-$arch
}

check_libc() {
  if has getconf && [ "$(getconf LONG_BIT 2>/dev/null || echo 64)" = 32 ]; then
    fail "this is a 32-bit system" "Cortex needs a 64-bit one"
  fi
  libc=$(getconf GNU_LIBC_VERSION 2>/dev/null || true)
  case $libc in
    "glibc "*) ;;
    *)
      if ldd --version 2>&1 | grep -qi musl || ls /lib/ld-musl-* >/dev/null 2>&1; then
        fail "this system has musl, as Alpine Linux does, and Cortex needs glibc 2.28 or newer" "use a system or an image with glibc, e.g. debian:stable-slim"
      fi
      return
      ;;
  esac
  minor=${libc#glibc 2.}
  case $libc in
    "glibc 2."*) if [ "${minor%%[!0-9]*}" -lt 28 ]; then fail "this system has $libc, and Cortex needs 2.28 or newer" "use a newer system"; fi ;;
  esac
}

# Another program of that name is never replaced unless that is asked for.
check_place() {
  if [ -d "$program" ]; then fail "$program is a folder" "set CORTEX_INSTALL_DIR to another one"; fi
  if [ ! -e "$program" ] && [ ! -L "$program" ]; then return; fi
  if [ -n "$replace" ] || is_ours "$program"; then return; fi
  what="another program"
  if [ -L "$program" ]; then what="a link to $(readlink "$program")"; fi
  fail "$program is there already, and it is not this Cortex but $what" \
    "to keep it, set CORTEX_INSTALL_DIR to another folder; to replace it, add --replace: | sh -s -- --replace"
}

is_ours() {
  LC_ALL=C grep -q "$marker" "$1" 2>/dev/null
}

install_release() {
  where=$releases/latest/download
  if [ -n "$version" ]; then where=$releases/download/v$version; fi
  download "$where/SHA256SUMS" "$work/SHA256SUMS"
  if [ -z "$version" ]; then
    # The names of the archives say which version is the newest.
    version=$(sed -n "s/^[0-9a-f]\{64\} [ *]cortex-\([0-9][0-9A-Za-z.-]*\)-$target\.tar\.gz\$/\1/p" "$work/SHA256SUMS" | head -n 1)
    [ -n "$version" ] || fail "the newest release has no Cortex for $target" "name a version: | sh -s -- 1.2.3"
    where=$releases/download/v$version
  fi
  archive=cortex-$version-$target.tar.gz
  if can_read_xz && grep -q " [ *]cortex-$version-$target\.tar\.xz\$" "$work/SHA256SUMS"; then archive=cortex-$version-$target.tar.xz; fi
  wanted=$(sed -n "s/^\([0-9a-f]\{64\}\) [ *]$archive\$/\1/p" "$work/SHA256SUMS" | head -n 1)
  [ -n "$wanted" ] || fail "release $version has no Cortex for $target"
  say "downloading $where/$archive"
  download "$where/$archive" "$work/$archive"
  found=$(sha256 "$work/$archive")
  if [ "$found" != "$wanted" ]; then
    fail "$archive has SHA-256 $found, not $wanted" "nothing was installed: something between here and there changed it, or the release is damaged"
  fi
  unpack "$work/$archive" || fail "cannot unpack $archive" "is the disk of $folder full?"
  new=$work/cortex-$version-$target/cortex
  chmod 755 "$new"
  if ! started=$("$new" --version 2>&1 </dev/null) || [ "$started" != "cortex $version" ]; then
    fail "the program does not run on this machine: $started" "nothing was installed"
  fi
  mv -f "$new" "$program"
}

can_read_xz() {
  has xz || tar --version 2>/dev/null | grep -q bsdtar
}

unpack() {
  case $1 in
    *.tar.xz) if has xz; then xz -dc "$1" | tar -xf - -C "$work"; else tar -xf "$1" -C "$work"; fi ;;
    *) gzip -dc "$1" | tar -xf - -C "$work" ;;
  esac
}

# $1: address, $2: file. A redirect leads to https, or nowhere.
download() {
  if has curl; then
    curl -fsSL --retry 3 --proto '=https,http' --proto-redir '=https' --max-redirs 10 --connect-timeout 30 -o "$2" "$1" ||
      fail "cannot download $1" "HTTPS_PROXY names a proxy, CORTEX_RELEASES_URL a mirror"
  elif has wget; then
    wget --version 2>/dev/null | grep -q 'GNU Wget 1' || fail "this wget would follow a redirect that is not https" "install curl"
    by_wget "$1" "$2" || fail "cannot download $1" "https_proxy names a proxy, CORTEX_RELEASES_URL a mirror"
  else
    fail "neither curl nor wget is there" "install one of them"
  fi
}

# wget knows no such rule, so redirects are followed here.
by_wget() {
  from=$1
  at=$1
  for _ in 1 2 3 4 5 6 7 8 9 10 11; do
    if wget -q -S --max-redirect=0 --tries=3 --timeout=30 -O "$2" "$at" 2>"$work/answer"; then return 0; fi
    next=$(sed -n 's/^ *[Ll]ocation: *\([^[:space:]]*\).*/\1/p' "$work/answer" | head -n 1)
    case $next in
      "") return 1 ;;
      //*) at=${at%%://*}:$next ;;
      /*)
        rest=${at#*://}
        at=${at%%://*}://${rest%%/*}$next
        ;;
      *) at=$next ;;
    esac
    case $at in
      https://*) ;;
      *) fail "cannot download $from: it leads to $at, which is not https" ;;
    esac
  done
  return 1
}

sha256() {
  if has sha256sum; then
    sha256sum <"$1" | cut -d ' ' -f 1
  elif has shasum; then
    shasum -a 256 <"$1" | cut -d ' ' -f 1
  elif has openssl; then
    openssl dgst -sha256 -r <"$1" | cut -d ' ' -f 1
  else
    fail "nothing here computes SHA-256, so what was downloaded cannot be verified" "install coreutils, perl or openssl"
  fi
}

advise() {
  case :${PATH:-}: in
    *":$folder:"*) ;;
    *)
      # shellcheck disable=SC2016 # PATH is for the shell that reads the advice.
      say "$folder is not on your PATH: export PATH=\"$folder:\$PATH\", and put that line into your shell's profile"
      return
      ;;
  esac
  first=$(command -v cortex || true)
  if [ -n "$first" ] && [ "$first" != "$program" ]; then
    say "\`cortex\` is $first on your PATH, which comes before $folder: put that first, or run $program"
  fi
}

main "$@"
