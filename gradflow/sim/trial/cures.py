"""Whether the first remedy cures: the patient with that one edit, run again from the same seed."""

from __future__ import annotations

from dataclasses import dataclass

from gradflow.errors import ConfigError
from gradflow.sim.config import edit
from gradflow.sim.trial.cases import Patient
from gradflow.sim.trial.observe import Record, observe


@dataclass(frozen=True)
class Cure:
    """What became of a patient: the remedy that was tried, and what is (still, or newly) wrong; "" if it is cured."""

    patient: Patient
    remedy: str
    trouble: str
    record: Record | None = None

    @property
    def cured(self) -> bool:
        """Whether nothing is left of the disease, and nothing came in its place."""
        return not self.trouble


def treat(patient: Patient) -> Cure:
    """Try the first remedy of the last finding that names the disease."""
    finding = patient.record.last_saying(patient.disease)
    if finding is None:
        return Cure(patient, "", "not found")
    if not finding.remedies:
        return Cure(patient, "", "no remedy")
    remedy = finding.remedies[0]
    try:
        after = observe(edit(patient.record.experiment, remedy.changes))
    except ConfigError as error:
        return Cure(patient, remedy.title, f"not valid: {error}")
    return Cure(patient, remedy.title, _trouble(patient, after), after)


def _trouble(patient: Patient, after: Record) -> str:
    before = patient.record
    if after.diverged:
        return "diverges"
    left = after.faults if patient.disease in before.faults else after.names
    if patient.disease in left:
        return "still there"
    new = sorted(after.faults - before.faults)
    if new:
        return f"instead: {', '.join(new)}"
    return ""
