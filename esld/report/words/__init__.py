"""What a reader sees, in the reader's language: a catalogue of texts and a small grammar for each language."""
