"""Pure nouns: standard library only, frozen dataclasses and enums; no I/O, no clock."""
