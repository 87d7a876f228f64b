#!/usr/bin/env bash
# Formats the C++ files of the tree; with --check changes nothing, lists the files that differ and fails if there are any.
set -euo pipefail
cd "$(dirname "$0")/.."

clang_format=${CLANG_FORMAT:-clang-format-19}
check=false
case "${1:-}" in
  "") ;;
  --check) check=true ;;
  *) echo "usage: scripts/format.sh [--check]" >&2; exit 2 ;;
esac

files=()
while IFS= read -r -d '' file; do
  [ -f "$file" ] && files+=("$file")  # git also lists what was deleted and not yet committed
done < <(git ls-files -z --cached --others --exclude-standard -- \
           {src,bench,tests,fuzz}/'*.cpp' {src,bench,tests,fuzz}/'*.hpp')
if [ "${#files[@]}" -eq 0 ]; then
  echo "format: no C++ files found" >&2
  exit 2
fi

if ! $check; then
  "$clang_format" -i "${files[@]}"
  echo "format: ${#files[@]} files"
  exit 0
fi

if report=$("$clang_format" --dry-run --Werror "${files[@]}" 2>&1); then
  echo "format: ${#files[@]} files, all as they should be"
  exit 0
fi
differing=$(sed -nE 's/^([^:]+):[0-9]+:[0-9]+: error: code should be clang-formatted.*/\1/p' <<<"$report" | sort -u)
if [ -z "$differing" ]; then
  echo "$report" >&2  # not the files are at fault, but the program or its configuration
  exit 2
fi
echo "$differing"
echo "format: $(wc -l <<<"$differing") of ${#files[@]} files differ: run scripts/format.sh" >&2
exit 1
