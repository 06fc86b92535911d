"""Seekers and rooms in shared homes, paired: two-sided stable matching with ties, incomplete lists and capacities."""

from matching.pairing.check import Report, check
from matching.pairing.counterfactuals import Change, changes
from matching.pairing.decide import Certificate, Decision, decide
from matching.pairing.exact import Proof
from matching.pairing.problem import Miss, Pair, Problem, Withheld, commitment, digest
from matching.pairing.reasons import Code, Explanation, Standing, explain
from matching.pairing.verify import Verifier

__all__ = [
    "Certificate", "Change", "Code", "Decision", "Explanation", "Miss", "Pair", "Problem", "Proof", "Report",
    "Standing", "Verifier", "Withheld", "changes", "check", "commitment", "decide", "digest", "explain",
]  # fmt: skip
