#!/usr/bin/env bash
# sarif.sh: findings of `reconciler validate` to code scanning, for the commit SHA of REF.
set -euo pipefail
reconciler validate -o sarif >reconciler.sarif || true
gzip -c reconciler.sarif | base64 -w0 >sarif.txt # in a file: an argument holds 128 kB
gh api --method POST "repos/$GITHUB_REPOSITORY/code-scanning/sarifs" \
  -f "commit_sha=$SHA" -f "ref=$REF" -F "sarif=@sarif.txt" --silent
