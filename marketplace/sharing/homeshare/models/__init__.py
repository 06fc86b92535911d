"""What home share keeps."""
