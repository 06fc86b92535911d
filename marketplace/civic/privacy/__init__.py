"""One's own data: export, erasure, how long things are kept, who looked."""
