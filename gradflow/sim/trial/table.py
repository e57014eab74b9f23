"""The tables of a trial, for a person and for a machine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from gradflow.sim.trial.cases import HEALTHY, Patient
from gradflow.sim.trial.cures import Cure
from gradflow.sim.trial.disease import DISEASES

Row = dict[str, Any]


def hit_rows(patients: Sequence[Patient]) -> list[Row]:
    """Return for each disease, and for health, how often it was found where it is, and where it is not."""
    well = [patient for patient in patients if patient.disease == HEALTHY]
    rows = [_row(name, patients, well) for name in DISEASES]
    found = [patient for patient in well if patient.hit]
    rows.append({"finding": HEALTHY, "cases": len(well), "hits": len(found), "first": len(found)})
    return rows


def _row(name: str, patients: Sequence[Patient], well: Sequence[Patient]) -> Row:
    ill = [patient for patient in patients if patient.disease == name]
    others = [patient for patient in patients if patient.disease not in (name, HEALTHY)]
    causes = {*DISEASES[name].part().causes}
    return {
        "finding": name,
        "cases": len(ill),
        "hits": sum(patient.hit for patient in ill),
        "first": sum(patient.hit and patient.record.before(name) <= causes for patient in ill),
        "healthy": len(well),
        "alarms": sum(name in patient.record.names for patient in well),
        "others": len(others),
        "beside": sum(name in patient.record.names for patient in others),
        "instead": sum(_misled(patient, name) for patient in others),
    }


def _misled(patient: Patient, name: str) -> bool:
    """Return whether the first fault that was named is this one, though it is neither the disease nor its cause."""
    return patient.record.first == name and name not in DISEASES[patient.disease].part().causes


def cure_rows(cures: Sequence[Cure]) -> list[Row]:
    """Return for each disease that was found how often the first remedy cured it, and what it was."""
    rows = []
    for name in DISEASES:
        treated = [cure for cure in cures if cure.patient.disease == name and cure.remedy]
        rows.append(
            {
                "disease": name,
                "treated": len(treated),
                "cured": sum(cure.cured for cure in treated),
                "remedies": dict(Counter(_kind(cure.remedy) for cure in treated).most_common()),
                "troubles": dict(Counter(cure.trouble for cure in treated if not cure.cured).most_common()),
            }
        )
    return rows


def hit_lines(patients: Sequence[Patient]) -> Iterator[str]:
    """Word the table of hits and false alarms."""
    *rows, health = hit_rows(patients)
    yield "                          found where it is          named where it is not"
    yield "finding         cases   found        as first   in healthy    beside others  instead of them"
    for row in rows:
        found = f"{row['hits']:>4} {_percent(row['hits'], row['cases'])}   {row['first']:>6}"
        alarms = f"{row['alarms']:>3} {_percent(row['alarms'], row['healthy'])}"
        yield (
            f"{row['finding']:<15} {row['cases']:>5}  {found}       {alarms}      {row['beside']:>4} of "
            f"{row['others']:<4}   {row['instead']:>4} {_percent(row['instead'], row['others'])}"
        )
    hits, ill = (sum(row[name] for row in rows) for name in ("hits", "cases"))
    yield f"{ill} networks with one known fault: it is found in {hits} ({_percent(hits, ill).strip()})."
    alarmed = health["cases"] - health["hits"]
    yield (
        f"{health['cases']} healthy networks: a fault is named in {alarmed} "
        f"({_percent(alarmed, health['cases']).strip()})."
    )


def cure_lines(cures: Sequence[Cure]) -> Iterator[str]:
    """Word the table of cures."""
    yield "disease         treated  cured         first remedy (how often) | what is left"
    rows = cure_rows(cures)
    for row in rows:
        told = [", ".join(f"{words} ({n})" for words, n in row[name].items()) for name in ("remedies", "troubles")]
        yield (
            f"{row['disease']:<15} {row['treated']:>7}  {row['cured']:>5} {_percent(row['cured'], row['treated'])}  "
            f"{' | '.join(text for text in told if text)}"
        )
    treated, cured = (sum(row[name] for row in rows) for name in ("treated", "cured"))
    yield f"{treated} networks treated with the first remedy: {cured} cured ({_percent(cured, treated).strip()})."


def _kind(title: str) -> str:
    """Return a title without its number."""
    words = [word for word in title.split() if not word[:1].isdigit()]
    return " ".join(words[:-1] if words[-1] == "to" else words).replace(" to and", " and")


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:>3.0f} %" if whole else "  – %"
