#!/usr/bin/env bash
# report.sh ARGUMENTS…: `reconciler ARGUMENTS…` with its report in comment.md and on the page of the run; ends with the same exit code.
set -euo pipefail
code=0
# stderr is shown line by line, so that the log says what a long run waits for, and kept for the comment.
reconciler "$@" 2>&1 >report.md | tee errors.txt >&2 || code=${PIPESTATUS[0]}
{
  echo "<!-- reconciler $GITHUB_WORKFLOW -->"
  if [ -s report.md ]; then
    cat report.md
  else
    case $code in
      3) echo "## Applied in part. It is safe to run again: the workflow 'reconciler apply' with 'resume', or 'rollout resume' where there are waves." ;;
      4) echo "## Refused. Nothing was written." ;;
      5) echo "## Another run holds the lock. Nothing was written." ;;
      *) echo "## Failed (exit code $code)." ;;
    esac
    echo
  fi
  if [ "$code" -ne 0 ] && [ -s errors.txt ]; then
    # Indented, so that nothing in it is read as Markdown; a comment takes 65,536 characters.
    room=$((64000 - $(wc -c <report.md)))
    room=$((room > 20000 ? 20000 : room > 2000 ? room : 2000))
    sed 's/^/    /' errors.txt >indented.txt
    printf '\nWhat was printed:\n\n'
    head -c "$room" indented.txt
    if [ "$(wc -c <indented.txt)" -gt "$room" ]; then
      printf '…\n\nThe log of the job has the rest.\n'
    fi
    printf '\nPage of the run: %s/%s/actions/runs/%s\n' "$GITHUB_SERVER_URL" "$GITHUB_REPOSITORY" "$GITHUB_RUN_ID"
  fi
} >comment.md
cat comment.md >>"$GITHUB_STEP_SUMMARY"
exit "$code"
