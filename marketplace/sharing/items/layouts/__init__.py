"""Files and papers of a library of things: its catalogue as a table, its labels."""
