"""Pages of the insights screen: figures drawn as rows of text. Nothing in here knows of Textual or of the store."""
