"""What happens at each kind of node on the walk through a training step: one module for each family of nodes."""

from __future__ import annotations

from collections.abc import Mapping

from gradflow.engine.graph import Input, Node
from gradflow.engine.losses import (
    BinaryCrossEntropy,
    Hinge,
    Huber,
    MeanAbsoluteError,
    MeanSquaredError,
    SoftmaxCrossEntropy,
)
from gradflow.engine.nodes import (
    Activate,
    Add,
    AveragePool,
    Concatenate,
    Conv,
    Dense,
    Dropout,
    Flatten,
    GlobalAverage,
    LearnableActivate,
    MaxPool,
    Norm,
)
from gradflow.sim.lab.recording import Page
from gradflow.sim.lab.stations import classification, entrywise, joins, loss, pool
from gradflow.sim.lab.stations.conv import ConvExplainer
from gradflow.sim.lab.stations.explainer import Explainer
from gradflow.sim.lab.stations.linear import DenseExplainer
from gradflow.sim.lab.stations.norm import NormExplainer

EXPLAINERS: Mapping[type[Node], type[Explainer]] = {
    Input: joins.InputExplainer,
    Dense: DenseExplainer,
    Conv: ConvExplainer,
    LearnableActivate: entrywise.LearnableExplainer,
    Activate: entrywise.ActivateExplainer,
    Norm: NormExplainer,
    Dropout: entrywise.DropoutExplainer,
    Add: joins.AddExplainer,
    Concatenate: joins.ConcatenateExplainer,
    Flatten: joins.FlattenExplainer,
    MaxPool: pool.MaxPoolExplainer,
    AveragePool: pool.AveragePoolExplainer,
    GlobalAverage: pool.GlobalAverageExplainer,
    MeanSquaredError: loss.LossExplainer,
    MeanAbsoluteError: loss.AbsoluteExplainer,
    Huber: loss.HuberExplainer,
    BinaryCrossEntropy: classification.BinaryExplainer,
    SoftmaxCrossEntropy: classification.SoftmaxExplainer,
    Hinge: classification.HingeExplainer,
}
"""Who explains which kind of node; of two that fit the first is meant."""


def explain(page: Page, node: Node) -> Explainer:
    """Return who explains a node on a page."""
    return next(part for kind, part in EXPLAINERS.items() if isinstance(node, kind))(page, node)
