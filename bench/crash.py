"""
kill -9 of ``ovctl apply`` at random moments, then ``apply`` again: does it converge, and is nothing left behind?

Run by ``make soak-crash``. Everything random is drawn from the seed and the number of the run, so that a run can be
repeated. Progress is kept beside the result: a soak that was killed goes on with the next run.

Each run brings the hosts into one of three states, starts ``ovctl apply --yes``, kills its process group (and nothing
else) somewhere within the time that it would have taken, and asks the same of what follows: apply ends with 0, plan is
empty, verify is green, the store's endpoint keys are those of the attached containers, no container is left aside, the
lock is free; then destroy removes everything, and a fresh apply gets the same IP addresses again.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random
from statistics import median
from typing import TYPE_CHECKING, Any

from bench import command, fleet, raw, results
from bench.ground import failing_dials, say, standing
from bench.keys import ENDPOINTS, Keys, endpoint_ids, misfits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.command import Ended
    from bench.ground import Ground

SHAPE = fleet.Shape("soak", "192.168.119", "10.119", hosts=3, networks=3, containers=12, doubled=4)
SCENARIOS = ("nothing", "half", "replace")
_TIMEOUT_S = 240.0
_SHOWN = 40
_ATTEMPTS = 4
_EARLIEST_S = 0.05
_REMEDIES = (
    "tried again",
    "cleared",
    "rolled back",
    "freed",
    "corrected",
    "gave back",
    "disconnected from",
    "restarted",
)


@dataclass(frozen=True, slots=True)
class Draw:
    """
    What chance says of one run.

    Args:
        scenario: nothing (destroyed) · half (an overlay with its containers, and some more, were removed by hand) ·
            replace (all there, some containers with another environment than is declared by now).
        fraction: When to kill, as a part of the time that the uninterrupted apply took.
        chosen: Containers that were removed, or are to be replaced.
    """

    scenario: str
    fraction: float
    chosen: tuple[str, ...]


def draw(seed: int, number: int) -> Draw:
    """Return what chance says of run *number* (from 1); of three runs in a row each scenario is one."""
    block, index = divmod(number - 1, len(SCENARIOS))
    scenario = Random(f"{seed} {block}").sample(SCENARIOS, len(SCENARIOS))[index]  # noqa: S311 - to be repeated, not to be secret
    chance = Random(f"{seed} run {number}")  # noqa: S311 - likewise
    places = fleet.places(SHAPE)
    chosen = {place.name for place in chance.sample(places, len(places) // 3)}
    if scenario == "half":
        network = chance.choice(SHAPE.network_names)
        chosen |= {place.name for place in places if network in place.addresses}
    return Draw(scenario, round(chance.uniform(0.02, 0.98), 4), tuple(sorted(chosen)))


@dataclass(slots=True)
class Run:
    """How one run went; ``failures`` is empty when all was well."""

    number: int
    scenario: str
    fraction: float
    delay_s: float = 0.0
    killed: bool = False
    attempts: int = 0
    killed_after: str = ""
    converge_s: float = 0.0
    converge_plan: str = ""
    converge_steps: int = 0
    remedies: list[str] = field(default_factory=list)
    destroy_s: float = 0.0
    failures: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    evidence: dict[str, list[str]] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether all was well."""
        return not self.failures


class Unexpected(Exception):  # noqa: N818 - an outcome, not an error of ours
    """A command of ovctl ended otherwise than it has to."""

    def __init__(self, verb: str, ended: Ended) -> None:
        super().__init__(f"{verb} ended with {ended.code}:\n{ended.text}")
        self.verb = verb
        self.ended = ended


class Soak:
    """The ground, the topology in its two editions, and what is asked of it."""

    def __init__(self, ground: Ground, typical: dict[str, float], dials: float) -> None:
        self.ground = ground
        self.dials = dials
        self.typical = typical
        self.keys = Keys(SHAPE.store)
        self.places = fleet.places(SHAPE)
        self.file = ""
        self.marks: dict[str, str] = {}
        self.declare({})

    def declare(self, marks: dict[str, str]) -> None:
        """Write the topology, with *marks* in the environment of containers."""
        self.marks = dict(marks)
        text = fleet.topology_text(SHAPE, self.ground.lab.ssh_config, marks=marks)
        self.file = self.ground.write("topology.yaml", text)

    def prepare(self, scenario: str, chosen: Sequence[str], edition: str) -> None:
        """Bring the hosts from "all there" into the state in which the apply that is killed finds them."""
        if scenario == "nothing":
            self.must("destroy", "--yes")
        elif scenario == "half":
            nets = {network for place in self.places for network in place.addresses}
            kept = {network for place in self.places if place.name not in chosen for network in place.addresses}
            raw.remove_all(self.ground.sockets, chosen, sorted(nets - kept))
        else:
            self.declare({**self.marks, **dict.fromkeys(chosen, edition)})

    def must(self, verb: str, *options: str) -> Ended:
        """Run a command of ovctl that has to end with 0."""
        ended = command.ovctl(verb, *options, self.file, timeout_s=_TIMEOUT_S)
        if ended.code:
            raise Unexpected(verb, ended)
        return ended

    def measure(self) -> None:
        """Take the time of an uninterrupted apply in each scenario; "all there" before and after."""
        for scenario in SCENARIOS:
            if scenario not in self.typical:
                self.prepare(scenario, [place.name for place in self.places[::3]], "measured")
                self.typical[scenario] = round(self.must("apply", "--yes").seconds, 2)
                say(f"uninterrupted, from {scenario}: {self.typical[scenario]:.1f} s")

    def run(self, number: int, seed: int) -> Run:
        """Do one run from "all there" to "all there"."""
        chance = draw(seed, number)
        run = Run(number, chance.scenario, chance.fraction)
        try:
            self._kill(run, chance)
            begun = time.monotonic()
            ended = self.must("apply", "--yes", "--lock-timeout", "30")
            run.converge_s = round(time.monotonic() - begun, 2)
            run.converge_steps = sum(line.text.startswith("[") for line in ended.lines)
            run.converge_plan = next(
                (line.text for line in ended.lines if line.text.startswith("plan: ")), "nothing to do"
            )
            run.remedies = [line.text.strip()[:300] for line in ended.lines if line.text.startswith("        ")]
            run.remedies = [text for text in run.remedies if text.startswith(_REMEDIES)]
            self.must("plan")
            self.must("verify")
            run.failures += self.wrong_when_there()
            if run.ok:
                run.destroy_s = round(self.must("destroy", "--yes").seconds, 2)
                run.failures += self.wrong_when_gone()
            if run.ok:
                self.must("apply", "--yes")
                run.failures += self.wrong_when_there()
        except Unexpected as unexpected:
            run.failures.append(f"{unexpected.verb} ended with {unexpected.ended.code}")
            run.said += [line.text for line in unexpected.ended.lines][-_SHOWN:]
        except (raw.RawError, OSError) as error:
            run.failures.append(f"the hosts could not be asked: {error}")
        if not run.ok:
            run.evidence = self.evidence()
        return run

    def evidence(self) -> dict[str, list[str]]:
        """Return what explains a failure and is gone with the lab: the engines' warnings, and the store's networks."""
        script = "journalctl -u docker -o cat --no-pager | grep -E 'level=(warning|error|fatal)|panic' | tail -n 30"
        found = {
            host: self.ground.lab.exec(host, ["sh", "-c", script], timeout_s=30).stdout.splitlines()
            for host in SHAPE.host_names
        }
        prefix = "docker/network/v1.0/"
        parts = ("network/", "endpoint/", "endpoint_count/", "overlay/network/")
        found["store"] = [
            f"{key.removeprefix(prefix)} {value}" for part in parts for key, value in self.keys.values(prefix + part)
        ]
        found["store"] += [f"pool {pool}" for pool in self.keys.pools()]
        return found

    def _kill(self, run: Run, chance: Draw) -> None:
        """Start an apply and kill it; one that had ended before is tried again, within the time that it took."""
        run.delay_s = round(max(_EARLIEST_S, chance.fraction * self.typical[chance.scenario]), 3)
        while run.attempts < _ATTEMPTS and not run.killed:
            run.attempts += 1
            self.prepare(chance.scenario, chance.chosen, f"run {run.number} attempt {run.attempts}")
            with failing_dials(self.ground.lab, SHAPE.host_names if self.dials else (), self.dials):
                ended = command.ovctl("apply", "--yes", self.file, timeout_s=_TIMEOUT_S, kill_after_s=run.delay_s)
            run.killed = ended.code < 0
            run.killed_after = command.last_step(ended.lines)
            if not run.killed:
                run.delay_s = round(chance.fraction * ended.seconds * 0.8, 3)
        if not run.killed:
            run.failures.append(f"apply had ended by itself {_ATTEMPTS} times before it was killed")

    def wrong_when_there(self) -> list[str]:
        """Return what is not as it has to be while everything is declared and applied."""
        summaries = [found for path in self.ground.sockets.values() for found in raw.containers(path)]
        network_ids = self._network_ids()
        wrong = misfits(self.places, summaries, self.keys.endpoints(network_ids.values()), network_ids)
        if self.keys.names(f"ovctl/{SHAPE.name}/lock"):
            wrong.append("the lock is still held")
        return wrong

    def wrong_when_gone(self) -> list[str]:
        """Return what is still there after destroy."""
        wrong = []
        for host, path in self.ground.sockets.items():
            wrong += [f"{found['Names'][0]} is still on {host}" for found in raw.containers(path)]
        wrong += [f"network {name} is still there" for name in self._network_ids()]
        wrong += [f"the store still has {key}" for key in self.keys.names(f"ovctl/{SHAPE.name}/")]
        wrong += [
            f"the store still has endpoint {key}" for key in sorted(endpoint_ids(self.keys.names(f"{ENDPOINTS}/")))
        ]
        wrong += [f"the store still has pool {pool}" for pool in self.keys.pools()]
        return wrong

    def _network_ids(self) -> dict[str, str]:
        """Return overlay -> id, as any host shows it."""
        shown = [found for path in self.ground.sockets.values() for found in raw.networks(path)]
        return {found["Name"]: found["Id"] for found in shown if found["Name"] in SHAPE.network_names}


def conclude(runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return how many runs were well, which were not, and how long they took to converge."""
    seconds = [run["converge_s"] for run in runs if not run["failures"]]
    return {
        "runs_done": len(runs),
        "ok": len(seconds),
        "failed": [run["number"] for run in runs if run["failures"]],
        "converge_median_s": round(median(seconds), 2) if seconds else None,
        "converge_max_s": max(seconds, default=None),
    }


def resumed(path: Path, same: dict[str, Any]) -> dict[str, Any]:
    """Return the progress that an interrupted soak of the same kind left, or that of a new one."""
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        found = {}
    if found.get("same") == same:
        say(f"going on after run {len(found['runs'])}; --fresh starts anew")
        return found
    return {"same": same, "typical": {}, "runs": []}


def soak(progress_file: Path, progress: dict[str, Any], *, runs: int, deadline: float) -> dict[str, str]:
    """
    Do what is missing of *runs* runs, keeping *progress* after each; return the engines' versions.

    After a run that failed nothing is known of the hosts: the lab is made anew.
    """
    engines: dict[str, str] = {}
    while len(progress["runs"]) < runs and time.monotonic() < deadline:
        with standing(SHAPE) as ground:
            engines = {host: raw.engine_version(path) for host, path in ground.sockets.items()}
            ours = Soak(ground, progress["typical"], progress["same"]["dials"])
            ours.must("apply", "--yes")
            ours.measure()
            while len(progress["runs"]) < runs and time.monotonic() < deadline:
                run = ours.run(len(progress["runs"]) + 1, progress["same"]["seed"])
                progress["runs"].append(asdict(run))
                results.write(progress_file, progress)
                say(
                    f"run {run.number}/{runs}: {run.scenario}, killed after {run.delay_s:.2f} s "
                    f"({run.killed_after}): {'; '.join(run.failures) or f'converged in {run.converge_s:.1f} s'}"
                )
                if not run.ok:
                    break
    return engines


def main() -> int:
    """Soak, write the result; 1 when any run failed or there was no time for all."""
    parser = argparse.ArgumentParser(prog="python -m bench.crash", description=(__doc__ or "").split("\n\n")[0].strip())
    parser.add_argument("--runs", type=int, default=20, metavar="N")
    parser.add_argument("--seed", type=int, default=1, metavar="N")
    parser.add_argument(
        "--dials",
        type=float,
        default=0.0,
        metavar="SHARE",
        help="Let that share of the engines' dials to the store fail while the apply runs that is killed, such as 0.2.",
    )
    parser.add_argument("--fresh", action="store_true", help="Forget the progress of a soak that was interrupted.")
    parser.add_argument("--minutes", type=float, default=45.0, metavar="M", help="Begin no run after that time.")
    parser.add_argument("--out", type=Path, default=results.DIRECTORY / "crash.json", metavar="FILE")
    arguments = parser.parse_args()
    progress_file = arguments.out.with_suffix(".progress.json")
    if arguments.fresh:
        progress_file.unlink(missing_ok=True)
    provenance = results.provenance()
    same = {"seed": arguments.seed, "dials": arguments.dials, "commit": provenance["commit"]}
    progress = resumed(progress_file, same)
    deadline = time.monotonic() + 60 * arguments.minutes
    try:
        engines = soak(progress_file, progress, runs=arguments.runs, deadline=deadline)
    except Unexpected as unexpected:
        say(f"no soak without an uninterrupted run: {unexpected}")
        return 1
    runs = progress["runs"][: arguments.runs]
    concluded = conclude(runs)
    about = {"what": "kill -9 of ovctl apply at random moments, then apply", **same, **provenance}
    data = {**about, "engines": engines, "typical_s": progress["typical"], **concluded, "runs": runs}
    results.write(arguments.out, data)
    for run in runs:
        for failure in run["failures"]:
            say(f"run {run['number']} ({run['scenario']}, killed after {run['delay_s']} s): {failure}")
    say(f"{concluded['ok']} of {arguments.runs} runs were well: {arguments.out}")
    if len(runs) < arguments.runs:
        say("there was no time for all runs; run it again to go on")
        return 1
    progress_file.unlink(missing_ok=True)
    return 0 if concluded["ok"] == arguments.runs else 1


if __name__ == "__main__":
    sys.exit(main())
