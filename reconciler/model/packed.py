"""How files are compressed, by their suffix."""

PACKED = {".gz": "gzip", ".zst": "zstd"}
