"""The report in Markdown."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.networks import NETWORKS

Report = dict[str, Any]
Rows = list[list[str]]

#: What was counted and predicted without a card.
_PREDICTED = Path(__file__).parents[1] / "results"


def report(found: Report) -> str:
    """The report as Markdown; parts that are not there yet are left out."""
    jobs = {job["name"]: job for part in found["parts"] for job in part["jobs"]}
    card = result_of(jobs, "card")
    lines = [f"# {card.get('name', 'A GPU')}", ""]
    lines += [_setting(found, card), ""]
    for section in _SECTIONS:
        lines += section(jobs, card)
    lines += _unfinished(found)
    return "\n".join(lines).rstrip() + "\n"


def result_of(jobs: dict[str, Any], name: str) -> dict[str, Any]:
    """What the worker of a job found; empty if nothing."""
    return jobs.get(name, {}).get("result") or {}


def table(titles: Sequence[str], rows: Rows) -> list[str]:
    """A Markdown table with an empty line after it."""
    lines = ["| " + " | ".join(titles) + " |", "|" + "---|" * len(titles)]
    return [*lines, *("| " + " | ".join(row) + " |" for row in rows), ""]


def number(value: float | None, digits: int = 3) -> str:
    """A number for people; nothing for None."""
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.{digits}g}"


def _title(name: str) -> str:
    return NETWORKS[name].title if name in NETWORKS else name


def _setting(found: Report, card: dict[str, Any]) -> str:
    if not card:
        return f"{found['began']}; commit {found['commit']}; `{found['command']}`."
    known = ", ".join(f"{name} {v}" for name, v in card["versions"].items() if v)
    return (
        f"{card['name']}, compute capability {card['architecture'] / 10},"
        f" {card['multiprocessors']} multiprocessors, {card['memory'] / 2**30:.0f} GiB; copies on"
        f" it move {card['copy_bandwidth']:,.0f} GB/s (read and written). Driver"
        f" {card['nvidia_smi'].split(',')[0]}, CUDA {card['driver']}, NVRTC {card['nvrtc']}."
        f" {card['machine']['cpu']}, {card['machine']['cores']} cores. {known}."
        f" {found['began']}; commit {found['commit']}; `{found['command']}`."
    )


# -- correctness -------------------------------------------------------------------


def _checks(jobs: dict[str, Any], card: dict[str, Any]) -> Iterator[str]:
    yield from ("## Does it compute right?", "")
    trial = jobs.get("trial", {})
    if "result" in trial:
        differences = trial["result"]["differences"]
        told = "; ".join(differences[:5]) if differences else "no difference"
        yield f"- The trial (the same network on card and processor): {told}."
    elif trial:
        yield f"- The trial: {trial['outcome']}."
    if "tests" in jobs:
        tests = jobs["tests"]
        yield f"- `tests/gpu` and `tests/semantics` on the card: {_tests_told(tests)}."
    for tool in ("memcheck", "racecheck"):
        mine = [job for name, job in jobs.items() if name.startswith(f"{tool}: ")]
        if mine:
            done = sum(job["outcome"] == "done" for job in mine)
            others = [
                f"{job['name'].split(': ')[1]} {job['outcome']}"
                for job in mine
                if job["outcome"] != "done"
            ]
            told = f"; {', '.join(others)}" if others else ""
            yield (
                f"- compute-sanitizer, {tool}: {done} of {len(mine)} networks without a"
                f" finding{told}."
            )
    yield ""


def _tests_told(job: dict[str, Any]) -> str:
    """Pytest's last line, or what is known if it was stopped."""
    for line in reversed(job.get("output", "").splitlines()):
        if re.search(r"\d+ (passed|failed)", line):
            return f"{line.strip('= ')} ({job['outcome']})"
    return f"{job['outcome']} after {job['seconds']} s"


# -- speed ---------------------------------------------------------------------------


def _gpu_jobs(jobs: dict[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    """Of every network, what a kind of job found: "warm", "cold", "single", "large"."""
    names = [name for name in NETWORKS if f"{name} {kind}" in jobs]
    found = {name: result_of(jobs, f"{name} {kind}") for name in names}
    return {name: result for name, result in found.items() if result}


def best_of(jobs: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Of every network that the GPU has run, the job that says most."""
    return _gpu_jobs(jobs, "cold") | _gpu_jobs(jobs, "warm") | _gpu_jobs(jobs, "large")


def predictions() -> dict[str, float]:
    """Microseconds of a time step that were predicted for an H200, by network."""
    found: dict[str, float] = {}
    for path in sorted(_PREDICTED.glob("gpu*.md")):
        titles = {benchmark.title: name for name, benchmark in NETWORKS.items()}
        for match in re.finditer(
            r"^\| (.*?)(, in a cluster)? \| a time step: predicted .*?([\d.]+) µs on H200",
            path.read_text(), re.M,
        ):  # fmt: skip
            name = titles.get(match[1])
            if name:
                found[name] = min(found.get(name, 1e9), float(match[3]))
    return found


def counted() -> dict[str, dict[str, Any]]:
    """What was counted without a card, by network."""
    found = {}
    for path in sorted(_PREDICTED.glob("gpu*.json")):
        for result in json.loads(path.read_text())["results"]:
            found[result["network"]] = result
    return found


def _networks(jobs: dict[str, Any], card: dict[str, Any]) -> Iterator[str]:
    best = best_of(jobs)
    if not best:
        return
    yield from ("## Networks, double precision", "")
    bandwidth, predicted = card.get("copy_bandwidth"), predictions()
    single, cold = _gpu_jobs(jobs, "single"), _gpu_jobs(jobs, "cold")
    rows = []
    for name, r in best.items():
        one = result_of(jobs, f"{name} one core")
        moved = r.get("bytes", 0.0) / max(r["microseconds"], 1e-9) / 1e3
        rows.append([
            _title(name), number(r["microseconds"]), number(predicted.get(name)),
            number(r["real_time_factor"]), number(r["loop"]),
            number(single.get(name, {}).get("microseconds")),
            number(moved), number(100 * moved / bandwidth if bandwidth else None),
            number(cold[name]["whole"]) if name in cold else "", number(r["whole"]),
            number(r.get("make")),
            number(one.get("microseconds")),
            number(one["microseconds"] / r["microseconds"] if one else None),
            number(sum(r["spikes"].values())),
            number(sum(one["spikes"].values())) if one else "",
        ])  # fmt: skip
    yield from table(
        ["network", "µs a step", "predicted (lower bound)", "real-time factor",
         "first run, loop, s", "single precision, µs", "GB/s", "% of copies",
         "start to result cold, s", "warm, s",
         "of which Brian's objects, s", "one core, µs a step", "times one core", "spikes",
         "spikes on the processor"],
        rows,
    )  # fmt: skip
    yield from (
        "Time of a step: of a second run, once the fastest way is known. Start to result: of the"
        " first run, after the imports; cold: nothing is cached. Predicted: counted beforehand"
        " without a card, with assumed latencies. Bytes: those of variables, counted.",
        "",
    )


def _ways(jobs: dict[str, Any], card: dict[str, Any]) -> Iterator[str]:
    best = {name: r for name, r in best_of(jobs).items() if r.get("ways")}
    if not best:
        return
    yield from ("## Ways to execute time steps, in µs a step while they were compared", "")
    for name, r in best.items():
        ways = sorted(r["ways"].items(), key=lambda item: item[1])
        told = "; ".join(f"{way} {spent:.2f}" for way, spent in ways)
        yield f"- {_title(name)}: {told}. Taken: {r['way']}.{_second_run(r)}"
    yield ""


def _second_run(r: dict[str, Any]) -> str:
    """What there is besides time steps in the second run, and whether it has as much to do."""
    inside = r.get("in_program", [0.0])[-1]
    if not inside:
        return ""
    beside = number(r["microseconds"] * (1 - inside / r["steady"]))
    spikes = ", ".join(number(count) for count in r["spikes_per_step"])
    return (
        f" In the second run, {beside} µs a step are spent beside time steps;"
        f" spikes a step in the first and the second run: {spikes}."
    )


def _kernels(jobs: dict[str, Any], card: dict[str, Any]) -> Iterator[str]:
    best = {name: r for name, r in best_of(jobs).items() if r.get("kernels")}
    if not best:
        return
    yield from ("## Kernels, measured one by one (with what starting one takes)", "")
    chains = {
        (name, kernel["name"]): kernel["chain"]
        for name, result in counted().items()
        for kernel in result.get("executed", [])
    }
    rows = [
        [_title(name), kernel["name"], f"{kernel['blocks']} of {kernel['threads']}",
         number(kernel["microseconds"]), number(chains.get((name, kernel["name"]))),
         ", ".join(kernel["what"])]
        for name, r in best.items()
        for kernel in r["kernels"]
    ]  # fmt: skip
    yield from table(
        ["network", "kernel", "blocks of threads", "µs", "cycles of the longest chain (counted)",
         "what"], rows,
    )  # fmt: skip


def _latencies(jobs: dict[str, Any], card: dict[str, Any]) -> Iterator[str]:
    found = result_of(jobs, "latencies")
    if not found:
        return
    yield from (f"## Latencies, in cycles of {found['clock']:.2f} GHz", "")
    yield from table(["what", "cycles"], [[k, number(v)] for k, v in found["cycles"].items()])
    told = "; ".join(f"{what} {spent:.2f}" for what, spent in found["graphs"].items())
    yield from (f"A kernel of a graph, in µs: {told}.", "")


def _stages(jobs: dict[str, Any], card: dict[str, Any]) -> Iterator[str]:
    found = {name: result_of(jobs, f"stages: {name}") for name in NETWORKS}
    found = {name: result for name, result in found.items() if result}
    if not found:
        return
    yield from ("## Where the cycles of a time step go", "")
    yield from (
        "Cycles since the row before, of the first and the last warp of blocks: mean over blocks"
        " and time steps, least and largest mean of a block; where not every warp came by in every"
        " time step, how often.",
        "",
    )
    for name, result in found.items():
        for way in result["ways"]:
            yield from (
                f"{_title(name)}: {way['way']}; {way['blocks']} blocks of {way['threads']} threads"
                f" ({min(way['blocks'], 32)} looked at, on {way['multiprocessors']}"
                f" multiprocessors). {way['microseconds']:.2f} µs a step, with these clocks"
                f" {way['marked_microseconds']:.2f} µs, {way['cycles']:,.0f} cycles.",
                "",
            )
            names = dict.fromkeys([*way["first"], *way["last"]])
            rows = [
                [
                    what,
                    *(_section(way[warp].get(what)) for warp in ("first", "last")),
                    number(way["waited_for"].get(what)),
                ]
                for what in names
            ]
            titles = ["until", "first warp", "last warp", "block that others waited for"]
            yield from table(titles, rows)


def _section(found: list[float] | None) -> str:
    """Mean, least and largest cycles."""
    if not found:
        return ""
    mean, least, largest, passed = found
    often = f"; {100 * passed:.0f} %" if passed < 0.995 else ""
    return f"{mean:,.0f} ({least:,.0f} to {largest:,.0f}{often})"


def _peers(jobs: dict[str, Any], card: dict[str, Any]) -> Iterator[str]:
    names = {n: [p for p in ("GeNN", "Brian2CUDA") if f"{n} {p}" in jobs] for n in NETWORKS}
    names = {name: peers for name, peers in names.items() if peers}
    if not names:
        return
    yield from ("## Peers, on the same card", "")
    best, rows = best_of(jobs), []
    for name, peers in names.items():
        ours = best.get(name, {})
        for peer in peers:
            job = jobs[f"{name} {peer}"]
            r = job.get("result")
            if not r:
                rows.append([_title(name), peer, job["outcome"], "", "", "", ""])
                continue
            ratio = r["microseconds"] / ours["microseconds"] if ours else None
            rows.append([
                _title(name), peer, number(r["microseconds"]), number(ours.get("microseconds")),
                number(ratio), number(r["whole"]), number(sum(r["spikes"].values())),
            ])  # fmt: skip
    yield from table(
        ["network", "peer", "µs a step", "this package", "times as fast", "peer's start to result,"
         " s", "spikes"], rows,
    )  # fmt: skip


def _versus(jobs: dict[str, Any], card: dict[str, Any]) -> Iterator[str]:
    """What ran one after the other, alone with the GPU."""
    rows = []
    for job_name, job in jobs.items():
        match = re.fullmatch(r"(\w+) versus: (GeNN|Brian2CUDA)", job_name)
        if not match:
            continue
        name, peer = match.groups()
        ours = result_of(jobs, f"{name} versus: this package")
        r = job.get("result")
        if not r:
            told = job["outcome"]
            rows.append(
                [_title(name), peer, told, "", *_steps(ours), "", "", "", _spikes(ours), ""]
            )
            continue
        first, second = (
            number(theirs / mine) if mine and theirs else ""
            for theirs, mine in zip(_times(r), _times(ours), strict=True)
        )
        rows.append([
            _title(name), peer, *_steps(r, peer != "Brian2CUDA"), *_steps(ours), first, second,
            _spikes(r), _spikes(ours), "yes" if r.get("compiled anew") else "",
        ])  # fmt: skip
    if not rows:
        return
    yield from ("## Beside peers, one after the other, each alone with the card", "")
    yield from table(
        ["network", "peer", "µs a step, first run", "second run", "this package, first run",
         "second run", "times as fast, first runs", "times as fast", "peer's spikes", "spikes",
         "compiled here"], rows,
    )  # fmt: skip
    yield from (
        "Times are those of the loops over time steps, as each package tells them: without"
        " compiling, making synapses and copying them. This package's first run includes what it"
        " takes to find the fastest way, its second run does not. GeNN is driven by this package's"
        " backend `pygenn`, whose work beside GeNN's kernels is counted. Brian2CUDA runs once: its"
        " time includes what is done the first time (kernels are loaded when they are first"
        " launched), and 'times as fast' compares it to this package's second run. Peers' programs"
        " were compiled beforehand; GeNN compiles anew what does not fit.",
        "",
    )


def _times(r: dict[str, Any]) -> tuple[float, float]:
    """Microseconds a step of the first and of the second run; 0 if there is no result."""
    if not r:
        return 0.0, 0.0
    return r["microseconds"] * r["loop"] / r["steady"], r["microseconds"]


def _steps(r: dict[str, Any], has_second: bool = True) -> list[str]:
    first, second = _times(r)
    return [number(first) if r else "", number(second) if r and has_second else ""]


def _spikes(r: dict[str, Any]) -> str:
    return number(sum(r["spikes"].values())) if r else ""


def _processor(jobs: dict[str, Any], card: dict[str, Any]) -> Iterator[str]:
    rows = []
    best = best_of(jobs)
    for job_name, job in jobs.items():
        match = re.fullmatch(r"(\w+) (\d+) threads", job_name)
        if not match or "result" not in job:
            continue
        ours = best.get(match[1], {}).get("microseconds")
        spent = job["result"]["microseconds"]
        rows.append([
            _title(match[1]), match[2], number(spent), number(ours),
            number(spent / ours if ours else None),
        ])  # fmt: skip
    if rows:
        yield from ("## This package on the processor of the same machine", "")
        titles = ["network", "threads", "µs a step", "on the card, µs", "times as fast"]
        yield from table(titles, rows)


def scaling(jobs: dict[str, Any]) -> dict[str, list[tuple[int, dict[str, float]]]]:
    """By network: sizes, and microseconds a step of each device there."""
    found: dict[str, dict[int, dict[str, float]]] = {}
    for job_name, job in jobs.items():
        match = re.fullmatch(
            r"(cobahh|mushroom_body) (\d+) (GPU|one core|cpp_standalone)", job_name
        )
        if match and "result" in job:
            sizes = found.setdefault(match[1], {})
            sizes.setdefault(int(match[2]), {})[match[3]] = job["result"]["microseconds"]
    return {name: sorted(sizes.items()) for name, sizes in found.items()}


def _scaling(jobs: dict[str, Any], card: dict[str, Any]) -> Iterator[str]:
    rows = []
    for name, sizes in scaling(jobs).items():
        for size, times in sizes:
            gpu = times.get("GPU")
            rows.append([
                name, f"{size:,}", number(gpu), number(times.get("one core")),
                number(times.get("cpp_standalone")),
                *(number(times[d] / gpu if d in times and gpu else None)
                  for d in ("one core", "cpp_standalone")),
            ])  # fmt: skip
    if rows:
        yield from ("## Speed-up over one core, by size", "")
        yield from table(
            ["network", "neurons", "card, µs a step", "this package, one core", "Brian's C++, one"
             " core", "times this package's core", "times Brian's C++"], rows,
        )  # fmt: skip


def _unfinished(found: Report) -> Iterator[str]:
    """What did not come to its end, and why."""
    missing = [job for part in found["parts"] for job in part["jobs"] if job["outcome"] != "done"]
    spent = ", ".join(f"{part['name']} {part['seconds']:.0f} s" for part in found["parts"])
    yield from ("## What it took, and what did not come to its end", "", f"{spent}.", "")
    for job in missing:
        yield f"- {job['name']}: {job['outcome']} after {job['seconds']:.0f} s."
        last = [line for line in job.get("output", "").splitlines() if line.strip()][-6:]
        if last and job["name"] != "tests":
            yield from ("", "  ```", *(f"  {line[:200]}" for line in last), "  ```", "")


_SECTIONS = (
    _checks, _networks, _ways, _stages, _kernels, _latencies, _peers, _versus, _processor,
    _scaling,
    )  # fmt: skip
