#!/usr/bin/env bash
# report.sh ARGUMENTS…: `reconciler ARGUMENTS…` with its report in comment.md and on the page of the run; ends with the same exit code.
set -euo pipefail
code=0
reconciler "$@" >report.md 2>errors.txt || code=$?
cat errors.txt >&2
{
  echo "<!-- reconciler $GITHUB_WORKFLOW -->"
  if [ -s report.md ]; then
    cat report.md
  else
    case $code in
      3) echo "## Applied in part. It is safe to run again: the workflow 'reconciler apply' with 'resume'." ;;
      4) echo "## Refused. Nothing was written." ;;
      5) echo "## Another run holds the lock. Nothing was written." ;;
      *) echo "## Failed (exit code $code)." ;;
    esac
    echo
  fi
  if [ "$code" -ne 0 ] && [ -s errors.txt ]; then
    # Indented, so that nothing in it is read as Markdown.
    printf 'What was printed:\n\n'
    head -c 20000 errors.txt | sed 's/^/    /'
    printf '\nPage of the run: %s/%s/actions/runs/%s\n' "$GITHUB_SERVER_URL" "$GITHUB_REPOSITORY" "$GITHUB_RUN_ID"
  fi
} >comment.md
cat comment.md >>"$GITHUB_STEP_SUMMARY"
exit "$code"
