"""Where the wings meet: what needs several features at once."""
