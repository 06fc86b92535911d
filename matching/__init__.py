"""The city's decisions as pure functions: arrays in, plain values out; no Flask, no database, no marketplace."""
