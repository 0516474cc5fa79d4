#!/usr/bin/env bash
# comment.sh NUMBER FILE: one comment of a pull request, made once and then updated. The first line of FILE says which comment.
set -euo pipefail
[ -s "$2" ] || exit 0
MARKER=$(head -n 1 "$2")
export MARKER
comments="repos/$GITHUB_REPOSITORY/issues/$1/comments"
found=$(gh api --paginate "$comments" --jq '.[] | select(.user.type == "Bot" and (.body | startswith(env.MARKER))) | .id')
id=${found%%$'\n'*}
if [ -n "$id" ]; then
  gh api --method PATCH "repos/$GITHUB_REPOSITORY/issues/comments/$id" -F "body=@$2" --silent
else
  gh api --method POST "$comments" -F "body=@$2" --silent
fi
