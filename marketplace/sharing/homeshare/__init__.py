"""Older residents' spare rooms, paired with students who look for one, and what comes after."""
