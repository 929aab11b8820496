# Sourced by ./naru: makes artifacts/naru-VERSION-linux-x64.tar.gz, which needs neither SDK nor Node.js where it runs.

publish() {
  local version name stage work log
  [ $# = 0 ] || fail "publish takes no arguments, but got '$*'"
  require_sdk
  [ -d "$root/native/node_modules" ] && [ -d "$root/web/node_modules" ] || require_node
  version="$(sed -n 's:.*<Version>\(.*\)</Version>.*:\1:p' "$root/Directory.Build.props")"
  name="naru-$version-linux-x64"
  work="$root/artifacts/publish"
  stage="$work/$name"
  log="$work/publish.log"
  rm -rf "$stage"
  mkdir -p "$stage"
  echo "publishing $name …" >&2
  # The lock files speak of no runtime; versions are pinned centrally, transitive ones included.
  if ! (cd "$root" && dotnet publish src/Naru/Naru.csproj -c Release -r linux-x64 --self-contained \
    -p:PublishReadyToRun=true -p:NaruPublish=true -p:DebugType=none \
    --artifacts-path "$work/build" -o "$stage" -v q -nologo >"$log" 2>&1); then
    grep -E ': error ' "$log" | sort -u >&2 || tail -20 "$log" >&2
    fail 'the archive could not be made' "everything that was said is in ${log#"$root"/}"
  fi
  rm -f "$stage"/web.config "$stage"/*.staticwebassets.endpoints.json "$stage"/createdump
  sed "s/VERSION/$version/" "$root/eng/package/README.md" >"$stage/README.md"
  sed "s/VERSION/$version/" "$root/eng/package/naru.service" >"$stage/naru.service"
  cp "$root/LICENSE" "$stage/"
  copy_licences "$stage/runtime-licences"
  require_runs_alone "$stage"
  # Same inputs, same archive: sorted names, one owner, one time.
  tar -C "$work" --sort=name --owner=0 --group=0 --numeric-owner --mtime='2000-01-01 00:00Z' -cf - "$name" \
    | gzip -n >"$root/artifacts/$name.tar.gz"
  (cd "$root/artifacts" && sha256sum "$name.tar.gz" >"$name.tar.gz.sha256")
  echo "artifacts/$name.tar.gz  ($(du -h "$root/artifacts/$name.tar.gz" | cut -f1))"
}

copy_licences() {
  local file
  mkdir -p "$1"
  for file in LICENSE.txt ThirdPartyNotices.txt; do
    [ ! -f "$DOTNET_ROOT/$file" ] || cp "$DOTNET_ROOT/$file" "$1/dotnet-$file"
  done
  for file in "$root"/native/node_modules/@duckdb/*/LICENSE; do
    [ ! -f "$file" ] || cp "$file" "$1/duckdb-LICENSE"
  done
  for file in "$root"/web/node_modules/*/LICENSE; do
    [ ! -f "$file" ] || cp "$file" "$1/$(basename "$(dirname "$file")")-LICENSE"
  done
}

# The archive must answer where there is no dotnet, no node and no home folder.
require_runs_alone() {
  local answer
  answer="$(cd / && env -i PATH=/nonexistent "$1/naru" --version 2>&1)" \
    || fail 'the published program does not start by itself' "$answer"
  echo "runs by itself: naru $answer" >&2
}
