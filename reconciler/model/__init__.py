"""Pure nouns: frozen dataclasses, msgspec structs and enums; no I/O, no clock."""
