"""Open a source, whatever form its bytes are in, and leave it as shards."""
