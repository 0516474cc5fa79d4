#!/usr/bin/env bash
# drift.sh: one issue says what drifted; closed when nothing does. Ends with 1 if the platform could not be read.
set -euo pipefail
title="reconciler: drift"
code=0
reconciler drift --detailed-exitcode >drift.txt || code=$?
cat drift.txt
issue=$(gh issue list --repo "$GITHUB_REPOSITORY" --state open --search "in:title \"$title\"" --json number,title \
  --jq "[.[] | select(.title == \"$title\")][0].number // empty")
{
  printf 'The platform and the specs differ. Change the specs and merge, or run the workflow "reconciler apply" with "new plan".\n\n'
  head -c 50000 drift.txt | sed 's/^/    /'
} >issue.md
case $code in
  0)
    if [ -n "$issue" ]; then
      gh issue close "$issue" --repo "$GITHUB_REPOSITORY" --comment "Nothing drifts any more."
    fi
    ;;
  2)
    if [ -n "$issue" ]; then
      gh issue edit "$issue" --repo "$GITHUB_REPOSITORY" --body-file issue.md
    else
      gh issue create --repo "$GITHUB_REPOSITORY" --title "$title" --body-file issue.md
    fi
    ;;
  *) exit "$code" ;;
esac
