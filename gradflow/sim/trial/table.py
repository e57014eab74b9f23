"""The tables of a trial, for a person and for a machine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from gradflow.sim.trial.cases import HEALTHY, Patient
from gradflow.sim.trial.cures import Cure
from gradflow.sim.trial.diseases import DISEASES

Row = dict[str, Any]


def rows_of(patients: Sequence[Patient]) -> list[Row]:
    """Return for each disease how often it was found where it is, and where it is not."""
    others = {name: [p for p in patients if p.disease != name] for name in DISEASES}
    well = [p for p in patients if p.disease == HEALTHY]
    rows: list[Row] = []
    for name in DISEASES:
        ill = [p for p in patients if p.disease == name]
        rows.append(
            {
                "finding": name,
                "cases": len(ill),
                "hits": sum(p.hit for p in ill),
                "first": sum(p.hit and p.record.before(name) <= {*DISEASES[name].part().causes} for p in ill),
                "healthy": len(well),
                "alarms_on_healthy": sum(name in p.record.names for p in well),
                "others": len(others[name]),
                "beside_another": sum(name in p.record.names for p in others[name] if p.disease != HEALTHY),
                "before_another": sum(_misled(p, name) for p in others[name] if p.disease != HEALTHY),
            }
        )
    rows.append(
        {
            "finding": HEALTHY,
            "cases": len(well),
            "hits": sum(p.hit for p in well),
            "first": sum(p.record.first == HEALTHY for p in well),
            "healthy": 0,
            "alarms_on_healthy": 0,
            "others": len(patients) - len(well),
            "beside_another": sum(not p.record.faults for p in patients if p.disease not in (HEALTHY, *NOTES)),
            "before_another": sum(p.record.first == HEALTHY for p in patients if p.disease not in (HEALTHY, *NOTES)),
        }
    )
    return rows


NOTES = ("idle-inputs", "plateau")
"""Findings that are a note, beside which a network may be healthy."""


def _misled(patient: Patient, name: str) -> bool:
    """Return whether the first fault that was named is this one, though it is neither the disease nor its cause."""
    return patient.record.first == name and name not in DISEASES[patient.disease].part().causes


def hit_lines(patients: Sequence[Patient]) -> Iterator[str]:
    """Word the table of hits and false alarms."""
    rows = rows_of(patients)
    yield "finding         cases   hits          said first  missed   on healthy     beside another  before its cause"
    for row in rows:
        hits, cases = row["hits"], row["cases"]
        well = f"{row['alarms_on_healthy']:>3} of {row['healthy']:<3}" if row["finding"] != HEALTHY else "      –   "
        yield (
            f"{row['finding']:<15} {cases:>5}  {hits:>5} {_percent(hits, cases)}  {row['first']:>10}  "
            f"{cases - hits:>6}   {well}   {row['beside_another']:>5} of {row['others']:<4}  {row['before_another']:>12}"
        )
    hits, ill = (sum(row[name] for row in rows[:-1]) for name in ("hits", "cases"))
    alarmed = sum(not p.hit for p in patients if p.disease == HEALTHY)
    yield f"found {hits} of {ill} faults ({_percent(hits, ill).strip()}); a fault is named in {alarmed} of "
    yield f"{rows[-1]['cases']} healthy networks ({_percent(alarmed, rows[-1]['cases']).strip()})"


def cure_lines(cures: Sequence[Cure]) -> Iterator[str]:
    """Word the table of cures."""
    yield "disease         treated  cured          by the first remedy                       not cured"
    for name in DISEASES:
        treated = [cure for cure in cures if cure.patient.disease == name and cure.trouble != "not found"]
        cured = sum(cure.cured for cure in treated)
        titles = Counter(_kind(cure.remedy) for cure in treated).most_common(2)
        troubles = Counter(cure.trouble for cure in treated if not cure.cured).most_common(2)
        remedies = ", ".join(f"{title} ({count})" for title, count in titles)
        left = ", ".join(f"{trouble} ({count})" for trouble, count in troubles)
        yield f"{name:<15} {len(treated):>7}  {cured:>5} {_percent(cured, len(treated))}   {remedies}   {left}"


def _kind(title: str) -> str:
    """Return a title without its number."""
    return " ".join(word for word in title.split() if not word[:1].isdigit())


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:>4.0f} %" if whole else "   – %"
