"""How the network learns, field by field: loss, optimiser, schedule, regularisation, clipping and precision."""

from __future__ import annotations

from dataclasses import dataclass

from gradflow.engine.losses import LOSSES
from gradflow.engine.optimizers import OPTIMIZERS
from gradflow.engine.precision import PRECISIONS
from gradflow.engine.schedules import SCHEDULES
from gradflow.sim.fields import declare

AUTO = "auto"
ALL = "all"
DYNAMIC = "dynamic"


@dataclass(frozen=True)
class Training:
    """How the network learns."""

    loss: str = declare(
        AUTO,
        "Loss",
        "auto follows the data: softmax cross-entropy for several classes, binary cross-entropy for two, mean squared "
        "error for numbers.",
        choices=LOSSES,
        words=(AUTO,),
    )
    huber_delta: float = declare(
        1.0, "Huber δ", "Where the Huber loss turns from a parabola to a line.", 1e-6, 1e6, span=(0.01, 10.0), log=True
    )
    label_smoothing: float = declare(
        0.0,
        "Label smoothing",
        "Share of every class target that is spread over all classes while training (Szegedy et al. 2016).",
        0.0,
        0.99,
        span=(0.0, 0.5),
    )
    optimizer: str = declare("sgd", "Optimiser", "The rule that turns gradients into steps.", choices=OPTIMIZERS)
    learning_rate: float = declare(
        0.05, "Learning rate", "η in W ← W − η·v.", 0.0, 1e6, span=(1e-5, 10.0), log=True, live=True
    )
    momentum: float = declare(
        0.0,
        "Momentum",
        "μ in v ← μ·v + ∂L/∂W of SGD and Nesterov; 0 = plain gradient descent.",
        0.0,
        0.9999,
        span=(0.0, 0.99),
        live=True,
    )
    beta1: float | str = declare(
        AUTO,
        "β₁",
        "How long Adam, AdamW and Lion remember gradients; auto = 0.9.",
        0.0,
        0.99999,
        words=(AUTO,),
        live=True,
    )
    beta2: float | str = declare(
        AUTO,
        "β₂",
        "How long squared gradients (Lion: gradients) are remembered; auto = 0.999 for Adam and AdamW, 0.99 for "
        "RMSProp and Lion.",
        0.0,
        0.999999,
        words=(AUTO,),
        live=True,
    )
    epsilon: float | str = declare(
        AUTO,
        "ε",
        "Added to the root that Adam, RMSProp and Adagrad divide by; auto = 1e-8, for Adagrad 1e-10.",
        0.0,
        1.0,
        words=(AUTO,),
        live=True,
    )
    batch_size: int | str = declare(
        64,
        "Batch size",
        "Samples per update: 1 = stochastic, all = batch gradient descent. One epoch is ⌈N/B⌉ updates; the short last "
        "batch counts with its own mean.",
        1,
        100_000,
        span=(1, 1_000),
        log=True,
        words=(ALL,),
        live=True,
    )
    steps: int = declare(
        10_000, "Steps", "Updates until the run ends.", 0, 10_000_000, span=(1, 100_000), log=True, live=True
    )
    schedule: str = declare(
        "constant", "Schedule", "How the learning rate changes over the run.", choices=SCHEDULES, live=True
    )
    warmup_steps: int = declare(
        0,
        "Warm-up steps",
        "The learning rate rises linearly over the first so many updates (Goyal et al. 2017); goes with any schedule.",
        0,
        1_000_000,
        span=(0, 1_000),
        live=True,
    )
    schedule_every: int = declare(
        1_000,
        "Every … steps",
        "Length of a stair of the step schedule, and the steps in which the exponential one falls by its factor.",
        1,
        10_000_000,
        span=(1, 10_000),
        log=True,
        live=True,
    )
    schedule_factor: float = declare(
        0.1,
        "Factor",
        "What the step, exponential and plateau schedules multiply the learning rate by.",
        1e-6,
        1.0,
        span=(0.01, 1.0),
        live=True,
    )
    final_fraction: float = declare(
        0.0,
        "Final fraction",
        "The share of the learning rate at which the cosine schedule ends.",
        0.0,
        1.0,
        span=(0.0, 1.0),
        live=True,
    )
    plateau_patience: int = declare(
        10,
        "Plateau patience",
        "How many validations without improvement the plateau schedule waits for.",
        0,
        1_000_000,
        span=(0, 100),
        live=True,
    )
    weight_decay: float = declare(
        0.0,
        "Weight decay",
        "λ: every parameter is pulled towards 0 by λ·W: added to the gradient (the gradient of ½λ‖W‖², L2), or to the "
        "step itself for AdamW and Lion (decoupled).",
        0.0,
        1e6,
        span=(1e-6, 1.0),
        log=True,
        live=True,
    )
    l1: float = declare(
        0.0,
        "L1",
        "λ₁: every parameter is pulled towards 0 by λ₁·sign W, which makes many of them small (the gradient of "
        "λ₁·‖W‖₁).",
        0.0,
        1e6,
        span=(1e-6, 1.0),
        log=True,
        live=True,
    )
    clip_norm: float = declare(
        0.0,
        "Clip norm",
        "The gradient of all parameters is shortened to this norm where it is longer (Pascanu et al. 2013); 0 = never.",
        0.0,
        1e12,
        span=(0.01, 100.0),
        log=True,
        live=True,
    )
    clip_value: float = declare(
        0.0,
        "Clip value",
        "Every entry of the gradient is cut to ± this value, before any clipping by norm; 0 = never.",
        0.0,
        1e12,
        span=(0.001, 10.0),
        log=True,
        live=True,
    )
    freeze: int = declare(
        0,
        "Freeze layers",
        "The first so many layers keep their first weights, as in transfer learning; their gradients are still shown.",
        0,
        5_000,
        span=(0, 20),
    )
    patience: int = declare(
        0,
        "Early stopping",
        "Stop when the validation loss has found no new minimum for so many updates, and put the best weights back, "
        "as at the last step; 0 = never.",
        0,
        10_000_000,
        span=(0, 10_000),
        live=True,
    )
    precision: str = declare(
        "float64",
        "Precision",
        "What numbers are stored in. The half precisions are rounded after every node, with a float32 master copy of "
        "the parameters.",
        choices=PRECISIONS,
    )
    loss_scale: float | str = declare(
        1.0,
        "Loss scale",
        "Factor on the loss for the way back, divided out of the gradients again: it lifts small gradients above the "
        "floor of a half precision. dynamic finds it by itself (Micikevicius et al. 2018).",
        1.0,
        2.0**60,
        words=(DYNAMIC,),
        span=(1.0, 1e6),
        log=True,
    )
