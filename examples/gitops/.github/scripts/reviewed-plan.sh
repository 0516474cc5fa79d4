#!/usr/bin/env bash
# reviewed-plan.sh: fetch the plan that was made for the head of the pull request which this commit merged. Never plans anew.
set -euo pipefail
pull=$(gh api "repos/$GITHUB_REPOSITORY/commits/$GITHUB_SHA/pulls" --jq '[.[] | select(.merged_at != null and .base.ref == env.GITHUB_REF_NAME)][0] // empty | "\(.number) \(.head.sha)"')
if [ -z "$pull" ]; then
  echo "::error::The commit $GITHUB_SHA merged no pull request, so no plan was reviewed. Run this workflow by hand with 'new plan'."
  exit 1
fi
read -r number head <<<"$pull"
echo "number=$number" >>"$GITHUB_OUTPUT"
run=$(gh run list --repo "$GITHUB_REPOSITORY" --workflow reconciler-plan.yml --commit "$head" --event pull_request --status success \
  --json databaseId --jq '.[0].databaseId // empty')
if [ -z "$run" ] || ! gh run download "$run" --repo "$GITHUB_REPOSITORY" --name reconciler-plan; then
  words="No plan is kept for the head $head of pull request $number. Run the workflow 'reconciler apply' by hand with 'new plan'."
  echo "::error::$words"
  printf '<!-- reconciler %s -->\n## Not applied. Nothing was written.\n\n%s\n' "$GITHUB_WORKFLOW" "$words" >comment.md
  exit 1
fi
