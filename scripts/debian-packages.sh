# shellcheck shell=bash
# Sourced by the scripts that install Debian packages.

# as_root: what to put before a command that an administrator must run; empty when nobody here is one.
if [ "$(id -u)" = 0 ]; then
  as_root=(env)
elif sudo -n true 2>/dev/null; then
  as_root=(sudo -n env)
else
  as_root=()
fi

# without_services COMMAND...: run it while no package's scripts may start a service (invoke-rc.d(8)). A policy that is there
# is put back afterwards.
without_services() (
  policy=/usr/sbin/policy-rc.d
  allow_services() {
    "${as_root[@]}" rm -f $policy
    [ ! -e $policy.kept ] || "${as_root[@]}" mv $policy.kept $policy
  }
  if [ ${#as_root[@]} -gt 0 ]; then
    trap allow_services EXIT
    [ ! -e $policy ] || "${as_root[@]}" mv $policy $policy.kept
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee $policy >/dev/null
    "${as_root[@]}" chmod 755 $policy
  fi
  "$@"
)

# has_nginx: whether there is one, also where PATH does not lead.
has_nginx() {
  PATH="$PATH:/sbin:/usr/sbin" command -v nginx >/dev/null
}

# disable_service NAME: one that we brought is not left to start at boot.
disable_service() {
  "${as_root[@]}" update-rc.d "$1" disable >/dev/null 2>&1 ||
    echo "$1 may start at boot: its service could not be disabled." >&2
}

# install_packages WHO PACKAGE...: install them, quietly unless that fails. WHO ("the tests") is for the messages.
install_packages() {
  local who=$1 log status=0
  shift
  if [ ${#as_root[@]} = 0 ] || ! command -v apt-get >/dev/null; then
    echo "${who^} need these packages, and they can't be installed from here: $* (their names in Debian)." >&2
    echo "Install them as an administrator would (on Debian and Ubuntu: sudo apt-get install $*), then try again." >&2
    return 1
  fi
  echo "Installing what $who need: $*" >&2
  log=$(mktemp)
  local apt=("${as_root[@]}" DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300)
  if ! { "${apt[@]}" update && "${apt[@]}" install -y --no-install-recommends "$@"; } >"$log" 2>&1; then
    tail -20 "$log" >&2
    status=1
  fi
  rm -f "$log"
  return $status
}
