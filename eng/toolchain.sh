# Sourced by ./naru, ./test, ./bench and .ci/run: finds the tools, builds once, says plainly what is missing.
# Expects `root` to hold the repository's folder.

configuration=release
stamps="$root/artifacts/stamps"

fail() {
  printf '%s: %s\n' "${command_name:-naru}" "$1" >&2
  [ $# -lt 2 ] || printf '  %s\n' "${@:2}" >&2
  exit 1
}

# Puts the .NET SDK on PATH (its usual folders are looked into too), or says how to get it.
require_dotnet() {
  local folder
  if ! command -v dotnet >/dev/null 2>&1; then
    for folder in "${DOTNET_ROOT:-}" "$HOME/.dotnet" /usr/share/dotnet /usr/lib/dotnet /usr/local/share/dotnet; do
      if [ -n "$folder" ] && [ -x "$folder/dotnet" ]; then
        PATH="$folder:$PATH"
        break
      fi
    done
  fi
  command -v dotnet >/dev/null 2>&1 || no_dotnet 'dotnet is not on PATH'
  if [ -z "${DOTNET_ROOT:-}" ]; then
    DOTNET_ROOT="$(dirname "$(readlink -f "$(command -v dotnet)")")"
    export DOTNET_ROOT
  fi
}

require_sdk() {
  require_dotnet
  dotnet --list-sdks 2>/dev/null | grep -qE '^(10|[1-9][1-9])\.' \
    || no_dotnet "only these SDKs are here: $(dotnet --list-sdks 2>/dev/null | cut -d' ' -f1 | tr '\n' ' ')"
}

no_dotnet() {
  fail "the .NET 10 SDK is missing ($1)" \
    'get it:  https://dotnet.microsoft.com/download/dotnet/10.0' \
    'or:      curl -sSL https://dot.net/v1/dotnet-install.sh | bash -s -- --channel 10.0' \
    'or:      sudo apt install dotnet-sdk-10.0      (where the distribution has it)' \
    'then run the same command again'
}

# The native library and the console's browser code come through npm by lock file; once they are fetched Node.js is not
# needed again.
require_node() {
  command -v npm >/dev/null 2>&1 && return
  fail "npm is missing (it fetches the native library and the console's browser code, once)" \
    'get it:  https://nodejs.org/en/download' \
    'or:      sudo apt install nodejs npm' \
    'then run the same command again'
}

# changed_since STAMP PATH...: true when the stamp is missing or anything below a path is newer (folders too, so a
# deleted file is seen).
changed_since() {
  local stamp="$1"
  shift
  [ -f "$stamp" ] || return 0
  [ -n "$(find "$@" -name node_modules -prune -o -newer "$stamp" -print -quit 2>/dev/null)" ]
}

# build NAME PROJECT PATH...: builds PROJECT unless nothing below the paths is newer than the last build.
build() {
  local name="$1" project="$2" log started
  shift 2
  changed_since "$stamps/$name" "$@" || return 0
  require_sdk
  if [ ! -d "$root/native/node_modules" ] || [ ! -d "$root/web/node_modules" ]; then
    require_node
  fi
  mkdir -p "$stamps"
  exec 8>"$stamps/build.lock"
  if command -v flock >/dev/null 2>&1; then
    flock 8
    changed_since "$stamps/$name" "$@" || { exec 8>&-; return 0; }
  fi
  log="$stamps/$name.log"
  started=$SECONDS
  if [ -f "$stamps/$name" ]; then
    echo "building $name …" >&2
  else
    echo "building $name, which takes a minute or two the first time …" >&2
  fi
  touch "$stamps/$name.new"
  if ! (cd "$root" && dotnet build "$project" -c Release -v q -nologo >"$log" 2>&1 8>&-); then
    rm -f "$stamps/$name.new"
    grep -E ': (error|warning) ' "$log" | sort -u | head -40 >&2
    grep -qE ': error ' "$log" || tail -40 "$log" >&2
    fail "the build failed" "everything it said is in ${log#"$root"/}"
  fi
  mv "$stamps/$name.new" "$stamps/$name"
  exec 8>&-
  echo "built $name in $((SECONDS - started)) s" >&2
}

program_inputs=("$root/src" "$root/samples" "$root/eng" "$root/native/package-lock.json"
  "$root/web" "$root"/Directory.* "$root/global.json")

build_program() {
  build naru src/Naru/Naru.csproj "${program_inputs[@]}"
}
