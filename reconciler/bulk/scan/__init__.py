"""One pass over a source: checked lines, counts, digests, chunks."""
