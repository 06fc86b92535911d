"""The peers of pairing, run by a Python of their own; reads markets in JSON from standard input, writes figures.

A market: {seekers, homes, rooms: [...], pairs: [[seeker, home, seeker rank, home rank], ...]}, indices from 0. Ties are
broken by index for `matching`, which knows none; it copies its agents by deep recursion and gets the stack for that.
"""

import json
import sys
import threading
from importlib.metadata import version
from time import perf_counter

import networkx
from matching.games import HospitalResident


def deferred_acceptance(market):
    """The library `matching`: seekers ask, ties broken beforehand."""
    seekers: dict[int, list] = {}
    homes: dict[int, list] = {}
    for s, h, of_seeker, of_home in market["pairs"]:
        seekers.setdefault(s, []).append((of_seeker, h))
        homes.setdefault(h, []).append((of_home, s))
    seeker_lists = {s: [h for _, h in sorted(found)] for s, found in seekers.items()}
    home_lists = {h: [s for _, s in sorted(found)] for h, found in homes.items()}
    begun = perf_counter()
    game = HospitalResident.create_from_dictionaries(
        seeker_lists, home_lists, {h: market["rooms"][h] for h in home_lists}
    )
    made = game.solve(optimal="resident")
    taken = perf_counter() - begun
    return taken, [[int(s.name), int(h.name)] for h, there in made.items() for s in there]


def greatest_weight(market):
    """networkx: most pairs, then best ranks; a home with several rooms is as many homes. Not stable."""
    graph = networkx.Graph()
    for s, h, of_seeker, of_home in market["pairs"]:
        for room in range(market["rooms"][h]):
            graph.add_edge(("s", s), ("h", h, room), weight=100 - of_seeker - of_home)
    begun = perf_counter()
    made = networkx.max_weight_matching(graph, maxcardinality=True)
    taken = perf_counter() - begun
    return taken, [[one[1], other[1]] if one[0] == "s" else [other[1], one[1]] for one, other in made]


def cp_sat(market):
    """OR-Tools: the most pairs without a blocking one, 60 seconds, one worker."""
    from ortools.sat.python import cp_model  # noqa: PLC0415 -- it is asked for only where it is wanted

    begun = perf_counter()
    model = cp_model.CpModel()
    pairs = market["pairs"]
    made = [model.new_bool_var("") for _ in pairs]
    of_seeker: dict[int, list] = {}
    of_home: dict[int, list] = {}
    for i, (s, h, _, _) in enumerate(pairs):
        of_seeker.setdefault(s, []).append(i)
        of_home.setdefault(h, []).append(i)
    for own in of_seeker.values():
        model.add_at_most_one(made[i] for i in own)
    for h, own in of_home.items():
        model.add(sum(made[i] for i in own) <= market["rooms"][h])
    full = {}
    for s, h, a, b in pairs:
        if (h, b) not in full:
            full[h, b] = model.new_bool_var("")
            as_liked = sum(made[i] for i in of_home[h] if pairs[i][3] <= b)
            model.add(as_liked >= market["rooms"][h]).only_enforce_if(full[h, b])
        model.add_bool_or([*(made[i] for i in of_seeker[s] if pairs[i][2] <= a), full[h, b]])
    model.maximize(sum(made))
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.max_time_in_seconds = 60
    status = solver.solve(model)
    chosen = [pairs[i][:2] for i, one in enumerate(made) if status in (2, 4) and solver.value(one)]
    return perf_counter() - begun, chosen


KNOWN = {"matching": deferred_acceptance, "networkx": greatest_weight, "ortools": cp_sat}


def main():
    """Carry out the plan."""
    plan = json.load(sys.stdin)
    answers = [{name: KNOWN[name](market) for name in plan["peers"]} for market in plan["markets"]]
    json.dump({"versions": {name: version(name) for name in plan["peers"]}, "answers": answers}, sys.stdout)


sys.setrecursionlimit(1_000_000)
threading.stack_size(1 << 29)
worker = threading.Thread(target=main)
worker.start()
worker.join()
