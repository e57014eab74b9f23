"""Measures the cases in turn and words them as a table, or as data for a machine."""

from __future__ import annotations

import os
import platform
import statistics
import time
import tracemalloc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from gradflow.sim.bench.cases import (
    CASES,
    Case,
    Step,
    activations_alone,
    bare_products,
    first_profile,
    network_of,
    plain_step,
    step_with_columns,
    step_with_norms,
)
from gradflow.sim.bench.lab import lab_rows, lab_words
from gradflow.sim.bench.peers import Jax, Torch

REPETITIONS = 9
SECONDS_PER_REPETITION = 0.1

REBUILT = Case(50, 64, 64)
SHALLOW, DEEP = Case(50, 32, 64), Case(2000, 32, 64)

Row = dict[str, Any]


def bench(against: Sequence[str] = (), cases: Sequence[Case] = CASES) -> Iterator[Row]:
    """Yield one row of measurements after the other: first what they are taken on, then each case, then the rest.

    Times are seconds, medians of interleaved repetitions on one thread.
    """
    with one_processor(), threadpool_limits(1):
        torch = Torch() if "torch" in against else None
        jax = Jax() if "jax" in against else None
        yield _machine(torch, jax)
        for case in cases:
            yield _case(case, torch, jax)
        yield _rebuild(torch, jax)
        yield _depth()
        yield _memory()
        yield from lab_rows(torch)


def lines(rows: Iterator[Row]) -> Iterator[str]:
    """Word the rows for a person."""
    for row in rows:
        yield from WORDED[row["kind"]](row)


@contextmanager
def one_processor() -> Iterator[None]:
    """Run on one processor: some libraries start a thread for each they see."""
    if not hasattr(os, "sched_getaffinity"):
        yield
        return
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(allowed)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


class Timing:
    """Seconds of several steps, measured in turn, round by round, so that the machine's moods meet all alike."""

    def __init__(self, steps: dict[str, Step]) -> None:
        counts = {}
        for name, step in steps.items():
            step()
            start = time.perf_counter()
            step()
            counts[name] = max(1, int(SECONDS_PER_REPETITION / max(time.perf_counter() - start, 1e-7)))
        self._samples: dict[str, list[float]] = {name: [] for name in steps}
        for _ in range(REPETITIONS):
            for name, step in steps.items():
                start = time.perf_counter()
                for _ in range(counts[name]):
                    step()
                self._samples[name].append((time.perf_counter() - start) / counts[name])

    def medians(self) -> dict[str, float]:
        """Return the median seconds of each step."""
        return {name: statistics.median(sample) for name, sample in self._samples.items()}

    def ratio(self, name: str, other: str) -> float:
        """Return the median over the rounds of one step's time over another's."""
        pairs = zip(self._samples[name], self._samples[other], strict=True)
        return statistics.median(a / b for a, b in pairs)


def _machine(torch: Torch | None, jax: Jax | None) -> Row:
    versions = {"python": platform.python_version(), "numpy": np.__version__}
    if torch:
        versions["torch"] = torch.torch.__version__
    if jax:
        versions["jax"] = jax.jax.__version__
    return {"kind": "machine", "machine": platform.machine(), "processors": os.cpu_count(), "versions": versions}


def _case(case: Case, torch: Torch | None, jax: Jax | None) -> Row:
    network = network_of(case)
    steps = {
        "plain": plain_step(network),
        "norms": step_with_norms(network_of(case)),
        "columns": step_with_columns(network_of(case)),
    }
    if not case.image and case.norm is None:
        steps |= {"products": bare_products(network), "activations": activations_alone(network)}
    row: Row = {"kind": "step", "name": case.name, "batch": case.batch, "layers": len(network.layers)}
    if torch:
        steps["torch"] = torch.step(case, network, statistics=False)
        steps["torch_norms"] = torch.step(case, network, statistics=True)
    if jax and jax.covers(case):
        steps["jax_norms"], row["jax_compile"] = jax.step(case, network)
    timing = Timing(steps)
    row |= timing.medians()
    row["columns_share"] = timing.ratio("columns", "plain") - 1.0
    for name in ("products", "torch", "torch_norms", "jax_norms"):
        if name in steps:
            row[f"over_{name}"] = timing.ratio("norms", name)
    return row


def _rebuild(torch: Torch | None, jax: Jax | None) -> Row:
    network = network_of(REBUILT)
    steps = {"gradflow": first_profile(REBUILT)}
    if torch:
        steps["torch"] = torch.first_profile(REBUILT, network)
    row: Row = {"kind": "rebuild", "name": REBUILT.name, **Timing(steps).medians()}
    if jax:
        row["jax"] = jax.step(REBUILT, network)[1]
    return row


def _depth() -> Row:
    steps = {"shallow": step_with_columns(network_of(SHALLOW)), "deep": step_with_columns(network_of(DEEP))}
    timing = Timing(steps)
    times = timing.medians()
    per_layer = {"shallow": times["shallow"] / (SHALLOW.depth + 1), "deep": times["deep"] / (DEEP.depth + 1)}
    ratio = timing.ratio("deep", "shallow") * (SHALLOW.depth + 1) / (DEEP.depth + 1)
    return {"kind": "depth", **per_layer, "ratio": ratio}


def _memory() -> Row:
    """Return what the deep network owns beside its parameters and the activations of a batch."""
    tracemalloc.start()
    try:
        network = network_of(DEEP)
        step_with_columns(network)()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    activations = sum(layer.linear.value.nbytes for layer in network.layers)
    return {"kind": "memory", "peak": peak, "parameters": network.parameters.nbytes, "activations": activations}


def _machine_words(row: Row) -> Iterator[str]:
    versions = ", ".join(f"{name} {version}" for name, version in row["versions"].items())
    yield f"{versions}; {row['machine']}, one thread each"
    yield f"times in ms, and ratios: medians of {REPETITIONS} rounds in turn"
    yield "step: forward, backward, accuracy, SGD; + norms: those of ∂L/∂W, ∂L/∂z, a and W of every layer read out;"
    yield "+ columns: all columns of layers.csv at every step, and what they cost of the step"
    yield (
        f"{'network':<40} {'batch':>5} {'products':>9} {'step':>8} {'+ norms':>8} {'+ columns':>9} {'cost':>5}  "
        f"{'torch':>8} {'+ norms':>8} {'jax+norms':>9} {'compile':>8}  ratios of the step with norms to"
    )


def _step_words(row: Row) -> Iterator[str]:
    def ms(name: str) -> str:
        return f"{1e3 * row[name]:.3f}" if name in row else "-"

    names = {"products": "products", "torch": "torch", "torch_norms": "torch + norms", "jax_norms": "jax + norms"}
    ratios = ", ".join(f"{word} {row[f'over_{name}']:.2f}" for name, word in names.items() if f"over_{name}" in row)
    yield (
        f"{row['name']:<40} {row['batch']:>5} {ms('products'):>9} {ms('plain'):>8} {ms('norms'):>8} "
        f"{ms('columns'):>9} {100 * row['columns_share']:>4.0f}%  {ms('torch'):>8} {ms('torch_norms'):>8} "
        f"{ms('jax_norms'):>9} {ms('jax_compile'):>8}  {ratios}"
    )


def _rebuild_words(row: Row) -> Iterator[str]:
    others = ", ".join(
        f"{name} {1e3 * row[name]:.1f} ms ({row['gradflow'] / row[name]:.3f})"
        for name in ("torch", "jax")
        if name in row
    )
    yield f"from a new depth to the first gradient profile, {row['name']}: {1e3 * row['gradflow']:.1f} ms"
    if others:
        yield f"  peers, build or compile and first step (gradflow over peer): {others}"


def _depth_words(row: Row) -> Iterator[str]:
    yield (
        f"per layer: {1e6 * row['shallow']:.1f} us in {SHALLOW.name}, {1e6 * row['deep']:.1f} us in {DEEP.name}: "
        f"{row['ratio']:.2f}x"
    )


def _memory_words(row: Row) -> Iterator[str]:
    bound = 4 * row["parameters"] + 3 * row["activations"]
    yield (
        f"memory of {DEEP.name}: {row['peak'] / 1e6:.0f} MB; parameters {row['parameters'] / 1e6:.0f} MB, activations "
        f"of a batch {row['activations'] / 1e6:.0f} MB; 4 and 3 times these are {bound / 1e6:.0f} MB"
    )


WORDED = {
    "machine": _machine_words,
    "step": _step_words,
    "rebuild": _rebuild_words,
    "depth": _depth_words,
    "memory": _memory_words,
    "prediction": lab_words,
    "chain": lab_words,
}
