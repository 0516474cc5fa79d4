"""Pure: model -> text. Nothing here prints."""
