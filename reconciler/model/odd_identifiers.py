"""What may be wrong with identifiers and commands that are sent all the same, as a scan counts it."""

# Texts by which exports write that there is no value.
MARKERS = (
    "NULL", "null", "Null", "(null)", "\\N", "None", "none", "NaN", "nan", "N/A", "n/a", "undefined", "-",
    "#N/A", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NUM!", "#NULL!",
)  # fmt: skip
HASH_DIGITS = (32, 40, 64, 96, 128)  # MD5, SHA-1, SHA-256, SHA-384, SHA-512
BLANK, PADDED, EMAIL, NO_HASH, SPELLING = "blank", "padded", "email", "no-hash", "spelling"
NO_EMAIL = "no-email"  # hashed by the source from a text that is no e-mail address
NUMBER = "number"  # written as one that may be rounded
COLUMN = "column name"  # of the very column it stands in
MARKER = "marker "  # and which
HASH = "hash "  # and how many digits, and their case: lower, upper, mixed, or digits where it has no letter
REPEATED = "repeated key"  # in the profile of a command that was looked at
