"""Which students and which older residents' spare rooms may be paired, and how well they suit each other."""
