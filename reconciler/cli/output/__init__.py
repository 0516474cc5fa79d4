"""What a person or a program reads: texts, files, progress, events."""
