"""The diagnosis on trial: what is drawn, what is counted, and a small slice of the tables themselves."""

from __future__ import annotations

import numpy as np
import pytest

from gradflow.sim import trial
from gradflow.sim.config import Experiment, edit
from gradflow.sim.diagnosis import RULES
from gradflow.sim.trial import DISEASES, HEALTHY, Cure, Patient
from gradflow.sim.trial.healthy import healthy
from gradflow.sim.trial.observe import observe

SLICE = 24

# Drawing patients takes half a minute; a small trial runs on the command line's own tests.
pytestmark = [pytest.mark.timeout(900), pytest.mark.slow]


@pytest.fixture(scope="module")
def patients() -> list[Patient]:
    return list(trial.draw(SLICE, seed=1))


def test_every_disease_is_one_that_the_diagnosis_knows() -> None:
    assert set(RULES) - set(DISEASES) == {"left-out", "no-error", "luck", "edge-of-stability"}
    assert set(DISEASES) <= set(RULES)


def test_the_same_seed_draws_the_same_patients(patients: list[Patient]) -> None:
    again = list(trial.draw(2, seed=1))
    assert [patient.record.experiment for patient in again] == [p.record.experiment for p in patients[:2]]
    assert [patient.record.looks for patient in again] == [patient.record.looks for patient in patients[:2]]
    assert next(trial.draw(1, seed=2)).record.experiment != again[0].record.experiment


def test_nearly_all_faults_of_a_slice_are_found_and_healthy_networks_left_alone(patients: list[Patient]) -> None:
    """Of 24, one may be missed: the whole table is a slow test."""
    assert {patient.disease for patient in patients} == {*DISEASES, HEALTHY}
    assert sum(patient.hit for patient in patients) >= SLICE - 2


def test_rows_count_hits_misses_and_alarms(patients: list[Patient]) -> None:
    rows = trial.hit_rows(patients)
    assert [row["finding"] for row in rows] == [*DISEASES, HEALTHY]
    assert sum(row["cases"] for row in rows) == SLICE
    for row in rows:
        assert 0 <= row["first"] <= row["hits"] <= row["cases"]
    assert len(list(trial.hit_lines(patients))) == len(DISEASES) + 4


def test_first_remedies_cure_the_first_patients(patients: list[Patient]) -> None:
    cures = [trial.treat(patient) for patient in patients[:4]]
    assert sum(cure.cured for cure in cures) >= 3
    lines = list(trial.cure_lines(cures))
    assert lines[-1].startswith("4 networks treated")


def test_a_patient_whose_disease_is_not_found_is_not_treated(patients: list[Patient]) -> None:
    well = next(patient for patient in patients if patient.disease == HEALTHY)
    cure = trial.treat(Patient("vanishing", well.record))
    assert (cure.remedy, cure.trouble) == ("", "not found")
    assert trial.cure_rows([cure, Cure(well, "", "not found")])[0]["treated"] == 0


def test_sound_experiments_are_sound_by_theory() -> None:
    """Each hands its gradient on within two decades at the start."""
    for number in range(6):
        changes = healthy(np.random.default_rng([5, number]), 0)
        found = observe(edit(Experiment(), changes)).names
        assert not found & {"vanishing", "exploding", "no-gradient", "symmetric", "saturated"}


@pytest.mark.slow
def test_the_whole_trial() -> None:
    """Of 210 held-out experiments: 90 % of the faults found, 90 % of those cured, 90 % of the healthy left alone."""
    patients = list(trial.draw(210, seed=0))
    rows = trial.hit_rows(patients)
    assert sum(row["hits"] for row in rows[:-1]) >= 0.9 * sum(row["cases"] for row in rows[:-1])
    assert rows[-1]["hits"] >= 0.9 * rows[-1]["cases"]
    cures = trial.cure_rows([trial.treat(patient) for patient in patients if patient.disease != HEALTHY])
    assert all(row["cured"] >= 0.9 * row["treated"] - 1 for row in cures)
    assert sum(row["cured"] for row in cures) >= 0.9 * sum(row["treated"] for row in cures)
